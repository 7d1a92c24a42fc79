/* SPDX-License-Identifier: MIT */

/*
 * q7, highest bid: per tumbling window of 10 s the bids with the window's highest price, all of
 * them if they tie. The maximum is over start <= dateTime < end; bids are compared with it at
 * start <= dateTime <= end, so one on a border can be the highest of both windows.
 *
 *	SELECT B.auction, B.price, B.bidder, B.dateTime, B.extra
 *	FROM bid B JOIN (SELECT MAX(price) AS price, end FROM bid per window) M
 *	ON B.price = M.price AND B.dateTime BETWEEN M.end - 10 s AND M.end
 *
 * Plan: a batch's partial are its candidates, each with the start of the window it is a candidate
 * for: per window the bids with the batch's highest price, and those at the window's end that are
 * not below it. The merge (operators/window_max.c) is keyed by the window.
 */

#include <errno.h>

#include "nexmark/queries_private.h"
#include "operators/window_max.h"

enum { IN_AUCTION, IN_BIDDER, IN_PRICE, IN_TIME, IN_EXTRA };
enum { OUT_WINDOW, OUT_AUCTION, OUT_PRICE, OUT_BIDDER, OUT_TIME, OUT_EXTRA };

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

static const struct sw_schema schema_partial = {
	.columns = 6,
	.fields = { FIELD_TIME("window"), FIELD_ID("auction"), FIELD_ID("price"),
		FIELD_ID("bidder"), FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

static const struct sw_schema schema_result = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("price"), FIELD_ID("bidder"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

/* A batch's windows and their highest prices. A slot is in use when its epoch is the scratch's. */
#define WINDOW_SLOTS (2 * SW_BATCH_ROWS_MAX)

struct window_slot {
	int64_t start, highest;
	uint32_t epoch;
};

struct q7_scratch {
	uint32_t epoch;
	uint32_t mask; /* slots used for this batch - 1 */
	struct window_slot slots[WINDOW_SLOTS];
};

static void q7_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	(void)config;
	/* A bid can be a candidate for the window before it, too. */
	*out_rows = in_rows > SW_BATCH_ROWS_MAX / 2 ? SW_BATCH_ROWS_MAX : 2 * in_rows;
	*out_text_bytes = 2 * in_text_bytes;
}

static uint64_t q7_rows(uint64_t rows, uint64_t text_bytes)
{
	(void)text_bytes;
	return 2 * rows;
}

static int put_candidate(
	struct sw_batch *out, const struct sw_batch *in, uint32_t from, int64_t window)
{
	static const uint8_t columns[][2] = { { OUT_AUCTION, IN_AUCTION }, { OUT_PRICE, IN_PRICE },
		{ OUT_BIDDER, IN_BIDDER }, { OUT_TIME, IN_TIME } };
	struct sw_text extra = sw_column_text(&in->columns[IN_EXTRA], from);
	uint32_t row = out->rows;

	if (row == out->capacity ||
		!sw_column_append_text(&out->columns[OUT_EXTRA], row, extra.bytes, extra.size))
		return -EOVERFLOW;
	for (unsigned i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		((int64_t *)out->columns[columns[i][0]].data)[row] =
			((const int64_t *)in->columns[columns[i][1]].data)[from];
	((int64_t *)out->columns[OUT_WINDOW].data)[row] = window;
	out->rows++;
	return 0;
}

/* The usual case: all rows are in one window. */
static int run_one_window(const struct sw_batch *in, struct sw_batch *out, int64_t window)
{
	const int64_t *prices = in->columns[IN_PRICE].data;
	const int64_t *times = in->columns[IN_TIME].data;
	int64_t highest = prices[0];
	bool border = in->time_min_ms > in->time_max_ms || in->time_min_ms == window;
	int code = 0;

	for (uint32_t i = 1; i < in->rows; i++)
		highest = prices[i] > highest ? prices[i] : highest;
	for (uint32_t i = 0; i < in->rows && !code; i++)
		if (__builtin_expect(prices[i] == highest, 0))
			code = put_candidate(out, in, i, window);
	if (!border)
		return code;
	for (uint32_t i = 0; i < in->rows && !code; i++)
		if (times[i] == window)
			code = put_candidate(out, in, i, window - WINDOW_MS);
	return code;
}

static struct window_slot *find_window(struct q7_scratch *scratch, int64_t start)
{
	uint64_t hash = (uint64_t)start * 0x9E3779B97F4A7C15u;
	uint32_t i = (uint32_t)(hash >> 40) & scratch->mask;

	while (scratch->slots[i].epoch == scratch->epoch && scratch->slots[i].start != start)
		i = (i + 1) & scratch->mask;
	return &scratch->slots[i];
}

static void find_highest(struct q7_scratch *scratch, const struct sw_batch *in)
{
	const int64_t *prices = in->columns[IN_PRICE].data;
	const int64_t *times = in->columns[IN_TIME].data;

	scratch->mask = 63;
	while (scratch->mask + 1 < 2 * in->rows)
		scratch->mask = 2 * scratch->mask + 1;
	if (++scratch->epoch == 0) {
		for (uint32_t i = 0; i < WINDOW_SLOTS; i++)
			scratch->slots[i].epoch = 0;
		scratch->epoch = 1;
	}
	for (uint32_t i = 0; i < in->rows; i++) {
		int64_t start = window_start(times[i], WINDOW_MS);
		struct window_slot *slot = find_window(scratch, start);

		if (slot->epoch != scratch->epoch)
			*slot = (struct window_slot){ start, prices[i], scratch->epoch };
		else if (prices[i] > slot->highest)
			slot->highest = prices[i];
	}
}

static int run_many_windows(
	struct q7_scratch *scratch, const struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *prices = in->columns[IN_PRICE].data;
	const int64_t *times = in->columns[IN_TIME].data;
	int code = 0;

	find_highest(scratch, in);
	for (uint32_t i = 0; i < in->rows && !code; i++) {
		int64_t start = window_start(times[i], WINDOW_MS);
		const struct window_slot *before;

		if (prices[i] == find_window(scratch, start)->highest)
			code = put_candidate(out, in, i, start);
		if (times[i] != start || code)
			continue;
		before = find_window(scratch, start - WINDOW_MS);
		if (before->epoch != scratch->epoch || prices[i] >= before->highest)
			code = put_candidate(out, in, i, start - WINDOW_MS);
	}
	return code;
}

/* The event-time range, from the rows when the batch does not know it. */
static void time_range(const struct sw_batch *in, int64_t *min_ms, int64_t *max_ms)
{
	const int64_t *times = in->columns[IN_TIME].data;

	*min_ms = in->time_min_ms;
	*max_ms = in->time_max_ms;
	if (*min_ms <= *max_ms)
		return;
	*min_ms = *max_ms = times[0];
	for (uint32_t i = 1; i < in->rows; i++) {
		*min_ms = times[i] < *min_ms ? times[i] : *min_ms;
		*max_ms = times[i] > *max_ms ? times[i] : *max_ms;
	}
}

static int q7_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	int64_t min_ms, max_ms, window;

	(void)config;
	sw_batch_compact(in);
	if (in->rows == 0)
		return 0;
	if (in->rows > SW_BATCH_ROWS_MAX)
		return -EINVAL;
	time_range(in, &min_ms, &max_ms);
	window = window_start(min_ms, WINDOW_MS);
	if (window == window_start(max_ms, WINDOW_MS))
		return run_one_window(in, out, window);
	return run_many_windows(scratch, in, out);
}

const struct sw_kernel kernel_q7 = {
	.name = "q7.partial",
	.version = 1,
	.in = &schema_in,
	.out = &schema_partial,
	.limits = q7_limits,
	.scratch_bytes = sizeof(struct q7_scratch),
	.run = q7_run,
};

static const struct sw_window_max_config merge_config = {
	.window_ms = WINDOW_MS,
	.value = OUT_PRICE,
	.time = OUT_TIME,
	.columns = 5,
	.from = { OUT_AUCTION, OUT_PRICE, OUT_BIDDER, OUT_TIME, OUT_EXTRA },
};

static int q7_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME | SW_BID_EXTRA;
	plan->leaves_out_late = true;
	plan->inputs[SW_BID].kernel = &kernel_q7;
	plan->inputs[SW_BID].kernel_rows = q7_rows;
	plan->inputs[SW_BID].key_column = OUT_WINDOW;
	plan_add_merge(plan, &sw_window_max, &merge_config, &schema_result);
	return 0;
}

const struct query query_q7 = {
	.about = {
		.name = "q7",
		.title = "highest bid",
		.columns = "auction,price,bidder,dateTime,extra",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime,bid.extra",
		.keys = "window",
		.spills = "partials",
		.state = "the highest bids of each open window",
	},
	.plan = q7_plan,
};

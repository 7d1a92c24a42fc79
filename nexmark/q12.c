/* SPDX-License-Identifier: MIT */

/*
 * q12, processing time: per bidder the number of bids in each tumbling window of 10 s of
 * processing time, which is the batch's time of arrival, or dateTime when tests ask for that.
 *
 *	SELECT bidder, COUNT(*) AS bid_count, start AS starttime, end AS endtime
 *	FROM bid GROUP BY bidder, TUMBLE(arrival, 10 s)
 *
 * Plan: a batch's partial are its counts per bidder and window; the merge
 * (operators/window_count.c) is keyed by the bidder.
 */

#include <errno.h>
#include <string.h>

#include "nexmark/queries_private.h"
#include "operators/window_count.h"

enum { IN_BIDDER, IN_TIME };
enum { OUT_BIDDER, OUT_WINDOW, OUT_COUNT };

static const struct sw_schema schema_arrival = {
	.columns = 1,
	.fields = { FIELD_ID("bidder") },
};

static const struct sw_schema schema_event = {
	.columns = 2,
	.fields = { FIELD_ID("bidder"), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_partial = {
	.columns = 3,
	.fields = { FIELD_ID("bidder"), FIELD_TIME("window"), FIELD_ID("bid_count") },
};

static const struct sw_schema schema_result = {
	.columns = 4,
	.fields = { FIELD_ID("bidder"), FIELD_ID("bid_count"), FIELD_TIME("starttime"),
		FIELD_TIME("endtime") },
};

/*
 * Where each (bidder, window) of the batch stands in the partial: open addressing, at most half
 * full. A slot is in use when its epoch is the scratch's, so nothing is cleared between batches.
 */
#define SLOTS (2 * SW_BATCH_ROWS_MAX)

struct place_slot {
	uint32_t epoch, row;
};

struct q12_scratch {
	uint32_t epoch;
	struct place_slot slots[SLOTS];
};

struct partial {
	int64_t *bidders, *windows, *counts;
	uint32_t rows, mask, epoch;
	struct place_slot *slots;
};

static void partial_begin(
	struct partial *partial, struct q12_scratch *scratch, uint32_t rows, struct sw_batch *out)
{
	if (++scratch->epoch == 0) {
		memset(scratch->slots, 0, sizeof(scratch->slots));
		scratch->epoch = 1;
	}
	partial->bidders = out->columns[OUT_BIDDER].data;
	partial->windows = out->columns[OUT_WINDOW].data;
	partial->counts = out->columns[OUT_COUNT].data;
	partial->rows = 0;
	partial->epoch = scratch->epoch;
	partial->slots = scratch->slots;
	partial->mask = 63;
	while (partial->mask + 1 < 2 * rows)
		partial->mask = 2 * partial->mask + 1;
}

static inline void partial_add(
	struct partial *partial, int64_t bidder, int64_t window, int64_t count)
{
	uint64_t hash = ((uint64_t)bidder + (uint64_t)window * 31) * 0x9E3779B97F4A7C15u;
	uint32_t i = (uint32_t)(hash >> 40) & partial->mask;
	uint32_t row;

	for (; partial->slots[i].epoch == partial->epoch; i = (i + 1) & partial->mask) {
		row = partial->slots[i].row;
		if (partial->bidders[row] == bidder && partial->windows[row] == window) {
			partial->counts[row] += count;
			return;
		}
	}
	row = partial->rows++;
	partial->slots[i] = (struct place_slot){ partial->epoch, row };
	partial->bidders[row] = bidder;
	partial->windows[row] = window;
	partial->counts[row] = count;
}

/* Bidders come in runs (the hot one): a run is added at once. */
static void count_window(
	struct partial *partial, const int64_t *bidders, uint32_t rows, int64_t window)
{
	for (uint32_t i = 0; i < rows;) {
		uint32_t first = i;

		do
			i++;
		while (i < rows && bidders[i] == bidders[first]);
		partial_add(partial, bidders[first], window, i - first);
	}
}

static int begin(void *scratch, struct sw_batch *in, struct sw_batch *out, struct partial *partial)
{
	sw_batch_compact(in);
	if (in->rows > SW_BATCH_ROWS_MAX || in->rows > out->capacity)
		return -EINVAL;
	partial_begin(partial, scratch, in->rows, out);
	return 0;
}

static int arrival_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	struct partial partial;
	int code = begin(scratch, in, out, &partial);

	(void)config;
	if (code)
		return code;
	count_window(&partial, in->columns[IN_BIDDER].data, in->rows,
		window_start(in->arrival_ms, WINDOW_MS));
	out->rows = partial.rows;
	return 0;
}

static int event_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *bidders = in->columns[IN_BIDDER].data;
	const int64_t *times = in->columns[IN_TIME].data;
	int64_t window = window_start(in->time_min_ms, WINDOW_MS);
	struct partial partial;
	int code = begin(scratch, in, out, &partial);

	(void)config;
	if (code)
		return code;
	if (in->time_min_ms <= in->time_max_ms && in->time_max_ms - window < WINDOW_MS) {
		count_window(&partial, bidders, in->rows, window);
	} else {
		for (uint32_t i = 0; i < in->rows; i++)
			partial_add(&partial, bidders[i], window_start(times[i], WINDOW_MS), 1);
	}
	out->rows = partial.rows;
	return 0;
}

const struct sw_kernel kernel_q12_arrival = {
	.name = "q12.arrival",
	.version = 1,
	.in = &schema_arrival,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct q12_scratch),
	.run = arrival_run,
};

const struct sw_kernel kernel_q12_event = {
	.name = "q12.event",
	.version = 1,
	.in = &schema_event,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct q12_scratch),
	.run = event_run,
};

static const struct sw_window_count_config merge_config = { .window_ms = WINDOW_MS };

static int q12_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)error;
	if (options->processing_time_event) {
		plan->bid_columns = SW_BID_BIDDER | SW_BID_TIME;
		plan->leaves_out_late = true;
		plan->kernel = &kernel_q12_event;
	} else {
		plan->bid_columns = SW_BID_BIDDER;
		plan->time_domain = TIME_OF_ARRIVAL;
		plan->kernel = &kernel_q12_arrival;
	}
	plan->merge = &sw_window_count;
	plan->key_column = OUT_BIDDER;
	plan->merge_config = &merge_config;
	plan->result = &schema_result;
	return 0;
}

const struct query query_q12 = {
	.about = {
		.name = "q12",
		.title = "processing time",
		.columns = "bidder,bid_count,starttime,endtime",
		.reads = "bid.bidder",
		.keys = "bidder",
		.spills = "partials",
		.state = "a count per bidder and open window",
	},
	.plan = q12_plan,
};

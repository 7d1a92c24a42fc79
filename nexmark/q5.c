/* SPDX-License-Identifier: MIT */

/*
 * q5, hot items: in windows of 10 s that begin every 2 s the auctions with the most bids, all of
 * them if they tie.
 *
 *	SELECT auction, num, start AS starttime, end AS endtime
 *	FROM (SELECT auction, COUNT(*) AS num FROM bid GROUP BY auction, HOP(dateTime, 2 s, 10 s))
 *	WHERE num is the highest of its window
 *
 * Plan: a batch's partial are its counts per auction and slice of 2 s. The first merge
 * (operators/hop_count.c) is keyed by the auction and gives the best of its auctions in each
 *window, the second (operators/window_best.c) is keyed by the window.
 */

#include <errno.h>

#include "nexmark/groups_private.h"
#include "nexmark/queries_private.h"
#include "operators/hop_count.h"
#include "operators/window_best.h"

#define SLIDE_MS 2000

enum { IN_AUCTION, IN_TIME };
enum { OUT_AUCTION, OUT_SLICE, OUT_COUNT };
enum { BEST_WINDOW };

static const struct sw_schema schema_in = {
	.columns = 2,
	.fields = { FIELD_ID("auction"), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_partial = {
	.columns = 3,
	.fields = { FIELD_ID("auction"), FIELD_TIME("slice"), FIELD_ID("bid_count") },
};

static const struct sw_schema schema_best = {
	.columns = 3,
	.fields = { FIELD_TIME("window"), FIELD_ID("auction"), FIELD_ID("bid_count") },
};

static const struct sw_schema schema_result = {
	.columns = 4,
	.fields = { FIELD_ID("auction"), FIELD_ID("num"), FIELD_TIME("starttime"),
		FIELD_TIME("endtime") },
};

/* Are all rows of one slice, as far as the batch knows? */
static bool one_slice(const struct sw_batch *in)
{
	return in->time_min_ms <= in->time_max_ms &&
	       window_start(in->time_min_ms, SLIDE_MS) == window_start(in->time_max_ms, SLIDE_MS);
}

static int q5_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *auctions = in->columns[IN_AUCTION].data;
	const int64_t *times = in->columns[IN_TIME].data;
	int64_t *keys = out->columns[OUT_AUCTION].data;
	int64_t *slices = out->columns[OUT_SLICE].data;
	int64_t *counts = out->columns[OUT_COUNT].data;
	int64_t slice = window_start(in->time_min_ms, SLIDE_MS);
	struct groups *groups = scratch;
	bool one = one_slice(in);

	(void)config;
	sw_batch_compact(in);
	if (in->rows > SW_BATCH_ROWS_MAX || in->rows > out->capacity)
		return -EINVAL;
	groups_begin(groups, in->rows);
	/* The hot auction's bids come in runs: a run is added at once. */
	for (uint32_t i = 0; i < in->rows;) {
		uint32_t first = i, row;

		if (!one)
			slice = window_start(times[i], SLIDE_MS);
		do
			i++;
		while (i < in->rows && auctions[i] == auctions[first] &&
			(one || times[i] == times[first]));
		if (groups_find(groups, keys, slices, auctions[first], slice, &row))
			counts[row] = 0;
		counts[row] += i - first;
	}
	out->rows = groups->rows;
	return 0;
}

const struct sw_kernel kernel_q5 = {
	.name = "q5.partial",
	.version = 1,
	.in = &schema_in,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct groups),
	.run = q5_run,
};

static const struct sw_hop_count_config hop_config = { .window_ms = WINDOW_MS,
	.slide_ms = SLIDE_MS };
static const struct sw_window_best_config best_config = { .window_ms = WINDOW_MS };

static int q5_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns = SW_BID_AUCTION | SW_BID_TIME;
	plan->inputs[SW_BID].kernel = &kernel_q5;
	plan->inputs[SW_BID].key_column = OUT_AUCTION;
	plan->leaves_out_late = true;
	plan_add_merge(plan, &sw_hop_count, &hop_config, &schema_best)->key_column = BEST_WINDOW;
	plan_add_merge(plan, &sw_window_best, &best_config, &schema_result);
	return 0;
}

const struct query query_q5 = {
	.about = {
		.name = "q5",
		.title = "hot items",
		.columns = "auction,num,starttime,endtime",
		.reads = "bid.auction,bid.dateTime",
		.keys = "auction, then window",
		.spills = "partials",
		.state = "a count per auction and slice of 2 s of the open windows",
	},
	.plan = q5_plan,
};

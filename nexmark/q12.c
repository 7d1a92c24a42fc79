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

#include "nexmark/groups_private.h"
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

struct partial {
	struct groups *groups;
	int64_t *bidders, *windows, *counts;
};

static inline void partial_add(
	struct partial *partial, int64_t bidder, int64_t window, int64_t count)
{
	uint32_t row;

	if (groups_find(partial->groups, partial->bidders, partial->windows, bidder, window, &row))
		partial->counts[row] = 0;
	partial->counts[row] += count;
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
	groups_begin(scratch, in->rows);
	*partial = (struct partial){ scratch, out->columns[OUT_BIDDER].data,
		out->columns[OUT_WINDOW].data, out->columns[OUT_COUNT].data };
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
	out->rows = partial.groups->rows;
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
	out->rows = partial.groups->rows;
	return 0;
}

const struct sw_kernel kernel_q12_arrival = {
	.name = "q12.arrival",
	.version = 1,
	.in = &schema_arrival,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct groups),
	.run = arrival_run,
};

const struct sw_kernel kernel_q12_event = {
	.name = "q12.event",
	.version = 1,
	.in = &schema_event,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct groups),
	.run = event_run,
};

static const struct sw_window_count_config merge_config = { .window_ms = WINDOW_MS };

static int q12_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)error;
	if (options->processing_time_event) {
		plan->inputs[SW_BID].columns = SW_BID_BIDDER | SW_BID_TIME;
		plan->leaves_out_late = true;
		plan->inputs[SW_BID].kernel = &kernel_q12_event;
	} else {
		plan->inputs[SW_BID].columns = SW_BID_BIDDER;
		plan->time_domain = TIME_OF_ARRIVAL;
		plan->inputs[SW_BID].kernel = &kernel_q12_arrival;
	}
	plan->inputs[SW_BID].key_column = OUT_BIDDER;
	plan_add_merge(plan, &sw_window_count, &merge_config, &schema_result);
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

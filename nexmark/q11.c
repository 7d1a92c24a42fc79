/* SPDX-License-Identifier: MIT */

/*
 * q11, sessions: per bidder the number of bids in each session, which goes on while a bid comes at
 * most 10 s after the one before it, 10 s exactly included.
 *
 *	SELECT bidder, COUNT(*) AS bid_count, start AS starttime, end AS endtime
 *	FROM bid GROUP BY bidder, SESSION(dateTime, 10 s)
 *
 * Plan: a batch's partial are, per bidder, spans of bids that are of one session for sure: those of
 * the same stretch of 10 s. The merge (operators/session_count.c) is keyed by the bidder.
 */

#include <errno.h>

#include "nexmark/groups_private.h"
#include "nexmark/queries_private.h"
#include "operators/session_count.h"

#define GAP_MS 10000

enum { IN_BIDDER, IN_TIME };
enum { OUT_BIDDER, OUT_FIRST, OUT_LAST, OUT_COUNT };

static const struct sw_schema schema_in = {
	.columns = 2,
	.fields = { FIELD_ID("bidder"), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_partial = {
	.columns = 4,
	.fields = { FIELD_ID("bidder"), FIELD_TIME("first"), FIELD_TIME("last"),
		FIELD_ID("bid_count") },
};

static const struct sw_schema schema_result = {
	.columns = 4,
	.fields = { FIELD_ID("bidder"), FIELD_ID("bid_count"), FIELD_TIME("starttime"),
		FIELD_TIME("endtime") },
};

struct q11_scratch {
	struct groups groups;
	int64_t stretches[SW_BATCH_ROWS_MAX]; /* of each group */
};

/* Are all rows within the gap, as far as the batch knows? Then they are one stretch. */
static bool one_stretch(const struct sw_batch *in)
{
	return in->time_min_ms <= in->time_max_ms &&
	       (uint64_t)in->time_max_ms - (uint64_t)in->time_min_ms <= GAP_MS;
}

static int q11_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *bidders = in->columns[IN_BIDDER].data;
	const int64_t *times = in->columns[IN_TIME].data;
	int64_t *keys = out->columns[OUT_BIDDER].data;
	int64_t *firsts = out->columns[OUT_FIRST].data;
	int64_t *lasts = out->columns[OUT_LAST].data;
	int64_t *counts = out->columns[OUT_COUNT].data;
	struct q11_scratch *q11 = scratch;
	bool one = one_stretch(in);
	uint32_t row = 0;

	(void)config;
	sw_batch_compact(in);
	if (in->rows > SW_BATCH_ROWS_MAX || in->rows > out->capacity)
		return -EINVAL;
	groups_begin(&q11->groups, in->rows);
	for (uint32_t i = 0; i < in->rows; i++) {
		int64_t time_ms = times[i];

		/* The hot bidder's bids come in runs. */
		if (!one || i == 0 || bidders[i] != bidders[i - 1]) {
			int64_t stretch = one ? 0 : window_start(time_ms, GAP_MS);

			if (groups_find(&q11->groups, keys, q11->stretches, bidders[i], stretch,
				    &row)) {
				firsts[row] = lasts[row] = time_ms;
				counts[row] = 0;
			}
		}
		firsts[row] = time_ms < firsts[row] ? time_ms : firsts[row];
		lasts[row] = time_ms > lasts[row] ? time_ms : lasts[row];
		counts[row]++;
	}
	out->rows = q11->groups.rows;
	return 0;
}

const struct sw_kernel kernel_q11 = {
	.name = "q11.partial",
	.version = 1,
	.in = &schema_in,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct q11_scratch),
	.run = q11_run,
};

static const struct sw_session_count_config merge_config = { .gap_ms = GAP_MS };

static int q11_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns = SW_BID_BIDDER | SW_BID_TIME;
	plan->inputs[SW_BID].kernel = &kernel_q11;
	plan->inputs[SW_BID].key_column = OUT_BIDDER;
	plan->leaves_out_late = true;
	plan_add_merge(plan, &sw_session_count, &merge_config, &schema_result);
	return 0;
}

const struct query query_q11 = {
	.about = {
		.name = "q11",
		.title = "sessions",
		.columns = "bidder,bid_count,starttime,endtime",
		.reads = "bid.bidder,bid.dateTime",
		.keys = "bidder",
		.spills = "partials",
		.state = "the open sessions of each bidder",
	},
	.plan = q11_plan,
};

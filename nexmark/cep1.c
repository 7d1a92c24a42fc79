/* SPDX-License-Identifier: MIT */

/*
 * cep1, cheap period: in the bids of one (auction, bidder) a run from a bid with a price below
 * 10,000 on, which takes in every next bid while its truncated average, that bid included, stays
 * below 10,000. The bid that breaks it ends the match, without being in its average or end; the
 * next run starts behind it. Without such a bid the run gives nothing.
 *
 *	SELECT auction, bidder, start_tstamp, end_tstamp, avg_price
 *	FROM bid MATCH_RECOGNIZE (PARTITION BY auction, bidder ORDER BY dateTime
 *		AFTER MATCH SKIP PAST LAST ROW
 *		PATTERN (RUN+ END) WITH RUN AS AVG(RUN.price) < 10000)
 *
 * Plan: cep.c.
 */

#include "nexmark/cep_private.h"

struct run {
	cep_sum excess; /* below 0 */
	uint64_t bids;
	int64_t first_time, last_time;
};

static int take_bid(struct sw_pattern_call *call, void *state, int64_t time, int64_t price)
{
	struct run *run = state;
	cep_sum excess = run->excess + cep_excess(price);
	int64_t match[3];
	int code;

	if (excess < 0) {
		if (run->bids++ == 0)
			run->first_time = time;
		run->excess = excess;
		run->last_time = time;
		return SW_PATTERN_KEEP;
	}
	match[0] = run->first_time;
	match[1] = run->last_time;
	match[2] = cep_average(run->excess, run->bids);
	code = sw_pattern_give(call, match, 3);
	return code ? code : SW_PATTERN_FORGET;
}

static const struct sw_pattern pattern = {
	.state_bytes = sizeof(struct run),
	.begins = cep_is_cheap,
	.take = take_bid,
};

static int cep1_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	cep_plan(plan, &pattern, &cep_cheap_result);
	return 0;
}

const struct query query_cep1 = {
	.about = {
		.name = "cep1",
		.title = "cheap period",
		.columns = CEP_CHEAP_COLUMNS,
		.reads = CEP_READS,
		.keys = "auction,bidder",
		.spills = "rows",
		.state = "bids until the watermark has passed them; sum, count and times of the run "
			 "per (auction, bidder) that has one",
	},
	.plan = cep1_plan,
};

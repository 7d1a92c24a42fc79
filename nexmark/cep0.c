/* SPDX-License-Identifier: MIT */

/*
 * cep0, falling price: in the bids of one (auction, bidder) a start, two or more strictly falling
 * prices, then one above the last but one of the falling ones. A bid that is neither fails the
 * attempt, and so it does those from the falling bids, of which fewer fall before it: the next one
 * starts at that bid. So it does after a match.
 *
 *	SELECT auction, bidder, start_tstamp, bottom_tstamp, end_tstamp
 *	FROM bid MATCH_RECOGNIZE (PARTITION BY auction, bidder ORDER BY dateTime
 *		AFTER MATCH SKIP TO THE RISE
 *		PATTERN (START DOWN{2,} UP) WITH DOWN AS price < PREV(price),
 *		UP AS price > LAST(DOWN.price, 1))
 *
 * Plan: cep.c.
 */

#include "nexmark/cep_private.h"

static const struct sw_schema schema_result = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_TIME("start_tstamp"),
		FIELD_TIME("bottom_tstamp"), FIELD_TIME("end_tstamp") },
};

/* An attempt; there is one from the key's first bid on. */
struct fall {
	int64_t start_time, last_time;
	int64_t last, before; /* prices of the last bid and the one before it */
	uint32_t bids;        /* of the attempt; from 3 on they are not counted */
};

static int take_bid(struct sw_pattern_call *call, void *state, int64_t time, int64_t price)
{
	struct fall *fall = state;
	int code = 0;

	if (fall->bids > 0 && price < fall->last) {
		fall->before = fall->last;
		fall->bids += fall->bids < 3;
	} else {
		if (fall->bids == 3 && price > fall->before) {
			int64_t match[] = { fall->start_time, fall->last_time, time };

			code = sw_pattern_give(call, match, 3);
		}
		fall->start_time = time;
		fall->bids = 1;
	}
	fall->last = price;
	fall->last_time = time;
	return code ? code : SW_PATTERN_KEEP;
}

static const struct sw_pattern pattern = {
	.state_bytes = sizeof(struct fall),
	.take = take_bid,
};

static int cep0_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	cep_plan(plan, &pattern, &schema_result);
	return 0;
}

const struct query query_cep0 = {
	.about = {
		.name = "cep0",
		.title = "falling price",
		.columns = "auction,bidder,start_tstamp,bottom_tstamp,end_tstamp",
		.reads = CEP_READS,
		.keys = "auction,bidder",
		.spills = "rows",
		.state = "bids until the watermark has passed them; the last two and the attempt's "
			 "start per (auction, bidder), for ever",
	},
	.plan = cep0_plan,
};

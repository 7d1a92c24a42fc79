/* SPDX-License-Identifier: MIT */

/*
 * q0, pass through: every bid as it is. It measures what moving rows costs.
 *
 *	SELECT auction, bidder, price, dateTime, extra FROM bid
 */

#include "nexmark/queries_private.h"

static const struct sw_schema schema = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

const struct sw_kernel kernel_q0 = KERNEL_HANDS_ON("q0", &schema);

static int q0_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME | SW_BID_EXTRA;
	plan->inputs[SW_BID].kernel = &kernel_q0;
	plan->result = &schema;
	return 0;
}

const struct query query_q0 = {
	.about = {
		.name = "q0",
		.title = "pass through",
		.columns = "auction,bidder,price,dateTime,extra",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime,bid.extra",
		.keys = "",
		.spills = "rows",
		.state = "none",
	},
	.plan = q0_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * The front of the pattern queries, cep0 to cep3: bids as they are, but for the columns that
 * patterns do not look at. All bids of an auction meet in one instance of operators/pattern.c,
 * which puts those of each (auction, bidder) in order and hands them to the query's pattern.
 */

#include "nexmark/cep_private.h"

enum { BID_SEQ, BID_AUCTION, BID_BIDDER, BID_PRICE, BID_TIME };

static const struct sw_schema schema_bids = {
	.columns = 5,
	.fields = { FIELD_ID("seq"), FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime") },
};

const struct sw_schema cep_cheap_result = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_TIME("start_tstamp"),
		FIELD_TIME("end_tstamp"), FIELD_ID("avg_price") },
};

const struct sw_kernel kernel_cep = KERNEL_HANDS_ON("cep", &schema_bids);

void cep_plan(
	struct query_plan *plan, const struct sw_pattern *pattern, const struct sw_schema *result)
{
	struct sw_pattern_config *config = plan_config(plan, sizeof(*config));

	*config = (struct sw_pattern_config){
		.key = { BID_AUCTION, BID_BIDDER },
		.value = BID_PRICE,
		.time = BID_TIME,
		.seq = BID_SEQ,
		.pattern = pattern,
	};
	plan->inputs[SW_BID].columns =
		SW_BID_SEQ | SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME;
	plan->inputs[SW_BID].kernel = &kernel_cep;
	plan->inputs[SW_BID].key_column = BID_AUCTION;
	plan->leaves_out_late = true;
	plan_add_merge(plan, &sw_pattern, config, result);
}

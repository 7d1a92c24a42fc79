/* SPDX-License-Identifier: MIT */

/*
 * q1, currency: every bid with its price from dollars to euros, exact to the thousandth.
 *
 *	SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid
 */

#include <errno.h>

#include "nexmark/queries_private.h"

#define THOUSANDTHS 908

enum { IN_PRICE = 2 };

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

static const struct sw_schema schema_out = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_DECIMAL3("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

static int q1_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	int64_t *prices = in->columns[IN_PRICE].data;
	uint64_t beyond = 0;

	(void)config;
	(void)scratch;
	(void)out;
	/* One pass over all rows, selected or not. `beyond` gathers the bits that a price must not
	 * have for its product to fit: |price| < 2^53. */
	for (uint32_t i = 0; i < in->rows; i++) {
		uint64_t price = (uint64_t)prices[i];

		beyond |= (price + ((uint64_t)1 << 53)) >> 54;
		prices[i] = (int64_t)(price * THOUSANDTHS);
	}
	in->columns[IN_PRICE].type = SW_DECIMAL3;
	in->schema = &schema_out;
	return beyond ? -EOVERFLOW : 0;
}

const struct sw_kernel kernel_q1 = {
	.name = "q1",
	.version = 1,
	.in = &schema_in,
	.out = &schema_out,
	.in_place = true,
	.run = q1_run,
};

static int q1_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME | SW_BID_EXTRA;
	plan->inputs[SW_BID].kernel = &kernel_q1;
	plan->result = &schema_out;
	return 0;
}

const struct query query_q1 = {
	.about = {
		.name = "q1",
		.title = "currency",
		.columns = "auction,bidder,price,dateTime,extra",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime,bid.extra",
		.keys = "",
		.spills = "rows",
		.state = "none",
	},
	.plan = q1_plan,
};

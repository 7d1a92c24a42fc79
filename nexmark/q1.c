/* SPDX-License-Identifier: MIT */

/*
 * q1, currency: every bid with its price from dollars to euros, exact to the thousandth.
 *
 *	SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid
 */

#include <errno.h>
#include <stdio.h>

#include "nexmark/queries_private.h"

#define THOUSANDTHS 908
#define PRICE_BOUND (1ll << 53) /* products of prices from -2^53 on and below 2^53 fit */

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

/* Not 0: the price is out of bounds. */
static inline uint64_t beyond(int64_t price)
{
	return ((uint64_t)price + (uint64_t)PRICE_BOUND) >> 54;
}

static int q1_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	int64_t *prices = in->columns[IN_PRICE].data;
	uint64_t any_beyond = 0;

	(void)config;
	(void)scratch;
	(void)out;
	/* Over all rows, selected or not; nothing is changed before all are known to fit. */
	for (uint32_t i = 0; i < in->rows; i++)
		any_beyond |= beyond(prices[i]);
	if (any_beyond)
		return -EOVERFLOW;
	for (uint32_t i = 0; i < in->rows; i++)
		prices[i] *= THOUSANDTHS;
	in->columns[IN_PRICE].type = SW_DECIMAL3;
	in->schema = &schema_out;
	return 0;
}

static void q1_explain(
	const void *config, const struct sw_batch *in, int code, char *text, size_t bytes)
{
	const int64_t *prices = in->columns[IN_PRICE].data;
	uint32_t row = 0;

	(void)config;
	if (code != -EOVERFLOW)
		return;
	while (row < in->rows && !beyond(prices[row]))
		row++;
	if (row < in->rows)
		snprintf(text, bytes, "price %lld: its thousandths are over 64 bits (%lld to %lld)",
			(long long)prices[row], -PRICE_BOUND, PRICE_BOUND - 1);
}

const struct sw_kernel kernel_q1 = {
	.name = "q1",
	.version = 1,
	.in = &schema_in,
	.out = &schema_out,
	.in_place = true,
	.run = q1_run,
	.explain = q1_explain,
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

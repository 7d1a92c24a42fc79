/* SPDX-License-Identifier: MIT */

/*
 * q2, selection: the bids on every 123rd auction.
 *
 *	SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0
 */

#include "nexmark/queries_private.h"

#define EVERY 123

static const struct sw_schema schema = {
	.columns = 2,
	.fields = { FIELD_ID("auction"), FIELD_ID("price") },
};

static int q2_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *auctions = in->columns[0].data;
	uint16_t *selected = in->selection_space;
	uint32_t count = 0;

	(void)config;
	(void)scratch;
	(void)out;
	/* Without a branch: each row is written, and stays when the next one does not take its
	 * place. A selection is narrowed where it stands: `count` never passes `i`. */
	if (in->selected) {
		for (uint32_t i = 0; i < in->selected_rows; i++) {
			uint16_t row = in->selected[i];

			selected[count] = row;
			count += auctions[row] % EVERY == 0;
		}
	} else {
		for (uint32_t i = 0; i < in->rows; i++) {
			selected[count] = (uint16_t)i;
			count += auctions[i] % EVERY == 0;
		}
	}
	in->selected = selected;
	in->selected_rows = count;
	return 0;
}

const struct sw_kernel kernel_q2 = {
	.name = "q2",
	.version = 1,
	.in = &schema,
	.out = &schema,
	.in_place = true,
	.run = q2_run,
};

static int q2_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns = SW_BID_AUCTION | SW_BID_PRICE;
	plan->inputs[SW_BID].kernel = &kernel_q2;
	plan->result = &schema;
	return 0;
}

const struct query query_q2 = {
	.about = {
		.name = "q2",
		.title = "selection",
		.columns = "auction,price",
		.reads = "bid.auction,bid.price",
		.keys = "",
		.spills = "rows",
		.state = "none",
	},
	.plan = q2_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * q4, average price by category: of each auction that has a bid between its dateTime and its
 * expires, both inclusive, the highest such price; per category the average of those.
 *
 *	SELECT category AS id, AVG(final) AS final FROM (
 *		SELECT A.id, A.category, MAX(B.price) AS final
 *		FROM auction A JOIN bid B
 *		ON A.id = B.auction AND B.dateTime BETWEEN A.dateTime AND A.expires
 *		GROUP BY A.id, A.category)
 *	GROUP BY category
 *
 * Plan: of a batch's bids on an auction at one time only the highest goes on. The first merge
 * (operators/interval_best.c) is keyed by the auction and gives what its highest prices do to the
 * categories' sums; the second (operators/group_aggregate.c) is keyed by the category.
 */

#include "nexmark/best_bids_private.h"
#include "nexmark/queries_private.h"
#include "operators/group_aggregate.h"
#include "operators/interval_best.h"

enum { AUCTION_ID, AUCTION_TIME, AUCTION_EXPIRES, AUCTION_CATEGORY };
enum { BID_AUCTION, BID_PRICE, BID_TIME };
enum { SUM_PRICES, SUM_AUCTIONS, SUMS, SUM_PRICES_UPPER = SUMS };
enum { OUT_ID, OUT_FINAL };

static const struct sw_schema schema_auctions = {
	.columns = 4,
	.fields = { FIELD_ID("id"), FIELD_TIME("dateTime"), FIELD_TIME("expires"),
		FIELD_ID("category") },
};

static const struct sw_schema schema_bids = {
	.columns = 3,
	.fields = { FIELD_ID("auction"), FIELD_ID("price"), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_sums = {
	.columns = 3,
	.fields = { FIELD_ID("category"), FIELD_ID("sum"), FIELD_ID("count") },
};

static const struct sw_schema schema_result = {
	.columns = 3,
	.changelog = true,
	.fields = { FIELD_ID("id"), FIELD_ID("final"), FIELD_CHANGE },
};

static int bids_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const struct best_bids_columns columns = { .auctions = in->columns[BID_AUCTION].data,
		.prices = in->columns[BID_PRICE].data,
		.times = in->columns[BID_TIME].data };

	(void)config;
	(void)out;
	return best_bids_select(scratch, &columns, in);
}

const struct sw_kernel kernel_q4_auctions = KERNEL_HANDS_ON("q4.auctions", &schema_auctions);

const struct sw_kernel kernel_q4_bids = {
	.name = "q4.bids",
	.version = 1,
	.in = &schema_bids,
	.out = &schema_bids,
	.in_place = true,
	.scratch_bytes = sizeof(struct best_bids),
	.run = bids_run,
};

static const struct sw_interval_best_config highest_config = {
	.intervals = { .key = AUCTION_ID,
		.from = AUCTION_TIME,
		.until = AUCTION_EXPIRES,
		.order = SW_INTERVAL_NO_ORDER,
		.group = AUCTION_CATEGORY },
	.points = { .key = BID_AUCTION,
		.time = BID_TIME,
		.value = BID_PRICE,
		.order = SW_INTERVAL_NO_ORDER },
	.gives = SW_INTERVAL_SUMS,
};

static void average_row(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text)
{
	(void)context;
	(void)text;
	row[OUT_ID].number = keys[0];
	row[OUT_FINAL].number =
		(int64_t)(sw_group_wide(values[SUM_PRICES], values[SUM_PRICES_UPPER]) /
			  values[SUM_AUCTIONS]);
}

static const struct sw_group_aggregate_config average_config = {
	.keys = 1,
	.values = SUMS,
	.ops = { [SUM_PRICES] = SW_GROUP_WIDE_SUM, [SUM_AUCTIONS] = SW_GROUP_SUM },
	.live = SUM_AUCTIONS,
	.rows = { .schema = &schema_result, .row = average_row },
};

static int q4_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_interval_best_config *highest = plan_config(plan, sizeof(*highest));

	(void)options;
	(void)error;
	*highest = highest_config;
	highest->forgets = plan->facts.never_late && plan->facts.unique_ids;
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns =
			SW_AUCTION_ID | SW_AUCTION_TIME | SW_AUCTION_EXPIRES | SW_AUCTION_CATEGORY,
		.kernel = &kernel_q4_auctions,
		.key_column = AUCTION_ID,
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns = SW_BID_AUCTION | SW_BID_PRICE | SW_BID_TIME,
		.kernel = &kernel_q4_bids,
		.key_column = BID_AUCTION,
	};
	plan_add_merge(plan, &sw_interval_best, highest, &schema_sums);
	plan_add_merge(plan, &sw_group_aggregate, &average_config, &schema_result);
	return 0;
}

const struct query query_q4 = {
	.about = {
		.name = "q4",
		.title = "average by category",
		.columns = "id,final",
		.reads = "auction.id,auction.dateTime,auction.expires,auction.category,"
			 "bid.auction,bid.price,bid.dateTime",
		.keys = "auction, then category",
		.spills = "filter and projection before the join",
		.state = "the highest price of each open auction, a sum per category",
	},
	.plan = q4_plan,
};

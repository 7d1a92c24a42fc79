/* SPDX-License-Identifier: MIT */

/*
 * q9, winning bids: of each auction the best bid between its dateTime and its expires, both
 * inclusive: of highest price, then of earliest dateTime, then of lowest seq.
 *
 *	SELECT * FROM (
 *		SELECT A.*, B.*, ROW_NUMBER() OVER (PARTITION BY A.id
 *			ORDER BY B.price DESC, B.dateTime, B.seq) AS place
 *		FROM auction A JOIN bid B
 *		ON A.id = B.auction AND B.dateTime BETWEEN A.dateTime AND A.expires)
 *	WHERE place = 1
 *
 * Plan: of a batch's bids on an auction at one time only the best goes on; the merge
 * (operators/interval_best.c) is keyed by the auction.
 */

#include "nexmark/best_bids_private.h"
#include "nexmark/queries_private.h"
#include "operators/interval_best.h"

enum { AUCTION_SEQ, AUCTION_ID, AUCTION_COLUMNS };
enum { BID_SEQ, BID_AUCTION, BID_BIDDER, BID_PRICE, BID_TIME, BID_EXTRA };
enum { FROM_AUCTIONS, FROM_BIDS };

static const struct sw_schema schema_auctions = {
	.columns = 11,
	.fields = { FIELD_ID("seq"), FIELD_ID("id"), AUCTION_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_bids = {
	.columns = 6,
	.fields = { FIELD_ID("seq"), FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

static const struct sw_schema schema_result = {
	.columns = 16,
	.changelog = true,
	.fields = { FIELD_ID("id"), AUCTION_FIELDS("dateTime", "extra"), FIELD_ID("auction"),
		FIELD_ID("bidder"), FIELD_ID("price"), FIELD_TIME("bid_dateTime"),
		FIELD_TEXT("bid_extra", BID_EXTRA_BYTES), FIELD_CHANGE },
};

static int bids_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const struct best_bids_columns columns = { .auctions = in->columns[BID_AUCTION].data,
		.prices = in->columns[BID_PRICE].data,
		.times = in->columns[BID_TIME].data,
		.seqs = in->columns[BID_SEQ].data };

	(void)config;
	(void)out;
	return best_bids_select(scratch, &columns, in);
}

const struct sw_kernel kernel_q9_auctions = KERNEL_HANDS_ON("q9.auctions", &schema_auctions);

const struct sw_kernel kernel_q9_bids = {
	.name = "q9.bids",
	.version = 1,
	.in = &schema_bids,
	.out = &schema_bids,
	.in_place = true,
	.scratch_bytes = sizeof(struct best_bids),
	.run = bids_run,
};

static const struct sw_interval_best_config winner_config = {
	.intervals = { .key = AUCTION_ID,
		.from = AUCTION_TIME,
		.until = AUCTION_EXPIRES,
		.order = AUCTION_SEQ },
	.points = { .key = BID_AUCTION, .time = BID_TIME, .value = BID_PRICE, .order = BID_SEQ },
	.gives = SW_INTERVAL_CHANGES,
	.schemas = { &schema_auctions, &schema_bids },
	.columns = 15,
	.from = { { FROM_AUCTIONS, AUCTION_ID }, AUCTION_COLUMNS_OF(FROM_AUCTIONS),
		{ FROM_BIDS, BID_AUCTION }, { FROM_BIDS, BID_BIDDER }, { FROM_BIDS, BID_PRICE },
		{ FROM_BIDS, BID_TIME }, { FROM_BIDS, BID_EXTRA } },
};

static int q9_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_interval_best_config *winner = plan_config(plan, sizeof(*winner));

	(void)options;
	(void)error;
	*winner = winner_config;
	winner->forgets = plan->facts.never_late && plan->facts.unique_ids;
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns = SW_AUCTION_ALL,
		.kernel = &kernel_q9_auctions,
		.key_column = AUCTION_ID,
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns = SW_BID_SEQ | SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE |
			   SW_BID_TIME | SW_BID_EXTRA,
		.kernel = &kernel_q9_bids,
		.key_column = BID_AUCTION,
	};
	plan_add_merge(plan, &sw_interval_best, winner, &schema_result);
	return 0;
}

const struct query query_q9 = {
	.about = {
		.name = "q9",
		.title = "winning bids",
		.columns = "id,itemName,description,initialBid,reserve,dateTime,expires,seller,"
			   "category,extra,auction,bidder,price,bid_dateTime,bid_extra",
		.reads = "auction.seq,auction.id,auction.itemName,auction.description,"
			 "auction.initialBid,auction.reserve,auction.dateTime,auction.expires,"
			 "auction.seller,auction.category,auction.extra,bid.seq,bid.auction,"
			 "bid.bidder,bid.price,bid.dateTime,bid.extra",
		.keys = "auction",
		.spills = "filter before the join",
		.state = "each open auction with its best bid",
	},
	.plan = q9_plan,
};

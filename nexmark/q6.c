/* SPDX-License-Identifier: MIT */

/*
 * q6, average price by seller: for each auction that has a winning bid (as in q9) the average of
 * the winning prices of its seller's last ten auctions, this one included, in the order in which
 * they close: by expires, then by id.
 *
 *	SELECT id, seller, AVG(price) OVER (PARTITION BY seller ORDER BY expires, id
 *		ROWS BETWEEN 9 PRECEDING AND CURRENT ROW) AS avg_price
 *	FROM winning
 *
 * Plan: bids as in q4. The first merge (operators/interval_best.c) is keyed by the auction and
 * gives winners when their auctions close; the second (operators/moving_average.c) is keyed by the
 * seller.
 */

#include "nexmark/queries_private.h"
#include "operators/interval_best.h"
#include "operators/moving_average.h"

#define LAST_AUCTIONS 10

enum { AUCTION_SEQ, AUCTION_ID, AUCTION_TIME, AUCTION_EXPIRES, AUCTION_SELLER };
enum { BID_AUCTION, BID_PRICE, BID_TIME };
enum { WINNER_AUCTION, WINNER_SELLER, WINNER_EXPIRES, WINNER_PRICE };
enum { FROM_AUCTIONS, FROM_BIDS };

static const struct sw_schema schema_auctions = {
	.columns = 5,
	.fields = { FIELD_ID("seq"), FIELD_ID("id"), FIELD_TIME("dateTime"), FIELD_TIME("expires"),
		FIELD_ID("seller") },
};

/* As q4's. */
static const struct sw_schema schema_bids = {
	.columns = 3,
	.fields = { FIELD_ID("auction"), FIELD_ID("price"), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_winners = {
	.columns = 5,
	.changelog = true,
	.fields = { FIELD_ID("auction"), FIELD_ID("seller"), FIELD_TIME("expires"),
		FIELD_ID("price"), FIELD_CHANGE },
};

static const struct sw_schema schema_result = {
	.columns = 4,
	.changelog = true,
	.fields = { FIELD_ID("auction"), FIELD_ID("seller"), FIELD_ID("avg_price"), FIELD_CHANGE },
};

const struct sw_kernel kernel_q6_auctions = KERNEL_HANDS_ON("q6.auctions", &schema_auctions);

/* Bids without their seq: equal ones at one time are in the same intervals, and differ in nothing
 * that the result has. */
static const struct sw_interval_best_config winner_config = {
	.intervals = { .key = AUCTION_ID,
		.from = AUCTION_TIME,
		.until = AUCTION_EXPIRES,
		.order = AUCTION_SEQ },
	.points = { .key = BID_AUCTION,
		.time = BID_TIME,
		.value = BID_PRICE,
		.order = SW_INTERVAL_NO_ORDER },
	.gives = SW_INTERVAL_CLOSED,
	.schemas = { &schema_auctions, &schema_bids },
	.columns = 4,
	.from = { [WINNER_AUCTION] = { FROM_AUCTIONS, AUCTION_ID },
		[WINNER_SELLER] = { FROM_AUCTIONS, AUCTION_SELLER },
		[WINNER_EXPIRES] = { FROM_AUCTIONS, AUCTION_EXPIRES },
		[WINNER_PRICE] = { FROM_BIDS, BID_PRICE } },
};

static const struct sw_moving_average_config average_config = {
	.key = WINNER_SELLER,
	.time = WINNER_EXPIRES,
	.id = WINNER_AUCTION,
	.value = WINNER_PRICE,
	.window = LAST_AUCTIONS,
};

static int q6_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_interval_best_config *winner = plan_config(plan, sizeof(*winner));
	struct sw_moving_average_config *average = plan_config(plan, sizeof(*average));

	(void)options;
	(void)error;
	*winner = winner_config;
	*average = average_config;
	winner->forgets = average->forgets = plan->facts.never_late && plan->facts.unique_ids;
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns = SW_AUCTION_SEQ | SW_AUCTION_ID | SW_AUCTION_TIME | SW_AUCTION_EXPIRES |
			   SW_AUCTION_SELLER,
		.kernel = &kernel_q6_auctions,
		.key_column = AUCTION_ID,
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns = SW_BID_AUCTION | SW_BID_PRICE | SW_BID_TIME,
		.kernel = &kernel_q4_bids,
		.key_column = BID_AUCTION,
	};
	plan_add_merge(plan, &sw_interval_best, winner, &schema_winners)->key_column =
		WINNER_SELLER;
	plan_add_merge(plan, &sw_moving_average, average, &schema_result);
	return 0;
}

const struct query query_q6 = {
	.about = {
		.name = "q6",
		.title = "average by seller",
		.columns = "auction,seller,avg_price",
		.reads = "auction.seq,auction.id,auction.dateTime,auction.expires,auction.seller,"
			 "bid.auction,bid.price,bid.dateTime",
		.keys = "auction, then seller",
		.spills = "filter and projection before the join",
		.state = "the best bid of each open auction, the last ten prices of each seller",
	},
	.plan = q6_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * q20, expand: the bids on auctions of category 10, each with its auction.
 *
 *	SELECT B.auction, B.bidder, B.price, B.channel, B.url, B.dateTime, B.extra, A.itemName,
 *	A.description, A.initialBid, A.reserve, A.dateTime, A.expires, A.seller, A.category, A.extra
 *	FROM bid B JOIN auction A ON B.auction = A.id WHERE A.category = 10
 *
 * Plan: bids, which are many, stay on the worker that made them; auctions are kept where they were
 * made, and every worker's join (operators/equi_join.c) is told of them. Where ids are unique, it
 * is told of every auction, of those of other categories by the id alone: bids on them are dropped,
 * and only bids on auctions that have not come wait. Otherwise an auction of category 10 with the
 * same id may still come: those of other categories are filtered out before the join, and all bids
 * are kept.
 */

#include <string.h>

#include "nexmark/queries_private.h"
#include "nexmark/selection_private.h"
#include "operators/equi_join.h"

#define CATEGORY 10

enum { AUCTION_ID, AUCTION_COLUMNS };
enum { BID_COLUMNS };
enum { AUCTIONS = SW_EQUI_JOIN_KEPT, BIDS };

static const struct sw_schema schema_auctions = {
	.columns = 10,
	.fields = { FIELD_ID("id"), AUCTION_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_bids = {
	.columns = 7,
	.fields = { BID_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_result = {
	.columns = 16,
	.fields = { BID_FIELDS("bid_dateTime", "bid_extra"),
		AUCTION_FIELDS("auction_dateTime", "auction_extra") },
};

/* What becomes of auctions of other categories. */
struct auctions_config {
	/* 0: they are filtered out; else they lose their texts, of which nothing is kept: what a
	 * function answers is the shorter for it. */
	uint32_t keep;
};

static inline bool is_wanted(const void *categories, uint32_t row)
{
	return ((const int64_t *)categories)[row] == CATEGORY;
}

/* Moves together the texts of the rows that keep theirs. */
static void strip(struct sw_column *column, const int64_t *categories, uint32_t rows)
{
	int32_t *offsets = column->offsets, begin, end = 0;
	char *bytes = column->data;

	if (!offsets || rows == 0)
		return;
	begin = offsets[0];
	for (uint32_t i = 0; i < rows; i++) {
		int32_t size = offsets[i + 1] - begin;

		if (is_wanted(categories, i)) {
			memmove(bytes + end, bytes + begin, (size_t)size);
			end += size;
		}
		begin += size;
		offsets[i + 1] = end;
	}
}

static int auctions_run(
	const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const struct auctions_config *auctions = config;

	(void)scratch;
	(void)out;
	if (!auctions->keep) {
		select_rows(in, is_wanted, in->columns[AUCTION_CATEGORY].data);
		return 0;
	}
	sw_batch_compact(in);
	strip(&in->columns[AUCTION_NAME], in->columns[AUCTION_CATEGORY].data, in->rows);
	strip(&in->columns[AUCTION_DESCRIPTION], in->columns[AUCTION_CATEGORY].data, in->rows);
	strip(&in->columns[AUCTION_EXTRA], in->columns[AUCTION_CATEGORY].data, in->rows);
	return 0;
}

const struct sw_kernel kernel_q20_auctions = {
	.name = "q20.auctions",
	.version = 1,
	.config_bytes = sizeof(struct auctions_config),
	.in = &schema_auctions,
	.out = &schema_auctions,
	.in_place = true,
	.run = auctions_run,
};

const struct sw_kernel kernel_q20_bids = KERNEL_HANDS_ON("q20.bids", &schema_bids);

static int q20_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct auctions_config *auctions = plan_config(plan, sizeof(*auctions));
	struct sw_equi_join_config *join = plan_config(plan, sizeof(*join));

	(void)options;
	(void)error;
	auctions->keep = plan->facts.unique_ids;
	*join = (struct sw_equi_join_config){
		.inputs = 2,
		.key = { [AUCTIONS] = AUCTION_ID, [BIDS] = BID_AUCTION },
		.unique = plan->facts.unique_ids ? 1u << AUCTIONS : 0,
		.kept_apart = true,
		.only = plan->facts.unique_ids,
		.only_column = AUCTION_CATEGORY,
		.only_value = CATEGORY,
		.out = &schema_result,
		.from = { { BIDS, BID_AUCTION }, { BIDS, BID_BIDDER }, { BIDS, BID_PRICE },
			{ BIDS, BID_CHANNEL }, { BIDS, BID_URL }, { BIDS, BID_TIME },
			{ BIDS, BID_EXTRA }, AUCTION_COLUMNS_OF(AUCTIONS) },
	};
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns = SW_AUCTION_ALL & ~SW_AUCTION_SEQ,
		.kernel = &kernel_q20_auctions,
		.kernel_config = auctions,
		.kept_apart = true,
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns = SW_BID_ALL & ~SW_BID_SEQ,
		.kernel = &kernel_q20_bids,
	};
	plan_add_merge(plan, &sw_equi_join, join, &schema_result)->forward = true;
	return 0;
}

const struct query query_q20 = {
	.about = {
		.name = "q20",
		.title = "expand",
		.columns = "auction,bidder,price,channel,url,bid_dateTime,bid_extra,itemName,"
			   "description,initialBid,reserve,auction_dateTime,expires,seller,category,"
			   "auction_extra",
		.reads = "auction.id,auction.itemName,auction.description,auction.initialBid,"
			 "auction.reserve,auction.dateTime,auction.expires,auction.seller,"
			 "auction.category,auction.extra,bid.auction,bid.bidder,bid.price,"
			 "bid.channel,bid.url,bid.dateTime,bid.extra",
		.keys = "auction.id = bid.auction",
		.spills = "filter of auctions before the join, rows of bids",
		.state = "the auctions of category 10; for each worker the ids of the others, and bids "
			 "whose auction has not come (from files: all bids)",
	},
	.plan = q20_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * q19, top ten: per auction the ten bids with the highest prices, of equal ones those with the
 * lowest seq, ranked.
 *
 *	SELECT auction, bidder, price, channel, url, dateTime, extra, rank_number
 *	FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction
 *		ORDER BY price DESC, seq) AS rank_number FROM bid)
 *	WHERE rank_number <= 10
 *
 * Plan: of each batch only an auction's best ten go on; the merge (operators/top_n.c) is keyed by
 * the auction.
 */

#include <errno.h>

#include "nexmark/groups_private.h"
#include "nexmark/queries_private.h"
#include "nexmark/selection_private.h"
#include "operators/top_n.h"

#define TOP 10

enum { BID_SEQ, BID_COLUMNS };

static const struct sw_schema schema_in = {
	.columns = 8,
	.fields = { FIELD_ID("seq"), BID_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_result = {
	.columns = 9,
	.changelog = true,
	.fields = { BID_FIELDS("dateTime", "extra"), FIELD_ID("rank_number"), FIELD_CHANGE },
};

/* An auction's best rows of the batch, in no order. */
struct best {
	uint16_t count;
	uint16_t last; /* index of the one that the next better row puts out, once there are TOP */
	uint16_t rows[TOP];
};

struct q19_scratch {
	struct groups groups;
	int64_t auctions[SW_BATCH_ROWS_MAX]; /* of each group ... */
	struct best best[SW_BATCH_ROWS_MAX]; /* ... and its rows */
	bool keep[SW_BATCH_ROWS_MAX];        /* of each row */
};

struct bids {
	const int64_t *seqs, *auctions, *prices;
};

static bool comes_before(const struct bids *bids, uint32_t row, uint32_t other)
{
	return bids->prices[row] > bids->prices[other] ||
	       (bids->prices[row] == bids->prices[other] && bids->seqs[row] < bids->seqs[other]);
}

static void find_last(const struct bids *bids, struct best *best)
{
	best->last = 0;
	for (uint16_t i = 1; i < TOP; i++)
		if (comes_before(bids, best->rows[best->last], best->rows[i]))
			best->last = i;
}

static void mark_best(struct q19_scratch *q19, const struct sw_batch *in, uint32_t count)
{
	const struct bids bids = {
		.seqs = in->columns[BID_SEQ].data,
		.auctions = in->columns[BID_AUCTION].data,
		.prices = in->columns[BID_PRICE].data,
	};

	groups_begin(&q19->groups, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = sw_batch_row(in, i), group, last;
		struct best *best;

		if (groups_find(&q19->groups, q19->auctions, NULL, bids.auctions[row], 0, &group))
			q19->best[group].count = 0;
		best = &q19->best[group];
		q19->keep[row] = true;
		if (best->count < TOP) {
			best->rows[best->count++] = (uint16_t)row;
			if (best->count == TOP)
				find_last(&bids, best);
			continue;
		}
		last = best->rows[best->last];
		if (comes_before(&bids, row, last)) {
			q19->keep[last] = false;
			best->rows[best->last] = (uint16_t)row;
			find_last(&bids, best);
		} else {
			q19->keep[row] = false;
		}
	}
}

static int q19_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	struct q19_scratch *q19 = scratch;

	(void)config;
	(void)out;
	if (in->rows > SW_BATCH_ROWS_MAX)
		return -EINVAL;
	mark_best(q19, in, sw_batch_count(in));
	select_marked(in, q19->keep);
	return 0;
}

const struct sw_kernel kernel_q19 = {
	.name = "q19.partial",
	.version = 1,
	.in = &schema_in,
	.out = &schema_in,
	.in_place = true,
	.scratch_bytes = sizeof(struct q19_scratch),
	.run = q19_run,
};

static const struct sw_top_n_config merge_config = {
	.in = &schema_in,
	.keys = 1,
	.key = { BID_AUCTION },
	.order = BID_PRICE,
	.seq = BID_SEQ,
	.n = TOP,
	.rank = true,
	.columns = 7,
	.from = { BID_COLUMNS },
};

static int q19_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns = SW_BID_ALL;
	plan->inputs[SW_BID].kernel = &kernel_q19;
	plan->inputs[SW_BID].key_column = BID_AUCTION;
	plan_add_merge(plan, &sw_top_n, &merge_config, &schema_result);
	return 0;
}

const struct query query_q19 = {
	.about = {
		.name = "q19",
		.title = "top ten",
		.columns = "auction,bidder,price,channel,url,dateTime,extra,rank_number",
		.reads = "bid.seq,bid.auction,bid.bidder,bid.price,bid.channel,bid.url,"
			 "bid.dateTime,bid.extra",
		.keys = "auction",
		.spills = "partials",
		.state = "the ten best bids of each auction",
	},
	.plan = q19_plan,
};

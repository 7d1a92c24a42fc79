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

/* An auction's best rows of the batch, best first. */
struct best {
	uint16_t count;
	uint16_t rows[TOP];
};

struct q19_scratch {
	struct groups groups;
	int64_t auctions[SW_BATCH_ROWS_MAX]; /* of each group ... */
	struct best best[SW_BATCH_ROWS_MAX]; /* ... and its rows */
	bool keep[SW_BATCH_ROWS_MAX];        /* of each row */
};

static void mark_best(struct q19_scratch *q19, const struct sw_batch *in, uint32_t count)
{
	const int64_t *seqs = in->columns[BID_SEQ].data;
	const int64_t *auctions = in->columns[BID_AUCTION].data;
	const int64_t *prices = in->columns[BID_PRICE].data;

	groups_begin(&q19->groups, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = sw_batch_row(in, i), group, at;
		struct best *best;

		if (groups_find(&q19->groups, q19->auctions, NULL, auctions[row], 0, &group))
			q19->best[group].count = 0;
		best = &q19->best[group];
		for (at = best->count; at > 0; at--) {
			uint32_t other = best->rows[at - 1];

			if (prices[row] < prices[other] ||
				(prices[row] == prices[other] && seqs[row] > seqs[other]))
				break;
		}
		q19->keep[row] = at < TOP;
		if (at == TOP)
			continue;
		if (best->count == TOP)
			q19->keep[best->rows[--best->count]] = false;
		memmove(best->rows + at + 1, best->rows + at,
			(best->count - at) * sizeof(best->rows[0]));
		best->rows[at] = (uint16_t)row;
		best->count++;
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

/* SPDX-License-Identifier: MIT */

/*
 * q18, last bid: per bidder and auction the latest bid by dateTime, of several at that time the one
 * with the highest seq.
 *
 *	SELECT auction, bidder, price, channel, url, dateTime, extra
 *	FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction
 *		ORDER BY dateTime DESC, seq DESC) AS rank FROM bid)
 *	WHERE rank = 1
 *
 * Plan: of each batch only a pair's last bid goes on; the merge (operators/top_n.c) is keyed by the
 * auction.
 */

#include <errno.h>

#include "nexmark/groups_private.h"
#include "nexmark/queries_private.h"
#include "nexmark/selection_private.h"
#include "operators/top_n.h"

enum { BID_SEQ, BID_COLUMNS };

static const struct sw_schema schema_in = {
	.columns = 8,
	.fields = { FIELD_ID("seq"), BID_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_result = {
	.columns = 8,
	.changelog = true,
	.fields = { BID_FIELDS("dateTime", "extra"), FIELD_CHANGE },
};

struct q18_scratch {
	struct groups groups;
	int64_t auctions[SW_BATCH_ROWS_MAX], bidders[SW_BATCH_ROWS_MAX]; /* of each pair ... */
	uint16_t last[SW_BATCH_ROWS_MAX];                                /* ... and its last bid */
	bool keep[SW_BATCH_ROWS_MAX];                                    /* of each row */
};

static void mark_last(struct q18_scratch *q18, const struct sw_batch *in, uint32_t count)
{
	const int64_t *seqs = in->columns[BID_SEQ].data;
	const int64_t *auctions = in->columns[BID_AUCTION].data;
	const int64_t *bidders = in->columns[BID_BIDDER].data;
	const int64_t *times = in->columns[BID_TIME].data;

	groups_begin(&q18->groups, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = sw_batch_row(in, i), pair, last;

		q18->keep[row] = true;
		if (!groups_find(&q18->groups, q18->auctions, q18->bidders, auctions[row],
			    bidders[row], &pair)) {
			last = q18->last[pair];
			if (times[last] > times[row] ||
				(times[last] == times[row] && seqs[last] > seqs[row])) {
				q18->keep[row] = false;
				continue;
			}
			q18->keep[last] = false;
		}
		q18->last[pair] = (uint16_t)row;
	}
}

static int q18_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	uint32_t count = sw_batch_count(in);
	struct q18_scratch *q18 = scratch;

	(void)config;
	(void)out;
	if (in->rows > SW_BATCH_ROWS_MAX)
		return -EINVAL;
	mark_last(q18, in, count);
	select_marked(in, q18->keep);
	return 0;
}

const struct sw_kernel kernel_q18 = {
	.name = "q18.partial",
	.version = 1,
	.in = &schema_in,
	.out = &schema_in,
	.in_place = true,
	.scratch_bytes = sizeof(struct q18_scratch),
	.run = q18_run,
};

static const struct sw_top_n_config merge_config = {
	.in = &schema_in,
	.keys = 2,
	.key = { BID_AUCTION, BID_BIDDER },
	.order = BID_TIME,
	.seq = BID_SEQ,
	.last = true,
	.n = 1,
	.columns = 7,
	.from = { BID_COLUMNS },
};

static int q18_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns = SW_BID_ALL;
	plan->inputs[SW_BID].kernel = &kernel_q18;
	plan->inputs[SW_BID].key_column = BID_AUCTION;
	plan_add_merge(plan, &sw_top_n, &merge_config, &schema_result);
	return 0;
}

const struct query query_q18 = {
	.about = {
		.name = "q18",
		.title = "last bid",
		.columns = "auction,bidder,price,channel,url,dateTime,extra",
		.reads = "bid.seq,bid.auction,bid.bidder,bid.price,bid.channel,bid.url,"
			 "bid.dateTime,bid.extra",
		.keys = "bidder,auction",
		.spills = "partials",
		.state = "the last bid of each bidder on each auction",
	},
	.plan = q18_plan,
};

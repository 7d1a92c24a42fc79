/* SPDX-License-Identifier: MIT */

/*
 * q15, bidding statistics: per day (UTC) the number of bids, of distinct bidders and of distinct
 * auctions, each in all and by the price's rank.
 *
 *	SELECT day, COUNT(*) AS total_bids, COUNT(*) FILTER (price < 10000) AS rank1_bids,
 *	COUNT(*) FILTER (10000 <= price < 1000000) AS rank2_bids,
 *	COUNT(*) FILTER (price >= 1000000) AS rank3_bids,
 *	COUNT(DISTINCT bidder) with the same filters, COUNT(DISTINCT auction) with the same filters
 *	FROM bid GROUP BY day
 *
 * Plan: a batch's partial has a row for each of its bidders and days, and of its auctions and days,
 * with how many bids of each rank they have. The first merge (operators/distinct_ids.c) is keyed by
 * the id: who owns it knows which ranks it was seen with, and tells what is new of the day's
 * figures. The second (operators/group_aggregate.c) is keyed by the day and adds them up.
 */

#include <errno.h>

#include "nexmark/days_private.h"
#include "nexmark/groups_private.h"
#include "operators/distinct_ids.h"
#include "operators/group_aggregate.h"

enum { IN_AUCTION, IN_BIDDER, IN_PRICE, IN_TIME };
enum { OUT_ID, OUT_KIND, OUT_DAY, OUT_RANK1, RANKS = 3 };
enum { KIND_BIDDER, KIND_AUCTION };

#define FIELDS_FIGURES                                                                            \
	FIELD_ID("total_bids"), FIELD_ID("rank1_bids"), FIELD_ID("rank2_bids"),                   \
		FIELD_ID("rank3_bids"), FIELD_ID("total_bidders"), FIELD_ID("rank1_bidders"),     \
		FIELD_ID("rank2_bidders"), FIELD_ID("rank3_bidders"), FIELD_ID("total_auctions"), \
		FIELD_ID("rank1_auctions"), FIELD_ID("rank2_auctions"), FIELD_ID("rank3_auctions")

static const struct sw_schema schema_in = {
	.columns = 4,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_partial = {
	.columns = 6,
	.fields = { FIELD_ID("id"), FIELD_INT32("kind"), FIELD_ID("day"), FIELD_INT32("rank1_bids"),
		FIELD_INT32("rank2_bids"), FIELD_INT32("rank3_bids") },
};

static const struct sw_schema schema_figures = {
	.columns = 1 + SW_DISTINCT_FIGURES,
	.fields = { FIELD_ID("day"), FIELDS_FIGURES },
};

static const struct sw_schema schema_result = {
	.columns = 2 + SW_DISTINCT_FIGURES,
	.changelog = true,
	.fields = { FIELD_TEXT("day", 10), FIELDS_FIGURES, FIELD_CHANGE },
};

static uint64_t q15_rows(uint64_t rows, uint64_t text_bytes)
{
	(void)text_bytes;
	return 2 * rows;
}

static void q15_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	(void)config;
	/* Each bid may be alone with its bidder and with its auction. */
	*out_rows = in_rows > SW_BATCH_ROWS_MAX / 2 ? SW_BATCH_ROWS_MAX : 2 * in_rows;
	*out_text_bytes = in_text_bytes;
}

/* Adds the rows of one kind of id to the partial. */
static void count_ids(
	struct groups *groups, int32_t kind, const struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *ids = in->columns[kind == KIND_BIDDER ? IN_BIDDER : IN_AUCTION].data;
	const int64_t *prices = in->columns[IN_PRICE].data;
	const int64_t *times = in->columns[IN_TIME].data;
	int64_t *to_ids = (int64_t *)out->columns[OUT_ID].data + out->rows;
	int64_t *to_days = (int64_t *)out->columns[OUT_DAY].data + out->rows;
	int32_t *to_kinds = (int32_t *)out->columns[OUT_KIND].data + out->rows;
	int32_t *bids[RANKS];
	int64_t day = day_of(in->time_min_ms);
	bool one_day = days_all_the_same(in);

	for (unsigned rank = 0; rank < RANKS; rank++)
		bids[rank] = (int32_t *)out->columns[OUT_RANK1 + rank].data + out->rows;
	groups_begin(groups, in->rows);
	for (uint32_t i = 0; i < in->rows; i++) {
		uint32_t row;

		if (!one_day)
			day = day_of(times[i]);
		if (groups_find(groups, to_ids, to_days, ids[i], day, &row)) {
			to_kinds[row] = kind;
			for (unsigned rank = 0; rank < RANKS; rank++)
				bids[rank][row] = 0;
		}
		bids[rank_of(prices[i])][row]++;
	}
	out->rows += groups->rows;
}

static int q15_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	sw_batch_compact(in);
	if (in->rows > SW_BATCH_ROWS_MAX || 2 * in->rows > out->capacity)
		return -EINVAL;
	count_ids(scratch, KIND_BIDDER, in, out);
	count_ids(scratch, KIND_AUCTION, in, out);
	return 0;
}

const struct sw_kernel kernel_q15 = {
	.name = "q15.partial",
	.version = 2,
	.in = &schema_in,
	.out = &schema_partial,
	.limits = q15_limits,
	.scratch_bytes = sizeof(struct groups),
	.run = q15_run,
};

static void result_row(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text)
{
	(void)context;
	row[0].text = day_text(keys[0], text);
	for (unsigned i = 0; i < SW_DISTINCT_FIGURES; i++)
		row[1 + i].number = values[i];
}

static int q15_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	int64_t period_ms = plan->facts.never_late ? DAY_MS : 0;
	struct sw_distinct_ids_config *ids = plan_config(plan, sizeof(*ids));
	struct sw_group_aggregate_config *days = plan_config(plan, sizeof(*days));

	(void)options;
	(void)error;
	*ids = (struct sw_distinct_ids_config){ .period_ms = period_ms };
	*days = (struct sw_group_aggregate_config){
		.keys = 1,
		.values = SW_DISTINCT_FIGURES,
		.period_ms = period_ms,
		.rows = { .schema = &schema_result, .row = result_row },
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns = SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME,
		.kernel = &kernel_q15,
		.kernel_rows = q15_rows,
		.key_column = OUT_ID,
	};
	plan_add_merge(plan, &sw_distinct_ids, ids, &schema_figures)->key_column = 0;
	plan_add_merge(plan, &sw_group_aggregate, days, &schema_result);
	return 0;
}

const struct query query_q15 = {
	.about = {
		.name = "q15",
		.title = "bidding statistics",
		.columns = "day,total_bids,rank1_bids,rank2_bids,rank3_bids,total_bidders,"
			   "rank1_bidders,rank2_bidders,rank3_bidders,total_auctions,"
			   "rank1_auctions,rank2_auctions,rank3_auctions",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime",
		.keys = "bidder and auction, then day",
		.spills = "partials",
		.state = "the ranks seen of each bidder and auction of a day",
	},
	.plan = q15_plan,
};

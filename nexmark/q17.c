/* SPDX-License-Identifier: MIT */

/*
 * q17, auction statistics: per auction and day (UTC) its bids, in all and by the price's rank, and
 * the least, highest, average (truncated toward zero) and sum of the prices.
 *
 *	SELECT auction, day, COUNT(*) AS total_bids, COUNT(*) FILTER (price < 10000) AS rank1_bids,
 *	COUNT(*) FILTER (10000 <= price < 1000000) AS rank2_bids,
 *	COUNT(*) FILTER (price >= 1000000) AS rank3_bids,
 *	MIN(price), MAX(price), AVG(price), SUM(price) FROM bid GROUP BY auction, day
 *
 * Plan: a batch's partial has a row for each of its auctions and days; the merge
 * (operators/group_aggregate.c) is keyed by the auction, and its result is a changelog. A sum of
 * prices that 64 bits do not hold when all bids are there ends the run.
 */

#include <errno.h>
#include <stdio.h>

#include "nexmark/days_private.h"
#include "nexmark/groups_private.h"
#include "operators/group_aggregate.h"

enum { IN_AUCTION, IN_PRICE, IN_TIME };
enum { KEY_AUCTION, KEY_DAY };
enum {
	VALUE_BIDS,
	VALUE_RANK1,
	VALUE_RANK2,
	VALUE_MIN,
	VALUE_MAX,
	VALUE_SUM,
	VALUES,
	VALUE_SUM_UPPER = VALUES
};

#define KEYS 2

static const struct sw_schema schema_in = {
	.columns = 3,
	.fields = { FIELD_ID("auction"), FIELD_ID("price"), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_partial = {
	.columns = KEYS + VALUES,
	.fields = { FIELD_ID("auction"), FIELD_ID("day"), FIELD_ID("total_bids"),
		FIELD_ID("rank1_bids"), FIELD_ID("rank2_bids"), FIELD_ID("min_price"),
		FIELD_ID("max_price"), FIELD_ID("sum_price") },
};

static const struct sw_schema schema_result = {
	.columns = 11,
	.changelog = true,
	.fields = { FIELD_ID("auction"), FIELD_TEXT("day", 10), FIELD_ID("total_bids"),
		FIELD_ID("rank1_bids"), FIELD_ID("rank2_bids"), FIELD_ID("rank3_bids"),
		FIELD_ID("min_price"), FIELD_ID("max_price"), FIELD_ID("avg_price"),
		FIELD_ID("sum_price"), FIELD_CHANGE },
};

/* The partial's columns. */
struct partial {
	struct groups *groups;
	int64_t *keys[KEYS], *values[VALUES];
};

static void set_group(struct partial *partial, uint32_t row, int64_t price)
{
	unsigned rank = rank_of(price);

	partial->values[VALUE_BIDS][row] = 1;
	partial->values[VALUE_RANK1][row] = rank == 0;
	partial->values[VALUE_RANK2][row] = rank == 1;
	partial->values[VALUE_MIN][row] = price;
	partial->values[VALUE_MAX][row] = price;
	partial->values[VALUE_SUM][row] = price;
}

static inline void add_bid(struct partial *partial, int64_t auction, int64_t day, int64_t price)
{
	unsigned rank = rank_of(price);
	int64_t sum;
	uint32_t row;

	if (groups_find(partial->groups, partial->keys[KEY_AUCTION], partial->keys[KEY_DAY],
		    auction, day, &row)) {
		set_group(partial, row, price);
		return;
	}
	if (__builtin_add_overflow(partial->values[VALUE_SUM][row], price, &sum)) {
		/* A row of its own: the merge's sum has room for both. */
		row = partial->groups->rows++;
		partial->keys[KEY_AUCTION][row] = auction;
		partial->keys[KEY_DAY][row] = day;
		set_group(partial, row, price);
		return;
	}
	partial->values[VALUE_BIDS][row]++;
	partial->values[VALUE_RANK1][row] += rank == 0;
	partial->values[VALUE_RANK2][row] += rank == 1;
	if (price < partial->values[VALUE_MIN][row])
		partial->values[VALUE_MIN][row] = price;
	if (price > partial->values[VALUE_MAX][row])
		partial->values[VALUE_MAX][row] = price;
	partial->values[VALUE_SUM][row] = sum;
}

static int q17_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *auctions = in->columns[IN_AUCTION].data;
	const int64_t *prices = in->columns[IN_PRICE].data;
	const int64_t *times = in->columns[IN_TIME].data;
	struct partial partial = { .groups = scratch };

	(void)config;
	sw_batch_compact(in);
	if (in->rows > SW_BATCH_ROWS_MAX || in->rows > out->capacity)
		return -EINVAL;
	for (unsigned i = 0; i < KEYS; i++)
		partial.keys[i] = out->columns[i].data;
	for (unsigned i = 0; i < VALUES; i++)
		partial.values[i] = out->columns[KEYS + i].data;
	groups_begin(partial.groups, in->rows);
	if (days_all_the_same(in)) {
		int64_t day = day_of(in->time_min_ms);

		for (uint32_t i = 0; i < in->rows; i++)
			add_bid(&partial, auctions[i], day, prices[i]);
	} else {
		for (uint32_t i = 0; i < in->rows; i++)
			add_bid(&partial, auctions[i], day_of(times[i]), prices[i]);
	}
	out->rows = partial.groups->rows;
	return 0;
}

const struct sw_kernel kernel_q17 = {
	.name = "q17.partial",
	.version = 1,
	.in = &schema_in,
	.out = &schema_partial,
	.scratch_bytes = sizeof(struct groups),
	.run = q17_run,
};

static __int128 sum_of(const int64_t *values)
{
	return sw_group_wide(values[VALUE_SUM], values[VALUE_SUM_UPPER]);
}

static bool sum_fits(void *context, const int64_t *keys, const int64_t *values, char *why)
{
	__int128 sum = sum_of(values);
	char text[SW_GROUP_TEXT_BYTES];
	struct sw_text day;

	(void)context;
	if (sum >= INT64_MIN && sum <= INT64_MAX)
		return true;
	if (why) {
		day = day_text(keys[KEY_DAY], text);
		snprintf(why, SW_GROUP_WHY_BYTES,
			"q17: auction %lld on %.*s: sum_price is %s, the limit of 64 bits",
			(long long)keys[KEY_AUCTION], (int)day.size, day.bytes,
			sum > 0 ? "over 2^63 - 1" : "below -2^63");
	}
	return false;
}

static void result_row(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text)
{
	(void)context;
	row[0].number = keys[KEY_AUCTION];
	row[1].text = day_text(keys[KEY_DAY], text);
	row[2].number = values[VALUE_BIDS];
	row[3].number = values[VALUE_RANK1];
	row[4].number = values[VALUE_RANK2];
	row[5].number = values[VALUE_BIDS] - values[VALUE_RANK1] - values[VALUE_RANK2];
	row[6].number = values[VALUE_MIN];
	row[7].number = values[VALUE_MAX];
	row[8].number = (int64_t)(sum_of(values) / values[VALUE_BIDS]);
	row[9].number = values[VALUE_SUM];
}

static int q17_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_group_aggregate_config *config = plan_config(plan, sizeof(*config));

	(void)options;
	(void)error;
	*config = (struct sw_group_aggregate_config){
		.keys = KEYS,
		.values = VALUES,
		.ops = { [VALUE_MIN] = SW_GROUP_MIN,
			[VALUE_MAX] = SW_GROUP_MAX,
			[VALUE_SUM] = SW_GROUP_WIDE_SUM },
		.live = VALUE_BIDS,
		.period_ms = plan->facts.never_late ? DAY_MS : 0,
		.rows = { .schema = &schema_result, .row = result_row, .fits = sum_fits },
	};
	plan->inputs[SW_BID].columns = SW_BID_AUCTION | SW_BID_PRICE | SW_BID_TIME;
	plan->inputs[SW_BID].kernel = &kernel_q17;
	plan->inputs[SW_BID].key_column = KEY_AUCTION;
	plan_add_merge(plan, &sw_group_aggregate, config, &schema_result);
	return 0;
}

const struct query query_q17 = {
	.about = {
		.name = "q17",
		.title = "auction statistics",
		.columns = "auction,day,total_bids,rank1_bids,rank2_bids,rank3_bids,min_price,"
			   "max_price,avg_price,sum_price",
		.reads = "bid.auction,bid.price,bid.dateTime",
		.keys = "auction",
		.spills = "partials",
		.state = "six figures per auction and day",
	},
	.plan = q17_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * q16, channel statistics: per channel and day (UTC) the latest minute with a bid, and the number
 * of bids, of distinct bidders and of distinct auctions, each in all and by the price's rank.
 *
 *	SELECT channel, day, MAX(HH:MM of dateTime) AS minute, and the figures of q15
 *	FROM bid GROUP BY channel, day
 *
 * Plan: bids go to the owner of their channel as they are, for nearly every one has a channel and
 * a bidder that come together for the first time: partials would be no smaller. The merge
 * (operators/text_statistics.c) is keyed by the channel, and its result is a changelog.
 */

#include "nexmark/days_private.h"
#include "operators/text_statistics.h"

enum { IN_AUCTION, IN_BIDDER, IN_PRICE, IN_CHANNEL, IN_TIME };

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_result = {
	.columns = 16,
	.changelog = true,
	.fields = { FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TEXT("day", 10),
		FIELD_TEXT("minute", 5), FIELD_ID("total_bids"), FIELD_ID("rank1_bids"),
		FIELD_ID("rank2_bids"), FIELD_ID("rank3_bids"), FIELD_ID("total_bidders"),
		FIELD_ID("rank1_bidders"), FIELD_ID("rank2_bidders"), FIELD_ID("rank3_bidders"),
		FIELD_ID("total_auctions"), FIELD_ID("rank1_auctions"), FIELD_ID("rank2_auctions"),
		FIELD_ID("rank3_auctions"), FIELD_CHANGE },
};

const struct sw_kernel kernel_q16 = KERNEL_HANDS_ON("q16", &schema_in);

static int q16_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_text_statistics_config *config = plan_config(plan, sizeof(*config));

	(void)options;
	(void)error;
	*config = (struct sw_text_statistics_config){
		.ids = { IN_BIDDER, IN_AUCTION },
		.number = IN_PRICE,
		.text = IN_CHANNEL,
		.time = IN_TIME,
		.bounds = { RANK_2_PRICE, RANK_3_PRICE },
		.period_ms = DAY_MS,
		.passes = plan->facts.never_late,
		.out = &schema_result,
		.period_text = day_text,
		.latest_text = minute_text,
		.latest_step_ms = MINUTE_MS,
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns = SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_CHANNEL |
			   SW_BID_TIME,
		.kernel = &kernel_q16,
		.key_column = IN_CHANNEL,
	};
	plan_add_merge(plan, &sw_text_statistics, config, &schema_result);
	return 0;
}

const struct query query_q16 = {
	.about = {
		.name = "q16",
		.title = "channel statistics",
		.columns = "channel,day,minute,total_bids,rank1_bids,rank2_bids,rank3_bids,"
			   "total_bidders,rank1_bidders,rank2_bidders,rank3_bidders,"
			   "total_auctions,rank1_auctions,rank2_auctions,rank3_auctions",
		.reads = "bid.auction,bid.bidder,bid.price,bid.channel,bid.dateTime",
		.keys = "channel",
		.spills = "rows",
		.state = "per bidder and auction of a day the channels it was seen in",
	},
	.plan = q16_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * q10, log to files: every bid into the folder of its minute, as Hive and Flink lay tables out.
 *
 *	INSERT INTO files PARTITIONED BY (dt, hm)
 *	SELECT auction, bidder, price, dateTime, extra,
 *		FORMAT(dateTime, 'YYYY-MM-DD') AS dt, FORMAT(dateTime, 'HH:MM') AS hm FROM bid
 *
 * Plan: the kernel hands the rows on; the sink (operators/partition_sink.c) sorts them into files
 *by dateTime, and marks a folder as complete when the watermark has reached the end of its minute.
 */

#include <stdio.h>

#include "nexmark/days_private.h"

#define MINUTE_MS 60000

enum { OUT_TIME = 3 };

static const struct sw_schema schema = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

const struct sw_kernel kernel_q10 = KERNEL_HANDS_ON("q10", &schema);

/* "dt=2015-07-15/hm=00%3A05": the colon is escaped. */
static void folder_of_minute(int64_t time_ms, char name[SW_PARTITION_NAME_BYTES])
{
	char day[SW_GROUP_TEXT_BYTES], minute[SW_GROUP_TEXT_BYTES];
	struct sw_text dt = day_text(day_of(time_ms), day);
	struct sw_text hm = minute_text(time_ms, minute);

	snprintf(name, SW_PARTITION_NAME_BYTES, "dt=%.*s/hm=%.2s%%3A%.2s", (int)dt.size, dt.bytes,
		hm.bytes, hm.bytes + hm.size - 2);
}

static int q10_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME | SW_BID_EXTRA;
	plan->inputs[SW_BID].kernel = &kernel_q10;
	plan->leaves_out_late = true;
	plan->result = &schema;
	plan->sink = (struct plan_sink){ .partitioned = true,
		.time_column = OUT_TIME,
		.period_ms = MINUTE_MS,
		.folder_name = folder_of_minute };
	return 0;
}

const struct query query_q10 = {
	.about = {
		.name = "q10",
		.title = "log to files",
		.columns = "auction,bidder,price,dateTime,extra",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime,bid.extra",
		.keys = "",
		.spills = "rows",
		.state = "a file per minute that is not over",
	},
	.plan = q10_plan,
};

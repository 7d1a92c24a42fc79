/* SPDX-License-Identifier: MIT */

/*
 * q14, calculation: the bids of middling price in euros, with the part of the day they came in and
 * the number of 'c's in their extra.
 *
 *	SELECT auction, bidder, 0.908 * price AS price,
 *		CASE WHEN HOUR(dateTime) BETWEEN 8 AND 18 THEN 'dayTime'
 *		     WHEN HOUR(dateTime) <= 6 OR HOUR(dateTime) >= 20 THEN 'nightTime'
 *		     ELSE 'otherTime' END AS bidTimeType,
 *		dateTime, extra, COUNT_CHAR(extra, 'c') AS c_counts
 *	FROM bid WHERE 0.908 * price > 1000000 AND 0.908 * price < 50000000
 */

#include <errno.h>

#include "nexmark/queries_private.h"
#include "nexmark/selection_private.h"

#define THOUSANDTHS 908
#define HOUR_MS     3600000

/* Prices whose product lies between the limits; neither limit is a multiple of the factor. */
#define PRICE_LEAST (INT64_C(1000000000) / THOUSANDTHS + 1)
#define PRICE_MOST  (INT64_C(50000000000) / THOUSANDTHS)

enum { IN_AUCTION, IN_BIDDER, IN_PRICE, IN_TIME, IN_EXTRA };
enum { OUT_AUCTION, OUT_BIDDER, OUT_PRICE, OUT_TYPE, OUT_TIME, OUT_EXTRA, OUT_COUNT };

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

#define TYPE_BYTES 9 /* of the longest */

static const struct sw_schema schema_out = {
	.columns = 7,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_DECIMAL3("price"),
		FIELD_TEXT("bidTimeType", TYPE_BYTES), FIELD_TIME("dateTime"),
		FIELD_TEXT("extra", BID_EXTRA_BYTES), FIELD_ID("c_counts") },
};

/* By hour. */
static const char types[3][TYPE_BYTES + 1] = { "nightTime", "otherTime", "dayTime" };
static const uint8_t type_sizes[3] = { 9, 9, 7 };
static const uint8_t type_of_hour[24] = { 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	1, 0, 0, 0, 0 };

static unsigned type_of(int64_t time_ms)
{
	int64_t past = time_ms % DAY_MS;

	return type_of_hour[(past < 0 ? past + DAY_MS : past) / HOUR_MS];
}

static int64_t count_c(struct sw_text text)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < text.size; i++)
		count += text.bytes[i] == 'c';
	return count;
}

static inline bool is_middling(const void *prices, uint32_t row)
{
	int64_t price = ((const int64_t *)prices)[row];

	return price >= PRICE_LEAST && price <= PRICE_MOST;
}

static int put_texts(struct sw_batch *out, uint32_t row, unsigned type, struct sw_text extra)
{
	if (!sw_column_append_text(&out->columns[OUT_TYPE], row, types[type], type_sizes[type]) ||
		!sw_column_append_text(&out->columns[OUT_EXTRA], row, extra.bytes, extra.size))
		return -EOVERFLOW;
	((int64_t *)out->columns[OUT_COUNT].data)[row] = count_c(extra);
	return 0;
}

static int q14_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	static const uint8_t copied[][2] = { { IN_AUCTION, OUT_AUCTION }, { IN_BIDDER, OUT_BIDDER },
		{ IN_TIME, OUT_TIME } };
	const int64_t *prices = in->columns[IN_PRICE].data, *times = in->columns[IN_TIME].data;
	int64_t *to = out->columns[OUT_PRICE].data;
	int code = 0;

	(void)config;
	(void)scratch;
	select_rows(in, is_middling, prices);
	if (in->selected_rows > out->capacity)
		return -EINVAL;
	for (uint32_t c = 0; c < sizeof(copied) / sizeof(copied[0]); c++) {
		const int64_t *values = in->columns[copied[c][0]].data;
		int64_t *copies = out->columns[copied[c][1]].data;

		for (uint32_t i = 0; i < in->selected_rows; i++)
			copies[i] = values[in->selected[i]];
	}
	for (uint32_t i = 0; i < in->selected_rows && !code; i++) {
		uint32_t row = in->selected[i];

		to[i] = prices[row] * THOUSANDTHS;
		code = put_texts(
			out, i, type_of(times[row]), sw_column_text(&in->columns[IN_EXTRA], row));
	}
	out->rows = in->selected_rows;
	return code;
}

static void q14_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	size_t type_bytes = (size_t)in_rows * TYPE_BYTES;

	(void)config;
	*out_rows = in_rows;
	*out_text_bytes = in_text_bytes > type_bytes ? in_text_bytes : type_bytes;
}

const struct sw_kernel kernel_q14 = {
	.name = "q14",
	.version = 1,
	.in = &schema_in,
	.out = &schema_out,
	.limits = q14_limits,
	.run = q14_run,
};

static int q14_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME | SW_BID_EXTRA;
	plan->inputs[SW_BID].kernel = &kernel_q14;
	plan->result = &schema_out;
	return 0;
}

const struct query query_q14 = {
	.about = {
		.name = "q14",
		.title = "calculation",
		.columns = "auction,bidder,price,bidTimeType,dateTime,extra,c_counts",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime,bid.extra",
		.keys = "",
		.spills = "rows",
		.state = "none",
	},
	.plan = q14_plan,
};

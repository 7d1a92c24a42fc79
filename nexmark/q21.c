/* SPDX-License-Identifier: MIT */

/*
 * q21, channel id: every bid with the number of its channel, which is known, or stands in the url;
 * bids with neither are dropped.
 *
 *	SELECT auction, bidder, price, channel,
 *		CASE LOWER(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1'
 *		     WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
 *		     ELSE REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) END AS channel_id
 *	FROM bid WHERE channel_id IS NOT NULL
 */

#include <errno.h>
#include <string.h>

#include "nexmark/queries_private.h"
#include "runtime/text_copy.h"

enum { AUCTION, BIDDER, PRICE, CHANNEL, IN_URL, OUT_CHANNEL_ID = IN_URL };

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TEXT("url", BID_URL_BYTES) },
};

static const struct sw_schema schema_out = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TEXT("channel_id", 10) },
};

/* In any case? `word` is of small letters. */
static bool is_word(struct sw_text text, const char *word)
{
	for (uint32_t i = 0; i < text.size; i++)
		/* The bit makes a capital letter small, and no other byte a letter. */
		if ((text.bytes[i] | 0x20) != word[i])
			return false;
	return true;
}

/* The id of a channel that is known by its name, as text; null: it is not known. */
static const char *known_id(struct sw_text channel)
{
	switch (channel.size) {
	case 5:
		if (is_word(channel, "apple"))
			return "0";
		return is_word(channel, "baidu") ? "3" : NULL;
	case 6:
		return is_word(channel, "google") ? "1" : NULL;
	case 8:
		return is_word(channel, "facebook") ? "2" : NULL;
	default:
		return NULL;
	}
}

/* What the first parameter channel_id is set to; false: there is none. */
static bool id_of_url(struct sw_text url, struct sw_text *id)
{
	static const char name[] = "channel_id=";
	const size_t name_bytes = sizeof(name) - 1;
	const char *at = url.bytes, *end = at + url.size, *after;

	while ((size_t)(end - at) < name_bytes || memcmp(at, name, name_bytes) != 0) {
		at = memchr(at, '&', (size_t)(end - at));
		if (!at)
			return false;
		at++;
	}
	at += name_bytes;
	after = memchr(at, '&', (size_t)(end - at));
	*id = (struct sw_text){ at, (uint32_t)((after ? after : end) - at) };
	return true;
}

static int q21_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	uint32_t rows = sw_batch_count(in);

	(void)config;
	(void)scratch;
	if (rows > out->capacity)
		return -EINVAL;
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(in, i), to = out->rows;
		struct sw_text channel = sw_column_text(&in->columns[CHANNEL], row);
		struct sw_text id = { known_id(channel), 1 };

		if (!id.bytes && !id_of_url(sw_column_text(&in->columns[IN_URL], row), &id))
			continue;
		for (int c = AUCTION; c <= PRICE; c++)
			((int64_t *)out->columns[c].data)[to] =
				((const int64_t *)in->columns[c].data)[row];
		if (!sw_text_append(&out->columns[CHANNEL], to, channel) ||
			!sw_text_append(&out->columns[OUT_CHANNEL_ID], to, id))
			return -EOVERFLOW;
		out->rows++;
	}
	return 0;
}

/* Each text of the output is a part of the row's, or shorter than its channel. */
const struct sw_kernel kernel_q21 = {
	.name = "q21",
	.version = 1,
	.in = &schema_in,
	.out = &schema_out,
	.run = q21_run,
};

static int q21_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_CHANNEL | SW_BID_URL;
	plan->inputs[SW_BID].kernel = &kernel_q21;
	plan->result = &schema_out;
	return 0;
}

const struct query query_q21 = {
	.about = {
		.name = "q21",
		.title = "channel id",
		.columns = "auction,bidder,price,channel,channel_id",
		.reads = "bid.auction,bid.bidder,bid.price,bid.channel,bid.url",
		.keys = "",
		.spills = "rows",
		.state = "none",
	},
	.plan = q21_plan,
};

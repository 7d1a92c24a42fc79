/* SPDX-License-Identifier: MIT */

/*
 * q22, url parts: every bid with the three folders of its url.
 *
 *	SELECT auction, bidder, price, channel, SPLIT_INDEX(url, '/', 3) AS dir1,
 *		SPLIT_INDEX(url, '/', 4) AS dir2, SPLIT_INDEX(url, '/', 5) AS dir3 FROM bid
 */

#include <errno.h>
#include <string.h>

#include "nexmark/queries_private.h"
#include "runtime/text_copy.h"

enum { AUCTION, BIDDER, PRICE, CHANNEL, IN_URL, OUT_DIR = IN_URL };

#define PARTS_BEFORE 3
#define PARTS        3
#define AHEAD        8 /* rows whose texts are fetched */

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TEXT("url", BID_URL_BYTES) },
};

static const struct sw_schema schema_out = {
	.columns = 7,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TEXT("dir1", 4),
		FIELD_TEXT("dir2", 4), FIELD_TEXT("dir3", 4) },
};

/* A bit for each of eight bytes: it is a slash. */
static inline uint64_t slashes_of_word(const char *bytes)
{
	const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	word ^= 0x2F2F2F2F2F2F2F2Fu;
	/* The top bit of each byte that is now 0, then those bits side by side. */
	word = ~(((word & low) + low) | word | low);
	return (word >> 7) * 0x0102040810204080u >> 56;
}

/* The same for at most 64 bytes. */
static uint64_t slashes_of(const char *bytes, uint32_t size)
{
	uint64_t slashes = 0;
	uint32_t at = 0;

	for (; at + 8 <= size; at += 8)
		slashes |= slashes_of_word(bytes + at) << at;
	if (size >= 8)
		return slashes | slashes_of_word(bytes + size - 8) << (size - 8);
	for (; at < size; at++)
		slashes |= (uint64_t)(bytes[at] == '/') << at;
	return slashes;
}

/* Where each part ends, also those that the url does not have. */
static void find_ends(struct sw_text url, uint32_t ends[PARTS_BEFORE + PARTS])
{
	unsigned part = 0;

	for (uint32_t block = 0; block < url.size; block += 64) {
		uint32_t size = url.size - block < 64 ? url.size - block : 64;
		uint64_t slashes = slashes_of(url.bytes + block, size);

		for (; slashes; slashes &= slashes - 1) {
			ends[part++] = block + (uint32_t)__builtin_ctzll(slashes);
			if (part == PARTS_BEFORE + PARTS)
				return;
		}
	}
	while (part < PARTS_BEFORE + PARTS)
		ends[part++] = url.size;
}

static bool put_parts(struct sw_batch *out, uint32_t row, struct sw_text url)
{
	uint32_t ends[PARTS_BEFORE + PARTS];

	find_ends(url, ends);
	for (int i = 0; i < PARTS; i++) {
		uint32_t end = ends[PARTS_BEFORE + i];
		uint32_t start = ends[PARTS_BEFORE + i - 1] + 1;
		bool there = start <= end;
		struct sw_text part = { url.bytes + (there ? start : end),
			there ? end - start : 0 };

		if (!sw_text_append(&out->columns[OUT_DIR + i], row, part))
			return false;
	}
	return true;
}

/* Entries of a dictionary are anywhere in it, and it is large; most span two cache lines. */
SW_FETCHES void prefetch(struct sw_text text)
{
	__builtin_prefetch(text.bytes);
	__builtin_prefetch(text.bytes + text.size);
}

static int q22_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	uint32_t rows = sw_batch_count(in);

	(void)config;
	(void)scratch;
	if (rows > out->capacity)
		return -EINVAL;
	for (int c = AUCTION; c <= PRICE; c++) {
		const int64_t *values = in->columns[c].data;
		int64_t *copies = out->columns[c].data;

		for (uint32_t i = 0; i < rows; i++)
			copies[i] = values[sw_batch_row(in, i)];
	}
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(in, i);
		struct sw_text channel = sw_column_text(&in->columns[CHANNEL], row);

		if (i + AHEAD < rows)
			prefetch(sw_column_text(&in->columns[IN_URL], sw_batch_row(in, i + AHEAD)));
		if (!sw_text_append(&out->columns[CHANNEL], i, channel) ||
			!put_parts(out, i, sw_column_text(&in->columns[IN_URL], row)))
			return -EOVERFLOW;
	}
	out->rows = rows;
	return 0;
}

const struct sw_kernel kernel_q22 = {
	.name = "q22",
	.version = 1,
	.in = &schema_in,
	.out = &schema_out,
	.run = q22_run,
};

static int q22_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_BID].columns =
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_CHANNEL | SW_BID_URL;
	plan->inputs[SW_BID].kernel = &kernel_q22;
	plan->result = &schema_out;
	return 0;
}

const struct query query_q22 = {
	.about = {
		.name = "q22",
		.title = "url parts",
		.columns = "auction,bidder,price,channel,dir1,dir2,dir3",
		.reads = "bid.auction,bid.bidder,bid.price,bid.channel,bid.url",
		.keys = "",
		.spills = "rows",
		.state = "none",
	},
	.plan = q22_plan,
};

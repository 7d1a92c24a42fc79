/* SPDX-License-Identifier: MIT */

/*
 * tokenize: each bid as the text of its CSV line without seq, split at every run of characters
 * outside [A-Za-z0-9_]; the tokens with their counts, or one row per token.
 *
 * Plan: a batch's partial are its tokens with their counts; the merge (operators/text_count.c) is
 * keyed by the token. With --tokens the batch's tokens are the result, there is no state.
 *
 * The line itself is never made: what separates fields, and what quoting adds, is outside words.
 * So numbers are tokens (without their sign) and texts are split where they stand.
 */

#include <errno.h>
#include <string.h>

#include "nexmark/queries_private.h"
#include "nexmark/words_private.h"
#include "operators/csv_text.h"
#include "operators/text_count.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NUMBERS 4 /* columns of a bid that are numbers */
#define TEXTS   3

/* The same columns for both kernels, after seq for the second. */
enum { BID_COLUMNS, COLUMNS };

static const uint8_t number_columns[NUMBERS] = { BID_AUCTION, BID_BIDDER, BID_PRICE, BID_TIME };
static const uint8_t text_columns[TEXTS] = { BID_CHANNEL, BID_URL, BID_EXTRA };

static const struct sw_schema schema_line = {
	.columns = COLUMNS,
	.fields = { BID_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_seq_line = {
	.columns = COLUMNS + 1,
	.fields = { FIELD_ID("seq"), BID_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_counts = {
	.columns = 2,
	.fields = { FIELD_TEXT("token", 8), FIELD_ID("count") },
};

static const struct sw_schema schema_tokens = {
	.columns = 2,
	.fields = { FIELD_ID("seq"), FIELD_TEXT("token", 8) },
};

/* ---- How much a batch can give ---- */

/* Each word needs a byte and what ends it. */
static uint64_t tokens_rows(uint64_t rows, uint64_t text_bytes)
{
	return NUMBERS * rows + (text_bytes + TEXTS * rows) / 2;
}

/* There are only 63 words of one character and 3969 of two; all others need four bytes. */
static uint64_t counts_rows(uint64_t rows, uint64_t text_bytes)
{
	uint64_t all = tokens_rows(rows, text_bytes);
	uint64_t distinct = NUMBERS * rows + 63 + 3969 + (text_bytes + TEXTS * rows) / 4;

	return distinct < all ? distinct : all;
}

static void limit_bytes(uint32_t in_rows, size_t in_text_bytes, uint64_t rows, uint32_t *out_rows,
	size_t *out_text_bytes)
{
	*out_rows = rows < SW_BATCH_ROWS_MAX ? (uint32_t)rows : SW_BATCH_ROWS_MAX;
	*out_text_bytes = in_text_bytes + (size_t)in_rows * NUMBERS * SW_CSV_NUMBER_BYTES;
}

static void counts_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	(void)config;
	limit_bytes(in_rows, in_text_bytes, counts_rows(in_rows, in_text_bytes), out_rows,
		out_text_bytes);
}

static void tokens_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	(void)config;
	limit_bytes(in_rows, in_text_bytes, tokens_rows(in_rows, in_text_bytes), out_rows,
		out_text_bytes);
}

/* Bytes of the column's values, and past them, that may be read. */
static const char *readable_end(const struct sw_column *column)
{
	if (column->dictionary)
		return column->dictionary->bytes +
		       column->dictionary->offsets[column->dictionary->entries];
	return (const char *)column->data + column->text_capacity;
}

/* A number's token: without its sign. */
static struct sw_text number_text(int64_t value, char digits[SW_CSV_NUMBER_BYTES])
{
	char *end = sw_csv_put_int64(digits, value);
	char *begin = digits + (value < 0);

	return (struct sw_text){ .bytes = begin, .size = (uint32_t)(end - begin) };
}

/* ---- Counts ---- */

#define SLOTS              (2 * SW_BATCH_ROWS_MAX)
#define DICTIONARY_ENTRIES 16384u

/*
 * Where each token of the batch stands in the partial: open addressing, at most half full. A slot
 * is an epoch of 16 bits, 32 bits of hash and a row of 16; it is in use when the epoch is the
 * scratch's.
 */
struct counts_scratch {
	uint64_t slots[SLOTS];
	uint32_t epoch;
	/* A dictionary's entry is split once a batch: the times it comes. All zero in between. */
	uint32_t times[DICTIONARY_ENTRIES];
	uint16_t seen[SW_BATCH_ROWS_MAX]; /* the entries that come */
};

struct counts {
	struct counts_scratch *scratch;
	struct sw_batch *out;
	int64_t *values; /* of out */
	uint32_t mask;
	uint64_t (*classify)(const char *bytes);
};

/* Adds a token; its row in the partial, or -EOVERFLOW. */
static inline int32_t count_token(struct counts *counts, struct sw_text token, int64_t times)
{
	uint64_t hash = XXH3_64bits(token.bytes, token.size);
	uint64_t tag = (uint64_t)counts->scratch->epoch << 32 | hash >> 32;
	struct sw_column *column = &counts->out->columns[0];
	uint32_t i = (uint32_t)hash & counts->mask, row;

	for (;; i = (i + 1) & counts->mask) {
		uint64_t slot = counts->scratch->slots[i];

		if (slot >> 48 != counts->scratch->epoch)
			break;
		row = (uint32_t)slot & 0xFFFF;
		if (slot >> 16 == tag) {
			struct sw_text held = sw_column_text(column, row);

			if (held.size == token.size &&
				!memcmp(held.bytes, token.bytes, held.size)) {
				counts->values[row] += times;
				return (int32_t)row;
			}
		}
	}
	row = counts->out->rows;
	if (row == counts->out->capacity || row > counts->mask / 2 ||
		!sw_column_append_text(column, row, token.bytes, token.size))
		return -EOVERFLOW;
	counts->scratch->slots[i] = tag << 16 | row;
	counts->values[row] = times;
	counts->out->rows++;
	return (int32_t)row;
}

static int count_text(
	struct counts *counts, struct sw_text text, const char *readable, int64_t times)
{
	struct words words;
	struct word word;

	words_begin(&words, text, readable, counts->classify);
	while (words_next(&words, &word)) {
		struct sw_text token = { text.bytes + word.begin, word.end - word.begin };

		if (count_token(counts, token, times) < 0)
			return -EOVERFLOW;
	}
	return 0;
}

/* The hot ids and the times come in runs. */
static int count_numbers(struct counts *counts, const struct sw_column *column, uint32_t rows)
{
	const int64_t *values = column->data;
	char digits[SW_CSV_NUMBER_BYTES];

	for (uint32_t i = 0; i < rows;) {
		uint32_t first = i;

		do
			i++;
		while (i < rows && values[i] == values[first]);
		if (count_token(counts, number_text(values[first], digits), i - first) < 0)
			return -EOVERFLOW;
	}
	return 0;
}

static int count_texts(struct counts *counts, const struct sw_column *column, uint32_t rows)
{
	const char *readable = readable_end(column);
	int code = 0;

	for (uint32_t i = 0; i < rows && !code; i++)
		code = count_text(counts, sw_column_text(column, i), readable, 1);
	return code;
}

static int count_codes(struct counts *counts, const struct sw_column *column, uint32_t rows)
{
	const struct sw_dictionary *dictionary = column->dictionary;
	struct counts_scratch *scratch = counts->scratch;
	const char *readable = readable_end(column);
	const int32_t *codes = column->data;
	uint32_t seen = 0;
	int code = 0;

	for (uint32_t i = 0; i < rows; i++)
		if (scratch->times[codes[i]]++ == 0)
			scratch->seen[seen++] = (uint16_t)codes[i];
	for (uint32_t i = 0; i < seen; i++) {
		uint32_t entry = scratch->seen[i];
		const int32_t *offsets = dictionary->offsets + entry;
		struct sw_text text = { dictionary->bytes + offsets[0],
			(uint32_t)(offsets[1] - offsets[0]) };

		if (!code)
			code = count_text(counts, text, readable, scratch->times[entry]);
		scratch->times[entry] = 0;
	}
	return code;
}

/* Tokens that the batch is likely to have; the table takes as many distinct ones as `out` does. */
static void counts_begin(struct counts *counts, struct counts_scratch *scratch,
	const struct sw_batch *in, struct sw_batch *out)
{
	uint64_t text = 0, rows;

	for (int i = 0; i < TEXTS; i++) {
		const struct sw_column *column = &in->columns[text_columns[i]];

		for (uint32_t row = 0; row < in->rows && column->dictionary; row++)
			text += sw_column_text(column, row).size;
		if (!column->dictionary)
			text += (uint64_t)column->offsets[in->rows];
	}
	rows = counts_rows(in->rows, text);
	if (rows > SW_BATCH_ROWS_MAX)
		rows = SW_BATCH_ROWS_MAX;
	counts->mask = 127;
	while (counts->mask + 1 < 2 * rows)
		counts->mask = 2 * counts->mask + 1;
	if (++scratch->epoch > UINT16_MAX) {
		memset(scratch->slots, 0, sizeof(scratch->slots));
		scratch->epoch = 1;
	}
	counts->scratch = scratch;
	counts->out = out;
	counts->values = out->columns[1].data;
	counts->classify = words_classifier();
}

static int tokenize_run(
	const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	struct counts counts;
	int code = 0;

	(void)config;
	sw_batch_compact(in);
	if (in->rows > SW_BATCH_ROWS_MAX)
		return -EINVAL;
	if (in->rows == 0)
		return 0;
	counts_begin(&counts, scratch, in, out);
	for (int i = 0; i < NUMBERS && !code; i++)
		code = count_numbers(&counts, &in->columns[number_columns[i]], in->rows);
	for (int i = 0; i < TEXTS && !code; i++) {
		const struct sw_column *column = &in->columns[text_columns[i]];

		if (column->dictionary && column->dictionary->entries <= DICTIONARY_ENTRIES)
			code = count_codes(&counts, column, in->rows);
		else
			code = count_texts(&counts, column, in->rows);
	}
	return code;
}

const struct sw_kernel kernel_tokenize = {
	.name = "tokenize.partial",
	.version = 1,
	.in = &schema_line,
	.out = &schema_counts,
	.limits = counts_limits,
	.scratch_bytes = sizeof(struct counts_scratch),
	.run = tokenize_run,
};

/* ---- One row per token ---- */

static int put_token(struct sw_batch *out, int64_t seq, struct sw_text token)
{
	uint32_t row = out->rows;

	if (row == out->capacity ||
		!sw_column_append_text(&out->columns[1], row, token.bytes, token.size))
		return -EOVERFLOW;
	((int64_t *)out->columns[0].data)[row] = seq;
	out->rows++;
	return 0;
}

static int put_words(struct sw_batch *out, int64_t seq, const struct sw_column *column,
	uint32_t row, uint64_t (*classify)(const char *bytes))
{
	struct sw_text text = sw_column_text(column, row);
	struct words words;
	struct word word;
	int code = 0;

	words_begin(&words, text, readable_end(column), classify);
	while (!code && words_next(&words, &word))
		code = put_token(out, seq,
			(struct sw_text){ text.bytes + word.begin, word.end - word.begin });
	return code;
}

static int tokens_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	uint64_t (*classify)(const char *bytes) = words_classifier();
	char digits[SW_CSV_NUMBER_BYTES];
	int code = 0;

	(void)config;
	(void)scratch;
	sw_batch_compact(in);
	for (uint32_t row = 0; row < in->rows && !code; row++) {
		int64_t seq = sw_column_int64(&in->columns[0], row);

		for (int i = 1; i <= COLUMNS && !code; i++) {
			const struct sw_column *column = &in->columns[i];

			if (column->type == SW_TEXT)
				code = put_words(out, seq, column, row, classify);
			else
				code = put_token(out, seq,
					number_text(sw_column_int64(column, row), digits));
		}
	}
	return code;
}

const struct sw_kernel kernel_tokens = {
	.name = "tokenize.tokens",
	.version = 1,
	.in = &schema_seq_line,
	.out = &schema_tokens,
	.limits = tokens_limits,
	.run = tokens_run,
};

/* ---- The query ---- */

static int tokenize_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)error;
	if (options->tokens) {
		plan->inputs[SW_BID].columns = SW_BID_ALL;
		plan->inputs[SW_BID].kernel = &kernel_tokens;
		plan->inputs[SW_BID].kernel_rows = tokens_rows;
		plan->result = &schema_tokens;
		return 0;
	}
	plan->inputs[SW_BID].columns = SW_BID_ALL & ~SW_BID_SEQ;
	plan->inputs[SW_BID].kernel = &kernel_tokenize;
	plan->inputs[SW_BID].kernel_rows = counts_rows;
	plan->inputs[SW_BID].key_column = 0;
	/* A batch of results takes the longest text that any source makes. */
	plan_add_merge(plan, &sw_text_count, NULL, &schema_counts)->text_bytes = 2 * CSV_TEXT_BYTES;
	return 0;
}

const struct query query_tokenize = {
	.about = {
		.name = "tokenize",
		.title = "words of bids",
		.columns = "token,count",
		.reads = "bid.auction,bid.bidder,bid.price,bid.channel,bid.url,bid.dateTime,"
			 "bid.extra",
		.keys = "token",
		.spills = "partials",
		.state = "a count per distinct token",
	},
	.plan = tokenize_plan,
};

/* SPDX-License-Identifier: MIT */
/*
 * Frames. What the decoder takes is encoded, decoded again, and must be the same; what it refuses
 * leaves an empty batch and a message.
 */
#include "tests/fuzz/fuzz_frame.h"

#include <errno.h>
#include <string.h>

#include <libdeflate.h>

#include "burst/base64.h"

#if SW_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { ROWS_MAX = 300, PARTS = 4, SLACK_BYTES = 64 };

static const int32_t no_offsets[] = { 0 };
static const struct sw_dictionary no_words = { .offsets = no_offsets, .bytes = "" };

const struct sw_schema fuzz_schemas[FUZZ_SCHEMAS] = {
	{ .columns = 1, .fields = { { .name = "t", .type = SW_TEXT } } },
	{ .columns = 3,
		.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT32 },
			{ .name = "c", .type = SW_DECIMAL3 } } },
	{ .columns = 5,
		.fields = { { .name = "a", .type = SW_TIME_MS }, { .name = "b", .type = SW_TEXT },
			{ .name = "c", .type = SW_INT32 }, { .name = "d", .type = SW_TEXT },
			{ .name = "e", .type = SW_INT64 } } },
	/* Nothing can be decoded into this one. */
	{ .columns = 1, .fields = { { .name = "t", .type = SW_TEXT, .dictionary = &no_words } } },
};

void fuzz_seal(uint8_t *frame, size_t bytes)
{
	if (bytes < FRAME_FIXED_BYTES + FRAME_CRC_BYTES)
		return;
	put_u32(frame + 8, (uint32_t)bytes);
	put_u32(frame + bytes - FRAME_CRC_BYTES,
		libdeflate_crc32(0, frame, bytes - FRAME_CRC_BYTES));
}

char *fuzz_envelope(const uint8_t *frame, size_t frame_bytes, uint8_t way, size_t *bytes)
{
	static const char *const ways[8][2] = {
		{ "{\"frame\":\"", "\"}" },
		{ " { \"frame\" :\r\n\t\"", "\" } " },
		{ "{\"a\":1,\"frame\":\"", "\"}" },
		{ "{\"frame\":\"", "\",\"b\":[{}]}" },
		{ "{\"frame\":\"\\u0053", "\"}" },
		{ "[\"frame\",\"", "\"]" },
		{ "{\"a\":\"\\\"\",\"frame\":\"", "\"}" },
		{ "{\"frame\":\"", "" },
	};
	const char *const *parts = ways[way % 8];
	const size_t before = strlen(parts[0]), after = strlen(parts[1]);
	char *text = malloc(before + sw_base64_bytes(frame_bytes) + after);
	size_t used = before;

	FUZZ_CHECK(text);
	memcpy(text, parts[0], before);
	used += sw_base64_encode(frame, frame_bytes, text + used);
	FUZZ_CHECK(used == before + sw_base64_bytes(frame_bytes));
	memcpy(text + used, parts[1], after);
	*bytes = used + after;
	return text;
}

/* ---- The decoder ---- */

/* The room behind a column's end, which belongs to the block: nothing of it may be touched. */
static void guard(struct sw_batch *batch)
{
#if SW_ASAN
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		const struct sw_column *column = &batch->columns[i];
		const size_t bytes =
			column->offsets ? column->text_capacity
					: (size_t)batch->capacity * sw_type_width(column->type);

		ASAN_POISON_MEMORY_REGION((char *)column->data + bytes, SLACK_BYTES);
	}
#else
	(void)batch;
#endif
}

static struct sw_batch *make_batch(unsigned schema)
{
	struct sw_batch *batch = sw_batch_create(&fuzz_schemas[schema], ROWS_MAX, FUZZ_TEXT_BYTES);

	FUZZ_CHECK(batch);
	guard(batch);
	return batch;
}

static void check_same_header(const struct sw_frame_header *a, const struct sw_frame_header *b)
{
	FUZZ_CHECK(a->kind == b->kind && a->kernel_version == b->kernel_version);
	FUZZ_CHECK(memcmp(a->kernel, b->kernel, sizeof(a->kernel)) == 0);
	FUZZ_CHECK(a->job == b->job && a->edge == b->edge && a->seq == b->seq);
	FUZZ_CHECK(a->attempt == b->attempt && a->rows == b->rows && a->events == b->events);
	FUZZ_CHECK(a->op_delay_ns == b->op_delay_ns && a->deadline_ms == b->deadline_ms);
	FUZZ_CHECK(a->number == b->number && a->arrival_ms == b->arrival_ms);
	FUZZ_CHECK(a->config_bytes == b->config_bytes);
	FUZZ_CHECK(memcmp(a->config, b->config, sizeof(a->config)) == 0);
}

static void check_equal(const struct sw_batch *a, const struct sw_batch *b)
{
	FUZZ_CHECK(a->rows == b->rows && a->events == b->events && a->number == b->number &&
		   a->arrival_ms == b->arrival_ms);
	for (uint32_t i = 0; i < a->schema->columns; i++) {
		const struct sw_column *x = &a->columns[i], *y = &b->columns[i];
		size_t bytes = (size_t)a->rows * sw_type_width(x->type);

		if (x->type == SW_TEXT) {
			FUZZ_CHECK(memcmp(x->offsets, y->offsets,
					   (a->rows + 1) * sizeof(*x->offsets)) == 0);
			bytes = (size_t)x->offsets[a->rows];
		}
		FUZZ_CHECK(memcmp(x->data, y->data, bytes) == 0);
	}
}

static void round_trip(
	const struct sw_frame_header *header, const struct sw_batch *batch, struct sw_batch *again)
{
	const size_t bound = sw_frame_bound(batch);
	uint8_t *frame = malloc(bound);
	struct sw_frame_header other;
	ptrdiff_t bytes;

	FUZZ_CHECK(frame);
	bytes = sw_frame_encode(header, batch, frame, bound);
	FUZZ_CHECK(bytes > 0);
	FUZZ_CHECK(sw_frame_decode(frame, (size_t)bytes, &other, again, NULL) == 0);
	check_same_header(header, &other);
	check_equal(batch, again);
	free(frame);
}

static void fuzz_decoder(uint8_t details, const uint8_t *frame, size_t bytes)
{
	static struct sw_batch *batches[FUZZ_SCHEMAS][2];
	struct sw_batch **pair = batches[details % FUZZ_SCHEMAS];
	struct sw_frame_header header, peeked;
	struct sw_error error = { .text = "" };
	int rc, peek;

	for (unsigned i = 0; i < 2; i++) {
		if (!pair[i])
			pair[i] = make_batch(details % FUZZ_SCHEMAS);
		sw_batch_reset(pair[i]);
	}
	peek = sw_frame_peek(frame, bytes, &peeked, NULL);
	rc = sw_frame_decode(frame, bytes, &header, pair[0], &error);
	if (rc) {
		FUZZ_CHECK(rc == -EBADMSG || rc == -EPROTO || rc == -ENOSPC);
		FUZZ_CHECK(error.code == rc && strncmp(error.text, "frame: ", 7) == 0);
		FUZZ_CHECK(pair[0]->rows == 0);
		return;
	}
	FUZZ_CHECK(peek == 0);
	check_same_header(&peeked, &header);
	FUZZ_CHECK(header.rows == pair[0]->rows);
	round_trip(&header, pair[0], pair[1]);
}

/* ---- Inputs ---- */

static void random_number(struct sw_column *column, uint32_t row, uint64_t bits)
{
	if (column->type == SW_INT32)
		((int32_t *)column->data)[row] = (int32_t)bits;
	else
		((int64_t *)column->data)[row] = (int64_t)bits;
}

/* Or none, when there is no room for it. */
static void append_text(struct sw_column *column, uint32_t row, uint64_t bits)
{
	if (!sw_column_append_text(column, row, (const char *)&bits, row % 9))
		FUZZ_CHECK(sw_column_append_text(column, row, "", 0));
}

static void random_rows(struct sw_batch *batch, uint32_t rows, uint64_t *random)
{
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		struct sw_column *column = &batch->columns[i];
		const uint64_t base = random_next(random) >> random_below(random, 64);
		const uint32_t shift = random_below(random, 64);

		for (uint32_t row = 0; row < rows; row++) {
			const uint64_t bits = random_next(random);

			if (column->type == SW_TEXT)
				append_text(column, row, bits);
			else
				random_number(column, row, base + (bits >> shift));
		}
	}
	batch->rows = rows;
}

/* Turns the text column of a frame of schema 0 into a dictionary: three entries, a row a code. */
static size_t with_dictionary(uint8_t *frame, size_t max, uint32_t rows, uint64_t *random)
{
	uint8_t *at = frame + FRAME_FIXED_BYTES + get_u32(frame + 72);
	const uint8_t width = (uint8_t)(1 + random_below(random, 2));
	const uint16_t longest = (uint16_t)random_below(random, 200);
	const size_t payload = 4 + 3 * 2 + (size_t)rows * width + longest + 3;

	if ((size_t)(at - frame) + FRAME_COLUMN_BYTES + payload + FRAME_CRC_BYTES > max)
		return 0;
	memset(at, 0, FRAME_COLUMN_BYTES + payload);
	at[0] = SW_TEXT;
	at[1] = FRAME_DICTIONARY;
	at[2] = width;
	put_u32(at + 4, (uint32_t)payload);
	at += FRAME_COLUMN_BYTES;
	put_u32(at, 3);
	put_u16(at + 4, longest);
	put_u16(at + 6, 1);
	put_u16(at + 8, 2);
	at += 4 + 3 * 2;
	for (uint32_t row = 0; row < rows; row++, at += width)
		*at = (uint8_t)random_below(random, 3);
	memset(at, 'x', longest + 3u);
	return (size_t)(at + longest + 3 - frame) + FRAME_CRC_BYTES;
}

static size_t sample(uint8_t *data, size_t max, uint64_t *random)
{
	const unsigned schema = random_below(random, 3);
	struct sw_frame_header header = { .kernel_version = 1, .attempt = 1 };
	struct sw_batch *batch = sw_batch_create(&fuzz_schemas[schema], ROWS_MAX, FUZZ_TEXT_BYTES);
	const uint32_t rows = random_below(random, random_below(random, 4) ? 30 : 200);
	ptrdiff_t bytes;

	FUZZ_CHECK(batch && max > 2);
	data[0] = (uint8_t)random_below(random, PARTS);
	data[1] = (uint8_t)(schema + FUZZ_SCHEMAS * random_below(random, 64));
	header.kind = data[0] == 3 ? SW_FRAME_ANSWER : SW_FRAME_REQUEST;
	strcpy(header.kernel, schema == 0 ? "text" : schema == 1 ? "numbers" : "double");
	random_rows(batch, rows, random);
	bytes = sw_frame_encode(&header, batch, data + 2, max - 2);
	sw_batch_destroy(batch);
	if (bytes < 0)
		return 2;
	if (schema == 0 && rows > 0 && random_below(random, 2)) {
		const size_t longer = with_dictionary(data + 2, max - 2, rows, random);

		bytes = longer ? (ptrdiff_t)longer : bytes;
		fuzz_seal(data + 2, (size_t)bytes);
	}
	return (size_t)bytes + 2;
}

const struct fuzz_target fuzz_target = { .sample = sample };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	const uint8_t first = fuzz_byte(&input), details = fuzz_byte(&input);
	const bool as_it_is = first & FUZZ_SEALED;
	uint8_t *frame = fuzz_copy(input.at, input.bytes);

	if (!as_it_is)
		fuzz_seal(frame, input.bytes);
	switch (first % PARTS) {
	case 2:
		fuzz_event(details, frame, input.bytes);
		break;
	case 3:
		fuzz_answer(details, frame, input.bytes, as_it_is);
		break;
	default:
		fuzz_decoder(details, frame, input.bytes);
		break;
	}
	free(frame);
	return 0;
}

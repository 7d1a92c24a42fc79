/* SPDX-License-Identifier: MIT */
/* Frames: round trips of random batches, and everything that a broken one may look like. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libdeflate.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

enum { ROWS = 400, TEXT_BYTES = 1 << 16, ENTRIES = 700 };

static uint64_t state;

static struct {
	struct sw_dictionary dictionary;
	int32_t offsets[ENTRIES + 1];
	char bytes[ENTRIES * 12];
} words;

static void make_words(void)
{
	int32_t at = 0;

	for (int i = 0; i < ENTRIES; i++) {
		words.offsets[i] = at;
		at += sprintf(words.bytes + at, "%.*s%d", i % 5, "word-", i);
	}
	words.offsets[ENTRIES] = at;
	words.dictionary.entries = ENTRIES;
	words.dictionary.offsets = words.offsets;
	words.dictionary.bytes = words.bytes;
}

static uint32_t below(uint32_t limit)
{
	return random_below(&state, limit);
}

static void random_schema(struct sw_schema *schema)
{
	memset(schema, 0, sizeof(*schema));
	schema->columns = 1 + below(8);
	for (uint32_t i = 0; i < schema->columns; i++) {
		schema->fields[i].name = "column";
		schema->fields[i].type = (enum sw_type)below(5);
		if (schema->fields[i].type == SW_TEXT && below(2))
			schema->fields[i].dictionary = &words.dictionary;
	}
}

static void fill_integers(struct sw_column *column, uint32_t rows)
{
	const uint32_t kind = below(6);
	const uint32_t shift = below(64);
	const uint64_t base = random_next(&state) >> below(64);

	for (uint32_t i = 0; i < rows; i++) {
		uint64_t value = kind == 0 ? base : base + (random_next(&state) >> shift);

		if (kind == 1)
			value = i % 2 ? (uint64_t)INT64_MIN : INT64_MAX;
		if (column->type == SW_INT32)
			((int32_t *)column->data)[i] = (int32_t)value;
		else
			((int64_t *)column->data)[i] = (int64_t)value;
	}
}

static void fill_text(struct sw_column *column, uint32_t rows)
{
	const uint32_t longest = below(10) == 0 ? 300 : 1 + below(40);
	char text[512];

	for (uint32_t i = 0; i < rows; i++) {
		const uint32_t size = below(longest);

		for (uint32_t k = 0; k < size; k++)
			text[k] = (char)random_next(&state);
		if (!sw_column_append_text(column, i, text, size))
			assert_true(sw_column_append_text(column, i, text, 0));
	}
}

static struct sw_batch *random_batch(const struct sw_schema *schema, uint32_t rows)
{
	struct sw_batch *batch = sw_batch_create(schema, ROWS, TEXT_BYTES);

	assert_non_null(batch);
	for (uint32_t i = 0; i < schema->columns; i++) {
		struct sw_column *column = &batch->columns[i];

		if (column->type != SW_TEXT) {
			fill_integers(column, rows);
		} else if (!column->dictionary) {
			fill_text(column, rows);
		} else {
			for (uint32_t row = 0; row < rows; row++)
				((int32_t *)column->data)[row] = (int32_t)below(ENTRIES);
		}
	}
	batch->rows = rows;
	batch->number = random_next(&state);
	batch->arrival_ms = (int64_t)random_next(&state);
	batch->events = below(100000);
	if (below(3) == 0) {
		batch->selected = batch->selection_space;
		for (uint32_t row = 0; row < rows; row++) {
			if (below(3))
				batch->selected[batch->selected_rows++] = (uint16_t)row;
		}
	}
	return batch;
}

static void random_header(struct sw_frame_header *header)
{
	memset(header, 0, sizeof(*header));
	header->kind = below(2) ? SW_FRAME_REQUEST : SW_FRAME_ANSWER;
	header->kernel_version = (uint32_t)random_next(&state);
	snprintf(header->kernel, sizeof(header->kernel), "kernel.%u", below(1000000));
	header->job = random_next(&state);
	header->edge = (uint32_t)random_next(&state);
	header->seq = random_next(&state);
	header->attempt = 1 + below(9);
	header->op_delay_ns = below(1000);
	header->deadline_ms = below(100000);
	header->config_bytes = below(SW_KERNEL_CONFIG_MAX + 1);
	for (uint32_t i = 0; i < header->config_bytes; i++)
		header->config[i] = (uint8_t)random_next(&state);
}

/* The schema of what comes back: dictionaries are resolved. */
static void plain_schema(const struct sw_schema *from, struct sw_schema *to)
{
	*to = *from;
	for (uint32_t i = 0; i < to->columns; i++)
		to->fields[i].dictionary = NULL;
}

static void check_equal(const struct sw_batch *sent, const struct sw_batch *got)
{
	assert_int_equal(got->rows, sw_batch_count(sent));
	assert_null(got->selected);
	assert_int_equal(got->number, sent->number);
	assert_int_equal(got->arrival_ms, sent->arrival_ms);
	assert_int_equal(got->events, sent->events);
	for (uint32_t c = 0; c < sent->schema->columns; c++) {
		for (uint32_t i = 0; i < got->rows; i++) {
			const uint32_t row = sw_batch_row(sent, i);
			struct sw_text a, b;

			if (sent->columns[c].type != SW_TEXT) {
				assert_int_equal(sw_column_int64(&sent->columns[c], row),
					sw_column_int64(&got->columns[c], i));
				continue;
			}
			a = sw_column_text(&sent->columns[c], row);
			b = sw_column_text(&got->columns[c], i);
			assert_int_equal(a.size, b.size);
			assert_memory_equal(a.bytes, b.bytes, a.size);
		}
	}
}

static void check_header(const struct sw_frame_header *sent, const struct sw_frame_header *got,
	const struct sw_batch *batch)
{
	assert_int_equal(got->kind, sent->kind);
	assert_int_equal(got->kernel_version, sent->kernel_version);
	assert_string_equal(got->kernel, sent->kernel);
	assert_int_equal(got->job, sent->job);
	assert_int_equal(got->edge, sent->edge);
	assert_int_equal(got->seq, sent->seq);
	assert_int_equal(got->attempt, sent->attempt);
	assert_int_equal(got->rows, sw_batch_count(batch));
	assert_int_equal(got->op_delay_ns, sent->op_delay_ns);
	assert_int_equal(got->deadline_ms, sent->deadline_ms);
	assert_int_equal(got->config_bytes, sent->config_bytes);
	assert_memory_equal(got->config, sent->config, sent->config_bytes);
}

static void round_trips(void **unused)
{
	(void)unused;
	for (int turn = 0; turn < 600; turn++) {
		struct sw_schema schema, plain;
		struct sw_frame_header header, got_header;
		struct sw_error error;
		struct sw_batch *batch, *got;
		size_t bound;
		uint8_t *frame;
		ptrdiff_t bytes;

		random_schema(&schema);
		plain_schema(&schema, &plain);
		random_header(&header);
		batch = random_batch(&schema, below(10) ? below(ROWS + 1) : below(3));
		got = sw_batch_create(&plain, ROWS, TEXT_BYTES);
		bound = sw_frame_bound(batch);
		/* Exactly that much memory: a sanitizer sees a byte too many. */
		frame = malloc(bound);
		bytes = sw_frame_encode(&header, batch, frame, bound);
		assert_true(bytes > 0 && (size_t)bytes <= bound);
		assert_int_equal(
			sw_frame_encode(&header, batch, frame, (size_t)bytes - 1), -ENOSPC);
		assert_int_equal(sw_frame_encode(&header, batch, frame, (size_t)bytes), bytes);
		frame = realloc(frame, (size_t)bytes);
		assert_int_equal(sw_frame_peek(frame, (size_t)bytes, &got_header, &error), 0);
		check_header(&header, &got_header, batch);
		assert_int_equal(
			sw_frame_decode(frame, (size_t)bytes, &got_header, got, &error), 0);
		check_header(&header, &got_header, batch);
		check_equal(batch, got);
		free(frame);
		sw_batch_destroy(batch);
		sw_batch_destroy(got);
	}
}

struct sample {
	struct sw_schema plain;
	struct sw_batch *batch, *got;
	uint8_t *frame;
	size_t bytes;
};

/* One of each encoding. */
static void make_sample(struct sample *sample, uint32_t rows)
{
	static const struct sw_schema schema = {
		.columns = 5,
		.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT32 },
			{ .name = "c", .type = SW_TIME_MS }, { .name = "d", .type = SW_TEXT },
			{ .name = "e", .type = SW_TEXT, .dictionary = &words.dictionary } },
	};
	struct sw_frame_header header;
	size_t bound;

	plain_schema(&schema, &sample->plain);
	sample->batch = random_batch(&schema, rows);
	sample->got = sw_batch_create(&sample->plain, rows, TEXT_BYTES);
	random_header(&header);
	bound = sw_frame_bound(sample->batch);
	sample->frame = malloc(bound);
	sample->bytes = (size_t)sw_frame_encode(&header, sample->batch, sample->frame, bound);
	assert_true(sample->bytes <= bound);
}

static void free_sample(struct sample *sample)
{
	sw_batch_destroy(sample->batch);
	sw_batch_destroy(sample->got);
	free(sample->frame);
}

/* Decodes a copy that ends where the memory ends. */
static int decode_copy(struct sample *sample, const uint8_t *frame, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);
	struct sw_frame_header header;
	struct sw_error error = { 0 };
	int rc;

	memcpy(copy, frame, bytes);
	rc = sw_frame_decode(copy, bytes, &header, sample->got, &error);
	if (rc) {
		assert_int_equal(error.code, rc);
		assert_true(strncmp(error.text, "frame", 5) == 0);
		assert_int_equal(sample->got->rows, 0);
	} else {
		sw_batch_reset(sample->got);
	}
	free(copy);
	return rc;
}

static void truncations_are_refused(void **unused)
{
	struct sample sample;

	(void)unused;
	make_sample(&sample, 40);
	for (size_t bytes = 0; bytes < sample.bytes; bytes++)
		assert_int_not_equal(decode_copy(&sample, sample.frame, bytes), 0);
	assert_int_equal(decode_copy(&sample, sample.frame, sample.bytes), 0);
	free_sample(&sample);
}

static void flips_are_refused(void **unused)
{
	struct sample sample;

	(void)unused;
	make_sample(&sample, 40);
	for (size_t at = 0; at < sample.bytes; at++) {
		for (int bit = 0; bit < 8; bit++) {
			sample.frame[at] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(decode_copy(&sample, sample.frame, sample.bytes), 0);
			sample.frame[at] ^= (uint8_t)(1 << bit);
		}
	}
	free_sample(&sample);
}

static void set_crc(uint8_t *frame, size_t bytes)
{
	uint32_t sum = libdeflate_crc32(0, frame, bytes - 4);

	for (int i = 0; i < 4; i++)
		frame[bytes - 4 + (size_t)i] = (uint8_t)(sum >> 8 * i);
}

/* With a right CRC: refused or decoded, but within bounds (the sanitizers look). */
static void hostile_frames_do_no_harm(void **unused)
{
	unsigned refused = 0, taken = 0;

	(void)unused;
	for (int turn = 0; turn < 60; turn++) {
		struct sample sample;
		uint8_t *frame;

		make_sample(&sample, 1 + below(60));
		frame = malloc(sample.bytes);
		for (int change = 0; change < 300; change++) {
			memcpy(frame, sample.frame, sample.bytes);
			for (uint32_t i = 0; i <= below(3); i++)
				frame[below((uint32_t)sample.bytes)] =
					below(2) ? (uint8_t)random_next(&state) : 0xff;
			set_crc(frame, sample.bytes);
			if (decode_copy(&sample, frame, sample.bytes))
				refused++;
			else
				taken++;
		}
		free(frame);
		free_sample(&sample);
	}
	assert_true(refused > 1000 && taken > 1000);
}

static void small_batches_are_refused(void **unused)
{
	struct sample sample;
	struct sw_batch *small;
	struct sw_frame_header header;
	struct sw_error error;

	(void)unused;
	make_sample(&sample, 40);
	if (sw_batch_count(sample.batch) > 10) {
		small = sw_batch_create(&sample.plain, 10, TEXT_BYTES);
		assert_int_equal(
			sw_frame_decode(sample.frame, sample.bytes, &header, small, &error),
			-ENOSPC);
		sw_batch_destroy(small);
	}
	small = sw_batch_create(&sample.plain, 40, 3);
	assert_int_equal(
		sw_frame_decode(sample.frame, sample.bytes, &header, small, &error), -ENOSPC);
	sw_batch_destroy(small);
	sample.plain.columns--;
	small = sw_batch_create(&sample.plain, 40, TEXT_BYTES);
	assert_int_equal(
		sw_frame_decode(sample.frame, sample.bytes, &header, small, &error), -EPROTO);
	sw_batch_destroy(small);
	free_sample(&sample);
}

/* What design promises for bids: about ten bytes a row. */
static void narrow_rows_are_small(void **unused)
{
	static const struct sw_schema schema = {
		.columns = 4,
		.fields = { { .name = "auction", .type = SW_INT64 },
			{ .name = "bidder", .type = SW_INT64 },
			{ .name = "price", .type = SW_INT64 },
			{ .name = "dateTime", .type = SW_TIME_MS } },
	};
	struct sw_batch *batch = sw_batch_create(&schema, 942, 0);
	struct sw_frame_header header = { .kind = SW_FRAME_REQUEST, .kernel = "k" };
	uint8_t frame[16384];
	ptrdiff_t bytes;

	(void)unused;
	for (int64_t i = 0; i < 942; i++) {
		((int64_t *)batch->columns[0].data)[i] = 1000000 + below(3000);
		((int64_t *)batch->columns[1].data)[i] = 2000000 + below(40000);
		((int64_t *)batch->columns[2].data)[i] = 100 + below(99000000);
		((int64_t *)batch->columns[3].data)[i] = 1700000000000 + i / 9;
	}
	batch->rows = 942;
	bytes = sw_frame_encode(&header, batch, frame, sizeof(frame));
	assert_true(bytes > 0 && bytes < 942 * 10);
	sw_batch_destroy(batch);
}

static void base64_round_trips(void **unused)
{
	uint8_t bytes[200], back[200];
	char text[300];

	(void)unused;
	for (size_t size = 0; size < sizeof(bytes); size++) {
		size_t characters;

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)random_next(&state);
		characters = sw_base64_encode(bytes, size, text);
		assert_int_equal(characters, sw_base64_bytes(size));
		assert_int_equal(sw_base64_decode(text, characters, back), size);
		assert_memory_equal(bytes, back, size);
		assert_int_equal(sw_base64_decode(text, characters, text), size);
		assert_memory_equal(bytes, text, size);
	}
	assert_int_equal(sw_base64_encode("any carnal pleas", 16, text), 24);
	assert_memory_equal(text, "YW55IGNhcm5hbCBwbGVhcw==", 24);
}

static void bad_base64_is_refused(void **unused)
{
	static const char *const bad[] = { "A", "AB", "ABC", "AB=C", "A===", "====", "AB==CDEF",
		"AB*D", "AB C", "AB\nD", "QR==", "QUJ=" };
	uint8_t to[16];

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sw_base64_decode(bad[i], strlen(bad[i]), to), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(truncations_are_refused),
		cmocka_unit_test(flips_are_refused),
		cmocka_unit_test(hostile_frames_do_no_harm),
		cmocka_unit_test(small_batches_are_refused),
		cmocka_unit_test(narrow_rows_are_small),
		cmocka_unit_test(base64_round_trips),
		cmocka_unit_test(bad_base64_is_refused),
	};

	state = random_seed();
	make_words();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */

/* Every stream that Apache Beam's generator made, row for row: SHA-256 of each kind's CSV rows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "nexmark/generator.h"

#define EVENTS_A_BATCH 4000
#define ROW_MAX        2048

static const uint32_t all[SW_NEXMARK_EVENTS] = { SW_PERSON_ALL, SW_AUCTION_ALL, SW_BID_ALL };

struct digest {
	EVP_MD_CTX *context;
	char *text;
	size_t used, room;
};

static void digest_init(struct digest *digest)
{
	digest->context = EVP_MD_CTX_new();
	assert_non_null(digest->context);
	assert_int_equal(EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL), 1);
	digest->room = (size_t)EVENTS_A_BATCH * ROW_MAX;
	digest->text = malloc(digest->room);
	assert_non_null(digest->text);
	digest->used = 0;
}

static void digest_flush(struct digest *digest)
{
	assert_int_equal(EVP_DigestUpdate(digest->context, digest->text, digest->used), 1);
	digest->used = 0;
}

static void digest_check(struct digest *digest, const char *expected, const char *what)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1];

	assert_int_equal(EVP_DigestFinal_ex(digest->context, bytes, &size), 1);
	for (unsigned i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	if (strcmp(hex, expected) != 0)
		fail_msg("%s: %s instead of %s", what, hex, expected);
	EVP_MD_CTX_free(digest->context);
	free(digest->text);
}

static size_t put_integer(char *at, int64_t value)
{
	char digits[24];
	size_t used = sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do
		digits[--used] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		digits[--used] = '-';
	memcpy(at, digits + used, sizeof(digits) - used);
	return sizeof(digits) - used;
}

static void put_text(struct digest *digest, const char *text, size_t bytes)
{
	assert_true(bytes <= digest->room - digest->used);
	memcpy(digest->text + digest->used, text, bytes);
	digest->used += bytes;
}

/* A row as CSV; generated texts never need quotes. */
static void put_row(struct digest *digest, const struct sw_batch *batch, uint32_t row)
{
	char *at = digest->text + digest->used;

	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		const struct sw_column *column = &batch->columns[i];

		if (i > 0)
			*at++ = ',';
		if (column->type == SW_TEXT) {
			const struct sw_text text = sw_column_text(column, row);

			memcpy(at, text.bytes, text.size);
			at += text.size;
		} else {
			at += put_integer(at, sw_column_int64(column, row));
		}
	}
	*at++ = '\n';
	digest->used = (size_t)(at - digest->text);
	assert_true(digest->used <= digest->room);
}

/* A row, and its columns behind the first one, which is seq. */
static void put_both(
	struct digest *with, struct digest *without, const struct sw_batch *batch, uint32_t row)
{
	const size_t start = with->used;
	const char *rest;

	put_row(with, batch, row);
	rest = memchr(with->text + start, ',', with->used - start);
	assert_non_null(rest);
	rest++;
	put_text(without, rest, (size_t)(with->text + with->used - rest));
}

static void set(struct sw_nexmark_options *options, const char *name, const char *text)
{
	struct sw_error error = { 0 };

	if (sw_nexmark_options_set(options, name, text, &error) != 0)
		fail_msg("%s", error.text);
}

static void set_from(
	struct sw_nexmark_options *options, const json_t *from, const char *key, const char *name)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld",
		(long long)json_integer_value(json_object_get(from, key)));
	set(options, name, text);
}

static void read_options(const json_t *stream, struct sw_nexmark_options *options)
{
	const int64_t events = json_integer_value(json_object_get(stream, "events"));
	json_t *value;
	const char *key;
	char text[32];

	json_object_foreach(json_object_get(stream, "options"), key, value)
	{
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		set(options, key, json_is_string(value) ? json_string_value(value) : text);
	}
	set_from(options, stream, "baseTime", "baseTime");
	set_from(options, stream, "firstEventNumber", "firstEventNumber");
	if (json_object_get(stream, "part") != NULL) {
		set_from(options, stream, "part", "generator");
		return;
	}
	set_from(options, stream, "firstEventId", "firstEventId");
	if (options->num_event_generators > 1) {
		/* The first of several generators, whose share is the whole stream. */
		options->num_events = events * options->num_event_generators;
		options->generator = 0;
	}
}

struct totals {
	uint64_t rows;
	int64_t time_max_ms;
};

static void check_type(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	const json_t *stream, struct totals *totals)
{
	const char *name = sw_nexmark_event_name(type);
	const uint64_t events = sw_nexmark_events(generator);
	struct digest with, without;
	struct sw_schema schema;
	struct sw_batch *batch;
	uint64_t rows = 0;

	assert_int_equal(sw_nexmark_generator_schema(generator, type, all[type], &schema), 0);
	batch = sw_batch_create(&schema, EVENTS_A_BATCH, 0);
	assert_non_null(batch);
	digest_init(&with);
	digest_init(&without);
	for (uint64_t first = 0; first < events; first += EVENTS_A_BATCH) {
		sw_batch_reset(batch);
		assert_int_equal(sw_nexmark_generate(
					 generator, type, all[type], first, EVENTS_A_BATCH, batch),
			0);
		assert_int_equal(
			batch->rows, sw_nexmark_count(generator, type, first, EVENTS_A_BATCH));
		for (uint32_t row = 0; row < batch->rows; row++)
			put_both(&with, &without, batch, row);
		digest_flush(&with);
		digest_flush(&without);
		rows += batch->rows;
		if (batch->rows > 0 && batch->time_max_ms > totals->time_max_ms)
			totals->time_max_ms = batch->time_max_ms;
	}
	assert_int_equal(
		rows, json_integer_value(json_object_get(json_object_get(stream, "rows"), name)));
	digest_check(&with,
		json_string_value(json_object_get(json_object_get(stream, "sha256"), name)), name);
	digest_check(&without,
		json_string_value(
			json_object_get(json_object_get(stream, "sha256_without_seq"), name)),
		name);
	totals->rows += rows;
	sw_batch_destroy(batch);
}

static void check_stream(const json_t *stream, enum sw_nexmark_path path)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *generator;
	struct totals totals = { 0, SW_TIME_MIN };
	struct sw_error error = { 0 };
	uint64_t events;

	read_options(stream, &options);
	if (sw_nexmark_generator_create(&options, &generator, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(sw_nexmark_generator_use(generator, path), 0);
	events = sw_nexmark_events(generator);
	assert_int_equal(events, json_integer_value(json_object_get(stream, "events")));
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
		check_type(generator, (enum sw_nexmark_event)type, stream, &totals);
	assert_int_equal(totals.rows, events);
	assert_int_equal(
		totals.time_max_ms, json_integer_value(json_object_get(stream, "max_timestamp")));
	assert_int_equal(sw_nexmark_watermark(generator, events - 1),
		json_integer_value(json_object_get(stream, "watermark")));
	assert_true(sw_nexmark_watermark(generator, events) == SW_TIME_END);
	sw_nexmark_generator_destroy(generator);
}

static void check_streams(enum sw_nexmark_path path)
{
	FILE *file = fopen(SW_TEST_GOLDEN "/streams/digests.jsonl", "r");
	json_error_t bad;
	json_t *stream;
	int streams = 0;

	assert_non_null(file);
	while ((stream = json_loadf(file, JSON_DISABLE_EOF_CHECK, &bad)) != NULL) {
		print_message("%s\n", json_string_value(json_object_get(stream, "name")));
		check_stream(stream, path);
		json_decref(stream);
		streams++;
	}
	assert_int_equal(streams, 22);
	fclose(file);
}

static void every_stream_is_beams(void **unused)
{
	(void)unused;
	check_streams(SW_NEXMARK_PATH_BEST);
}

static void so_is_every_portable_one(void **unused)
{
	(void)unused;
	check_streams(SW_NEXMARK_PATH_PORTABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stream_is_beams),
		cmocka_unit_test(so_is_every_portable_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

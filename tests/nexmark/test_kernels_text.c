/* SPDX-License-Identifier: MIT */

/* The kernels that look into texts, on random batches of plain text and of dictionary codes. */

#include "nexmark/kernels.h"
#include "nexmark/queries_private.h"
#include "tests/nexmark/kernel_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS    400
#define ENTRIES   50
#define TEXT_MOST 400

static uint64_t seed;

/* ---- Random batches ---- */

static const char *const parts[] = { "apple", "Apple", "GOOGLE", "facebooK", "baidu", "channel-7",
	"channel_id=", "&channel_id=", "&", "=", "/", "//", "https://www.nexmark.com/", "abc", "c",
	"ccc", "C", "12", "-2147483648", "?", "item.htm", "\xC3\xA7", "\"", ",", "\n", "channel_id",
	"&channel_id=5&",
	"a long text of more than sixty-four bytes, so that it spans two blocks" };

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static uint32_t random_text(uint64_t *state, char text[TEXT_MOST])
{
	uint32_t size = 0, count = random_below(state, random_below(state, 4) ? 4 : 12);

	for (uint32_t i = 0; i < count; i++) {
		const char *part = parts[random_below(state, PART_COUNT)];

		if (size + strlen(part) > TEXT_MOST)
			break;
		memcpy(text + size, part, strlen(part));
		size += (uint32_t)strlen(part);
	}
	return size;
}

static int64_t random_price(uint64_t *state)
{
	static const int64_t borders[] = { 1101321, 1101322, 55066079, 55066080, 0, INT64_MIN,
		INT64_MAX, -1101322, INT64_MAX / 908 + 1101322 };

	if (random_below(state, 2))
		return borders[random_below(state, sizeof(borders) / sizeof(borders[0]))];
	return (int64_t)random_below(state, 60000000);
}

static int64_t random_time(uint64_t *state)
{
	int64_t hour = (int64_t)random_below(state, 2000000) - 1000000;

	/* The first or last ms of an hour, or any; years around 1970. */
	switch (random_below(state, 3)) {
	case 0:
		return hour * 3600000;
	case 1:
		return hour * 3600000 - 1;
	default:
		return hour * 3600000 + random_below(state, 3600000);
	}
}

struct words {
	struct sw_dictionary dictionary;
	int32_t offsets[ENTRIES + 1];
	char bytes[ENTRIES * TEXT_MOST];
};

static void make_words(struct words *words, uint64_t *state)
{
	words->dictionary = (struct sw_dictionary){ ENTRIES, words->offsets, words->bytes };
	words->offsets[0] = 0;
	for (int i = 0; i < ENTRIES; i++)
		words->offsets[i + 1] =
			words->offsets[i] +
			(int32_t)random_text(state, words->bytes + words->offsets[i]);
}

static void put_value(uint64_t *state, struct sw_column *column, uint32_t row)
{
	char text[TEXT_MOST];

	if (column->dictionary)
		((int32_t *)column->data)[row] = (int32_t)random_below(state, ENTRIES);
	else if (column->type == SW_TEXT)
		assert_true(sw_column_append_text(column, row, text, random_text(state, text)));
	else if (column->type == SW_TIME_MS)
		((int64_t *)column->data)[row] = random_time(state);
	else
		((int64_t *)column->data)[row] = random_price(state);
}

static struct sw_batch *make_batch(uint64_t *state, const struct sw_schema *schema, uint32_t rows)
{
	struct sw_batch *batch = sw_batch_create(schema, rows + 1, (size_t)TEXT_MOST * (rows + 1));

	assert_non_null(batch);
	for (uint32_t row = 0; row < rows; row++)
		for (uint32_t i = 0; i < schema->columns; i++)
			put_value(state, &batch->columns[i], row);
	batch->rows = rows;
	if (random_below(state, 3))
		return batch;
	batch->selected = batch->selection_space;
	for (uint32_t row = 0; row < rows; row++)
		if (random_below(state, 3))
			batch->selected[batch->selected_rows++] = (uint16_t)row;
	return batch;
}

/* The rows that count, as they were: a kernel may spoil its input. */
static struct sw_batch *copy_of(const struct sw_batch *batch)
{
	struct sw_batch *copy = sw_batch_create(
		batch->schema, batch->rows + 1, (size_t)TEXT_MOST * batch->rows + 1);

	assert_non_null(copy);
	for (uint32_t i = 0; i < sw_batch_count(batch); i++)
		assert_true(sw_batch_append_row(copy, batch, sw_batch_row(batch, i)));
	return copy;
}

static void for_texts(
	const char *name, void (*check)(const struct sw_batch *in, const struct sw_batch *out))
{
	struct words *words = malloc(sizeof(*words));
	uint64_t state = seed;
	struct bench bench;

	assert_non_null(words);
	bench_open(&bench, name);
	for (int round = 0; round < ROUNDS; round++) {
		struct sw_schema schema = *bench.kernel->in;
		struct sw_batch *in, *before, *out;

		make_words(words, &state);
		for (uint32_t i = 0; i < schema.columns; i++)
			if (schema.fields[i].type == SW_TEXT && random_below(&state, 2))
				schema.fields[i].dictionary = &words->dictionary;
		in = make_batch(&state, &schema, random_below(&state, round % 10 ? 40 : 2000));
		before = copy_of(in);
		out = bench_run(&bench, in);
		check(before, out);
		sw_batch_destroy(in);
		sw_batch_destroy(before);
		sw_batch_destroy(out);
	}
	bench_close(&bench);
	free(words);
}

static struct sw_text text_at(const struct sw_batch *batch, unsigned column, uint32_t i)
{
	return sw_column_text(&batch->columns[column], sw_batch_row(batch, i));
}

static void check_text(const struct sw_batch *batch, unsigned column, uint32_t i,
	const char *expected, size_t size)
{
	struct sw_text text = text_at(batch, column, i);

	assert_int_equal(text.size, size);
	assert_memory_equal(text.bytes, expected, size);
}

/* ---- q14 ---- */

static const char *type_of(int64_t time_ms)
{
	time_t second = time_ms / 1000 - (time_ms % 1000 < 0);
	struct tm tm;

	assert_non_null(gmtime_r(&second, &tm));
	if (tm.tm_hour >= 8 && tm.tm_hour <= 18)
		return "dayTime";
	return tm.tm_hour <= 6 || tm.tm_hour >= 20 ? "nightTime" : "otherTime";
}

static void check_q14(const struct sw_batch *in, const struct sw_batch *out)
{
	uint32_t given = 0;

	for (uint32_t i = 0; i < in->rows; i++) {
		struct sw_text extra = text_at(in, 4, i);
		__int128 thousandths = (__int128)number(in, 2, i) * 908;
		int64_t count = 0;

		if (thousandths <= 1000000000 || thousandths >= 50000000000)
			continue;
		assert_true(given < sw_batch_count(out));
		for (uint32_t j = 0; j < extra.size; j++)
			count += extra.bytes[j] == 'c';
		assert_int_equal(number(out, 0, given), number(in, 0, i));
		assert_int_equal(number(out, 1, given), number(in, 1, i));
		assert_int_equal(number(out, 2, given), (int64_t)thousandths);
		check_text(out, 3, given, type_of(number(in, 3, i)),
			strlen(type_of(number(in, 3, i))));
		assert_int_equal(number(out, 4, given), number(in, 3, i));
		check_text(out, 5, given, extra.bytes, extra.size);
		assert_int_equal(number(out, 6, given), count);
		given++;
	}
	assert_int_equal(sw_batch_count(out), given);
}

static void q14_calculates(void **unused)
{
	(void)unused;
	for_texts("q14", check_q14);
}

/* ---- q21 ---- */

static bool is_channel(struct sw_text channel, const char *name)
{
	if (channel.size != strlen(name))
		return false;
	for (uint32_t i = 0; i < channel.size; i++)
		if (tolower((unsigned char)channel.bytes[i]) != name[i])
			return false;
	return true;
}

static bool id_of(struct sw_text channel, struct sw_text url, struct sw_text *id)
{
	static const char *const known[] = { "apple", "google", "facebook", "baidu" };
	static const char name[] = "channel_id=";

	for (unsigned i = 0; i < 4; i++) {
		if (is_channel(channel, known[i])) {
			*id = (struct sw_text){ &"0123"[i], 1 };
			return true;
		}
	}
	for (uint32_t at = 0; at + strlen(name) <= url.size; at++) {
		uint32_t begin = at + (uint32_t)strlen(name), end = begin;

		if ((at > 0 && url.bytes[at - 1] != '&') ||
			memcmp(url.bytes + at, name, strlen(name)) != 0)
			continue;
		while (end < url.size && url.bytes[end] != '&')
			end++;
		*id = (struct sw_text){ url.bytes + begin, end - begin };
		return true;
	}
	return false;
}

static void check_q21(const struct sw_batch *in, const struct sw_batch *out)
{
	uint32_t given = 0;

	for (uint32_t i = 0; i < in->rows; i++) {
		struct sw_text channel = text_at(in, 3, i), id;

		if (!id_of(channel, text_at(in, 4, i), &id))
			continue;
		assert_true(given < sw_batch_count(out));
		for (unsigned column = 0; column < 3; column++)
			assert_int_equal(number(out, column, given), number(in, column, i));
		check_text(out, 3, given, channel.bytes, channel.size);
		check_text(out, 4, given, id.bytes, id.size);
		given++;
	}
	assert_int_equal(sw_batch_count(out), given);
}

static void q21_finds_ids(void **unused)
{
	(void)unused;
	for_texts("q21", check_q21);
}

/* ---- q22 ---- */

static struct sw_text part_of(struct sw_text text, unsigned wanted)
{
	unsigned part = 0;
	uint32_t begin = 0;

	for (uint32_t i = 0; i <= text.size; i++) {
		if (i < text.size && text.bytes[i] != '/')
			continue;
		if (part++ == wanted)
			return (struct sw_text){ text.bytes + begin, i - begin };
		begin = i + 1;
	}
	return (struct sw_text){ "", 0 };
}

static void check_q22(const struct sw_batch *in, const struct sw_batch *out)
{
	assert_int_equal(sw_batch_count(out), in->rows);
	for (uint32_t i = 0; i < in->rows; i++) {
		struct sw_text channel = text_at(in, 3, i);

		for (unsigned column = 0; column < 3; column++)
			assert_int_equal(number(out, column, i), number(in, column, i));
		check_text(out, 3, i, channel.bytes, channel.size);
		for (unsigned part = 3; part < 6; part++) {
			struct sw_text text = part_of(text_at(in, 4, i), part);

			check_text(out, part + 1, i, text.bytes, text.size);
		}
	}
}

static void q22_splits(void **unused)
{
	(void)unused;
	for_texts("q22", check_q22);
}

/* ---- Outputs that are too small ---- */

/* A function may be handed anything: an output without room is refused, not overrun. */
static void no_room(void **unused)
{
	static const char *const names[] = { "q14", "q21", "q22" };
	static const char url[] = "https://www.nexmark.com/abc/de/fgh/x?y&channel_id=1234567890";

	(void)unused;
	for (unsigned i = 0; i < 3; i++) {
		struct bench bench;
		struct sw_batch *in, *out;

		bench_open(&bench, names[i]);
		in = sw_batch_create(bench.kernel->in, 2, 200);
		out = sw_batch_create(bench.kernel->out, 1, 2);
		assert_true(in && out);
		for (uint32_t row = 0; row < 2; row++)
			for (uint32_t c = 0; c < in->schema->columns; c++) {
				if (in->columns[c].type == SW_TEXT)
					assert_true(sw_column_append_text(
						&in->columns[c], row, url, sizeof(url) - 1));
				else
					((int64_t *)in->columns[c].data)[row] = 2000000;
			}
		in->rows = 2;
		assert_int_equal(bench.kernel->run(NULL, bench.scratch, in, out), -EINVAL);
		in->rows = 1;
		in->selected = NULL;
		sw_batch_reset(out);
		assert_int_equal(bench.kernel->run(NULL, bench.scratch, in, out), -EOVERFLOW);
		sw_batch_destroy(in);
		sw_batch_destroy(out);
		bench_close(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(q14_calculates),
		cmocka_unit_test(q21_finds_ids),
		cmocka_unit_test(q22_splits),
		cmocka_unit_test(no_room),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

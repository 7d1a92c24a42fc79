/* SPDX-License-Identifier: MIT */

/* What counts distinct ids, against sets of all that came, and the parts that it is made of. */

#include "operators/distinct_ids.h"
#include "operators/id_set.h"
#include "operators/text_statistics.h"
#include "operators/text_table.h"
#include "tests/operators/heap_fixture.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD  100 /* ms */
#define STEP    7   /* ms */
#define PERIODS 100
#define IDS     200
#define TEXTS   40
#define KINDS   2
#define CLASSES 3

static uint64_t seed;

static int64_t *column(const struct sw_batch *batch, unsigned index)
{
	return batch->columns[index].data;
}

/* An id near the last ones, one of the first, or one from all over the numbers. */
static int64_t id_of(uint32_t k)
{
	return k % 7 == 0 ? (int64_t)(k * 0x9E3779B97F4A7C15u) : 1000 + (int64_t)k;
}

/* ---- Ids in periods ---- */

#define FIGURE(column)                             \
	{                                          \
		.name = (column), .type = SW_INT64 \
	}

static const struct sw_schema id_rows = {
	.columns = 6,
	.fields = { FIGURE("id"), { .name = "kind", .type = SW_INT32 }, FIGURE("period"),
		{ .name = "a", .type = SW_INT32 }, { .name = "b", .type = SW_INT32 },
		{ .name = "c", .type = SW_INT32 } },
};

static const struct sw_schema id_figures = {
	.columns = 1 + SW_DISTINCT_FIGURES,
	.fields = { FIGURE("period"), FIGURE("0"), FIGURE("1"), FIGURE("2"), FIGURE("3"),
		FIGURE("4"), FIGURE("5"), FIGURE("6"), FIGURE("7"), FIGURE("8"), FIGURE("9"),
		FIGURE("10"), FIGURE("11") },
};

struct ids {
	bool seen[PERIODS][KINDS][IDS][CLASSES];
	int64_t counts[PERIODS][CLASSES];
	int64_t figures[PERIODS][SW_DISTINCT_FIGURES]; /* as given */
};

static void take_ids(void *context, const struct sw_batch *batch)
{
	struct ids *ids = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		int64_t period = column(batch, 0)[row];

		assert_in_range(period, 0, PERIODS - 1);
		for (unsigned i = 0; i < SW_DISTINCT_FIGURES; i++)
			ids->figures[period][i] += column(batch, 1 + i)[row];
	}
}

static void add_ids(struct ids *ids, struct sw_batch *batch, int64_t period, uint64_t *state)
{
	uint32_t row = batch->rows++, id = random_below(state, IDS);
	unsigned kind = random_below(state, KINDS);

	column(batch, 0)[row] = id_of(id);
	((int32_t *)batch->columns[1].data)[row] = (int32_t)kind;
	column(batch, 2)[row] = period;
	for (unsigned c = 0; c < CLASSES; c++) {
		int32_t count = random_below(state, 3) ? 0 : 1 + (int32_t)random_below(state, 4);

		((int32_t *)batch->columns[3 + c].data)[row] = count;
		ids->seen[period][kind][id][c] |= count > 0;
		if (kind == 0)
			ids->counts[period][c] += count;
	}
}

static void check_ids(const struct ids *ids, unsigned period)
{
	int64_t expected[1 + KINDS][1 + CLASSES] = { 0 };

	for (unsigned c = 0; c < CLASSES; c++) {
		expected[0][0] += ids->counts[period][c];
		expected[0][1 + c] = ids->counts[period][c];
	}
	for (unsigned kind = 0; kind < KINDS; kind++) {
		for (unsigned id = 0; id < IDS; id++) {
			const bool *seen = ids->seen[period][kind][id];

			expected[1 + kind][0] += seen[0] || seen[1] || seen[2];
			for (unsigned c = 0; c < CLASSES; c++)
				expected[1 + kind][1 + c] += seen[c];
		}
	}
	assert_memory_equal(ids->figures[period], expected, sizeof(expected));
}

/* Periods pass with the watermark, or come in any order. */
static void run_ids(unsigned workers, bool pass, uint64_t *state)
{
	const struct sw_distinct_ids_config config = { .period_ms = pass ? PERIOD : 0 };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct ids *ids = calloc(1, sizeof(*ids));
	struct merge_run run;

	assert_non_null(ids);
	merge.name = "ids";
	merge.op = &sw_distinct_ids;
	merge.config = &config;
	merge.output_schemas[0] = &id_figures;
	merge_start(&run, workers, &id_rows, &merge, take_ids, ids);
	for (int64_t now = 0; now < PERIODS * PERIOD; now += random_below(state, 30)) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int64_t period = pass ? now / PERIOD + random_below(state, 3)
					      : random_below(state, PERIODS);

			add_ids(ids, batch, period < PERIODS ? period : PERIODS - 1, state);
		}
		merge_push(&run, batch, now);
	}
	merge_end(&run);
	for (unsigned period = 0; period < PERIODS; period++)
		check_ids(ids, period);
	free(ids);
}

static void ids_are_counted(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++) {
		run_ids(workers, false, &state);
		run_ids(workers, true, &state);
	}
}

/* ---- Texts in periods ---- */

enum { TEXT, FIRST_ID, SECOND_ID, NUMBER, TIME };

static const struct sw_schema text_rows = {
	.columns = 5,
	.fields = { { .name = "text", .type = SW_TEXT, .text_bytes = 8 }, FIGURE("first"),
		FIGURE("second"), FIGURE("number"), { .name = "time", .type = SW_TIME_MS } },
};

/* What follows the texts: rows in all, and those of the figures that are no text. */
#define TEXT_FIGURES (sizeof(struct sw_statistics) / sizeof(int64_t))

static const struct sw_schema text_figures = {
	.columns = 3 + TEXT_FIGURES + 1,
	.changelog = true,
	.fields = { { .name = "text", .type = SW_TEXT, .text_bytes = 8 },
		{ .name = "period", .type = SW_TEXT, .text_bytes = 8 },
		{ .name = "latest", .type = SW_TEXT, .text_bytes = 8 }, FIGURE("rows"), FIGURE("0"),
		FIGURE("1"), FIGURE("2"), FIGURE("3"), FIGURE("4"), FIGURE("5"), FIGURE("6"),
		FIGURE("7"), FIGURE("8"), FIGURE("9"), FIGURE("10"),
		{ .name = "change", .type = SW_INT32 } },
};

struct texts {
	bool seen[TEXTS][PERIODS][KINDS][IDS][CLASSES];
	struct sw_statistics expected[TEXTS][PERIODS], given[TEXTS][PERIODS];
	bool any[TEXTS][PERIODS], has[TEXTS][PERIODS];
};

static struct sw_text text_of(int64_t number, char text[SW_GROUP_TEXT_BYTES])
{
	int size = snprintf(text, SW_GROUP_TEXT_BYTES, "%lld", (long long)number);

	return (struct sw_text){ text, (uint32_t)size };
}

/* The same for all times of a step. */
static struct sw_text latest_text(int64_t latest_ms, char text[SW_GROUP_TEXT_BYTES])
{
	return text_of(latest_ms / STEP, text);
}

static long number_of(struct sw_text text)
{
	char copy[16] = "";

	assert_true(text.size < sizeof(copy));
	memcpy(copy, text.bytes, text.size);
	return strtol(copy, NULL, 10);
}

/* A row's figures, with the latest time as a number of steps. */
static struct sw_statistics figures_of(const struct sw_batch *batch, uint32_t row)
{
	struct sw_statistics figures;
	int64_t *values = (int64_t *)&figures, rows = 0;

	for (unsigned i = 0; i + 1 < TEXT_FIGURES; i++)
		values[i] = column(batch, 4 + i)[row];
	figures.latest_ms = number_of(sw_column_text(&batch->columns[2], row));
	for (unsigned class = 0; class < CLASSES; class ++)
		rows += figures.rows[class];
	assert_int_equal(column(batch, 3)[row], rows);
	return figures;
}

static void take_texts(void *context, const struct sw_batch *batch)
{
	struct texts *texts = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		int32_t change = ((int32_t *)batch->columns[3 + TEXT_FIGURES].data)[row];
		long text = number_of(sw_column_text(&batch->columns[0], row));
		long period = number_of(sw_column_text(&batch->columns[1], row));
		struct sw_statistics figures = figures_of(batch, row);

		assert_in_range(text, 0, TEXTS - 1);
		assert_in_range(period, 0, PERIODS - 1);
		if (change == SW_CHANGE_UPDATE_BEFORE) {
			assert_true(texts->has[text][period]);
			assert_memory_equal(&texts->given[text][period], &figures, sizeof(figures));
		} else {
			assert_int_equal(texts->has[text][period], false);
			texts->given[text][period] = figures;
		}
		texts->has[text][period] = change != SW_CHANGE_UPDATE_BEFORE;
	}
}

static void add_text(struct texts *texts, struct sw_batch *batch, int64_t time_ms, uint64_t *state)
{
	uint32_t text = random_below(state, random_below(state, 2) ? 2 : TEXTS);
	uint32_t row = batch->rows++, class = random_below(state, CLASSES);
	int64_t period = time_ms / PERIOD;
	struct sw_statistics *expected = &texts->expected[text][period];
	char bytes[16];
	int size = snprintf(bytes, sizeof(bytes), "%u", text);

	assert_true(sw_column_append_text(&batch->columns[TEXT], row, bytes, (uint32_t)size));
	column(batch, NUMBER)[row] = 10 * (int64_t) class - 1 + random_below(state, 10);
	column(batch, TIME)[row] = time_ms;
	class = (column(batch, NUMBER)[row] >= 10) + (column(batch, NUMBER)[row] >= 20);
	expected->rows[class]++;
	if (!texts->any[text][period] || time_ms / STEP > expected->latest_ms)
		expected->latest_ms = time_ms / STEP;
	texts->any[text][period] = true;
	for (unsigned kind = 0; kind < KINDS; kind++) {
		uint32_t id = random_below(state, random_below(state, 2) ? 3 : IDS);
		bool *seen = texts->seen[text][period][kind][id];

		column(batch, FIRST_ID + kind)[row] = id_of(id);
		expected->ids[kind].all += !seen[0] && !seen[1] && !seen[2];
		expected->ids[kind].of_class[class] += !seen[class];
		seen[class] = true;
	}
}

static void run_texts(unsigned workers, bool passes, uint64_t *state)
{
	const struct sw_text_statistics_config config = {
		.ids = { FIRST_ID, SECOND_ID },
		.number = NUMBER,
		.text = TEXT,
		.time = TIME,
		.bounds = { 10, 20 },
		.period_ms = PERIOD,
		.passes = passes,
		.out = &text_figures,
		.period_text = text_of,
		.latest_text = latest_text,
		.latest_step_ms = STEP,
	};
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct texts *texts = calloc(1, sizeof(*texts));
	struct merge_run run;

	assert_non_null(texts);
	merge.name = "texts";
	merge.op = &sw_text_statistics;
	merge.config = &config;
	merge.output_schemas[0] = &text_figures;
	merge_start(&run, workers, &text_rows, &merge, take_texts, texts);
	for (int64_t now = 0; now < PERIODS * PERIOD; now += random_below(state, 30)) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int64_t time_ms = passes ? now + random_below(state, 250)
						 : random_below(state, PERIODS * PERIOD);

			add_text(texts, batch,
				time_ms < PERIODS * PERIOD ? time_ms : PERIODS * PERIOD - 1, state);
		}
		merge_push(&run, batch, now);
	}
	merge_end(&run);
	assert_memory_equal(texts->has, texts->any, sizeof(texts->any));
	assert_memory_equal(texts->given, texts->expected, sizeof(texts->expected));
	free(texts);
}

static void texts_are_counted(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++) {
		run_texts(workers, false, &state);
		run_texts(workers, true, &state);
	}
}

/* ---- Parts ---- */

/* The numbers of a test: ones that follow each other, ones with gaps, and the highest there are. */
static uint32_t number_at(unsigned kind, uint32_t k)
{
	if (kind == 0)
		return k + 1;
	if (kind == 1)
		return 40 * k + 1;
	return k % 2 ? SW_ID_SET_NUMBER_MAX - k : k + 1;
}

static void check_set(struct sw_heap *heap, unsigned kind, uint32_t most, uint64_t *state)
{
	static uint32_t bits[5000];
	struct sw_id_set set = { 0 };

	assert_in_range(most, 1, sizeof(bits) / sizeof(bits[0]));
	memset(bits, 0, sizeof(bits));
	for (uint32_t i = 0; i < 3 * most; i++) {
		/* Later ones come later, most often. */
		uint32_t k = random_below(state, random_below(state, 8) ? i / 3 + 1 : most);
		uint32_t more = 1 + random_below(state, SW_ID_SET_ALL);

		assert_int_equal(sw_id_set_add(&set, heap, number_at(kind, k), more), bits[k]);
		bits[k] |= more;
	}
	for (uint32_t k = 0; k < most; k++)
		if (bits[k])
			assert_int_equal(sw_id_set_add(&set, heap, number_at(kind, k), 1), bits[k]);
	sw_id_set_fini(&set, heap);
}

static void sets_keep_their_bits(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	uint64_t state = seed;

	(void)unused;
	for (uint32_t most = 1; most <= 5000; most *= 3)
		for (unsigned kind = 0; kind < 3; kind++)
			check_set(heap, kind, most, &state);
	sw_heap_destroy(heap);
}

/* From an array of all numbers to slots, and to an array again. */
static void sets_change_as_their_numbers_do(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	struct sw_id_set set = { 0 };

	(void)unused;
	for (uint32_t number = 1; number <= 100; number++)
		assert_int_equal(sw_id_set_add(&set, heap, number, 1), 0);
	assert_true(set.spans > 0);
	assert_int_equal(sw_id_set_add(&set, heap, 100000, 2), 0);
	assert_int_equal(set.spans, 0);
	for (uint32_t number = 101; number <= 10000; number++)
		assert_int_equal(sw_id_set_add(&set, heap, number, 1), 0);
	assert_true(set.spans > 0);
	for (uint32_t number = 1; number <= 10000; number++)
		assert_int_equal(sw_id_set_add(&set, heap, number, 4), 1);
	assert_int_equal(sw_id_set_add(&set, heap, 100000, 1), 2);
	sw_id_set_fini(&set, heap);
	sw_heap_destroy(heap);
}

static void sets_tell_of_the_limit(void **unused)
{
	struct sw_heap *heap = heap_create(2048);
	struct sw_id_set set = { 0 };
	uint32_t number = 0;

	(void)unused;
	while (number < 100 && sw_id_set_add(&set, heap, number_at(1, number), 1) == 0)
		number++;
	assert_in_range(number, SW_ID_SET_FEW, 99);
	assert_int_equal(sw_id_set_add(&set, heap, number_at(1, number), 1), -ENOMEM);
	/* What is there is still found. */
	for (uint32_t i = 0; i < number; i++)
		assert_int_equal(sw_id_set_add(&set, heap, number_at(1, i), 2), 1);
	sw_heap_destroy(heap);
}

/* Plain texts and codes of two dictionaries with the same entries in another order. */
static void texts_have_one_number(void **unused)
{
	static const int32_t offsets[] = { 0, 0, 1, 3 };
	static const struct sw_dictionary one = { 3, offsets, "abb" },
					  other = { 3, offsets, "cab" };
	int32_t codes[] = { 0, 1, 2 }, plain[] = { 0, 2, 2, 3 };
	char bytes[] = "bbc";
	struct sw_column columns[] = {
		{ .data = codes, .dictionary = &one, .type = SW_TEXT },
		{ .data = codes, .dictionary = &other, .type = SW_TEXT },
		{ .data = bytes, .offsets = plain, .type = SW_TEXT },
	};
	static const uint32_t expected[][3] = { { 1, 2, 3 }, { 1, 4, 5 }, { 3, 1, 4 } };
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	struct sw_text_table table;

	(void)unused;
	sw_text_table_init(&table, heap);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned c = 0; c < 3; c++)
			for (uint32_t row = 0; row < 3; row++)
				assert_int_equal(sw_text_table_of(&table, &columns[c], row),
					expected[c][row]);
	}
	bytes[0] = 'x'; /* texts were copied */
	assert_int_equal(sw_text_table_number(&table, (struct sw_text){ "c", 1 }), 4);
	assert_int_equal(sw_text_table_number(&table, (struct sw_text){ "xb", 2 }), 6);
	assert_int_equal(sw_text_table_at(&table, 6)->text.size, 2);
	sw_heap_destroy(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_counted),
		cmocka_unit_test(texts_are_counted),
		cmocka_unit_test(sets_keep_their_bits),
		cmocka_unit_test(sets_change_as_their_numbers_do),
		cmocka_unit_test(sets_tell_of_the_limit),
		cmocka_unit_test(texts_have_one_number),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

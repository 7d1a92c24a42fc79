/* SPDX-License-Identifier: MIT */

/*
 * The windowed merges against the plain sentence, on random partials that come in any order their
 * watermark allows; and that a window is given as soon as, and never before, it may be.
 */

#include "operators/window_count.h"
#include "operators/window_max.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH  100 /* ms of a window */
#define WINDOWS 200
#define KEYS    300
#define VALUES  6

static uint64_t seed;

static const struct sw_schema count_partials = {
	.columns = 3,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "start", .type = SW_TIME_MS },
		{ .name = "count", .type = SW_INT64 } },
};

static const struct sw_schema count_results = {
	.columns = 4,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "count", .type = SW_INT64 },
		{ .name = "start", .type = SW_TIME_MS }, { .name = "end", .type = SW_TIME_MS } },
};

static int64_t *column(const struct sw_batch *batch, unsigned index)
{
	return batch->columns[index].data;
}

/* ---- Counts ---- */

struct counts {
	int64_t expected[WINDOWS][KEYS], given[WINDOWS][KEYS];
	int64_t watermark; /* pushed so far */
	uint64_t rows, early, twice;
};

static void take_counts(void *context, const struct sw_batch *batch)
{
	struct counts *counts = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		int64_t key = column(batch, 0)[row], start = column(batch, 2)[row];

		assert_in_range(key + KEYS / 2, 0, KEYS - 1);
		assert_int_equal(start % LENGTH, 0);
		assert_in_range(start / LENGTH, 0, WINDOWS - 1);
		assert_int_equal(column(batch, 3)[row], start + LENGTH);
		counts->twice += counts->given[start / LENGTH][key + KEYS / 2] != 0;
		counts->given[start / LENGTH][key + KEYS / 2] = column(batch, 1)[row];
		counts->early += counts->watermark < start + LENGTH;
		counts->rows++;
	}
}

static void add_count(
	struct counts *counts, struct sw_batch *batch, int64_t key, int64_t start, int64_t count)
{
	uint32_t row = batch->rows++;

	column(batch, 0)[row] = key;
	column(batch, 1)[row] = start;
	column(batch, 2)[row] = count;
	counts->expected[start / LENGTH][key + KEYS / 2] += count;
}

static void run_counts(unsigned workers, uint64_t *state)
{
	static const struct sw_window_count_config config = { .window_ms = LENGTH };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct counts *counts = calloc(1, sizeof(*counts));
	struct merge_run run;

	assert_non_null(counts);
	merge.name = "count";
	merge.op = &sw_window_count;
	merge.config = &config;
	merge.output_schemas[0] = &count_results;
	merge_start(&run, workers, &count_partials, &merge, take_counts, counts);
	for (int first = 0; first < WINDOWS; first += (int)random_below(state, 3)) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int window = first + (int)random_below(state, 8);
			int64_t key = (int64_t)random_below(state, KEYS) - KEYS / 2;

			if (random_below(state, 4) == 0)
				key = 7; /* a hot one */
			add_count(counts, batch, key,
				LENGTH * (window < WINDOWS ? window : WINDOWS - 1),
				1 + random_below(state, 5));
		}
		/* Raised before the push: results may come at once. */
		counts->watermark = (int64_t)first * LENGTH;
		merge_push(&run, batch, counts->watermark);
	}
	counts->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(counts->early, 0);
	assert_int_equal(counts->twice, 0);
	assert_memory_equal(counts->expected, counts->given, sizeof(counts->given));
	free(counts);
}

static void counts_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_counts(workers, &state);
}

/* A window closes when the watermark reaches its end, not a millisecond earlier. */
static void counts_close_at_the_end(void **unused)
{
	static const struct sw_window_count_config config = { .window_ms = LENGTH };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct counts *counts = calloc(1, sizeof(*counts));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(counts);
	merge.name = "count";
	merge.op = &sw_window_count;
	merge.config = &config;
	merge.output_schemas[0] = &count_results;
	merge_start(&run, 1, &count_partials, &merge, take_counts, counts);
	batch = merge_batch(&run);
	add_count(counts, batch, 1, 0, 2);
	add_count(counts, batch, 1, LENGTH, 3);
	merge_push(&run, batch, 0);
	counts->watermark = LENGTH - 1;
	merge_push(&run, NULL, LENGTH - 1);
	for (int i = 0; i < 20; i++)
		sw_graph_dispatch(run.graph, 1);
	assert_int_equal(counts->rows, 0);
	counts->watermark = LENGTH;
	merge_push(&run, NULL, LENGTH);
	while (counts->rows == 0)
		sw_graph_dispatch(run.graph, -1);
	assert_int_equal(counts->rows, 1);
	counts->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(counts->rows, 2);
	assert_int_equal(counts->early, 0);
	free(counts);
}

static void counts_have_a_limit(void **unused)
{
	static const struct sw_window_count_config config = { .window_ms = LENGTH };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct counts *counts = calloc(1, sizeof(*counts));
	struct sw_error error = { 0 };
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(counts);
	merge.name = "count";
	merge.op = &sw_window_count;
	merge.config = &config;
	merge.output_schemas[0] = &count_results;
	merge_start(&run, 1, &count_partials, &merge, take_counts, counts);
	batch = merge_batch(&run);
	add_count(counts, batch, 7, 0, UINT32_MAX);
	add_count(counts, batch, 7, LENGTH, 1);
	add_count(counts, batch, 7, 0, 1);
	merge_push(&run, batch, 0);
	sw_input_finish(run.input);
	while (sw_graph_dispatch(run.graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(run.graph, -1, &error), -EOVERFLOW);
	assert_string_equal(error.text, "window counts: key 7: more than 4294967295 in one window");
	sw_graph_destroy(run.graph);
	free(counts);
}

/* ---- Maxima ---- */

static const struct sw_schema max_partials = {
	.columns = 4,
	.fields = { { .name = "window", .type = SW_TIME_MS }, { .name = "value", .type = SW_INT64 },
		{ .name = "time", .type = SW_TIME_MS },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 } },
};

static const struct sw_schema max_results = {
	.columns = 3,
	.fields = { { .name = "label", .type = SW_TEXT, .text_bytes = 16 },
		{ .name = "value", .type = SW_INT64 }, { .name = "time", .type = SW_TIME_MS } },
};

static const struct sw_window_max_config max_config = {
	.window_ms = LENGTH,
	.value = 1,
	.time = 2,
	.columns = 3,
	.from = { 3, 1, 2 },
};

/* How many rows of each window have a value, inside it or exactly at its end. */
struct maxima {
	uint32_t inside[WINDOWS][VALUES], border[WINDOWS][VALUES];
	uint32_t given_inside[WINDOWS][VALUES], given_border[WINDOWS][VALUES];
	int64_t watermark;
	uint64_t rows, early, bad_text;
};

static void take_maxima(void *context, const struct sw_batch *batch)
{
	struct maxima *maxima = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		struct sw_text text = sw_column_text(&batch->columns[0], row);
		int64_t value = column(batch, 1)[row], time_ms = column(batch, 2)[row], window;
		char label[32], expected[32];

		assert_true(text.size < sizeof(label));
		memcpy(label, text.bytes, text.size);
		label[text.size] = '\0';
		window = atoll(label);
		snprintf(expected, sizeof(expected), "%lld.%lld", (long long)window,
			(long long)value);
		maxima->bad_text += strcmp(label, expected) != 0;
		assert_in_range(window, 0, WINDOWS - 1);
		if (time_ms == (window + 1) * LENGTH)
			maxima->given_border[window][value]++;
		else
			maxima->given_inside[window][value]++;
		maxima->early += maxima->watermark <= (window + 1) * LENGTH;
		maxima->rows++;
	}
}

static void add_value(
	struct maxima *maxima, struct sw_batch *batch, int window, int64_t value, int64_t past_ms)
{
	uint32_t row = batch->rows++;
	char label[32];
	int bytes = snprintf(label, sizeof(label), "%d.%lld", window, (long long)value);

	column(batch, 0)[row] = (int64_t)window * LENGTH;
	column(batch, 1)[row] = value;
	column(batch, 2)[row] = (int64_t)window * LENGTH + past_ms;
	assert_true(sw_column_append_text(&batch->columns[3], row, label, (uint32_t)bytes));
	if (past_ms == LENGTH)
		maxima->border[window][value]++;
	else
		maxima->inside[window][value]++;
}

static void check_maxima(const struct maxima *maxima)
{
	for (int window = 0; window < WINDOWS; window++) {
		int highest = VALUES - 1;

		while (highest >= 0 && !maxima->inside[window][highest])
			highest--;
		for (int value = 0; value < VALUES; value++) {
			bool given = value == highest;

			assert_int_equal(maxima->given_inside[window][value],
				given ? maxima->inside[window][value] : 0);
			assert_int_equal(maxima->given_border[window][value],
				given ? maxima->border[window][value] : 0);
		}
	}
	assert_int_equal(maxima->early, 0);
	assert_int_equal(maxima->bad_text, 0);
}

static void run_maxima(unsigned workers, uint64_t *state)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct maxima *maxima = calloc(1, sizeof(*maxima));
	struct merge_run run;

	assert_non_null(maxima);
	merge.name = "maximum";
	merge.op = &sw_window_max;
	merge.config = &max_config;
	merge.output_schemas[0] = &max_results;
	merge_start(&run, workers, &max_partials, &merge, take_maxima, maxima);
	for (int first = 0; first < WINDOWS; first += (int)random_below(state, 3)) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int window = first + (int)random_below(state, 8);

			add_value(maxima, batch, window < WINDOWS ? window : WINDOWS - 1,
				random_below(state, VALUES),
				random_below(state, 3) ? random_below(state, LENGTH) : LENGTH);
		}
		maxima->watermark = (int64_t)first * LENGTH;
		merge_push(&run, batch, maxima->watermark);
	}
	maxima->watermark = SW_TIME_END;
	merge_end(&run);
	check_maxima(maxima);
	free(maxima);
}

static void maxima_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_maxima(workers, &state);
}

/* A row at the end of a window still counts, so the window stays open until the watermark is past.
 */
static void maxima_close_after_the_end(void **unused)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct maxima *maxima = calloc(1, sizeof(*maxima));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(maxima);
	merge.name = "maximum";
	merge.op = &sw_window_max;
	merge.config = &max_config;
	merge.output_schemas[0] = &max_results;
	merge_start(&run, 1, &max_partials, &merge, take_maxima, maxima);
	batch = merge_batch(&run);
	add_value(maxima, batch, 0, 4, 10);
	/* No window of its own: nothing is inside this one. */
	add_value(maxima, batch, 5, 1, LENGTH);
	merge_push(&run, batch, 0);
	maxima->watermark = LENGTH;
	merge_push(&run, NULL, LENGTH);
	for (int i = 0; i < 20; i++)
		sw_graph_dispatch(run.graph, 1);
	assert_int_equal(maxima->rows, 0);
	batch = merge_batch(&run);
	add_value(maxima, batch, 0, 4, LENGTH);
	add_value(maxima, batch, 0, 3, LENGTH);
	add_value(maxima, batch, 0, 5, LENGTH);
	maxima->watermark = LENGTH + 1;
	merge_push(&run, batch, LENGTH + 1);
	while (maxima->rows < 2)
		sw_graph_dispatch(run.graph, -1);
	maxima->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(maxima->rows, 2);
	check_maxima(maxima);
	free(maxima);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_right),
		cmocka_unit_test(counts_close_at_the_end),
		cmocka_unit_test(counts_have_a_limit),
		cmocka_unit_test(maxima_are_right),
		cmocka_unit_test(maxima_close_after_the_end),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */

/*
 * The windowed join against the plain sentence, on random rows of both inputs in any order that
 * their watermark allows; that a window is given neither before its end nor twice; and that its
 * state is freed.
 */

#include "operators/window_join.h"
#include "tests/operators/join_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH  100 /* ms of a window */
#define WINDOWS 200
#define KEYS    60
#define LABELS  3 /* the first is empty */

static uint64_t seed;

static const struct sw_schema labelled = {
	.columns = 3,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "label", .type = SW_TEXT },
		{ .name = "window", .type = SW_TIME_MS } },
};

static const struct sw_schema other = {
	.columns = 2,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "window", .type = SW_TIME_MS } },
};

static const struct sw_schema results = {
	.columns = 3,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "label", .type = SW_TEXT },
		{ .name = "start", .type = SW_TIME_MS } },
};

static const struct sw_window_join_config config = { .window_ms = LENGTH };

struct model {
	bool labelled[WINDOWS][KEYS][LABELS], other[WINDOWS][KEYS];
	uint8_t given[WINDOWS][KEYS][LABELS];
	int64_t watermark; /* the lower of the inputs' pushed so far */
	uint64_t rows, early;
};

/* Windows begin before 1970, too. */
static int64_t start_of(int window)
{
	return (int64_t)LENGTH * (window - WINDOWS / 4);
}

static int64_t key_of(int key)
{
	return key % 9 == 0 ? INT64_MIN + key : 1000 + key;
}

static void take(void *context, const struct sw_batch *batch)
{
	struct model *model = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		int64_t key = sw_column_int64(&batch->columns[0], row);
		int64_t start = sw_column_int64(&batch->columns[2], row);
		struct sw_text label = sw_column_text(&batch->columns[1], row);

		key = key < 0 ? key - INT64_MIN : key - 1000;
		assert_in_range(key, 0, KEYS - 1);
		assert_int_equal(start % LENGTH, 0);
		assert_in_range(start / LENGTH + WINDOWS / 4, 0, WINDOWS - 1);
		assert_in_range(label.size, 0, LABELS - 1);
		model->given[start / LENGTH + WINDOWS / 4][key][label.size]++;
		model->early += model->watermark < start + LENGTH;
		model->rows++;
	}
}

static void add_labelled(
	struct model *model, struct sw_batch *batch, int window, int key, uint32_t label)
{
	uint32_t row = batch->rows++;

	((int64_t *)batch->columns[0].data)[row] = key_of(key);
	assert_true(sw_column_append_text(&batch->columns[1], row, "ab", label));
	((int64_t *)batch->columns[2].data)[row] = start_of(window);
	model->labelled[window][key][label] = true;
}

static void add_other(struct model *model, struct sw_batch *batch, int window, int key)
{
	uint32_t row = batch->rows++;

	((int64_t *)batch->columns[0].data)[row] = key_of(key);
	((int64_t *)batch->columns[1].data)[row] = start_of(window);
	model->other[window][key] = true;
}

static void set_up(struct join_run *run, unsigned workers, enum sw_state_mode mode)
{
	*run = (struct join_run){ .workers = workers,
		.inputs = 2,
		.state = mode,
		.schemas = { &labelled, &other },
		.join = SW_STAGE_OPTIONS_INIT };
	run->join.name = "join";
	run->join.op = &sw_window_join;
	run->join.config = &config;
	run->join.output_schemas[0] = &results;
}

/* Of each input some rows of windows from `first` on. */
static void push_some(struct join_run *run, struct model *model, int first, uint64_t *state)
{
	for (unsigned input = 0; input < 2; input++) {
		struct sw_batch *batch = join_batch(run, input);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int window = first + (int)random_below(state, 5);
			int key = (int)random_below(state, KEYS);

			if (window >= WINDOWS)
				window = WINDOWS - 1;
			if (input == 0)
				add_labelled(
					model, batch, window, key, random_below(state, LABELS));
			else
				add_other(model, batch, window, key);
		}
		/* Raised before the last push: results may come at once. */
		if (input == 1)
			model->watermark = start_of(first);
		join_push(run, input, batch, start_of(first));
	}
}

static void run_random(unsigned workers, enum sw_state_mode mode, uint64_t *state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct join_run run;

	assert_non_null(model);
	set_up(&run, workers, mode);
	model->watermark = SW_TIME_MIN;
	join_start(&run, take, model);
	for (int first = 0; first < WINDOWS; first += (int)random_below(state, 3))
		push_some(&run, model, first, state);
	model->watermark = SW_TIME_END;
	if (join_end(&run))
		fail_msg("%s", run.error.text);
	assert_int_equal(model->early, 0);
	assert_true(model->rows > 0);
	for (int window = 0; window < WINDOWS; window++)
		for (int key = 0; key < KEYS; key++)
			for (int label = 0; label < LABELS; label++)
				assert_int_equal(model->given[window][key][label],
					model->other[window][key] &&
						model->labelled[window][key][label]);
	free(model);
}

static void random_rows(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	run_random(1, SW_STATE_AUTO, &state);
	run_random(2, SW_STATE_DENSE, &state);
	run_random(3, SW_STATE_HASH, &state);
}

/* A window closes when the watermark reaches its end, not a millisecond earlier. */
static void closes_at_the_end(void **unused)
{
	struct model *model = calloc(1, sizeof(*model));
	struct sw_batch *batch;
	struct join_run run;

	(void)unused;
	assert_non_null(model);
	set_up(&run, 1, SW_STATE_AUTO);
	join_start(&run, take, model);
	for (unsigned input = 0; input < 2; input++) {
		batch = join_batch(&run, input);
		for (int window = 50; window < 52; window++) {
			if (input == 0)
				add_labelled(model, batch, window, 7, 2);
			else
				add_other(model, batch, window, 7);
		}
		join_push(&run, input, batch, 0);
	}
	model->watermark = LENGTH - 1;
	join_push(&run, 0, NULL, LENGTH - 1);
	join_push(&run, 1, NULL, LENGTH - 1);
	for (int i = 0; i < 20; i++)
		sw_graph_dispatch(run.graph, 1);
	assert_int_equal(model->rows, 0);
	model->watermark = LENGTH;
	join_push(&run, 0, NULL, LENGTH);
	join_push(&run, 1, NULL, LENGTH);
	while (model->rows == 0)
		sw_graph_dispatch(run.graph, -1);
	assert_int_equal(model->rows, 1);
	model->watermark = SW_TIME_END;
	assert_int_equal(join_end(&run), 0);
	assert_int_equal(model->rows, 2);
	assert_int_equal(model->early, 0);
	free(model);
}

static void count(void *context, const struct sw_batch *batch)
{
	*(uint64_t *)context += batch->rows;
}

/* Ids that rise over so many windows: memory stays that of a few. */
static void state_is_freed(void **unused)
{
	static const enum sw_state_mode modes[] = { SW_STATE_AUTO, SW_STATE_DENSE, SW_STATE_HASH };
	enum { ROUNDS = 3000 };

	(void)unused;
	for (unsigned m = 0; m < 3; m++) {
		struct join_run run;
		uint64_t rows = 0;

		set_up(&run, 1, modes[m]);
		join_start(&run, count, &rows);
		for (int64_t round = 0; round < ROUNDS; round++) {
			for (unsigned input = 0; input < 2; input++) {
				struct sw_batch *batch = join_batch(&run, input);

				for (uint32_t row = 0; row < 50; row++) {
					((int64_t *)batch->columns[0].data)[row] = 50 * round + row;
					((int64_t *)batch->columns[2 - input].data)[row] =
						round * LENGTH;
					if (input == 0)
						assert_true(sw_column_append_text(
							&batch->columns[1], row, "label", 5));
				}
				batch->rows = 50;
				join_push(&run, input, batch, round * LENGTH);
			}
		}
		assert_int_equal(join_end(&run), 0);
		assert_int_equal(rows, 50 * ROUNDS);
		/* All rounds' would be some 12 MB. */
		assert_in_range(run.state_bytes_max, 1, 1 << 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rows),
		cmocka_unit_test(closes_at_the_end),
		cmocka_unit_test(state_is_freed),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

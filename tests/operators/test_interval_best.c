/* SPDX-License-Identifier: MIT */

/*
 * The interval join against the plain sentence, on random intervals and points that come in any
 * order, split over batches, workers and watermarks: its changes folded, or its sums added up, are
 * what all intervals and points together give; and nothing is given too early, twice, or kept too
 * long.
 */

#include "tests/operators/interval_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>

static uint64_t seed;

/* ---- Random streams ---- */

#define STEPS      60
#define ROWS_MOST  40
#define MODEL_MOST (STEPS * ROWS_MOST)

/* Late rows, and several intervals of a key: all is kept. */
static void run_kept(enum sw_interval_gives gives, unsigned workers, uint64_t *state)
{
	int64_t keys = 1 + random_below(state, 40), times = 1 + random_below(state, 300);
	struct model *model = model_create(gives, MODEL_MOST, keys);
	struct interval_run run;

	model->labels = random_below(state, 2);
	interval_start(&run, workers, model, false, (enum sw_state_mode)random_below(state, 3));
	model->watermark = 0;
	for (int step = 0; step < STEPS; step++) {
		unsigned input = random_below(state, 4) ? 1 : 0;
		struct sw_batch *batch = interval_batch(&run, input);

		for (uint32_t i = random_below(state, ROWS_MOST); i > 0; i--) {
			int64_t key = random_below(state, (uint32_t)keys);
			int64_t time = random_below(state, (uint32_t)times);
			struct interval interval = { key, time,
				time + (int64_t)random_below(state, 40) - 4,
				random_below(state, GROUPS) };
			struct point point = { key, time, (int64_t)random_below(state, 9) - 4 };

			if (input)
				interval_add_point(model, batch, &point);
			else
				interval_add(model, batch, &interval);
		}
		model->watermark += random_below(state, 3) ? 0 : random_below(state, 20);
		interval_push(&run, input, batch, model->watermark);
		if (random_below(state, 2))
			interval_push(
				&run, 1 - input, interval_batch(&run, 1 - input), model->watermark);
	}
	interval_end(&run);
	model_check(model);
	model_destroy(model);
}

/* Ids rise, nothing is late. Points may come before their interval, and for none at all. */
static void run_forgotten(enum sw_interval_gives gives, unsigned workers, uint64_t *state)
{
	struct model *model = model_create(gives, MODEL_MOST, MODEL_MOST + 16);
	int64_t length = 1 + random_below(state, 200), key = 0;
	struct interval_run run;

	model->labels = random_below(state, 2);
	interval_start(&run, workers, model, true, (enum sw_state_mode)random_below(state, 3));
	model->watermark = 0;
	for (int step = 0; step < STEPS; step++) {
		struct sw_batch *intervals = interval_batch(&run, 0),
				*points = interval_batch(&run, 1);
		int64_t now = model->watermark;

		for (uint32_t i = random_below(state, ROWS_MOST); i > 0; i--) {
			int64_t time = now + random_below(state, 15);
			int64_t first = key > 20 ? key - 20 : 0;
			struct point point = { first + random_below(state, 26),
				now + random_below(state, 15),
				(int64_t)random_below(state, 99) - 50 };
			struct interval interval = { key, time,
				time + random_below(state, (uint32_t)length),
				random_below(state, GROUPS) };

			interval_add_point(model, points, &point);
			if (random_below(state, 4))
				continue;
			interval_add(model, intervals, &interval);
			key++;
		}
		model->watermark += random_below(state, 3) ? random_below(state, 10) : 0;
		if (random_below(state, 2)) {
			interval_push(&run, 0, intervals, model->watermark);
			interval_push(&run, 1, points, model->watermark);
		} else {
			interval_push(&run, 1, points, model->watermark);
			interval_push(&run, 0, intervals, model->watermark);
		}
	}
	interval_end(&run);
	model_check(model);
	model_destroy(model);
}

static void run_all(enum sw_interval_gives gives)
{
	uint64_t state = seed + gives;

	for (int turn = 0; turn < 8; turn++) {
		run_kept(gives, 1 + turn % 3, &state);
		run_forgotten(gives, 1 + turn % 3, &state);
	}
}

static void changes_are_right(void **unused)
{
	(void)unused;
	run_all(SW_INTERVAL_CHANGES);
}

static void closed_rows_are_right(void **unused)
{
	(void)unused;
	run_all(SW_INTERVAL_CLOSED);
}

static void sums_are_right(void **unused)
{
	(void)unused;
	run_all(SW_INTERVAL_SUMS);
}

/* ---- Boundaries ---- */

/* Both ends of an interval are inside, a row is given when the watermark is past its end, and the
 * end of time closes what never ends. */
static void ends_are_inside(void **unused)
{
	static const struct interval intervals[] = { { 0, 10, 20, 0 }, { 1, 10, 20, 0 },
		{ 2, 10, 20, 0 }, { 3, 10, 20, 0 }, { 4, 10, SW_TIME_END, 0 } };
	static const struct point points[] = { { 0, 9, 5 }, { 1, 10, 5 }, { 2, 20, 5 },
		{ 3, 21, 5 }, { 4, 10, 1 }, { 5, 10, 1 } };
	struct sw_batch *batch;
	struct model *model;
	struct interval_run run;

	(void)unused;
	for (int forgets = 0; forgets < 2; forgets++) {
		model = model_create(SW_INTERVAL_CLOSED, 8, 8);
		interval_start(&run, 1, model, forgets, SW_STATE_AUTO);
		batch = interval_batch(&run, 1);
		for (unsigned i = 0; i < 6; i++)
			interval_add_point(model, batch, &points[i]);
		interval_push(&run, 1, batch, 0);
		batch = interval_batch(&run, 0);
		for (unsigned i = 0; i < 5; i++)
			interval_add(model, batch, &intervals[i]);
		interval_push(&run, 0, batch, 0);
		model->watermark = 20;
		for (unsigned i = 0; i < 2; i++)
			interval_push(&run, i, interval_batch(&run, i), 20);
		for (int i = 0; i < 20; i++)
			sw_graph_dispatch(run.graph, 1);
		assert_false(model->rows[1].there || model->rows[2].there);
		model->watermark = 21;
		for (unsigned i = 0; i < 2; i++)
			interval_push(&run, i, interval_batch(&run, i), 21);
		while (!model->rows[2].there)
			sw_graph_dispatch(run.graph, -1);
		assert_true(model->rows[1].there && !model->rows[4].there);
		interval_end(&run);
		assert_true(model->rows[4].there);
		model_check(model);
		model_destroy(model);
	}
}

/* ---- Memory ---- */

/* What its state takes at most over so many steps of 1 ms. */
static uint64_t memory_of(enum sw_interval_gives gives, int64_t steps)
{
	struct model *model = model_create(gives, (size_t)steps * 8, steps * 2 + 16);
	struct interval_run run;
	uint64_t bytes;

	interval_start(&run, 1, model, true, SW_STATE_AUTO);
	for (int64_t now = 0; now < steps; now++) {
		struct sw_batch *intervals = interval_batch(&run, 0),
				*points = interval_batch(&run, 1);

		for (int64_t i = 0; i < 2; i++) {
			struct interval interval = { 2 * now + i, now, now + 30, 0 };

			interval_add(model, intervals, &interval);
		}
		/* To keys that are there, that are gone, and that never come. */
		for (int64_t i = 0; i < 8; i++) {
			struct point point = { i < 2 ? 0 : 2 * now + 8 - 2 * i, now, now % 7 };

			if (point.key >= 0)
				interval_add_point(model, points, &point);
		}
		model->watermark = now + 1;
		interval_push(&run, 0, intervals, now + 1);
		interval_push(&run, 1, points, now + 1);
	}
	bytes = interval_end(&run);
	model_destroy(model);
	return bytes;
}

static void memory_is_constant(void **unused)
{
	(void)unused;
	for (int gives = SW_INTERVAL_CHANGES; gives <= SW_INTERVAL_SUMS; gives++) {
		uint64_t once = memory_of((enum sw_interval_gives)gives, 400);
		uint64_t tenfold = memory_of((enum sw_interval_gives)gives, 4000);

		/* How far the watermarks of the two inputs are apart is a matter of chance. */
		assert_true(tenfold < once + once / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_right),
		cmocka_unit_test(closed_rows_are_right),
		cmocka_unit_test(sums_are_right),
		cmocka_unit_test(ends_are_inside),
		cmocka_unit_test(memory_is_constant),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

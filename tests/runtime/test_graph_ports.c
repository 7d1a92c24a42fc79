/* SPDX-License-Identifier: MIT */
/* Rows in from the program's threads, results out on them, one descriptor to wait on. */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/runtime/graph_fixture.h"

struct pusher {
	struct sw_graph *graph;
	struct sw_input *input;
	uint64_t count;  /* numbers to push */
	uint64_t pushed; /* numbers that were taken */
	int code;
	bool finish;
};

/* Waits by the input's descriptor: it must become readable, whatever else goes on. */
static void wait_for_room(struct sw_input *input)
{
	struct pollfd descriptor = { .fd = sw_input_fd(input), .events = POLLIN };

	assert_int_equal(poll(&descriptor, 1, 20000), 1);
}

static void fill(struct sw_batch *batch, uint64_t first, uint64_t end)
{
	for (uint64_t n = first; n < end; n++) {
		char text[24];

		((int64_t *)batch->columns[0].data)[batch->rows] = (int64_t)(n % KEYS);
		((int64_t *)batch->columns[1].data)[batch->rows] = (int64_t)n;
		assert_true(sw_column_append_text(&batch->columns[2], batch->rows, text,
			(uint32_t)snprintf(text, sizeof(text), "<%llu>", (unsigned long long)n)));
		batch->rows++;
	}
}

static void *push_all(void *arg)
{
	struct pusher *pusher = arg;

	while (pusher->pushed < pusher->count) {
		uint64_t end = pusher->pushed + 100;
		struct sw_batch *batch = sw_input_batch(pusher->input);

		if (!batch) {
			/* No batch home yet, or the graph is to end: a push would tell. */
			wait_for_room(pusher->input);
			if (pusher->code)
				return NULL;
			if (!__atomic_load_n(&pusher->finish, __ATOMIC_RELAXED))
				return NULL;
			continue;
		}
		if (end > pusher->count)
			end = pusher->count;
		fill(batch, pusher->pushed, end);
		while ((pusher->code = sw_input_push(pusher->input, batch, (int64_t)end)) ==
			-EAGAIN)
			wait_for_room(pusher->input);
		if (pusher->code)
			return NULL;
		pusher->pushed = end;
	}
	sw_input_finish(pusher->input);
	return NULL;
}

static void test_push_from_a_thread(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 3; workers++) {
		struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
		struct sw_error error = { 0 };
		struct pusher pusher = { .count = 100000, .finish = true };
		struct fixture fixture = { .sums.windows = 101 };
		struct sw_graph_stats stats;
		struct sw_stage *input;
		pthread_t thread;

		fixture.sums.sum = calloc(101 * KEYS, sizeof(int64_t));
		fixture.sums.count = calloc(101 * KEYS, sizeof(uint64_t));
		options.workers = workers;
		options.ring_slots = 4;
		assert_int_equal(sw_graph_create(&options, &fixture.graph, &error), 0);
		input = sw_graph_add_input(
			fixture.graph, "rows", &number_schema, &pusher.input, &error);
		assert_non_null(input);
		assert_null(sw_input_batch(pusher.input));
		assert_int_equal(fixture_build(&fixture, input, true), 0);
		assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
		pusher.graph = fixture.graph;
		assert_int_equal(pthread_create(&thread, NULL, push_all, &pusher), 0);
		if (sw_graph_wait(fixture.graph, -1, &error))
			fail_msg("%s", error.text);
		pthread_join(thread, NULL);
		assert_int_equal(pusher.code, 0);
		fixture_check(&fixture, 100000);
		sw_graph_stats(fixture.graph, &stats);
		assert_int_equal(stats.events, 100000);
		fixture_close(&fixture);
	}
}

/* What was taken before the stop is in the result, what was refused is not: nothing in between. */
static void test_stop_while_pushing(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
		struct sw_error error = { 0 };
		struct pusher pusher = { .count = 50000000 };
		struct fixture fixture = { .sums.windows = 50001 };
		struct sw_stage *input;
		pthread_t thread;

		fixture.sums.sum = calloc(50001 * KEYS, sizeof(int64_t));
		fixture.sums.count = calloc(50001 * KEYS, sizeof(uint64_t));
		options.workers = 2;
		assert_int_equal(sw_graph_create(&options, &fixture.graph, &error), 0);
		input = sw_graph_add_input(
			fixture.graph, "rows", &number_schema, &pusher.input, &error);
		assert_int_equal(fixture_build(&fixture, input, true), 0);
		assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
		pusher.graph = fixture.graph;
		pusher.finish = true;
		assert_int_equal(pthread_create(&thread, NULL, push_all, &pusher), 0);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
		sw_graph_stop(fixture.graph);
		if (sw_graph_wait(fixture.graph, -1, &error))
			fail_msg("%s", error.text);
		/* The pusher may be waiting for a batch that will never come: it is told here. */
		__atomic_store_n(&pusher.finish, false, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		assert_true(pusher.pushed < pusher.count);
		fixture.sums.windows = pusher.pushed / WINDOW + 1;
		fixture_check(&fixture, pusher.pushed);
		fixture_close(&fixture);
	}
}

struct dispatched {
	uint64_t rows, sum;
	pthread_t thread;
	bool elsewhere;
};

static void on_batch(void *context, const struct sw_batch *batch)
{
	struct dispatched *dispatched = context;

	dispatched->elsewhere |= !pthread_equal(dispatched->thread, pthread_self());
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		dispatched->rows++;
		dispatched->sum +=
			(uint64_t)sw_column_int64(&batch->columns[1], sw_batch_row(batch, i));
	}
}

static void test_dispatch(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT;
	struct dispatched dispatched = { .thread = pthread_self() };
	struct numbers_config numbers = {
		.count = 300000, .fail_at = UINT64_MAX, .sleep_at = UINT64_MAX
	};
	struct sw_error error = { 0 };
	struct sw_stage *from, *to;
	struct sw_graph *graph;

	(void)state;
	options.workers = 2;
	options.ring_slots = 4;
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	source.name = "numbers";
	source.op = &numbers_source;
	source.config = &numbers;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	from = sw_graph_add_stage(graph, &source, &error);
	to = sw_graph_add_output(graph, "results", on_batch, &dispatched, &error);
	assert_int_equal(sw_graph_connect(graph, from, 0, to, 0, SW_ROUTE_FORWARD, 0, &error), 0);
	assert_int_equal(sw_graph_start(graph, &error), 0);
	while (sw_graph_dispatch(graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(graph, -1, &error), 0);
	assert_int_equal(dispatched.rows, 300000);
	assert_int_equal(dispatched.sum, 300000ull * 299999 / 2);
	assert_false(dispatched.elsewhere);
	sw_graph_destroy(graph);
}

/* Two graphs in one process at the same time, nothing shared. */
static void test_two_graphs(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct fixture fixture[2];
	struct sw_error error = { 0 };

	(void)state;
	options.workers = 2;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(fixture_open(&fixture[i], &options, 50000 + i, i), 0);
		assert_int_equal(sw_graph_start(fixture[i].graph, &error), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(sw_graph_wait(fixture[i].graph, -1, &error), 0);
		fixture_check(&fixture[i], 50000 + i);
		fixture_close(&fixture[i]);
	}
}

/* input -> results, with one worker; the caller starts it. */
static struct sw_graph *small_graph(struct sw_input **input, struct dispatched *dispatched)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct sw_stage *from, *to;
	struct sw_graph *graph;

	options.workers = 1;
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	from = sw_graph_add_input(graph, "rows", &number_schema, input, &error);
	to = sw_graph_add_output(graph, "results", on_batch, dispatched, &error);
	assert_int_equal(sw_graph_connect(graph, from, 0, to, 0, SW_ROUTE_FORWARD, 0, &error), 0);
	return graph;
}

static void test_finish_before_start(void **state)
{
	struct dispatched dispatched = { .thread = pthread_self() };
	struct sw_input *input;
	struct sw_graph *graph = small_graph(&input, &dispatched);
	struct sw_error error = { 0 };

	(void)state;
	sw_input_finish(input);
	assert_int_equal(sw_graph_start(graph, &error), 0);
	while (sw_graph_dispatch(graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(graph, -1, &error), 0);
	assert_int_equal(dispatched.rows, 0);
	sw_graph_destroy(graph);
}

/* The descriptor tells of a result before anything was ever dispatched; foreign batches are
 * refused. */
static void test_first_news(void **state)
{
	struct dispatched dispatched = { .thread = pthread_self() };
	struct sw_input *input;
	struct sw_graph *graph = small_graph(&input, &dispatched);
	struct sw_batch *batch, *foreign = sw_batch_create(&number_schema, 10, 0);
	struct pollfd descriptor = { .fd = sw_graph_fd(graph), .events = POLLIN };
	struct sw_error error = { 0 };

	(void)state;
	assert_int_equal(sw_graph_start(graph, &error), 0);
	assert_int_equal(sw_input_push(input, foreign, 0), -EINVAL);
	batch = sw_input_batch(input);
	assert_non_null(batch);
	fill(batch, 0, 5);
	assert_int_equal(sw_input_push(input, batch, 5), 0);
	assert_int_equal(poll(&descriptor, 1, 20000), 1);
	sw_input_finish(input);
	while (sw_graph_dispatch(graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(graph, -1, &error), 0);
	assert_int_equal(dispatched.rows, 5);
	assert_int_equal(sw_input_push(input, foreign, 6), -ECANCELED);
	sw_batch_destroy(foreign);
	sw_graph_destroy(graph);
}

/* ---- An idle input ---- */

static int64_t watermark_seen;
static uint64_t rows_seen;

static int watch_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	(void)state;
	(void)input;
	__atomic_fetch_add(&rows_seen, sw_batch_count(batch), __ATOMIC_RELAXED);
	sw_release(self, batch);
	return 0;
}

static int watch_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	(void)self;
	(void)state;
	__atomic_store_n(&watermark_seen, watermark, __ATOMIC_RELAXED);
	return 0;
}

static const struct sw_operator watch = {
	.name = "watch",
	.process = watch_process,
	.advance = watch_advance,
};

static void push_one(struct sw_input *input, int64_t watermark)
{
	struct sw_batch *batch = sw_input_batch(input);

	assert_non_null(batch);
	fill(batch, 1, 2);
	assert_int_equal(sw_input_push(input, batch, watermark), 0);
}

/* Waits until so many rows have come and the watermark is as expected. */
static void expect(uint64_t rows, int64_t watermark)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned i = 0; i < 20000; i++) {
		if (__atomic_load_n(&rows_seen, __ATOMIC_RELAXED) == rows &&
			__atomic_load_n(&watermark_seen, __ATOMIC_RELAXED) == watermark)
			return;
		nanosleep(&pause, NULL);
	}
	assert_int_equal(__atomic_load_n(&rows_seen, __ATOMIC_RELAXED), rows);
	assert_int_equal(__atomic_load_n(&watermark_seen, __ATOMIC_RELAXED), watermark);
}

static void test_idle_input(void **state)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;
	struct sw_graph_options graph_options = SW_GRAPH_OPTIONS_INIT;
	struct sw_input *inputs[2];
	struct sw_error error = { 0 };
	struct sw_graph *graph;
	struct sw_stage *stage;

	(void)state;
	graph_options.workers = 2;
	graph_options.pin = "none";
	assert_int_equal(sw_graph_create(&graph_options, &graph, &error), 0);
	options.name = "watch";
	options.op = &watch;
	options.instances = 1;
	options.inputs = 2;
	options.outputs = 0;
	stage = sw_graph_add_stage(graph, &options, &error);
	assert_non_null(stage);
	for (unsigned i = 0; i < 2; i++) {
		struct sw_stage *from = sw_graph_add_input(
			graph, i ? "b" : "a", &number_schema, &inputs[i], &error);

		assert_non_null(from);
		assert_int_equal(
			sw_graph_connect(graph, from, 0, stage, i, SW_ROUTE_FORWARD, 0, &error), 0);
	}
	assert_int_equal(sw_graph_start(graph, &error), 0);
	__atomic_store_n(&watermark_seen, SW_TIME_MIN, __ATOMIC_RELAXED);
	push_one(inputs[0], 100);
	push_one(inputs[1], 50);
	expect(2, 50);
	/* The second falls idle: the first alone counts. */
	assert_int_equal(sw_input_idle(inputs[1]), 0);
	expect(2, 100);
	push_one(inputs[0], 200);
	expect(3, 200);
	/* It is back, behind: the watermark does not fall, and waits until it has caught up. */
	push_one(inputs[1], 150);
	push_one(inputs[0], 300);
	expect(5, 200);
	push_one(inputs[1], 250);
	expect(6, 250);
	/* Both idle: nothing moves; the end of an idle one is an end. */
	assert_int_equal(sw_input_idle(inputs[0]), 0);
	expect(6, 250);
	assert_int_equal(sw_input_idle(inputs[1]), 0);
	sw_input_finish(inputs[0]);
	push_one(inputs[1], 400);
	expect(7, 400);
	assert_int_equal(sw_input_idle(inputs[1]), 0);
	sw_input_finish(inputs[1]);
	assert_int_equal(sw_input_idle(inputs[1]), -ECANCELED);
	if (sw_graph_wait(graph, 20000, &error))
		fail_msg("%s", error.text);
	expect(7, SW_TIME_END);
	sw_graph_destroy(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push_from_a_thread),
		cmocka_unit_test(test_stop_while_pushing),
		cmocka_unit_test(test_dispatch),
		cmocka_unit_test(test_two_graphs),
		cmocka_unit_test(test_finish_before_start),
		cmocka_unit_test(test_first_news),
		cmocka_unit_test(test_idle_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

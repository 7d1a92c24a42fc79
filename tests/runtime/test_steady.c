/* SPDX-License-Identifier: MIT */
/*
 * A worker in its steady state makes no system call, allocates nothing and takes no lock. With two
 * workers, sleeping and waking are allowed: a worker may be idle.
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/runtime/graph_fixture.h"
#include "tests/runtime/steady_trap.h"

#define POLLS_BEFORE  2000
#define POLLS_WATCHED 20000

/* ---- The dataflow: numbers -> partials -> merge by key -> a sink on the worker ---- */

struct steady {
	unsigned polls;
};

static int trap_code; /* written by worker 0, read after the join */

static enum sw_poll steady_poll(struct sw_instance *self, void *state)
{
	struct steady *steady = state;

	steady->polls++;
	if (steady->polls == POLLS_BEFORE && sw_instance_index(self) == 0) {
		trap_code = steady_trap();
		steady_watched = true;
	}
	if (steady->polls == POLLS_BEFORE + POLLS_WATCHED)
		steady_watched = false;
	if (steady->polls > POLLS_BEFORE + POLLS_WATCHED + 10)
		return SW_POLL_DONE;
	return numbers_source.poll(self, NULL);
}

static const struct sw_operator steady_source = {
	.name = "steady",
	.state_bytes = sizeof(struct steady),
	.poll = steady_poll,
};

static int sum_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	int64_t *sum = state;

	(void)input;
	for (uint32_t i = 0; i < sw_batch_count(batch); i++)
		*sum += sw_column_int64(&batch->columns[2], sw_batch_row(batch, i));
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator sum_sink = {
	.name = "sum",
	.state_bytes = sizeof(int64_t),
	.process = sum_process,
};

static int build(struct sw_graph *graph, struct numbers_config *numbers, struct sw_error *error)
{
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT, sink = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *from, *kernel, *to;

	source.name = "numbers";
	source.op = &steady_source;
	source.config = numbers;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	from = sw_graph_add_stage(graph, &source, error);
	kernel = sw_graph_add_kernel(graph, "partial", &partial_kernel, NULL, error);
	sink.name = "sum";
	sink.op = &sum_sink;
	sink.outputs = 0;
	sink.measures_latency = true;
	to = sw_graph_add_stage(graph, &sink, error);
	if (!from || !kernel || !to)
		return -ENOMEM;
	if (sw_graph_connect(graph, from, 0, kernel, 0, SW_ROUTE_FORWARD, 0, error))
		return -EINVAL;
	return sw_graph_connect(graph, kernel, 0, to, 0, SW_ROUTE_KEYED, 0, error);
}

static void run_one(unsigned workers)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct numbers_config numbers = {
		.count = UINT64_MAX / 2, .fail_at = UINT64_MAX, .sleep_at = UINT64_MAX
	};
	struct sw_error error = { 0 };
	struct sw_graph *graph;

	options.workers = workers;
	options.batch_rows = 64;
	steady_reset();
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	assert_int_equal(build(graph, &numbers, &error), 0);
	assert_int_equal(sw_graph_start(graph, &error), 0);
	assert_int_equal(sw_graph_wait(graph, -1, &error), 0);
	sw_graph_destroy(graph);
	if (trap_code)
		fail_msg("cannot trap system calls: %s", strerror(-trap_code));
	print_message("%u workers: %lu allocations, %lu locks, %lu system calls, %lu sleeps and "
		      "wake-ups in %d polls\n",
		workers, steady_counts.allocations, steady_counts.locks, steady_counts.calls,
		steady_counts.sleeps, POLLS_WATCHED);
	assert_int_equal(steady_counts.allocations, 0);
	assert_int_equal(steady_counts.locks, 0);
	if (steady_counts.calls)
		fail_msg("system call %ld", steady_counts.first_call);
	if (workers == 1)
		assert_int_equal(steady_counts.sleeps, 0);
}

static void test_steady_state(void **state)
{
	(void)state;
	run_one(1);
	run_one(2);
}

/* The trap itself must catch: a call, an allocation and a lock that are there on purpose. */
static void *misbehave(void *arg)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	void *volatile block; /* or the compiler drops the pair */

	(void)arg;
	trap_code = steady_trap();
	steady_watched = true;
	getppid();
	block = malloc(10);
	free(block);
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	steady_watched = false;
	return NULL;
}

static void test_the_trap(void **state)
{
	pthread_t thread;

	(void)state;
	steady_reset();
	pthread_create(&thread, NULL, misbehave, NULL);
	pthread_join(thread, NULL);
	if (trap_code)
		fail_msg("cannot trap system calls: %s", strerror(-trap_code));
	assert_true(steady_counts.calls >= 1); /* the allocator may make some too */
	assert_int_equal(steady_counts.first_call, SYS_getppid);
	assert_int_equal(steady_counts.allocations, 2);
	assert_int_equal(steady_counts.locks, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_trap),
		cmocka_unit_test(test_steady_state),
	};

	/* Sanitizers make system calls of their own. */
	if (SW_ASAN || SW_TSAN) {
		printf("SKIPPED: test_steady: built with a sanitizer\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The engine: same result for every number of workers and batch size; stop, cancel, failure,
 * limits. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/runtime/graph_fixture.h"

static void run_one(unsigned workers, uint32_t batch_rows, uint32_t ring_slots, bool partials)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	uint64_t count = batch_rows == 1 ? 9001 : 200003;
	struct sw_graph_stats stats;
	struct fixture fixture;
	struct sw_error error = { 0 };
	uint64_t total_ns = 0;

	options.workers = workers;
	options.batch_rows = batch_rows;
	options.ring_slots = ring_slots;
	assert_int_equal(fixture_open(&fixture, &options, count, partials), 0);
	if (sw_graph_start(fixture.graph, &error) || sw_graph_wait(fixture.graph, -1, &error))
		fail_msg("%s", error.text);
	fixture_check(&fixture, count);
	sw_graph_stats(fixture.graph, &stats);
	assert_int_equal(stats.events, count);
	assert_true(stats.complete);
	assert_int_equal(stats.workers, workers + 1);
	for (unsigned i = 0; i < stats.workers; i++) {
		struct sw_worker_stats worker;

		sw_graph_worker_stats(fixture.graph, i, &worker);
		total_ns = worker.busy_ns + worker.idle_ns + worker.backpressured_ns;
		/* They are read off the same clock: they must add up, whatever the machine does. */
		assert_true(total_ns <= stats.wall_ns + 1000000);
		assert_true(total_ns * 101 / 100 + 1000000 >= stats.wall_ns);
	}
	fixture_close(&fixture);
}

/* One source has all events: the others have no watermark that could be the lowest. */
static void test_last_watermark(void **state)
{
	(void)state;
	for (uint64_t count = 0; count <= 100; count += 100) {
		struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
		struct sw_graph_stats stats;
		struct fixture fixture;

		options.workers = 3;
		assert_int_equal(fixture_open(&fixture, &options, count, false), 0);
		assert_int_equal(sw_graph_start(fixture.graph, NULL), 0);
		assert_int_equal(sw_graph_wait(fixture.graph, -1, NULL), 0);
		sw_graph_stats(fixture.graph, &stats);
		assert_int_equal(stats.last_watermark, count ? (int64_t)count : SW_TIME_MIN);
		fixture_close(&fixture);
	}
}

static void test_workers_and_batches(void **state)
{
	static const uint32_t rows[] = { 1, 7, 1024 };
	static const unsigned workers[] = { 1, 2, 3, 5 };

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 4; j++)
			for (unsigned partials = 0; partials < 2; partials++)
				run_one(workers[j], rows[i], 64, partials);
}

static void test_smallest_rings(void **state)
{
	(void)state;
	run_one(4, 16, 2, false);
	run_one(4, 16, 2, true);
}

static void test_latency_is_counted(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_histogram_snapshot *snapshot = sw_histogram_snapshot_create();
	struct sw_error error = { 0 };
	struct fixture fixture;

	(void)state;
	options.workers = 2;
	assert_int_equal(fixture_open(&fixture, &options, 100000, false), 0);
	assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
	assert_int_equal(sw_graph_wait(fixture.graph, -1, &error), 0);
	sw_graph_latency(fixture.graph, snapshot);
	assert_int_equal(sw_histogram_snapshot_count(snapshot), 100000);
	sw_histogram_snapshot_destroy(snapshot);
	fixture_close(&fixture);
}

static void test_failure_names_the_cause(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct fixture fixture;

	(void)state;
	options.workers = 3;
	assert_int_equal(fixture_open(&fixture, &options, 1000000, true), 0);
	fixture.numbers.fail_at = 500001;
	assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
	assert_int_equal(sw_graph_wait(fixture.graph, -1, &error), -EIO);
	assert_string_equal(error.text, "numbers: 500001: cannot be made");
	fixture_close(&fixture);
}

static void test_state_limit(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct fixture fixture;

	(void)state;
	options.workers = 2;
	options.max_state_bytes = 1000;
	assert_int_equal(fixture_open(&fixture, &options, 100000, true), 0);
	assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
	assert_int_equal(sw_graph_wait(fixture.graph, -1, &error), -ENOMEM);
	assert_non_null(strstr(error.text, "over the limit of 1000"));
	fixture_close(&fixture);
}

/* Endless numbers: the sums need room for as many as can be made before the stop. */
static void test_stop_keeps_whole_results(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_graph_stats stats;
	struct sw_error error = { 0 };
	struct fixture fixture;

	(void)state;
	options.workers = 2;
	options.batch_rows = 16;
	assert_int_equal(fixture_open(&fixture, &options, 200000000, true), 0);
	assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	sw_graph_stop(fixture.graph);
	assert_int_equal(sw_graph_wait(fixture.graph, -1, &error), 0);
	sw_graph_stats(fixture.graph, &stats);
	assert_true(stats.events < 200000000);
	/* Chunks are claimed in order and all claimed ones are worked through. */
	fixture.sums.windows = stats.events / WINDOW + 1;
	fixture_check(&fixture, stats.events);
	fixture_close(&fixture);
}

static void test_cancel(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct fixture fixture;

	(void)state;
	for (long delay_ns = 0; delay_ns < 5000000; delay_ns += 1000000) {
		options.workers = 3;
		assert_int_equal(fixture_open(&fixture, &options, 20000000, delay_ns & 1), 0);
		assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
		nanosleep(&(struct timespec){ .tv_nsec = delay_ns }, NULL);
		sw_graph_cancel(fixture.graph);
		assert_int_equal(sw_graph_wait(fixture.graph, -1, &error), -ECANCELED);
		fixture_close(&fixture);
	}
}

static void test_sleepers_wake(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct fixture fixture;

	(void)state;
	options.workers = 2;
	options.batch_rows = 100;
	assert_int_equal(fixture_open(&fixture, &options, 50000, false), 0);
	fixture.numbers.sleep_at = 25000;
	assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
	assert_int_equal(sw_graph_wait(fixture.graph, -1, &error), 0);
	fixture_check(&fixture, 50000);
	fixture_close(&fixture);
}

#ifdef __x86_64__
/* From here on sched_setaffinity fails in this process, as where a sandbox forbids it. */
static int forbid_pinning(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static void count_pin_warnings(void *context, const char *text)
{
	*(unsigned *)context += strstr(text, "cannot pin to cpu") != NULL;
}

/* In a process of its own: 0 when the run warned for each worker and was right all the same. */
static int run_unpinned(void)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct fixture fixture;
	unsigned warnings = 0;

	if (forbid_pinning())
		return 2;
	options.workers = 2;
	options.log = count_pin_warnings;
	options.log_context = &warnings;
	if (fixture_open(&fixture, &options, 50000, true) ||
		sw_graph_start(fixture.graph, &error) || sw_graph_wait(fixture.graph, -1, &error))
		return 3;
	fixture_check(&fixture, 50000);
	fixture_close(&fixture);
	return warnings == 2 ? 0 : 4;
}

static void test_pinning_forbidden(void **state)
{
	int status = 0;
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(run_unpinned());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

static void test_bad_options(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_graph *graph = NULL;
	struct sw_error error;

	(void)state;
	options.batch_rows = 65537;
	assert_int_equal(sw_graph_create(&options, &graph, &error), -EINVAL);
	assert_string_equal(error.text, "batch rows: 65537: must be 1 to 65536");
	options.batch_rows = 1024;
	options.ring_slots = 1;
	assert_int_equal(sw_graph_create(&options, &graph, &error), -EINVAL);
	options.ring_slots = 64;
	options.pin = "0,x";
	assert_int_equal(sw_graph_create(&options, &graph, &error), -EINVAL);
	assert_null(graph);
}

static void test_unconnected(void **state)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT;
	struct sw_error error;
	struct sw_graph *graph;

	(void)state;
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	source.name = "numbers";
	source.op = &numbers_source;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	assert_non_null(sw_graph_add_stage(graph, &source, &error));
	assert_int_equal(sw_graph_start(graph, &error), -EINVAL);
	assert_string_equal(error.text, "stage numbers: output 0 is not connected");
	sw_graph_destroy(graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers_and_batches),
		cmocka_unit_test(test_last_watermark),
		cmocka_unit_test(test_smallest_rings),
		cmocka_unit_test(test_latency_is_counted),
		cmocka_unit_test(test_failure_names_the_cause),
		cmocka_unit_test(test_state_limit),
		cmocka_unit_test(test_stop_keeps_whole_results),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_sleepers_wake),
#ifdef __x86_64__
		cmocka_unit_test(test_pinning_forbidden),
#endif
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_unconnected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

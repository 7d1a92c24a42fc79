/* SPDX-License-Identifier: MIT */

/*
 * Workers that run a query make no system call, allocate nothing and take no lock once it is under
 * way: every query, windows that open and close and state that grows included. They are watched by
 * the clock that the source asks about each batch.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "nexmark/generator.h"
#include "nexmark/query.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/steady_trap.h"

#define BATCHES_BEFORE  250
#define BATCHES_WATCHED 300
#define BATCHES_AFTER   50

static _Atomic uint32_t batches;
static _Atomic int trap_code;

/* 50 ms a batch: windows of arrival close, too. */
static int64_t watching_clock(void *context)
{
	static _Thread_local bool trapped;
	uint32_t batch = atomic_fetch_add(&batches, 1);

	if (batch >= BATCHES_BEFORE && !trapped) {
		int code = steady_trap();

		if (code)
			atomic_store(&trap_code, code);
		trapped = true;
	}
	steady_watched = batch >= BATCHES_BEFORE;
	/* Also for the workers that get no batch before the end. */
	if (batch == BATCHES_BEFORE + BATCHES_WATCHED)
		steady_over = true;
	if (batch == BATCHES_BEFORE + BATCHES_WATCHED + BATCHES_AFTER)
		sw_graph_stop(context);
	return 1700000000000 + 50 * (int64_t)batch;
}

/* An endless stream, until the clock says stop. */
static void run_job(
	const struct sw_graph_options *options, struct sw_nexmark_job_options *job_options)
{
	struct sw_nexmark_job *job;
	struct sw_graph *graph;
	struct sw_error error;

	assert_int_equal(sw_graph_create(options, &graph, &error), 0);
	job_options->clock_context = graph;
	if (sw_nexmark_job_create(graph, job_options, &job, &error) ||
		sw_graph_start(graph, &error) || sw_graph_wait(graph, -1, &error))
		fail_msg("%s: %s", job_options->query, error.text);
	sw_graph_destroy(graph);
	sw_nexmark_job_destroy(job);
}

static void run_query(const char *name, unsigned workers)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_nexmark_job_options job = SW_NEXMARK_JOB_OPTIONS_INIT;
	struct sw_nexmark_options generator = SW_NEXMARK_OPTIONS_INIT;

	options.workers = workers;
	options.pin = "none";
	generator.num_events = 0;
	job.query = name;
	job.generator = &generator;
	job.clock_ms = watching_clock;
	steady_reset();
	atomic_store(&batches, 0);
	run_job(&options, &job);
	if (trap_code)
		fail_msg("cannot trap system calls: %s", strerror(-trap_code));
	if (steady_counts.allocations || steady_counts.locks || steady_counts.calls)
		fail_msg("%s, %u workers: %lu allocations, %lu locks, %lu system calls (%ld first)",
			name, workers, steady_counts.allocations, steady_counts.locks,
			steady_counts.calls, steady_counts.first_call);
	if (workers == 1 && steady_counts.sleeps)
		fail_msg("%s, 1 worker: %lu sleeps", name, steady_counts.sleeps);
}

static void one_worker(void **unused)
{
	(void)unused;
	for (unsigned q = 0; q < sw_nexmark_query_count(); q++)
		run_query(sw_nexmark_query_at(q)->name, 1);
}

static void two_workers(void **unused)
{
	(void)unused;
	for (unsigned q = 0; q < sw_nexmark_query_count(); q++)
		run_query(sw_nexmark_query_at(q)->name, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker),
		cmocka_unit_test(two_workers),
	};

	/* Sanitizers make system calls of their own. */
	if (SW_ASAN || SW_TSAN) {
		printf("SKIPPED: test_steady_queries: built with a sanitizer\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

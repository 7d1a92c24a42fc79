/* SPDX-License-Identifier: MIT */

/*
 * The queries' kernels on a batch of bids in cache: what a worker, or a function, computes. One
 * iteration is a batch; items are its rows.
 */

#include "bench/bench.h"

#include <string.h>

#include "bench/bids.h"

static void run_kernel(struct bench_run *run, const char *name)
{
	struct bench_kernel bench;
	int result = bench_kernel_open(&bench, name);

	if (result) {
		bench_fail(run, "the kernel or its input cannot be made");
		bench_kernel_close(&bench);
		return;
	}
	/* In place a price would be multiplied again and again: zero stays zero, and costs the
	 * same. */
	if (bench.kernel->in_place && bench.schema.columns > 2)
		memset(bench.in->columns[2].data, 0, bench.in->rows * sizeof(int64_t));
	while (!result && bench_more(run, 1)) {
		bench_kernel_rewind(&bench);
		result = bench.kernel->run(
			NULL, bench.scratch, bench.in, bench.out ? bench.out : bench.in);
		bench_keep(bench.in->columns[0].data);
	}
	if (result)
		bench_fail(run, "the kernel failed");
	bench_items(run, bench_done(run) * bench.in->rows);
	bench_counter(run, "rows_in", bench.in->rows);
	bench_counter(run, "rows_out", sw_batch_count(bench.out ? bench.out : bench.in));
	bench_kernel_close(&bench);
}

static void kernel_q1(struct bench_run *run)
{
	run_kernel(run, "q1");
}

static void kernel_q2(struct bench_run *run)
{
	run_kernel(run, "q2");
}

static void kernel_q7(struct bench_run *run)
{
	run_kernel(run, "q7.partial");
}

static void kernel_q12_arrival(struct bench_run *run)
{
	run_kernel(run, "q12.arrival");
}

static void kernel_q12_event(struct bench_run *run)
{
	run_kernel(run, "q12.event");
}

static void kernel_tokenize(struct bench_run *run)
{
	run_kernel(run, "tokenize.partial");
}

const struct bench_case bench_kernels_cases[] = {
	{ .name = "kernels/q1", .run = kernel_q1 },
	{ .name = "kernels/q2", .run = kernel_q2 },
	{ .name = "kernels/q7", .run = kernel_q7 },
	{ .name = "kernels/q12_arrival", .run = kernel_q12_arrival },
	{ .name = "kernels/q12_event", .run = kernel_q12_event },
	{ .name = "kernels/tokenize", .run = kernel_tokenize },
	{ 0 },
};

/* SPDX-License-Identifier: MIT */
#ifndef SW_BENCH_BENCH_H
#define SW_BENCH_BENCH_H

/*
 * Benchmarks are C functions in tables; bench.cc, the one C++ file, registers them with Google
 * Benchmark. A body sets up, loops, says how much it did, and cleans up:
 *
 *	static void ring_single(struct bench_run *run)
 *	{
 *		struct sw_ring *ring = sw_ring_create(1024, -1);
 *
 *		while (bench_more(run, 1000))
 *			thousand_pushes_and_pops(ring);
 *		bench_items(run, bench_done(run));
 *		sw_ring_destroy(ring);
 *	}
 *
 *	const struct bench_case bench_ring_cases[] = {
 *		{ .name = "ring/single", .run = ring_single },
 *		{ 0 },
 *	};
 *
 * A figure that is compared with another is measured in alternation with it, in one body, which
 * gives both (bench_counter) and their ratio.
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench_run; /* a running benchmark */

struct bench_case {
	const char *name; /* "group/what"; null ends a table */
	void (*run)(struct bench_run *run);
	int64_t argument; /* bench_argument(); shown as part of the name when not 0 */
	bool wall;        /* judged by wall time: bodies with threads of their own */
	bool manual;      /* the body measures: every round ends with bench_round_seconds() */
	/* Can this processor run it? Else it is left out, with a word about it. Null: it can. */
	bool (*can_run)(int64_t argument);
};

/* One table per file, ended by a case without a name. */
extern const struct bench_case bench_ring_cases[];
extern const struct bench_case bench_generator_cases[];
extern const struct bench_case bench_kernels_cases[];
extern const struct bench_case bench_wire_cases[];
extern const struct bench_case bench_handover_cases[];

/* The loop's condition: do `iterations` more? The clock runs from the first call to the last. */
bool bench_more(struct bench_run *run, uint64_t iterations);
/* Iterations so far. */
uint64_t bench_done(const struct bench_run *run);
int64_t bench_argument(const struct bench_run *run);
/* For manual cases, once a round. */
void bench_round_seconds(struct bench_run *run, double seconds);
/* Stops the clock and lets it run again (costs some hundred ns). */
void bench_pause(struct bench_run *run);
void bench_resume(struct bench_run *run);

/* After the loop: totals, given as rates a second. */
void bench_items(struct bench_run *run, uint64_t items);
void bench_bytes(struct bench_run *run, uint64_t bytes);
/* After the loop: a figure of one's own; the name says its unit. */
void bench_counter(struct bench_run *run, const char *name, double value);
/* A note that stands beside the result; copied. */
void bench_label(struct bench_run *run, const char *text);
/* Ends the case as failed, with this text; the body cleans up and returns. */
void bench_fail(struct bench_run *run, const char *why);

/*
 * Pins the calling thread to the i-th core of the plan for as many workers as there are cores
 * (round about). False: it could not; the case goes on unpinned. The main thread is on core 0.
 */
bool bench_pin(unsigned i);
/* Cores that bench_pin() goes round. */
unsigned bench_cores(void);

/* Makes the compiler believe that the memory behind the pointer is read and written. */
static inline void bench_keep(const void *pointer)
{
	__asm__ volatile("" : : "r"(pointer) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif

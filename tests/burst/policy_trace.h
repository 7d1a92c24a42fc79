/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_POLICY_TRACE_H
#define SW_TESTS_BURST_POLICY_TRACE_H

#include "burst/burst.h"
#include "burst/policy.h"

/*
 * A policy against a load over time, with a clock of its own and no threads: a paced source, a
 * ring, one worker and functions, moved on by one sample period at a time. What the producer does
 * with a decision is what outlet.c does.
 */

struct trace {
	const char *name;
	double seconds;
	uint32_t spikes;
	/* What comes, in multiples of what the worker can do. */
	double (*load)(double seconds);
};

/* 4x for 5 s of 20; between 0.2x and 1.8x in 10 s; 10x for 10 ms of each second; from 0 to 3x. */
extern const struct trace trace_square, trace_sine, trace_bursts, trace_ramp;

struct trace_options {
	const char *policy;
	double load_factor;
	double local_ns_per_row, ship_ns_per_row;
	double remote_ms, cold_ms; /* cold: more at once than ever before */
	double jitter;             /* share by which times and costs vary */
	uint32_t rows_per_batch, capacity, window;
	uint64_t seed;
	struct sw_burst_options burst;
};

/* 2 us a row here, 0.05 us to ship, 20 ms away, 1000 rows a batch, a ring of 64, 64 at once. */
struct trace_options trace_options_default(const char *policy);

struct trace_result {
	uint64_t batches, spilled;
	double p50_ms, p99_ms, max_ms; /* arrival to result */
	uint32_t flips;                /* spilling began, or was over for half a second */
	double pushed_back_s;          /* time in which the source could not give what was due */
	double first_ms; /* the first batch over 1x load to the first spill; -1: none */
	char why[160];
};

void trace_run(const struct trace *trace, const struct trace_options *options,
	struct trace_result *result);

#endif

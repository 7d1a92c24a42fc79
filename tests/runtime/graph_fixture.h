/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_RUNTIME_GRAPH_FIXTURE_H
#define SW_TESTS_RUNTIME_GRAPH_FIXTURE_H

#include <stdatomic.h>

#include "runtime/graph.h"

/*
 * A small dataflow with a result that anybody can check: numbers 0 .. count - 1 are made (event
 * time = the number), tripled by a kernel, and summed per (number mod KEYS, window of WINDOW
 * numbers) by a keyed merge that closes windows as the watermark passes; a text column rides along.
 */

#define KEYS   13
#define WINDOW 1000

struct numbers_config {
	uint64_t count;
	uint64_t fail_at;  /* the source fails there; UINT64_MAX: never */
	uint64_t sleep_at; /* the source pauses 3 ms there; UINT64_MAX: never */
	_Atomic uint64_t next;
};

struct sums {
	uint64_t rows;     /* results */
	uint64_t early;    /* results of a window that was given twice or out of order */
	uint64_t bad_text; /* rows whose text is not their number's */
	int64_t *sum;      /* [window * KEYS + key] */
	uint64_t *count;
	uint64_t windows;
};

struct fixture {
	struct numbers_config numbers;
	struct sums sums;
	struct sw_graph *graph;
};

extern const struct sw_schema number_schema;
extern const struct sw_kernel triple_kernel;  /* in place */
extern const struct sw_kernel partial_kernel; /* sums per key and window of one batch */
extern const struct sw_operator numbers_source;

/* numbers -> triple -> (by key) merge -> collect, or with the partial kernel before the exchange.
 */
int fixture_open(struct fixture *fixture, const struct sw_graph_options *options, uint64_t count,
	bool partials);
/* source: null, or a stage to use instead of the numbers source (already in graph). */
int fixture_build(struct fixture *fixture, struct sw_stage *source, bool partials);
/* Asserts that every sum is right for all numbers below count. */
void fixture_check(struct fixture *fixture, uint64_t count);
void fixture_close(struct fixture *fixture);

#endif

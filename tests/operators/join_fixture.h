/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_OPERATORS_JOIN_FIXTURE_H
#define SW_TESTS_OPERATORS_JOIN_FIXTURE_H

#include "runtime/graph.h"

/* A join between inputs of the program's own rows and a function of its: each input -> (by key)
 * join -> output. Or the first input -> stage that keeps its rows -> (to all) join, and the others
 * to the join as they come. */

#define JOIN_INPUTS_MAX 3

struct join_run {
	unsigned workers, inputs;
	enum sw_state_mode state;
	uint64_t max_state_bytes; /* 0: the default */
	const struct sw_schema *schemas[JOIN_INPUTS_MAX];
	unsigned keys[JOIN_INPUTS_MAX]; /* columns */
	struct sw_stage_options join;   /* name, op, config, output_schemas[0] are set */
	struct sw_stage_options kept;   /* the same, where the first's rows are kept; else zero */

	struct sw_graph *graph;
	struct sw_input *input[JOIN_INPUTS_MAX];
	bool ended; /* the graph takes no more rows */
	struct sw_error error;
	uint64_t state_bytes_max; /* at the end */
};

/* What comes before `graph` is set. */
void join_start(struct join_run *run, sw_output_fn on_batch, void *context);
/* An empty batch of this input; waits until there is one, giving results to on_batch meanwhile.
 * Null: the graph has ended. */
struct sw_batch *join_batch(struct join_run *run, unsigned input);
/* Takes the batch (null: only the watermark). */
void join_push(struct join_run *run, unsigned input, struct sw_batch *batch, int64_t watermark);
/* Ends the inputs and waits; the graph's result. */
int join_end(struct join_run *run);

#endif

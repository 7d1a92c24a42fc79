/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_OPERATORS_MERGE_FIXTURE_H
#define SW_TESTS_OPERATORS_MERGE_FIXTURE_H

#include "runtime/graph.h"

/* A merge between the program's own rows and a function of its: input -> (by key) merge -> output.
 */

struct merge_run {
	struct sw_graph *graph;
	struct sw_input *input;
};

/* merge: name, op, config and output_schemas[0] are set. Starts the graph. */
void merge_start(struct merge_run *run, unsigned workers, const struct sw_schema *partials,
	const struct sw_stage_options *merge, sw_output_fn on_batch, void *context);
/* An empty batch; waits until there is one, giving results to on_batch meanwhile. */
struct sw_batch *merge_batch(struct merge_run *run);
/* Takes the batch (null: only the watermark). */
void merge_push(struct merge_run *run, struct sw_batch *batch, int64_t watermark);
/* Ends the input and waits. */
void merge_end(struct merge_run *run);

#endif

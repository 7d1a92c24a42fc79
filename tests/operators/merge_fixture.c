/* SPDX-License-Identifier: MIT */
#include "tests/operators/merge_fixture.h"

#include "tests/runtime/cmocka_all.h"

#include <errno.h>

void merge_start(struct merge_run *run, unsigned workers, const struct sw_schema *partials,
	const struct sw_stage_options *merge, sw_output_fn on_batch, void *context)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage *from, *stage, *to;
	struct sw_error error;

	options.workers = workers;
	options.pin = "none";
	options.batch_rows = 64;
	options.ring_slots = 16;
	assert_int_equal(sw_graph_create(&options, &run->graph, &error), 0);
	from = sw_graph_add_input(run->graph, "input", partials, &run->input, &error);
	stage = sw_graph_add_stage(run->graph, merge, &error);
	to = sw_graph_add_output(run->graph, "output", on_batch, context, &error);
	assert_true(from && stage && to);
	assert_int_equal(
		sw_graph_connect(run->graph, from, 0, stage, 0, SW_ROUTE_KEYED, 0, &error), 0);
	assert_int_equal(
		sw_graph_connect(run->graph, stage, 0, to, 0, SW_ROUTE_FORWARD, 0, &error), 0);
	if (sw_graph_start(run->graph, &error))
		fail_msg("%s", error.text);
}

struct sw_batch *merge_batch(struct merge_run *run)
{
	struct sw_batch *batch;

	while (!(batch = sw_input_batch(run->input)))
		assert_int_equal(sw_graph_dispatch(run->graph, 100), 1);
	return batch;
}

void merge_push(struct merge_run *run, struct sw_batch *batch, int64_t watermark)
{
	int code;

	if (!batch)
		batch = merge_batch(run);
	while ((code = sw_input_push(run->input, batch, watermark)) == -EAGAIN)
		sw_graph_dispatch(run->graph, 100);
	assert_int_equal(code, 0);
}

void merge_end(struct merge_run *run)
{
	struct sw_error error;

	sw_input_finish(run->input);
	while (sw_graph_dispatch(run->graph, -1))
		continue;
	if (sw_graph_wait(run->graph, -1, &error))
		fail_msg("%s", error.text);
	sw_graph_destroy(run->graph);
}

/* SPDX-License-Identifier: MIT */
#include "tests/operators/join_fixture.h"

#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <stdio.h>

/* Input i into the join. */
static int connect(struct join_run *run, struct sw_stage *from, unsigned i, struct sw_stage *join,
	struct sw_error *error)
{
	struct sw_stage *kept;

	if (!run->kept.op)
		return sw_graph_connect(
			run->graph, from, 0, join, i, SW_ROUTE_KEYED, run->keys[i], error);
	if (i > 0)
		return sw_graph_connect(run->graph, from, 0, join, i, SW_ROUTE_FORWARD, 0, error);
	kept = sw_graph_add_stage(run->graph, &run->kept, error);
	assert_non_null(kept);
	assert_int_equal(
		sw_graph_connect(run->graph, from, 0, kept, 0, SW_ROUTE_FORWARD, 0, error), 0);
	return sw_graph_connect(run->graph, kept, 0, join, 0, SW_ROUTE_BROADCAST, 0, error);
}

void join_start(struct join_run *run, sw_output_fn on_batch, void *context)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage *stage, *to;
	struct sw_error error;

	options.workers = run->workers;
	options.pin = "none";
	options.batch_rows = 64;
	options.ring_slots = 16;
	options.state = run->state;
	options.max_state_bytes = run->max_state_bytes;
	assert_int_equal(sw_graph_create(&options, &run->graph, &error), 0);
	run->join.inputs = run->inputs;
	stage = sw_graph_add_stage(run->graph, &run->join, &error);
	to = sw_graph_add_output(run->graph, "output", on_batch, context, &error);
	assert_true(stage && to);
	for (unsigned i = 0; i < run->inputs; i++) {
		char name[24];
		struct sw_stage *from;

		snprintf(name, sizeof(name), "input %u", i);
		from = sw_graph_add_input(
			run->graph, name, run->schemas[i], &run->input[i], &error);
		assert_non_null(from);
		assert_int_equal(connect(run, from, i, stage, &error), 0);
	}
	assert_int_equal(
		sw_graph_connect(run->graph, stage, 0, to, 0, SW_ROUTE_FORWARD, 0, &error), 0);
	if (sw_graph_start(run->graph, &error))
		fail_msg("%s", error.text);
}

struct sw_batch *join_batch(struct join_run *run, unsigned input)
{
	struct sw_batch *batch;

	while (!run->ended && !(batch = sw_input_batch(run->input[input])))
		run->ended = !sw_graph_dispatch(run->graph, 100);
	return run->ended ? NULL : batch;
}

void join_push(struct join_run *run, unsigned input, struct sw_batch *batch, int64_t watermark)
{
	int code;

	if (!batch)
		batch = join_batch(run, input);
	if (run->ended)
		return;
	while ((code = sw_input_push(run->input[input], batch, watermark)) == -EAGAIN)
		sw_graph_dispatch(run->graph, 100);
	run->ended = code == -ECANCELED;
	if (!run->ended)
		assert_int_equal(code, 0);
}

int join_end(struct join_run *run)
{
	struct sw_graph_stats stats;
	int code;

	for (unsigned i = 0; i < run->inputs; i++)
		sw_input_finish(run->input[i]);
	while (sw_graph_dispatch(run->graph, -1))
		continue;
	code = sw_graph_wait(run->graph, -1, &run->error);
	sw_graph_stats(run->graph, &stats);
	run->state_bytes_max = stats.state_bytes_max;
	sw_graph_destroy(run->graph);
	return code;
}

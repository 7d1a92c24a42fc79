/* SPDX-License-Identifier: MIT */

/* A graph in the two-node guest: every instance looks where it, its state and its batches are. */

#include "numa_guest.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "runtime/graph.h"

#define BATCHES    64u /* of each source */
#define BATCH_ROWS 512u

static const struct sw_schema schema = {
	.columns = 2,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "value", .type = SW_INT64 } },
};

static atomic_uint looks, wrong_nodes, wrong_states, wrong_batches;
static atomic_ullong rows_seen;

static void look_at_self(struct sw_instance *self, const void *state, size_t state_bytes)
{
	unsigned cpu, node = 0;

	getcpu(&cpu, &node);
	/* All relaxed: totals, read when the graph has ended. */
	atomic_fetch_add_explicit(&looks, 1, memory_order_relaxed);
	if ((int)node != sw_instance_node(self))
		atomic_fetch_add_explicit(&wrong_nodes, 1, memory_order_relaxed);
	if (!memory_is_on(state, state_bytes, sw_instance_node(self)))
		atomic_fetch_add_explicit(&wrong_states, 1, memory_order_relaxed);
}

struct source {
	uint64_t made;
	char space[8192];
};

static enum sw_poll source_poll(struct sw_instance *self, void *state)
{
	struct source *source = state;
	struct sw_batch *batch = sw_batch_new(self, 0);

	if (!batch)
		return SW_POLL_DONE;
	for (uint32_t i = 0; i < BATCH_ROWS; i++) {
		((int64_t *)batch->columns[0].data)[i] = (int64_t)(source->made * BATCH_ROWS + i);
		((int64_t *)batch->columns[1].data)[i] = 1;
	}
	batch->rows = BATCH_ROWS;
	if (!memory_is_on(
		    batch->columns[0].data, BATCH_ROWS * sizeof(int64_t), sw_instance_node(self)))
		atomic_fetch_add_explicit(&wrong_batches, 1, memory_order_relaxed);
	source->space[0] = 1;
	look_at_self(self, source, sizeof(*source));
	source->made++;
	sw_instance_count_events(self, BATCH_ROWS);
	sw_emit(self, 0, batch);
	return source->made == BATCHES ? SW_POLL_DONE : SW_POLL_MADE;
}

struct sink {
	uint64_t rows;
	char space[8192];
};

static int sink_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct sink *sink = state;

	(void)input;
	sink->rows += sw_batch_count(batch);
	atomic_fetch_add_explicit(&rows_seen, sw_batch_count(batch), memory_order_relaxed);
	look_at_self(self, sink, sizeof(*sink));
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator source_operator = {
	.name = "source",
	.state_bytes = sizeof(struct source),
	.poll = source_poll,
};

static const struct sw_operator sink_operator = {
	.name = "sink",
	.state_bytes = sizeof(struct sink),
	.process = sink_process,
};

static int build(struct sw_graph *graph, struct sw_error *error)
{
	struct sw_stage_options from = SW_STAGE_OPTIONS_INIT, to = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *source, *sink;

	from.name = "source";
	from.op = &source_operator;
	from.inputs = 0;
	from.output_schemas[0] = &schema;
	to.name = "sink";
	to.op = &sink_operator;
	to.outputs = 0;
	source = sw_graph_add_stage(graph, &from, error);
	sink = sw_graph_add_stage(graph, &to, error);
	if (!source || !sink)
		return -EINVAL;
	return sw_graph_connect(graph, source, 0, sink, 0, SW_ROUTE_KEYED, 0, error);
}

static void check_workers(const struct sw_graph *graph, unsigned workers)
{
	unsigned wrong = 0, per_node[2] = { 0, 0 };

	for (unsigned i = 0; i < workers; i++) {
		struct sw_worker_stats stats;

		sw_graph_worker_stats(graph, i, &stats);
		if (stats.place.cpu < 0 || stats.place.cpu / 4 != stats.place.node)
			wrong++;
		else
			per_node[stats.place.node]++;
	}
	check(wrong == 0 && per_node[0] == 4 && per_node[1] == 4,
		"graph: its workers are on both nodes, four and four");
}

void check_graph(unsigned workers)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_graph *graph = NULL;
	struct sw_error error = { 0 };
	int result;

	options.workers = workers;
	options.batch_rows = BATCH_ROWS;
	result = sw_graph_create(&options, &graph, &error);
	if (result == 0)
		result = build(graph, &error);
	if (result == 0)
		result = sw_graph_start(graph, &error);
	if (result == 0)
		result = sw_graph_wait(graph, 60000, &error);
	check(result == 0, "graph: it runs on %u workers: %s", workers,
		result ? error.text : "done");
	if (result == 0) {
		unsigned long long rows = atomic_load_explicit(&rows_seen, memory_order_relaxed);
		unsigned count = atomic_load_explicit(&looks, memory_order_relaxed);

		check_workers(graph, workers);
		check(rows == (unsigned long long)workers * BATCHES * BATCH_ROWS,
			"graph: %llu rows crossed between workers", rows);
		check(atomic_load_explicit(&wrong_nodes, memory_order_relaxed) == 0,
			"graph: instances ran on the node of their plan (%u looks)", count);
		check(atomic_load_explicit(&wrong_states, memory_order_relaxed) == 0,
			"graph: the state of instances is on their node");
		check(atomic_load_explicit(&wrong_batches, memory_order_relaxed) == 0,
			"graph: batches are made on their producer's node");
	}
	sw_graph_destroy(graph);
}

/* SPDX-License-Identifier: MIT */
/* Two dataflows in one process, fed and drained by this program's own event loop. */

#include <poll.h>
#include <stdio.h>
#include "runtime/graph.h"

#define GRAPHS 2
static const struct sw_schema schema = { .columns = 1, .fields = { { "x", SW_INT64, 0, NULL } } };

/* A pure function of a batch: what a worker runs, and what could run elsewhere. */
static int square(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	int64_t *x = in->columns[0].data;
	(void)config, (void)scratch, (void)out;
	for (uint32_t i = 0; i < in->rows; i++)
		x[i] *= x[i];
	return 0;
}

static const struct sw_kernel square_kernel = { .name = "square",
	.version = 1,
	.in = &schema,
	.out = &schema,
	.in_place = true,
	.run = square };

struct flow {
	struct sw_graph *graph;
	struct sw_input *input;
	int64_t next, end, sum; /* numbers still to be pushed; their squares' sum so far */
	int running;
};

static void on_result(void *context, const struct sw_batch *batch)
{
	struct flow *flow = context;

	for (uint32_t i = 0; i < sw_batch_count(batch); i++)
		flow->sum += sw_column_int64(&batch->columns[0], sw_batch_row(batch, i));
}

static int flow_open(struct flow *flow, struct sw_error *error)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage *input, *squares, *output;
	if (sw_graph_create(&options, &flow->graph, error))
		return -1;
	input = sw_graph_add_input(flow->graph, "numbers", &schema, &flow->input, error);
	squares = sw_graph_add_kernel(flow->graph, "square", &square_kernel, NULL, error);
	output = sw_graph_add_output(flow->graph, "results", on_result, flow, error);
	if (!input || !squares || !output ||
		sw_graph_connect(flow->graph, input, 0, squares, 0, SW_ROUTE_FORWARD, 0, error) ||
		sw_graph_connect(flow->graph, squares, 0, output, 0, SW_ROUTE_FORWARD, 0, error))
		return -1;
	return sw_graph_start(flow->graph, error);
}

/* Pushes what there is room for; the descriptor tells when there is room again. */
static void flow_push(struct flow *flow)
{
	struct sw_batch *batch;

	while (flow->next < flow->end && (batch = sw_input_batch(flow->input))) {
		while (batch->rows < batch->capacity && flow->next < flow->end)
			((int64_t *)batch->columns[0].data)[batch->rows++] = flow->next++;
		while (sw_input_push(flow->input, batch, SW_TIME_MIN))
			sw_graph_dispatch(flow->graph, 1);
	}
	if (flow->next == flow->end)
		sw_input_finish(flow->input);
}

int main(void)
{
	struct flow flows[GRAPHS] = { { .running = 1, .end = 100000 },
		{ .running = 1, .end = 200000 } };
	struct sw_error error = { 0 };

	if (flow_open(&flows[0], &error) || flow_open(&flows[1], &error))
		return fprintf(stderr, "embed: %s\n", error.text), 1;
	while (flows[0].running || flows[1].running) {
		struct pollfd ready[GRAPHS];

		for (int i = 0; i < GRAPHS; i++) {
			flow_push(&flows[i]);
			flows[i].running = sw_graph_dispatch(flows[i].graph, 0);
			ready[i].fd = flows[i].running ? sw_graph_fd(flows[i].graph) : -1;
			ready[i].events = POLLIN;
		}
		poll(ready, GRAPHS, 100);
	}
	for (int i = 0; i < GRAPHS; i++) {
		printf("flow %d: %lld\n", i, (long long)flows[i].sum);
		sw_graph_destroy(flows[i].graph);
	}
	return 0;
}

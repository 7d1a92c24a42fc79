/* SPDX-License-Identifier: MIT */
/*
 * From stages and edges to instances, links and rings: who runs what, where. Set-up only, on the
 * thread that starts the graph.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/graph_private.h"

/* ---- Checks and ranks ---- */

static int check_connected(struct sw_graph *graph, struct sw_error *error)
{
	if (!graph->stages)
		return sw_error_set(error, -EINVAL, "graph: no stages");
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next) {
		for (unsigned i = 0; i < stage->inputs; i++)
			if (!stage->in[i])
				return sw_error_set(error, -EINVAL,
					"stage %s: input %u is not connected", stage->name, i);
		for (unsigned i = 0; i < stage->outputs; i++)
			if (!stage->out[i])
				return sw_error_set(error, -EINVAL,
					"stage %s: output %u is not connected", stage->name, i);
		if (!stage->inputs && !stage->op->poll && !stage->external)
			return sw_error_set(error, -EINVAL,
				"stage %s: no inputs, and its operator is no source", stage->name);
	}
	return 0;
}

/* Longest path from a source; as many rounds as there are stages, or there is a cycle. */
static int rank_stages(struct sw_graph *graph, struct sw_error *error)
{
	bool changed = true;

	for (unsigned round = 0; changed; round++) {
		if (round > graph->stage_count)
			return sw_error_set(error, -EINVAL, "graph: its edges form a cycle");
		changed = false;
		for (struct edge *edge = graph->edges; edge; edge = edge->next) {
			if (edge->to->rank <= edge->from->rank) {
				edge->to->rank = edge->from->rank + 1;
				changed = true;
			}
		}
	}
	return 0;
}

/* ---- Runners ---- */

static struct runner *add_runner(struct sw_graph *graph, enum runner_kind kind)
{
	struct runner *runner = aligned_alloc(SW_CACHE_LINE, sizeof(*runner));

	if (!runner)
		return NULL;
	memset(runner, 0, sizeof(*runner));
	runner->graph = graph;
	runner->kind = kind;
	runner->slot = graph->runner_count;
	runner->place = (struct sw_place){ .cpu = -1, .node = -1, .core = -1, .package = -1 };
	runner->instances = calloc(graph->stage_count, sizeof(*runner->instances));
	runner->waiter = sw_waiter_create();
	runner->latency = sw_histogram_create(-1);
	graph->runners[graph->runner_count++] = runner;
	return runner->instances && runner->waiter && runner->latency ? runner : NULL;
}

static int add_runners(struct sw_graph *graph)
{
	unsigned most = graph->workers + graph->stage_count + 1;

	graph->runners = calloc(most, sizeof(*graph->runners));
	if (!graph->runners)
		return -ENOMEM;
	for (unsigned i = 0; i < graph->workers; i++) {
		struct runner *runner = add_runner(graph, RUNNER_WORKER);

		if (!runner)
			return -ENOMEM;
		runner->place = graph->places[i];
	}
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next) {
		if (stage->dispatched && !graph->program) {
			graph->program = add_runner(graph, RUNNER_PROGRAM);
			if (!graph->program)
				return -ENOMEM;
		}
	}
	return 0;
}

/* The thread that runs the only instance of a stage that has just one. */
static struct runner *runner_of_single(struct sw_graph *graph, struct sw_stage *stage)
{
	if (stage->dispatched)
		return graph->program;
	if (stage->external)
		return add_runner(graph, RUNNER_EXTERNAL);
	if (stage->blocking)
		return add_runner(graph, RUNNER_SERVICE);
	return graph->runners[0];
}

/* ---- Instances ---- */

static int add_instances(struct sw_graph *graph, struct sw_stage *stage)
{
	size_t state_bytes = stage->op ? stage->op->state_bytes : 0;

	if (stage->kernel)
		state_bytes = kernel_state_bytes(stage->kernel);
	stage->instance_count = stage->single ? 1 : graph->workers;
	stage->instances =
		aligned_alloc(SW_CACHE_LINE, stage->instance_count * sizeof(*stage->instances));
	if (!stage->instances)
		return -ENOMEM;
	memset(stage->instances, 0, stage->instance_count * sizeof(*stage->instances));
	for (unsigned i = 0; i < stage->instance_count; i++) {
		struct sw_instance *instance = &stage->instances[i];

		instance->stage = stage;
		instance->index = i;
		instance->op = stage->op;
		instance->runner =
			stage->single ? runner_of_single(graph, stage) : graph->runners[i];
		if (!instance->runner)
			return -ENOMEM;
		instance->runner->instances[instance->runner->instance_count++] = instance;
		instance->watermark_in = SW_TIME_MIN;
		instance->watermark_out = SW_TIME_MIN;
		instance->watermark_due = SW_TIME_MIN;
		atomic_init(&instance->source_watermark, SW_TIME_MIN);
		if (state_bytes) {
			instance->state = sw_memory_map(
				state_bytes, instance->runner->place.node, SW_HUGE_PAGES_OFF);
			if (!instance->state)
				return -ENOMEM;
		}
	}
	return 0;
}

static int compare_ranks(const void *a, const void *b)
{
	const struct sw_instance *const *x = a, *const *y = b;

	return (int)(*y)->stage->rank - (int)(*x)->stage->rank;
}

/* ---- Links ---- */

bool edge_may_burst(const struct edge *edge)
{
	return edge->graph->options.outlets && edge->to->kernel && edge->route == SW_ROUTE_FORWARD;
}

/* Does instance `from` of the edge's producers ever send to instance `to`? */
static bool reaches(const struct edge *edge, unsigned from, unsigned to)
{
	if (edge->route != SW_ROUTE_FORWARD)
		return true;
	if (edge->from->instance_count == 1 || edge->to->instance_count == 1)
		return true;
	return from == to;
}

static int add_link(
	struct edge *edge, struct link *link, struct sw_instance *from, struct sw_instance *to)
{
	struct sw_graph *graph = edge->graph;
	struct output *output = &from->outputs[edge->output];
	struct input_port *input = &to->inputs[edge->input];

	link->edge = edge;
	link->from = from;
	link->to = to;
	link->near = from->runner == to->runner;
	link->seen = SW_TIME_MIN;
	link->applied = SW_TIME_MIN;
	atomic_init(&link->watermark, SW_TIME_MIN);
	if (!link->near || edge_may_burst(edge)) {
		link->ring = sw_ring_create(graph->options.ring_slots, to->runner->place.node);
		if (!link->ring)
			return -ENOMEM;
	}
	output->links[output->link_count++] = link;
	input->links[input->link_count++] = link;
	return 0;
}

static int add_links(struct edge *edge)
{
	unsigned producers = edge->from->instance_count, consumers = edge->to->instance_count;
	struct link *link;

	for (unsigned i = 0; i < producers; i++) {
		struct output *output = &edge->from->instances[i].outputs[edge->output];

		output->edge = edge;
		output->links = calloc(consumers, sizeof(*output->links));
		output->gathering = calloc(consumers, sizeof(*output->gathering));
		if (!output->links || !output->gathering)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < consumers; i++) {
		struct input_port *input = &edge->to->instances[i].inputs[edge->input];

		input->links = calloc(producers, sizeof(*input->links));
		if (!input->links)
			return -ENOMEM;
	}
	edge->links = aligned_alloc(SW_CACHE_LINE, producers * consumers * sizeof(*edge->links));
	if (!edge->links)
		return -ENOMEM;
	memset(edge->links, 0, producers * consumers * sizeof(*edge->links));
	link = edge->links;
	for (unsigned i = 0; i < producers; i++) {
		for (unsigned j = 0; j < consumers; j++) {
			if (!reaches(edge, i, j))
				continue;
			edge->link_count++;
			if (add_link(edge, link++, &edge->from->instances[i],
				    &edge->to->instances[j]))
				return -ENOMEM;
		}
	}
	return 0;
}

/* ---- Sites ---- */

static int attach_outlet(struct link *link, unsigned number, struct sw_error *error)
{
	struct edge *edge = link->edge;
	struct sw_graph *graph = edge->graph;
	const struct sw_outlet_provider *outlets = graph->options.outlets;
	struct sw_instance *producer = link->from;
	struct sw_site_options options = {
		.edge = edge->index,
		.instance = number,
		.edge_name = edge->name,
		.kernel = edge->to->kernel,
		.config = edge->to->kernel_config,
		.ring_slots = graph->options.ring_slots,
		.op_delay_ns = graph->options.op_delay_ns,
		.slots = graph->slots,
		.slot = graph->slots - 1,
		.node = link->to->runner->place.node,
	};

	link->site = aligned_alloc(SW_CACHE_LINE, sizeof(*link->site));
	if (!link->site)
		return sw_error_set(error, -ENOMEM, "site: out of memory");
	memset(link->site, 0, sizeof(*link->site));
	link->site->link = link;
	options.site = link->site;
	edge_batch_limits(edge, &options.batch_rows, &options.batch_text_bytes);
	/* A relay hands on the batches of the program's thread. */
	if (edge->from->relays)
		producer = &edge->from->relays->external->instances[0];
	if (edge->from->kernel && edge->from->kernel->in_place)
		return sw_error_set(error, -ENOTSUP,
			"%s: a kernel after an in-place kernel cannot burst", edge->name);
	options.batches_max =
		sw_pool_batches(producer->outputs[edge->from->relays ? 0 : edge->output].pool);
	return outlets->attach(outlets->context, &options, &link->outlet, error);
}

static int attach_outlets(struct sw_graph *graph, struct sw_error *error)
{
	for (struct edge *edge = graph->edges; edge; edge = edge->next) {
		if (!edge_may_burst(edge))
			continue;
		for (unsigned i = 0; i < edge->link_count; i++) {
			int code = attach_outlet(&edge->links[i], i, error);

			graph->outlets_attached = true;

			if (code)
				return code;
		}
	}
	return 0;
}

/* ---- The whole ---- */

static int plan_memory(struct sw_graph *graph)
{
	for (struct edge *edge = graph->edges; edge; edge = edge->next)
		if (add_links(edge))
			return -ENOMEM;
	return plan_pools(graph);
}

int graph_plan(struct sw_graph *graph, struct sw_error *error)
{
	int code;

	if (graph->planned)
		return 0;
	code = check_connected(graph, error);
	if (!code)
		code = rank_stages(graph, error);
	if (code)
		return code;
	graph->planned = true;
	code = add_runners(graph);
	for (struct sw_stage *stage = graph->stages; stage && !code; stage = stage->next)
		code = add_instances(graph, stage);
	if (!code)
		code = plan_memory(graph);
	if (code) {
		sw_error_set(error, code,
			"graph: out of memory (fewer workers, ring slots or "
			"batch rows need less)");
		goto fail;
	}
	for (unsigned i = 0; i < graph->runner_count; i++)
		qsort(graph->runners[i]->instances, graph->runners[i]->instance_count,
			sizeof(*graph->runners[i]->instances), compare_ranks);
	code = attach_outlets(graph, error);
	if (code)
		goto fail;
	return 0;
fail:
	graph_unplan(graph);
	return code;
}

static void instance_fini(struct sw_instance *instance)
{
	struct sw_stage *stage = instance->stage;

	if (!stage)
		return;
	for (unsigned i = 0; i < SW_PORTS_MAX; i++) {
		sw_pool_destroy(instance->outputs[i].pool);
		free(instance->outputs[i].own_schema);
		free(instance->outputs[i].links);
		free(instance->outputs[i].gathering);
		owned_rows_fini(&instance->outputs[i].owned);
		free(instance->inputs[i].links);
	}
	sw_heap_destroy(instance->heap);
	if (instance->state)
		sw_memory_unmap(instance->state,
			stage->kernel ? kernel_state_bytes(stage->kernel) : stage->op->state_bytes);
}

void graph_unplan(struct sw_graph *graph)
{
	if (graph->outlets_attached)
		graph->options.outlets->stop(graph->options.outlets->context);
	graph->outlets_attached = false;
	for (struct edge *edge = graph->edges; edge; edge = edge->next) {
		for (unsigned i = 0; i < edge->link_count; i++) {
			sw_ring_destroy(edge->links[i].ring);
			free(edge->links[i].site);
		}
		free(edge->links);
		edge->links = NULL;
		edge->link_count = 0;
	}
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next) {
		for (unsigned i = 0; stage->instances && i < stage->instance_count; i++)
			instance_fini(&stage->instances[i]);
		free(stage->instances);
		stage->instances = NULL;
		stage->instance_count = 0;
	}
	dictionaries_unplan(graph);
	for (unsigned i = 0; i < graph->runner_count; i++) {
		struct runner *runner = graph->runners[i];

		sw_waiter_destroy(runner->waiter);
		sw_histogram_destroy(runner->latency);
		free(runner->instances);
		free(runner);
	}
	free(graph->runners);
	graph->runners = NULL;
	graph->runner_count = 0;
	graph->program = NULL;
	graph->pool_bytes = 0;
	graph->planned = false;
}

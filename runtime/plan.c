/* SPDX-License-Identifier: MIT */
/*
 * From stages and edges to instances, links, rings and pools: who runs what, where. Set-up only, on
 * the thread that starts the graph.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/graph_private.h"

/* Batches a fused chain can hold at once, beyond what rings and gathering hold. */
#define POOL_SPARE 4

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

static bool edge_may_burst(const struct edge *edge)
{
	return edge->graph->options.outlets && edge->to->kernel && edge->route == SW_ROUTE_FORWARD;
}

/* Does instance `from` of the edge's producers ever send to instance `to`? */
static bool reaches(const struct edge *edge, unsigned from, unsigned to)
{
	if (edge->route == SW_ROUTE_KEYED)
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

/* ---- Pools ---- */

/* Rows and text of the batches that a stage can be handed on an edge. */
static void edge_batch_limits(const struct edge *edge, uint32_t *rows, size_t *text_bytes)
{
	const struct sw_stage *from = edge->from;
	const struct sw_schema *schema = from->schemas[edge->output];

	/* A relay hands on what the program's thread was given. */
	if (from->relays)
		from = from->relays->external;
	*rows = from->output_rows[edge->output];
	*text_bytes = 0;
	for (uint32_t i = 0; i < schema->columns; i++) {
		const struct sw_field *field = &schema->fields[i];
		size_t bytes = from->output_text_bytes[edge->output];

		if (field->type != SW_TEXT)
			continue;
		if (!bytes)
			bytes = (size_t)*rows * (field->text_bytes ? field->text_bytes : 16);
		*text_bytes += bytes < 4096 ? 4096 : bytes;
	}
}

/* Bytes that a text column of the edge's batches can hold. */
static size_t column_capacity(const struct edge *edge, const struct sw_field *field)
{
	const struct sw_stage *from =
		edge->from->relays ? edge->from->relays->external : edge->from;
	size_t bytes = from->output_text_bytes[edge->output];

	if (!bytes)
		bytes = (size_t)from->output_rows[edge->output] *
			(field->text_bytes ? field->text_bytes : 16);
	return bytes < 4096 ? 4096 : bytes;
}

/* A kernel without limits() gives a text column no more than its input's column of that name has:
 * batches are as large as that needs, column by column. */
static int size_columns(struct sw_stage *stage)
{
	const struct edge *edge = stage->in[0];
	const struct sw_schema *in = edge->from->schemas[edge->output];
	uint32_t rows = edge->from->output_rows[edge->output];
	size_t all;

	stage->sized = malloc(sizeof(*stage->sized));
	if (!stage->sized)
		return -ENOMEM;
	*stage->sized = *stage->kernel->out;
	edge_batch_limits(edge, &rows, &all);
	for (uint32_t i = 0; i < stage->sized->columns; i++) {
		struct sw_field *field = &stage->sized->fields[i];
		int column = sw_schema_find(in, field->name);
		size_t bytes = column < 0 ? all : column_capacity(edge, &in->fields[column]);

		if (field->type == SW_TEXT)
			field->text_bytes = (uint32_t)((bytes + rows - 1) / rows);
	}
	stage->schemas[0] = stage->sized;
	stage->output_rows[0] = rows;
	return 0;
}

/* In rank order: a kernel's output depends on what its input can be. */
static int size_kernel_output(struct sw_stage *stage)
{
	uint32_t rows;
	size_t text_bytes;

	if (!stage->kernel->limits)
		return size_columns(stage);
	edge_batch_limits(stage->in[0], &rows, &text_bytes);
	stage->kernel->limits(stage->kernel_config, rows, text_bytes, &rows, &text_bytes);
	stage->output_rows[0] = rows;
	stage->output_text_bytes[0] = text_bytes;
	return 0;
}

/* Batches that an instance may hold back. */
static uint32_t held_batches(const struct sw_graph *graph)
{
	uint32_t most = 0;

	if (graph->workers == 1)
		return 0;
	for (const struct sw_stage *stage = graph->stages; stage; stage = stage->next)
		if (stage->op && stage->op->holds_batches > most)
			most = stage->op->holds_batches;
	return most;
}

static uint32_t pool_batches(const struct output *output)
{
	const struct sw_graph *graph = output->edge->graph;
	uint32_t batches = POOL_SPARE + held_batches(graph), rings = 0;

	for (unsigned i = 0; i < output->link_count; i++)
		rings += output->links[i]->ring ? 1 : 0;
	/* Batches wait in rings, and one is gathered for each consumer. More rings do not need more
	 * batches in flight: a full pool is back-pressure like a full ring. */
	if (rings)
		batches += graph->options.ring_slots;
	if (output->edge->route == SW_ROUTE_KEYED && output->link_count > 1)
		batches += 2 * output->link_count;
	if (edge_may_burst(output->edge))
		batches += 2 * graph->options.ring_slots;
	return batches;
}

static int add_pool(struct sw_instance *instance, unsigned index)
{
	struct sw_stage *stage = instance->stage;
	struct output *output = &instance->outputs[index];
	struct sw_graph *graph = stage->graph;
	struct sw_pool_options options = {
		.schema = stage->schemas[index],
		.rows_max = stage->output_rows[index],
		.text_bytes = stage->output_text_bytes[index],
		.batches = pool_batches(output),
		.slots = graph->slots,
		.owner_slot = instance->runner->slot,
		.node = instance->runner->place.node,
		.huge_pages = graph->options.huge_pages,
	};

	/* Those that hand on what they are handed make no batches. */
	if (stage->relays || (stage->kernel && stage->kernel->in_place))
		if (output->edge->route != SW_ROUTE_KEYED || output->link_count == 1)
			return 0;
	if (dictionaries_schema(instance->runner, &options.schema, &output->own_schema))
		return -ENOMEM;
	output->pool = sw_pool_create(&options);
	if (!output->pool)
		return -ENOMEM;
	graph->pool_bytes += sw_pool_bytes(output->pool);
	if (output->edge->route == SW_ROUTE_KEYED && output->link_count > 1)
		return owned_rows_init(&output->owned, options.rows_max, output->link_count);
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
	for (unsigned rank = 0; rank <= graph->stage_count; rank++)
		for (struct sw_stage *stage = graph->stages; stage; stage = stage->next)
			if (stage->rank == rank && stage->kernel && size_kernel_output(stage))
				return -ENOMEM;
	if (dictionaries_plan(graph))
		return -ENOMEM;
	graph->slots = graph->runner_count + 1;
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next)
		for (unsigned i = 0; i < stage->instance_count; i++)
			for (unsigned j = 0; j < stage->outputs; j++)
				if (add_pool(&stage->instances[i], j))
					return -ENOMEM;
	return 0;
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

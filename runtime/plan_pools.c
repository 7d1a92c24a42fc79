/* SPDX-License-Identifier: MIT */
/*
 * The batches that a planned graph needs: how large the kernels' outputs can be, and a pool for
 * each output of each instance. Set-up only, as plan.c.
 */

#include <errno.h>
#include <stdlib.h>

#include "runtime/graph_private.h"

/* Batches a fused chain can hold at once, beyond what rings and gathering hold. */
#define POOL_SPARE 4

/* ---- Sizes ---- */

/* Whose batches come by the edge: a relay hands on what the program's thread was given. */
static const struct sw_stage *maker(const struct edge *edge)
{
	return edge->from->relays ? edge->from->relays->external : edge->from;
}

/* Bytes that a text column of the edge's batches can hold. */
static size_t column_capacity(const struct edge *edge, const struct sw_field *field)
{
	const struct sw_stage *from = maker(edge);
	size_t bytes = from->output_text_bytes[edge->output];

	if (!bytes)
		bytes = (size_t)from->output_rows[edge->output] *
			(field->text_bytes ? field->text_bytes : 16);
	return bytes < 4096 ? 4096 : bytes;
}

void edge_batch_limits(const struct edge *edge, uint32_t *rows, size_t *text_bytes)
{
	const struct sw_schema *schema = edge->from->schemas[edge->output];

	*rows = maker(edge)->output_rows[edge->output];
	*text_bytes = 0;
	for (uint32_t i = 0; i < schema->columns; i++)
		if (schema->fields[i].type == SW_TEXT)
			*text_bytes += column_capacity(edge, &schema->fields[i]);
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

/* ---- Pools ---- */

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

/* Are rows copied for instances of other threads? */
static bool exchanges(const struct output *output)
{
	return output->edge->route != SW_ROUTE_FORWARD && output->link_count > 1;
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
	if (exchanges(output))
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
		if (!exchanges(output))
			return 0;
	if (dictionaries_schema(instance->runner, &options.schema, &output->own_schema))
		return -ENOMEM;
	output->pool = sw_pool_create(&options);
	if (!output->pool)
		return -ENOMEM;
	graph->pool_bytes += sw_pool_bytes(output->pool);
	if (exchanges(output))
		return owned_rows_init(&output->owned, options.rows_max, output->link_count);
	return 0;
}

int plan_pools(struct sw_graph *graph)
{
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

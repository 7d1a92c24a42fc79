/* SPDX-License-Identifier: MIT */
/* Looking at a graph: counters while it runs, and the plan for people. */

#include <inttypes.h>
#include <stdio.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

static uint64_t end_or_now(const struct sw_graph *graph)
{
	uint64_t end_ns = counter_get(&graph->end_ns);

	return end_ns ? end_ns : sw_now_ns();
}

static unsigned threads(const struct sw_graph *graph)
{
	unsigned count = 0;

	for (unsigned i = 0; i < graph->runner_count; i++)
		count += graph->runners[i]->kind == RUNNER_WORKER ||
			 graph->runners[i]->kind == RUNNER_SERVICE;
	return count;
}

/* The i-th worker or service thread. */
static const struct runner *thread_at(const struct sw_graph *graph, unsigned index)
{
	for (unsigned i = 0; i < graph->runner_count; i++) {
		const struct runner *runner = graph->runners[i];

		if (runner->kind != RUNNER_WORKER && runner->kind != RUNNER_SERVICE)
			continue;
		if (!index--)
			return runner;
	}
	return NULL;
}

static void add_instance_stats(const struct sw_instance *instance, struct sw_graph_stats *stats)
{
	int64_t watermark;

	stats->late_rows += counter_get(&instance->late_rows);
	stats->backlog_events += counter_get(&instance->backlog_events);
	if (!instance->op->poll)
		return;
	watermark = atomic_load_explicit(
		(_Atomic int64_t *)&instance->source_watermark, memory_order_relaxed);
	/* One whose events others made has none to tell. */
	if (watermark != SW_TIME_MIN && watermark < stats->last_watermark)
		stats->last_watermark = watermark;
}

void sw_graph_stats(const struct sw_graph *graph, struct sw_graph_stats *stats)
{
	*stats = (struct sw_graph_stats){ .last_watermark = SW_TIME_END };
	stats->wall_ns = end_or_now(graph) - graph->start_ns;
	for (const struct sw_stage *stage = graph->stages; stage; stage = stage->next) {
		for (unsigned i = 0; i < stage->instance_count; i++)
			add_instance_stats(&stage->instances[i], stats);
	}
	if (stats->last_watermark == SW_TIME_END)
		stats->last_watermark = SW_TIME_MIN;
	for (unsigned i = 0; i < graph->runner_count; i++)
		stats->events += counter_get(&graph->runners[i]->events);
	stats->state_bytes_max = counter_get(&graph->state_bytes_max);
	stats->pool_bytes = graph->pool_bytes;
	stats->workers = threads(graph);
	stats->edges = graph->edge_count;
	stats->complete =
		counter_get(&graph->end_ns) &&
		!atomic_load_explicit(&((struct sw_graph *)graph)->failing, memory_order_relaxed) &&
		!graph_cancelled((struct sw_graph *)graph);
}

unsigned sw_graph_workers(const struct sw_graph *graph)
{
	return threads(graph);
}

unsigned sw_graph_edges(const struct sw_graph *graph)
{
	return graph->edge_count;
}

void sw_graph_worker_stats(
	const struct sw_graph *graph, unsigned worker, struct sw_worker_stats *stats)
{
	const struct runner *runner = thread_at(graph, worker);

	*stats = (struct sw_worker_stats){ 0 };
	if (!runner)
		return;
	stats->place = runner->place;
	stats->service = runner->kind == RUNNER_SERVICE;
	stats->events = counter_get(&runner->events);
	stats->busy_ns = counter_get(&runner->busy_ns);
	stats->idle_ns = counter_get(&runner->idle_ns);
	stats->backpressured_ns = counter_get(&runner->backpressured_ns);
	/* A thread that ended before the others has been idle since. */
	if (counter_get(&graph->end_ns)) {
		uint64_t until_ns = counter_get(&runner->accounted_until_ns);

		if (graph->end_ns > until_ns)
			stats->idle_ns += graph->end_ns - until_ns;
	}
}

static const struct edge *edge_at(const struct sw_graph *graph, unsigned index)
{
	const struct edge *edge = graph->edges;

	while (edge && edge->index != index)
		edge = edge->next;
	return edge;
}

static void add_link_stats(const struct link *link, struct sw_edge_stats *stats, uint64_t *fill_sum,
	uint64_t *fill_samples)
{
	uint32_t most =
		atomic_load_explicit((_Atomic uint32_t *)&link->fill_max, memory_order_relaxed);

	stats->batches += counter_get(&link->batches);
	stats->rows += counter_get(&link->rows);
	stats->bytes += counter_get(&link->bytes);
	if (!link->near) {
		stats->crossed_batches += counter_get(&link->batches);
		stats->crossed_rows += counter_get(&link->rows);
		stats->crossed_bytes += counter_get(&link->bytes);
	}
	if (!link->ring)
		return;
	stats->fused = false;
	stats->capacity = sw_ring_capacity(link->ring);
	stats->fill_now += sw_ring_fill(link->ring);
	*fill_sum += counter_get(&link->fill_sum);
	*fill_samples += counter_get(&link->fill_samples);
	if (most > stats->fill_max)
		stats->fill_max = most;
}

void sw_graph_edge_stats(const struct sw_graph *graph, unsigned index, struct sw_edge_stats *stats)
{
	const struct edge *edge = edge_at(graph, index);
	uint64_t fill_sum = 0, fill_samples = 0;

	*stats = (struct sw_edge_stats){ .fused = true };
	if (!edge)
		return;
	snprintf(stats->name, sizeof(stats->name), "%s", edge->name);
	stats->from = edge->from->name;
	stats->to = edge->to->name;
	stats->route = edge->route;
	stats->producers = edge->from->instance_count;
	stats->consumers = edge->to->instance_count;
	for (unsigned i = 0; i < edge->link_count; i++)
		add_link_stats(&edge->links[i], stats, &fill_sum, &fill_samples);
	if (fill_samples)
		stats->fill_mean = (double)fill_sum / (double)fill_samples;
}

void sw_graph_latency(const struct sw_graph *graph, struct sw_histogram_snapshot *snapshot)
{
	for (unsigned i = 0; i < graph->runner_count; i++)
		sw_histogram_snapshot_add(snapshot, graph->runners[i]->latency);
}

void sw_graph_sample(struct sw_graph *graph)
{
	for (struct edge *edge = graph->edges; edge; edge = edge->next) {
		for (unsigned i = 0; i < edge->link_count; i++) {
			struct link *link = &edge->links[i];
			uint32_t fill;

			if (!link->ring)
				continue;
			fill = sw_ring_fill(link->ring);
			counter_add(&link->fill_sum, fill);
			counter_add(&link->fill_samples, 1);
			/* Relaxed: this thread alone writes it. */
			if (fill > atomic_load_explicit(&link->fill_max, memory_order_relaxed))
				atomic_store_explicit(&link->fill_max, fill, memory_order_relaxed);
		}
	}
}

/* ---- The plan ---- */

static void print_threads(const struct sw_graph *graph, FILE *out)
{
	fprintf(out, "threads\n");
	for (unsigned i = 0; i < graph->runner_count; i++) {
		const struct runner *runner = graph->runners[i];

		if (runner->kind == RUNNER_WORKER)
			fprintf(out, "  worker %-3u cpu %-4d node %-3d %s\n", i, runner->place.cpu,
				runner->place.node, runner->place.why);
		else if (runner->kind == RUNNER_SERVICE)
			fprintf(out, "  service %-2u not pinned: its stage may block\n", i);
	}
}

static const char *stage_kind(const struct sw_stage *stage)
{
	if (stage->external)
		return "the program's thread";
	if (stage->dispatched)
		return "the program, when it dispatches";
	if (stage->blocking)
		return "one, on a service thread: it may block";
	return stage->single ? "one, on worker 0" : "one on each worker";
}

static void print_edge(const struct edge *edge, FILE *out)
{
	static const char *const routes[] = { [SW_ROUTE_FORWARD] = "forward",
		[SW_ROUTE_KEYED] = "by key",
		[SW_ROUTE_BROADCAST] = "to all" };
	unsigned rings = 0, direct = 0;
	const char *why = "other threads consume";

	for (unsigned i = 0; i < edge->link_count; i++) {
		rings += edge->links[i].ring != NULL;
		direct += !edge->links[i].ring;
	}
	if (edge->link_count && edge->links[0].outlet)
		why = "batches may leave here";
	fprintf(out, "  %-32s %s", edge->name, routes[edge->route]);
	if (direct)
		fprintf(out, ", %u fused (same thread)", direct);
	if (rings)
		fprintf(out, ", %u rings of %u batches (%s)", rings,
			edge->graph->options.ring_slots, why);
	fprintf(out, "\n");
}

void sw_graph_print_plan(struct sw_graph *graph, FILE *out)
{
	struct sw_error error;

	if (graph_plan(graph, &error)) {
		fprintf(out, "no plan: %s\n", error.text);
		return;
	}
	print_threads(graph, out);
	fprintf(out, "stages\n");
	for (const struct sw_stage *stage = graph->stages; stage; stage = stage->next)
		fprintf(out, "  %-32s %s\n", stage->name, stage_kind(stage));
	fprintf(out, "edges\n");
	for (const struct edge *edge = graph->edges; edge; edge = edge->next)
		print_edge(edge, out);
	fprintf(out, "pools\n  %.1f MB in all, each on its producer's node\n",
		(double)graph->pool_bytes / 1e6);
}

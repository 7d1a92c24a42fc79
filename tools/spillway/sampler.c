/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "runtime/clock.h"
#include "tools/spillway/sampler.h"

int sampler_init(struct sampler *sampler, const struct observer *observers, unsigned observer_count)
{
	memset(sampler, 0, sizeof(*sampler));
	for (unsigned i = 0; i < observer_count && i < OBSERVERS_MAX; i++)
		sampler->observers[sampler->observer_count++] = observers[i];
	sampler->before = sw_histogram_snapshot_create();
	sampler->now = sw_histogram_snapshot_create();
	return sampler->before && sampler->now ? 0 : -ENOMEM;
}

void sampler_fini(struct sampler *sampler)
{
	sw_histogram_snapshot_destroy(sampler->before);
	sw_histogram_snapshot_destroy(sampler->now);
}

void sampler_start(struct sampler *sampler, struct sw_graph *graph, struct sw_burst *burst)
{
	sampler->graph = graph;
	sampler->burst = burst;
	sampler->start_ns = sw_now_ns();
	sampler->last_ns = sampler->start_ns;
	sampler->next_ns = sampler->start_ns + SAMPLE_MS * 1000000ull;
}

static void fill_latency(const struct sw_histogram_snapshot *snapshot, struct latency_us *latency)
{
	latency->count = sw_histogram_snapshot_count(snapshot);
	latency->mean = sw_histogram_snapshot_mean(snapshot) / 1e3;
	latency->p50 = (double)sw_histogram_snapshot_quantile(snapshot, 0.5) / 1e3;
	latency->p90 = (double)sw_histogram_snapshot_quantile(snapshot, 0.9) / 1e3;
	latency->p99 = (double)sw_histogram_snapshot_quantile(snapshot, 0.99) / 1e3;
	latency->p999 = (double)sw_histogram_snapshot_quantile(snapshot, 0.999) / 1e3;
	latency->p9999 = (double)sw_histogram_snapshot_quantile(snapshot, 0.9999) / 1e3;
	latency->max = (double)sw_histogram_snapshot_max(snapshot) / 1e3;
}

void sampler_latency(struct sampler *sampler, struct latency_us *latency)
{
	sw_histogram_snapshot_clear(sampler->now);
	sw_graph_latency(sampler->graph, sampler->now);
	fill_latency(sampler->now, latency);
}

/* Latencies since the last time. What is recorded between the two looks is lost to the series, not
 * to the whole. */
static void interval_latency(struct sampler *sampler, struct latency_us *latency)
{
	sw_histogram_snapshot_clear(sampler->now);
	sw_graph_latency(sampler->graph, sampler->now);
	sw_histogram_snapshot_subtract(sampler->now, sampler->before);
	fill_latency(sampler->now, latency);
	sw_histogram_snapshot_clear(sampler->before);
	sw_graph_latency(sampler->graph, sampler->before);
}

static void look_at_rings(struct sampler *sampler)
{
	unsigned edges = sw_graph_edges(sampler->graph);

	for (unsigned i = 0; i < edges; i++) {
		struct sw_edge_stats edge;
		double fill;

		sw_graph_edge_stats(sampler->graph, i, &edge);
		if (edge.fused || edge.capacity == 0)
			continue;
		fill = (double)edge.fill_now / edge.capacity;
		if (fill > sampler->fill)
			sampler->fill = fill < 1 ? fill : 1;
	}
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static double backpressured_share(struct sampler *sampler)
{
	uint64_t backpressured = 0, all = 0;
	double result;

	for (unsigned i = 0; i < sw_graph_workers(sampler->graph); i++) {
		struct sw_worker_stats worker;

		sw_graph_worker_stats(sampler->graph, i, &worker);
		if (worker.service)
			continue;
		backpressured += worker.backpressured_ns;
		all += worker.busy_ns + worker.idle_ns + worker.backpressured_ns;
	}
	/* Counters are read one after the other, so a sum may seem to go back a little. */
	result =
		all > sampler->worker_ns && backpressured > sampler->backpressured_ns
			? share(backpressured - sampler->backpressured_ns, all - sampler->worker_ns)
			: 0;
	sampler->backpressured_ns = backpressured;
	sampler->worker_ns = all;
	return result < 1 ? result : 1;
}

static void burst_part(struct sampler *sampler, struct sample *sample, double seconds)
{
	struct sw_burst_stats stats;

	sample->bursts = sampler->burst != NULL;
	if (!sampler->burst)
		return;
	sw_burst_stats(sampler->burst, &stats);
	sample->batches_spilled = stats.batches_spilled;
	sample->spilled_share = share(stats.batches_spilled - sampler->spilled,
		stats.batches_eligible - sampler->eligible);
	if (sample->spilled_share > 1)
		sample->spilled_share = 1;
	sample->spilled_events_per_s =
		(double)(stats.rows_spilled - sampler->rows_spilled) / seconds;
	sample->inflight = stats.inflight;
	sampler->spilled = stats.batches_spilled;
	sampler->eligible = stats.batches_eligible;
	sampler->rows_spilled = stats.rows_spilled;
}

static void take(struct sampler *sampler, uint64_t now)
{
	double seconds = (double)(now - sampler->last_ns) / 1e9;
	struct sw_graph_stats stats;
	struct sample sample = { 0 };

	sw_graph_stats(sampler->graph, &stats);
	sample.t_s = (double)(now - sampler->start_ns) / 1e9;
	sample.events = stats.events;
	sample.events_per_s = (double)(stats.events - sampler->events) / seconds;
	sample.backlog_events = stats.backlog_events;
	sample.ring_fill = sampler->fill;
	sample.backpressured = backpressured_share(sampler);
	interval_latency(sampler, &sample.latency);
	burst_part(sampler, &sample, seconds);
	for (unsigned i = 0; i < sampler->observer_count; i++)
		sampler->observers[i].on_sample(sampler->observers[i].context, &sample);
	sampler->events = stats.events;
	sampler->fill = 0;
	sampler->last_ns = now;
	while (sampler->next_ns <= now)
		sampler->next_ns += SAMPLE_MS * 1000000ull;
}

void sampler_turn(struct sampler *sampler)
{
	uint64_t now = sw_now_ns();

	sw_graph_sample(sampler->graph);
	look_at_rings(sampler);
	if (now >= sampler->next_ns)
		take(sampler, now);
}

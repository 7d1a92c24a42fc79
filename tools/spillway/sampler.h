/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_SAMPLER_H
#define SW_TOOLS_SPILLWAY_SAMPLER_H

#include "tools/spillway/run.h"

/* Looks at a running graph: its rings at each turn, everything each SAMPLE_MS. One thread. */

struct sampler {
	struct observer observers[OBSERVERS_MAX];
	unsigned observer_count;
	struct sw_graph *graph;
	struct sw_burst *burst; /* null: none */
	uint64_t start_ns, next_ns, last_ns;
	double fill; /* highest since the last sample */
	uint64_t events, backpressured_ns, worker_ns;
	uint64_t eligible, spilled, rows_spilled;
	struct sw_histogram_snapshot *before, *now;
};

int sampler_init(
	struct sampler *sampler, const struct observer *observers, unsigned observer_count);
void sampler_fini(struct sampler *sampler);
void sampler_start(struct sampler *sampler, struct sw_graph *graph, struct sw_burst *burst);
void sampler_turn(struct sampler *sampler);
/* Of the whole run. */
void sampler_latency(struct sampler *sampler, struct latency_us *latency);

#endif

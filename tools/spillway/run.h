/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_RUN_H
#define SW_TOOLS_SPILLWAY_RUN_H

#include "burst/burst.h"
#include "nexmark/query.h"
#include "runtime/graph.h"
#include "tools/spillway/run_options.h"

/* One run of a query, from options to everything that was measured. */

#define SAMPLE_MS     100
#define OBSERVERS_MAX 4

struct latency_us {
	uint64_t count; /* 0: the others mean nothing */
	double mean, p50, p90, p99, p999, p9999, max;
};

/* What happened in the last SAMPLE_MS, and how things stand. */
struct sample {
	double t_s;
	uint64_t events; /* so far */
	double events_per_s;
	uint64_t backlog_events;
	double ring_fill;     /* of the fullest ring, 0..1 */
	double backpressured; /* share of the workers' time */
	struct latency_us latency;
	bool bursts;              /* the rest means something */
	uint64_t batches_spilled; /* so far */
	double spilled_share;     /* of the batches that could have been */
	double spilled_events_per_s;
	uint32_t inflight;
};

struct observer {
	void (*on_sample)(void *context, const struct sample *sample);
	void *context;
};

struct edge_report {
	struct sw_edge_stats stats;
	char from[96], to[96]; /* stats.from and stats.to end with the graph */
	char why[256];         /* "": the edge cannot burst */
};

struct run_report {
	const struct run_options *options;
	char columns[1024]; /* made by the source, by commas */
	bool complete;
	char failure[256]; /* why it failed; "": it did not */
	double cpu_s;
	uint64_t peak_rss_bytes;
	struct sw_graph_stats graph;
	unsigned worker_count, edge_count;
	struct sw_worker_stats *workers;
	struct edge_report *edges;
	struct latency_us latency;
	struct sw_nexmark_job_result result;
	bool bursts;
	struct sw_burst_stats burst;
};

/* Do the options go together for their query? 0 or EXIT_USAGE, said; starts and writes nothing. */
int run_check(const struct run_options *options);
/*
 * Runs; the observers are called on this thread. Returns an exit code, with the message said.
 * *report is filled as far as the run got (see report->graph.wall_ns: 0 when it did not start);
 * end it with run_report_fini in any case.
 */
int run_execute(const struct run_options *options, const struct observer *observers,
	unsigned observer_count, struct run_report *report);
void run_report_fini(struct run_report *report);

/* Threads that are workers. */
unsigned run_report_workers(const struct run_report *report);
/* Cores that the workers had. */
unsigned run_report_cores(const struct run_report *report);
/* Sums over the workers, in seconds. */
struct worker_seconds {
	double busy, idle, backpressured, total;
};
struct worker_seconds run_report_seconds(const struct run_report *report);

#endif

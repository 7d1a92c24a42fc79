/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_GRAPH_H
#define SW_RUNTIME_GRAPH_H

#include "runtime/histogram.h"
#include "runtime/kernel.h"
#include "runtime/memory.h"
#include "runtime/operator.h"
#include "runtime/outlet.h"
#include "runtime/topology.h"

/*
 * A graph of stages, run by pinned workers. Build it, start it, wait for it, destroy it, all on one
 * thread (others may cancel and push). Several graphs may run in one process.
 */

SW_BEGIN_DECLS

struct sw_graph;
struct sw_stage;
struct sw_input;

struct sw_graph_options {
	size_t size;         /* sizeof(struct sw_graph_options) */
	unsigned workers;    /* default 0: one per usable core */
	const char *pin;     /* default "auto"; see sw_topology_place; copied */
	uint32_t batch_rows; /* default 1024; 1..SW_BATCH_ROWS_MAX */
	uint32_t ring_slots; /* default 64; rounded up to a power of two */
	enum sw_huge_pages huge_pages;
	/* default 0: three quarters of the memory that is free when the graph is created; less,
	 * with a warning, where there is no address space for so much */
	uint64_t max_state_bytes;
	enum sw_state_mode state; /* default SW_STATE_AUTO */
	uint64_t op_delay_ns;     /* simulated cost per event of kernel stages; default 0 */
	/* Alternative way out for kernel stages; null: none, and kernel stages are fused. Borrowed
	 * until destroy. */
	const struct sw_outlet_provider *outlets;
	/* Warnings for people ("cannot pin worker 1: ..."), on the building thread; null: dropped.
	 */
	void (*log)(void *context, const char *text);
	void *log_context;
};

#define SW_GRAPH_OPTIONS_INIT                                                               \
	{                                                                                   \
		.size = sizeof(struct sw_graph_options), .pin = "auto", .batch_rows = 1024, \
		.ring_slots = 64                                                            \
	}

SW_API SW_MUST_CHECK int sw_graph_create(
	const struct sw_graph_options *options, struct sw_graph **graph, struct sw_error *error);
/* Cancels and waits first if it still runs. Null is fine. */
SW_API void sw_graph_destroy(struct sw_graph *graph);

SW_API uint32_t sw_graph_batch_rows(const struct sw_graph *graph); /* its option */

/* ---- Build ---- */

#define SW_PORTS_MAX 4

struct sw_stage_options {
	size_t size;
	const char *name;             /* copied */
	const struct sw_operator *op; /* outlives the graph */
	const void *config;           /* outlives the graph; sw_instance_config() */
	unsigned instances;           /* default 0: one per worker; else 1 */
	/* May block (files, callbacks): its single instance runs on a thread of its own, not on a
	 * worker. */
	bool blocking;
	/* Latency of the rows that reach this stage is recorded here (sinks, merges). */
	bool measures_latency;
	unsigned inputs, outputs;
	const struct sw_schema *output_schemas[SW_PORTS_MAX]; /* outlive the graph */
	uint32_t output_rows[SW_PORTS_MAX];                   /* default 0: batch_rows */
	size_t output_text_bytes[SW_PORTS_MAX]; /* a text column's capacity; default 0: by schema */
};

#define SW_STAGE_OPTIONS_INIT                                                      \
	{                                                                          \
		.size = sizeof(struct sw_stage_options), .inputs = 1, .outputs = 1 \
	}

/* Null on failure, with error set. The stage belongs to the graph. */
SW_API struct sw_stage *sw_graph_add_stage(
	struct sw_graph *graph, const struct sw_stage_options *options, struct sw_error *error);

/*
 * A stage that runs a kernel, one instance per worker: one input, one output. config is copied.
 * With outlets in the graph's options, its input edge can burst.
 */
SW_API struct sw_stage *sw_graph_add_kernel(struct sw_graph *graph, const char *name,
	const struct sw_kernel *kernel, const void *config, struct sw_error *error);

enum sw_route {
	/* Instance i to instance i; one instance to many: in turns; many to one: all to it. */
	SW_ROUTE_FORWARD,
	/* Rows by hash of a column (key_column of the output's schema); equal keys meet in one
	 * instance. */
	SW_ROUTE_KEYED,
	/* Every row to every instance, at once, not gathered: for few rows. */
	SW_ROUTE_BROADCAST,
};

/* Every output and every input is connected exactly once. */
SW_API SW_MUST_CHECK int sw_graph_connect(struct sw_graph *graph, struct sw_stage *from,
	unsigned output, struct sw_stage *to, unsigned input, enum sw_route route,
	unsigned key_column, struct sw_error *error);

/* ---- Rows in from the program's own threads ---- */

/* A source fed by one thread of the program's. Null on failure. */
SW_API struct sw_stage *sw_graph_add_input(struct sw_graph *graph, const char *name,
	const struct sw_schema *schema, struct sw_input **input, struct sw_error *error);

/* The input's thread. An empty batch to fill; null: all are on their way (wait for a descriptor, or
 * try later), or the graph has not started or has ended. */
SW_API struct sw_batch *sw_input_batch(struct sw_input *input);
/* The input's thread. Takes the batch, which came from sw_input_batch of this input; promises that
 * no later row is earlier than watermark. 0; or the batch is still the caller's: -EAGAIN: no room;
 * -ECANCELED: the graph has ended or is to stop; -EINVAL: not this input's batch. */
SW_API SW_MUST_CHECK int sw_input_push(
	struct sw_input *input, struct sw_batch *batch, int64_t watermark);
/*
 * The input's thread: no rows for now. Until its next push this input does not hold the watermark
 * back for the others; rows that it then pushes below the watermark come late. 0 or -ECANCELED.
 */
SW_API SW_MUST_CHECK int sw_input_idle(struct sw_input *input);
/*
 * Readable when, after sw_input_batch or sw_input_push found none, there may be a batch or room
 * again, or the graph is to end. Owned by the graph. For an input's thread of its own; a program
 * with one loop for everything finds the same news on the graph's descriptor.
 */
SW_API int sw_input_fd(struct sw_input *input);
/* The input's thread: no more rows. Also before the start: then there are none at all. */
SW_API void sw_input_finish(struct sw_input *input);

/* ---- Results to the program ---- */

/* On the thread that dispatches; the batch is borrowed during the call. */
typedef void (*sw_output_fn)(void *context, const struct sw_batch *batch);

/* A sink whose batches wait for sw_graph_dispatch. Null on failure. */
SW_API struct sw_stage *sw_graph_add_output(struct sw_graph *graph, const char *name,
	sw_output_fn on_batch, void *context, struct sw_error *error);

/*
 * Readable when there is something to dispatch, an input has room again, or the graph has ended.
 * Owned by the graph. For poll/epoll in the thread that dispatches, and no other (an input's thread
 * has a descriptor of its own); read nothing from it, call sw_graph_dispatch.
 */
SW_API int sw_graph_fd(struct sw_graph *graph);
/*
 * One thread at a time: calls the outputs' functions for what waits; with nothing waiting, blocks
 * up to timeout_ms (0: not at all, -1: until there is something). 1: more may come; 0: the graph
 * has ended and everything was handed over.
 */
SW_API int sw_graph_dispatch(struct sw_graph *graph, int timeout_ms);

/* ---- Run ---- */

SW_API SW_MUST_CHECK int sw_graph_start(struct sw_graph *graph, struct sw_error *error);
/* Any thread: sources end now; what is on its way is worked through and windows are closed. */
SW_API void sw_graph_stop(struct sw_graph *graph);
/* Any thread, async-signal-safe: ends as soon as possible; what is on its way is dropped. */
SW_API void sw_graph_cancel(struct sw_graph *graph);
/*
 * Waits until all has ended (a program with outputs dispatches instead, or lets another thread).
 * 0; -ECANCELED; or the first failure, with its message. timeout_ms -1: for ever; else -ETIMEDOUT.
 */
SW_API SW_MUST_CHECK int sw_graph_wait(
	struct sw_graph *graph, int timeout_ms, struct sw_error *error);

/* ---- Look ---- */

struct sw_worker_stats {
	struct sw_place place;
	bool service; /* a thread for blocking stages, not a worker */
	uint64_t events;
	uint64_t busy_ns, idle_ns, backpressured_ns; /* add up to the time since start */
};

struct sw_edge_stats {
	char name[96];
	const char *from, *to;
	uint32_t producers, consumers; /* rings: their product, or one per pair when forward */
	uint32_t capacity;             /* batches a ring */
	bool fused;
	double fill_mean; /* of sw_graph_sample() calls, over its rings, batches */
	uint32_t fill_max, fill_now;
	uint64_t batches, rows, bytes;
	enum sw_route route;
	uint64_t crossed_batches, crossed_rows, crossed_bytes; /* to another thread */
};

struct sw_graph_stats {
	uint64_t wall_ns; /* since start, until the end */
	uint64_t events, late_rows, backlog_events;
	int64_t last_watermark; /* lowest of the sources that had events; SW_TIME_MIN before any */
	uint64_t state_bytes_max, pool_bytes;
	unsigned workers, edges;
	bool complete; /* ended by itself or by stop, without failure */
};

/* Any thread between start and destroy; relaxed counters. Arrays: room for what stats says. */
SW_API void sw_graph_stats(const struct sw_graph *graph, struct sw_graph_stats *stats);
SW_API unsigned sw_graph_workers(const struct sw_graph *graph); /* with the service threads */
SW_API unsigned sw_graph_edges(const struct sw_graph *graph);
SW_API void sw_graph_worker_stats(
	const struct sw_graph *graph, unsigned worker, struct sw_worker_stats *stats);
SW_API void sw_graph_edge_stats(
	const struct sw_graph *graph, unsigned edge, struct sw_edge_stats *stats);
/* Adds all latencies recorded so far (ns). */
SW_API void sw_graph_latency(const struct sw_graph *graph, struct sw_histogram_snapshot *snapshot);
/* One sampling thread: feeds fill_mean and fill_max. */
SW_API void sw_graph_sample(struct sw_graph *graph);
/* For people, after building: which stage, ring and pool goes where, and why. */
SW_API void sw_graph_print_plan(struct sw_graph *graph, FILE *out);

SW_END_DECLS

#endif

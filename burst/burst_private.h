/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_BURST_PRIVATE_H
#define SW_BURST_BURST_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "burst/burst.h"
#include "burst/endpoint.h"
#include "burst/ledger.h"
#include "burst/policy.h"
#include "burst/transport.h"
#include "runtime/histogram.h"
#include "runtime/pool.h"
#include "runtime/ring.h"
#include "runtime/waiter.h"

enum {
	BURST_OUTLETS_MAX = 4096,
	BURST_EDGES_MAX = 256,
	BURST_WHY_BYTES = 160,
	BURST_SNAPSHOTS = 8, /* published decisions that may wait for a grace period */
};

/* A counter with one writing thread. Relaxed: readers want a recent value, nothing hangs on it. */
typedef _Atomic uint64_t burst_counter;

static inline void burst_add(burst_counter *counter, uint64_t amount)
{
	const uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

static inline uint64_t burst_get(const burst_counter *counter)
{
	return atomic_load_explicit((burst_counter *)counter, memory_order_relaxed);
}

static inline void burst_set(burst_counter *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

struct sw_burst;

/* One producer instance's way out of one edge. */
struct outlet {
	/* Fixed once attached. */
	struct sw_outlet base;
	struct sw_burst *burst;
	struct sw_site_options site;
	uint32_t index;
	uint32_t edge_place; /* its edge's, in burst->edges */
	uint32_t slot_count;
	struct ledger_slot *slots;
	struct sw_ring *idle;      /* free slots: consumer -> producer */
	struct sw_ring *announced; /* every offer: producer -> consumer */
	struct sw_ring *spill;     /* producer -> I/O; reclaimed ones stay in until popped */
	struct sw_ring *decided;   /* I/O -> consumer, each slot at most once */
	struct sw_pool *answers;   /* I/O thread's */
	uint32_t answer_rows;
	size_t answer_text_bytes;
	size_t answer_body_max; /* HTTP body */

	/* The producer's. */
	_Alignas(SW_CACHE_LINE) uint64_t next_seq;
	uint64_t onset_ns; /* of the present episode; 0: none, or told already */
	bool in_episode;
	const struct sw_batch *refused; /* so that a batch offered again is counted once */
	uint64_t refused_number;
	burst_counter eligible, spilled, spilled_rows;

	/* The consumer's. */
	_Alignas(SW_CACHE_LINE) struct ledger_slot *oldest;
	struct ledger_slot *newest;
	burst_counter merged, reclaimed, doubled;

	/* The I/O thread's: what this outlet's batches cost it. */
	_Alignas(SW_CACHE_LINE) burst_counter cpu_ns; /* encoding, sending, reading answers */
	burst_counter wire_bytes, wire_requests;      /* bodies both ways; attempts that ended */
	burst_counter shipped_batches, shipped_rows;  /* answers and what was in them when sent */
};

/* What the producers go by: decisions by outlet. Immutable once published. */
struct snapshot {
	struct decision decisions[1]; /* as many as outlets */
};

/* How batches get to functions. */
enum way { WAY_INVOKE, WAY_DIAL_BACK, WAYS };

struct way_counters {
	burst_counter batches, rows, bytes_sent, bytes_received, cpu_ns;
};

/* cpu_ns: what the sockets cost. */
struct dial_counters {
	burst_counter invitations, connections, refused, cpu_ns;
};

/* Written by the I/O thread, read by anyone. */
struct io_counters {
	struct way_counters ways[WAYS];
	struct dial_counters dial;
	burst_counter invocations; /* attempts that are, and invitations */
	burst_counter attempts, hedges, prewarms, late_answers;
	burst_counter throttled, function_errors, timeouts, transport_errors, corrupt;
	burst_counter inflight, inflight_max, window, cold_starts, bytes_sent, bytes_received;
	burst_counter function_us, function_us_known, nano_usd, cpu_ns;
	burst_counter remote_p50_ns, remote_p90_ns;
	burst_counter breaker_open, exhausted; /* exhausted: budget or invocations are used up */
};

struct edge_why {
	uint32_t edge;
	char text[BURST_WHY_BYTES];
};

/* How to get a transport; tests give another. */
struct transport_source {
	int (*open)(void *context, struct sw_transport **transport, struct sw_error *error);
	void *context;
};

struct sw_burst {
	/* Fixed at create. */
	struct sw_burst_options options; /* strings are our own */
	struct endpoint endpoint;        /* all zero where the policy offers nothing */
	const struct policy *policy;
	struct sw_outlet_provider provider;
	struct transport_source source;

	/* Fixed at start. */
	uint32_t outlet_count;
	struct outlet **outlets;
	uint64_t job;
	bool running;
	_Atomic int ended; /* read by stats: the ledgers are still */
	struct io *io;
	struct controller *controller;

	/* Replaced by the controller (or once at start), read by producers and consumers. */
	_Alignas(SW_CACHE_LINE) _Atomic(const struct snapshot *) published;

	/* Producers wake the I/O thread only when this says that it sleeps. */
	_Alignas(SW_CACHE_LINE) _Atomic int io_asleep;
	/* The breaker is open: what is offered now would only come back. Relaxed: a hint. */
	_Atomic int io_closed;
	_Atomic int io_stop;

	_Alignas(SW_CACHE_LINE) struct io_counters counters;
	struct sw_histogram *onset, *round_trip, *way_round_trips[WAYS]; /* I/O thread's */

	_Alignas(SW_CACHE_LINE) pthread_mutex_t why_lock; /* controller and readers of reports */
	uint32_t edge_count;
	struct edge_why edges[BURST_EDGES_MAX];
};

/* burst.c */
int burst_create_with(const struct sw_burst_options *options, const struct transport_source *source,
	struct sw_burst **burst, struct sw_error *error);
int burst_open_transport(
	struct sw_burst *burst, struct sw_transport **transport, struct sw_error *error);
void burst_set_why(struct sw_burst *burst, uint32_t edge, const char *text);
void burst_log(struct sw_burst *burst, const char *format, ...) SW_PRINTF(2, 3);

/* outlet.c */
int outlet_create(struct sw_burst *burst, const struct sw_site_options *site,
	struct outlet **outlet, struct sw_error *error);
void outlet_destroy(struct outlet *outlet);
uint32_t outlet_outstanding(const struct outlet *outlet); /* when no thread uses it any more */

/* io.c: starts and ends the I/O thread. */
int io_start(struct sw_burst *burst, struct sw_error *error);
void io_stop(struct sw_burst *burst);
void io_wake(struct sw_burst *burst); /* any thread: a ring has something for it */

/* io_limits.c, dollars: the most that one invocation may cost, or a function that dials back; what
 * may be spent at once. */
double limits_dearest_usd(const struct sw_burst_options *options);
double limits_dearest_visit_usd(const struct sw_burst_options *options);
double limits_budget_at_once(const struct sw_burst_options *options);

/* controller.c: prepare publishes the first decisions; start makes a thread when the policy
 * samples; stop ends both. */
int controller_prepare(struct sw_burst *burst, struct sw_error *error);
int controller_start(struct sw_burst *burst, struct sw_error *error);
void controller_stop(struct sw_burst *burst);

#endif

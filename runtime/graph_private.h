/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_GRAPH_PRIVATE_H
#define SW_RUNTIME_GRAPH_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/graph.h"
#include "runtime/owners.h"
#include "runtime/pool.h"
#include "runtime/ring.h"
#include "runtime/waiter.h"

/*
 * The graph as it runs. A *stage* is what the program added; an *instance* of it belongs to one
 * *runner* (a worker, a service thread, the dispatching program). An *edge* joins two stages; its
 * *links* join instances: by a direct call where both have the same runner, by a ring otherwise
 * (and where batches may leave: see outlet.h).
 *
 * Watermarks do not travel in batches. A producer pushes batches, then stores the link's watermark;
 * a consumer loads the watermark, then notes how many batches had been pushed, and applies the
 * watermark once it has popped those.
 */

#define SW_INPUTS_MAX 64

/* In a link's cell instead of a watermark: nothing comes for now, do not wait for this one. */
#define TIME_IDLE (SW_TIME_END - 1)

struct edge;
struct runner;

/* ---- Links ---- */

struct link {
	/* Fixed once the graph has started. */
	struct edge *edge;
	struct sw_instance *from, *to;
	bool near;                /* one runner has both */
	struct sw_ring *ring;     /* null: direct call */
	struct sw_outlet *outlet; /* null: none */
	struct sw_site *site;     /* with an outlet */

	/* Written by the producer. */
	_Alignas(SW_CACHE_LINE) _Atomic int64_t watermark;
	_Atomic uint64_t batches, rows, bytes;
	bool off; /* the outlet's last answer */
	/* Where both ends are near: batches in the ring; taken by the outlet and not back. */
	uint32_t waiting, away;

	/* The consumer's own. */
	_Alignas(SW_CACHE_LINE) int64_t seen; /* watermark last loaded */
	uint64_t target;                      /* pushed count that was seen after it */
	int64_t applied;                      /* watermark whose batches have all been popped */
	unsigned put_off;                     /* what came back before what waits in the ring */

	/* Written by the sampling thread. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t fill_sum;
	_Atomic uint64_t fill_samples;
	_Atomic uint32_t fill_max;
};
_Static_assert(offsetof(struct link, seen) - offsetof(struct link, watermark) >= SW_CACHE_LINE,
	"producer's and consumer's fields share a line");
_Static_assert(offsetof(struct link, fill_sum) - offsetof(struct link, seen) >= SW_CACHE_LINE,
	"consumer's and sampler's fields share a line");

struct edge {
	struct sw_graph *graph;
	unsigned index;
	struct sw_stage *from, *to;
	unsigned output, input;
	enum sw_route route;
	unsigned key_column;
	unsigned link_count;
	struct link *links;
	char name[96];
	struct edge *next;
};

#define COST_UNITS 1024u

/* The runtime's end of an outlet: what a controller may look at. */
struct sw_site {
	struct link *link;
	/* Written by the consumer. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t local_batches, local_rows, local_ns;
	_Atomic uint64_t
		recent_row_cost; /* of the last some batches, ns / COST_UNITS; 0: none yet */
};

/* ---- Stages and instances ---- */

struct output {
	struct edge *edge;
	struct sw_pool *pool;         /* this instance owns it; null: none of its own (see relay) */
	struct sw_schema *own_schema; /* the pool's, with the worker's own dictionaries, or null */
	unsigned link_count;
	struct link **links; /* to each consumer that this instance can reach */
	/* Keyed, several consumers: what is collected for each, and room to sort rows by consumer.
	 */
	struct sw_batch **gathering;
	struct owned_rows owned;
	bool holds; /* something is gathered */
	unsigned turn;
};

struct input_port {
	unsigned link_count;
	struct link **links;
};

struct sw_instance {
	struct sw_stage *stage;
	unsigned index;
	struct runner *runner;
	const struct sw_operator *op;
	void *state;
	struct input_port inputs[SW_PORTS_MAX];
	struct output outputs[SW_PORTS_MAX];
	int64_t watermark_in;  /* op->advance was called with it */
	int64_t watermark_out; /* forwarded */
	int64_t watermark_due; /* to be forwarded when what is gathered has gone */
	uint64_t due_since_ns;
	unsigned due_count;
	uint64_t wake_at_ns;
	size_t state_bytes;   /* held outside the heap */
	struct sw_heap *heap; /* null: the operator asked for none */
	struct link *current; /* what the batch in process came over; null: none did yet */
	bool opened, ended;
	bool idle;    /* all its inputs are, and it has told so */
	bool blocked; /* had something to do and no room for it */

	/* Written by the runner, read by anyone. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t backlog_events;
	_Atomic uint64_t backlog_batches;
	_Atomic int64_t source_watermark;
	_Atomic uint64_t late_rows;
};

struct sw_stage {
	struct sw_graph *graph;
	char name[64];
	const struct sw_operator *op;
	const void *config;
	const struct sw_kernel *kernel; /* kernel stages */
	uint8_t kernel_config[SW_KERNEL_CONFIG_MAX];
	struct sw_input *relays; /* the relay of this input */
	sw_output_fn on_batch;   /* dispatched stages */
	void *on_batch_context;
	bool single, blocking, dispatched, external, measures_latency;
	unsigned inputs, outputs;
	const struct sw_schema *schemas[SW_PORTS_MAX];
	struct sw_schema *sized; /* a kernel's, with what its columns need; schemas[0] then */
	uint32_t output_rows[SW_PORTS_MAX];
	size_t output_text_bytes[SW_PORTS_MAX];
	struct edge *in[SW_PORTS_MAX], *out[SW_PORTS_MAX];
	unsigned rank; /* longest path from a source */
	unsigned instance_count;
	struct sw_instance *instances;
	struct sw_stage *next;
};

/* ---- Threads ---- */

enum runner_kind { RUNNER_WORKER, RUNNER_SERVICE, RUNNER_PROGRAM, RUNNER_EXTERNAL };

struct runner {
	struct sw_graph *graph;
	enum runner_kind kind;
	unsigned slot; /* its number at every pool */
	struct sw_place place;
	struct sw_waiter *waiter;
	pthread_t thread;
	bool started;
	unsigned instance_count;
	struct sw_instance **instances; /* falling rank: what is further down comes first */
	struct sw_histogram *latency;   /* written by this runner, read by anyone */

	/* The runner's own. */
	uint64_t now_ns;    /* start of this turn of the loop */
	uint64_t turn_ns;   /* what the last one took, with its sleep */
	uint64_t waited_ns; /* backpressured time inside this turn */
	unsigned spins;

	/* Written by the runner, read by anyone. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t events;
	_Atomic uint64_t busy_ns, idle_ns, backpressured_ns;
	_Atomic uint64_t accounted_until_ns;
};

enum input_gate { GATE_OPEN, GATE_PUSHING, GATE_CLOSED };

/* Where one thread of the program's pushes rows in. */
struct sw_input {
	struct sw_graph *graph;
	const struct sw_schema *schema;
	struct sw_stage *external; /* the program's thread as a producer */
	struct sw_stage *relay;    /* passes its batches on, on the workers */
	int event_fd;              /* readable: there may be room again, or the end has come */
	bool finished;             /* the program's thread's own */
	_Alignas(SW_CACHE_LINE) _Atomic int gate; /* enum input_gate */
	_Atomic int wanting;                      /* the program waits for a batch or for room */
};

enum graph_phase { PHASE_BUILDING, PHASE_RUNNING, PHASE_ENDED };

struct sw_graph {
	struct sw_graph_options options;
	char *pin;
	struct sw_topology *topology;
	unsigned workers;
	struct sw_place places[SW_WORKERS_MAX];

	struct sw_stage *stages, **stages_end;
	struct edge *edges, **edges_end;
	unsigned stage_count, edge_count;
	unsigned input_count;
	struct sw_input *inputs[SW_INPUTS_MAX];

	unsigned runner_count; /* workers, then service threads, then program, then externals */
	struct runner **runners;
	struct runner *program; /* null: no outputs */
	unsigned slots;         /* runners and the outlets' own */
	bool planned, outlets_attached, outlets_started;

	int event_fd;
	_Atomic int armed; /* somebody will look at event_fd */

	uint64_t start_ns;
	_Atomic uint64_t end_ns; /* 0: still running */
	_Atomic int phase;
	_Atomic int stopping, cancelled;
	_Atomic int failing;     /* the first to raise it writes failure */
	struct sw_error failure; /* read after `phase` is ended */

	_Atomic uint64_t state_bytes, state_bytes_max;
	uint64_t pool_bytes;
	struct dictionary_set *dictionaries; /* null: none that several workers read */

	pthread_mutex_t end_lock; /* of what follows; never taken by a worker before it ends */
	pthread_cond_t end_cond;
	unsigned running; /* threads that have not ended */
};

/* A counter with one writer. Relaxed: readers want a recent value, nothing is ordered by it. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t amount)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

static inline uint64_t counter_get(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit((_Atomic uint64_t *)counter, memory_order_relaxed);
}

/* Relaxed: seen soon is enough, what it leads to synchronises by itself. */
static inline bool graph_cancelled(struct sw_graph *graph)
{
	return atomic_load_explicit(&graph->cancelled, memory_order_relaxed);
}

static inline bool graph_stopping(struct sw_graph *graph)
{
	return atomic_load_explicit(&graph->stopping, memory_order_relaxed);
}

/* plan.c */
int graph_plan(struct sw_graph *graph, struct sw_error *error);
void graph_unplan(struct sw_graph *graph);
bool edge_may_burst(const struct edge *edge);

/* plan_pools.c */
int plan_pools(struct sw_graph *graph); /* once links are there; 0 or -ENOMEM */
/* Rows and text of the batches that a stage can be handed on an edge. */
void edge_batch_limits(const struct edge *edge, uint32_t *rows, size_t *text_bytes);

/* dictionaries.c */
int dictionaries_plan(struct sw_graph *graph); /* -ENOMEM; then, too, unplan frees */
void dictionaries_unplan(struct sw_graph *graph);
/* A schema of the worker's batches: where it has dictionaries that are copied, *own is made, to be
 * freed after the pool, and *schema points there. 0 or -ENOMEM. */
int dictionaries_schema(
	const struct runner *runner, const struct sw_schema **schema, struct sw_schema **own);
/* The runner owns the batch now: its codes point into the runner's own copies from here on. */
void dictionaries_take(const struct runner *runner, struct sw_batch *batch);
/* owned_text_hash of each entry of one of the runner's own copies; null: it is none. */
const uint32_t *dictionaries_hashes(
	const struct runner *runner, const struct sw_dictionary *dictionary);

/* worker.c */
void *runner_main(void *runner);
/* One look at everything this runner could do for instances of a rank above `above`. True: did
 * something. */
bool runner_turn(struct runner *runner, int above);
/* Nothing could be sent or had by an instance of this rank: help those further down, or wait. */
void runner_wait_for_room(struct runner *runner, unsigned rank);
/* Any thread: there may be something to do. */
void runner_notify(struct runner *runner);
/* The runner sends a batch home. */
void runner_put(struct runner *runner, struct sw_batch *batch);

/* instance.c */
bool instance_turn(struct sw_instance *self);
void instance_process(struct sw_instance *self, unsigned input, struct sw_batch *batch);
bool instance_update_watermark(struct sw_instance *self); /* true: it has risen */
void instance_failed(struct sw_instance *self, int code);
void graph_warn(struct sw_graph *graph, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void graph_fail(struct sw_graph *graph, int code, const char *text);

/* emit.c */
void instance_forward(struct sw_instance *self, int64_t watermark);
bool instance_flush(struct sw_instance *self); /* true: sent something */
/* Its inputs all fell idle, or one of them is not any more. */
void instance_forward_idle(struct sw_instance *self, bool idle);
bool output_writable(struct sw_instance *self, unsigned output);

void link_send(struct sw_instance *self, struct link *link, struct sw_batch *batch);

/* exchange.c */
void exchange_emit(struct sw_instance *self, struct output *output, struct sw_batch *batch);
bool exchange_flush(struct sw_instance *self, struct output *output); /* true: sent something */

/* kernel_stage.c */
extern const struct sw_operator sw_kernel_operator;
size_t kernel_state_bytes(const struct sw_kernel *kernel);
/* A batch came back over an outlet. */
void kernel_adopt(struct sw_instance *self, struct link *link, struct sw_outlet_result *result);

/* ports.c */
extern const struct sw_operator sw_relay_operator;
void input_room(struct sw_input *input);  /* a batch of it has come home */
void input_close(struct sw_input *input); /* the graph is to stop: no more rows from the program */
void graph_signal(struct sw_graph *graph);
void graph_signal_all(struct sw_graph *graph); /* the inputs' threads, too */
void inputs_start(struct sw_graph *graph);     /* those that were finished before the start */

#endif

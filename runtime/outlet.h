/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_OUTLET_H
#define SW_RUNTIME_OUTLET_H

#include "runtime/kernel.h"

/*
 * The one thing the runtime knows of bursting: an edge may have an alternative way out. There is an
 * outlet for each producer instance of a forward edge into a kernel stage. The producer offers each
 * batch; what is taken comes back to the consumer instance as the kernel's answer, or as the batch
 * itself to be run locally after all. Until it has come back the consumer's watermark is held.
 */

SW_BEGIN_DECLS

struct sw_outlet;
struct sw_site; /* the runtime's end of an outlet */

struct sw_outlet_result {
	struct sw_batch *original; /* the batch that was offered */
	struct sw_batch
		*answer; /* what the kernel gave remotely; null: run it locally (reclaimed) */
};

enum sw_offer {
	SW_OFFER_REFUSED, /* the batch goes into the ring */
	SW_OFFER_OFF,   /* refused, and for now every other would be: nothing need wait in a ring */
	SW_OFFER_TAKEN, /* the outlet owns the batch until collect */
};

struct sw_outlet_ops {
	/*
	 * Producer thread: take this batch? fill: batches waiting in the ring, plus the source's
	 * backlog in batches. hold: no result of this batch is earlier than this watermark.
	 * Wait-free.
	 */
	enum sw_offer (*offer)(
		struct sw_outlet *outlet, struct sw_batch *batch, uint32_t fill, int64_t hold);
	/*
	 * Producer thread: would a batch have to leave that cannot now, with `fill` in the ring?
	 * Then none is made: in the ring it could not leave later. Not asked with less than two.
	 */
	bool (*congested)(struct sw_outlet *outlet, uint32_t fill);
	/* Consumer thread: the next one that has come back, in any order. False: none. */
	bool (*collect)(struct sw_outlet *outlet, struct sw_outlet_result *result);
	/* Consumer thread: hold of the oldest offer that was not yet collected; SW_TIME_END: none.
	 * Sees every offer made before anything this thread has acquired from the producer. */
	int64_t (*hold)(struct sw_outlet *outlet);
};

struct sw_outlet {
	const struct sw_outlet_ops *ops;
	/* Atomic both, by the compiler's builtins, for C++ has no _Atomic; see below. */
	uint64_t passed; /* the producer writes */
	bool off;
};

/*
 * Any thread, a hint: while it is set every offer would be answered SW_OFFER_OFF. A producer that
 * has had this answer does not ask again as long as it is set; a batch may pass a moment after it
 * was cleared.
 */
static inline void sw_outlet_set_off(struct sw_outlet *outlet, bool off)
{
	/* Relaxed: nothing else is published by it. */
	__atomic_store_n(&outlet->off, off, __ATOMIC_RELAXED);
}

/* Any thread: how many batches passed without an offer. */
static inline uint64_t sw_outlet_passed(const struct sw_outlet *outlet)
{
	return __atomic_load_n(&outlet->passed, __ATOMIC_RELAXED);
}

/* What the runtime tells a provider about one place where batches may leave. */
struct sw_site_options {
	struct sw_site *site;
	uint32_t edge;         /* number of the edge in the graph */
	uint32_t instance;     /* of the producer */
	const char *edge_name; /* "source -> tokenize", outlives the outlet */
	const struct sw_kernel *kernel;
	const void *config;      /* kernel->config_bytes bytes, outlives the outlet */
	uint32_t batch_rows;     /* most rows of an offered batch */
	size_t batch_text_bytes; /* most text bytes of an offered batch, all columns */
	uint32_t ring_slots;
	uint32_t batches_max; /* most batches that can be offered and not yet collected */
	uint64_t op_delay_ns; /* simulated cost per event, 0: none */
	uint32_t slots;       /* threads that may put batches home (sw_pool_options.slots) */
	uint32_t slot;        /* the provider's own number among them */
	int node;
};

/* A look at a site for a controller; any thread, relaxed. Counters only rise. */
struct sw_site_sample {
	uint32_t fill; /* batches in the ring */
	uint32_t capacity;
	uint64_t backlog_events;                /* source's, now */
	uint64_t backlog_batches;               /* what they are going to be */
	uint64_t offered_batches, offered_rows; /* all that went towards the edge, whichever way */
	uint64_t local_batches, local_rows;     /* run by the worker */
	uint64_t local_ns;                      /* time that took */
};

SW_API void sw_site_sample(const struct sw_site *site, struct sw_site_sample *sample);
/* Any thread: something can be collected; wakes the consumer if it sleeps. */
SW_API void sw_site_notify(struct sw_site *site);

/* Makes outlets for a graph; given in the graph's options, called on the thread that starts it. */
struct sw_outlet_provider {
	void *context;
	int (*attach)(void *context, const struct sw_site_options *site, struct sw_outlet **outlet,
		struct sw_error *error);
	/* All sites are attached; workers start after this. */
	int (*start)(void *context, struct sw_error *error);
	/* Workers have ended (cancelled: perhaps with batches out), or were never started: it may
	 * come without start(), after some of the attaches. No outlet is used after this;
	 * when it returns the provider touches no batch and no site any more. */
	void (*stop)(void *context);
};

SW_END_DECLS

#endif

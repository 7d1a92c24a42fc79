/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_SOURCE_PRIVATE_H
#define SW_NEXMARK_SOURCE_PRIVATE_H

#include <stdatomic.h>

#include "nexmark/generator_private.h"
#include "nexmark/query_private.h"

/*
 * What the instances of a generating source share. Protocol: any instance claims events by moving
 * next_event, each event is claimed once, and who claimed it makes it. Ordering: the claims order
 * nothing but themselves (the generator never changes), so they are relaxed; the replay's chunks
 * are made before the workers start. Progress: unpaced claims are wait-free, paced ones lock-free.
 */
struct source_shared {
	/* Written by every instance. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t next_event; /* all before are claimed */
	_Atomic uint64_t next_batch;
	/* Written once, by the first instance that is polled. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t start_ns; /* 0: not yet */
	/* Written while the graph starts, by one thread. */
	_Alignas(SW_CACHE_LINE) struct replay_chunk *chunks; /* replay */
	uint64_t chunk_count;
	/* Written by the instance that reads files. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t late_rows;
};

/* A range of events that was made before the start. */
struct replay_chunk {
	uint64_t first;
	uint32_t events;
	struct sw_batch *batches[SW_NEXMARK_EVENTS]; /* null: not read */
};

/* A claimed range of events. */
struct claim {
	uint64_t first, number;
	uint32_t events;
	uint64_t intended_ns;
};

/* What an instance of a generating source remembers. */
struct source_state {
	uint32_t events;                  /* a claim */
	uint32_t rows[SW_NEXMARK_EVENTS]; /* most of a batch; 0: not read */
	uint64_t total;                   /* events in the stream; UINT64_MAX: without end */
	int64_t last_arrival_ms;
	struct cursor cursor;
};

int source_open(struct sw_instance *self, void *state, struct sw_error *error);
/* Looks at the clock of arrival, which never falls within an instance. */
int64_t source_arrival_ms(const struct source_config *config, struct source_state *source);
/*
 * Sets the meta of batches that hold a claim's rows, one of each kind or null, and sends them. So
 * many of the claim's events as have not been sent yet are shared out among them by their rows.
 * Takes the batches.
 */
void source_send(struct sw_instance *self, struct source_state *source, const struct claim *claim,
	uint32_t events, struct sw_batch *const batches[SW_NEXMARK_EVENTS]);
/* No event before `next` is still to come from this instance, nor one that arrived before the clock
 * of arrival was last looked at. */
void source_raise(struct sw_instance *self, struct source_state *source, uint64_t next);

#endif

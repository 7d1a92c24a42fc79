/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_LEDGER_H
#define SW_BURST_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/batch.h"

/* Private to burst. One slot per spilled batch; who may do what, and why, stands in ledger.c. */

enum ledger_state {
	LEDGER_FREE,      /* nobody's: the producer may fill it */
	LEDGER_QUEUED,    /* on its way to the I/O thread */
	LEDGER_ENCODING,  /* the I/O thread reads the batch */
	LEDGER_PENDING,   /* in flight; nobody reads the batch */
	LEDGER_DONE,      /* an answer was adopted */
	LEDGER_RECLAIMED, /* to be run locally */
};

struct ledger_slot {
	/* Generation (how often it was filled) above the three bits of the state. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t word;

	/* Written by the producer before ledger_queue. Read by the I/O thread while ENCODING and by
	 * the consumer. */
	struct sw_batch *batch;
	int64_t hold;
	uint64_t seq;
	uint64_t onset_ns; /* the episode's first batch: when it began; else 0 */

	/* Written by the I/O thread after ledger_adopt, before it hands the slot to the consumer.
	 */
	struct sw_batch *answer;

	/* The consumer's own: the list of what is out, in the order of the offers. */
	struct ledger_slot *older, *newer;
	bool out;
};

/* Producer: FREE -> QUEUED. */
void ledger_queue(struct ledger_slot *slot);
/* I/O: QUEUED -> ENCODING; sets the generation that the calls below want. False: it was reclaimed
 * (and perhaps is in other use by now). */
bool ledger_begin_encode(struct ledger_slot *slot, uint64_t *generation);
/* I/O: ENCODING -> PENDING. */
void ledger_end_encode(struct ledger_slot *slot, uint64_t generation);
/* I/O: PENDING -> DONE: this answer counts. False: too late. */
bool ledger_adopt(struct ledger_slot *slot, uint64_t generation);
/* I/O: ENCODING or PENDING -> RECLAIMED: no answer will come. False: it was reclaimed before. */
bool ledger_give_up(struct ledger_slot *slot, uint64_t generation);
/* Consumer: QUEUED or PENDING -> RECLAIMED. False: the I/O thread has it or has decided it. */
bool ledger_reclaim(struct ledger_slot *slot);
/* Consumer: DONE or RECLAIMED -> FREE, before the slot goes back to the producer. */
void ledger_free(struct ledger_slot *slot);

/* Any thread; relaxed: a recent state, for statistics and guesses. */
static inline enum ledger_state ledger_state(const struct ledger_slot *slot)
{
	const uint64_t word =
		atomic_load_explicit((_Atomic uint64_t *)&slot->word, memory_order_relaxed);

	return (enum ledger_state)(word & 7);
}

/* I/O: is this use of the slot still undecided? Relaxed, as above. */
static inline bool ledger_undecided(const struct ledger_slot *slot, uint64_t generation)
{
	const uint64_t word =
		atomic_load_explicit((_Atomic uint64_t *)&slot->word, memory_order_relaxed);

	return word == (generation << 3 | LEDGER_PENDING);
}

#endif

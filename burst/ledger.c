/* SPDX-License-Identifier: MIT */
/*
 * The ledger: every spilled batch is decided once.
 *
 * Purpose. A batch that left may come back as an answer, as several answers (resent, hedged), late,
 * or not at all. Exactly one of "an answer counts" and "it is run locally" must happen.
 *
 * Protocol. A slot has a producer thread, the I/O thread and a consumer thread (producer and
 * consumer may be the same). The producer fills a FREE slot and makes it QUEUED. The I/O thread
 * takes it to ENCODING, reads the batch, and takes it to PENDING. Then one compare-and-swap
 * decides: the I/O thread's to DONE (an answer) or RECLAIMED (it gave up), or the consumer's to
 * RECLAIMED. The consumer may also reclaim from QUEUED, never from ENCODING, for the batch is being
 * read then. The consumer frees the slot. The word carries a generation, so a decision that comes
 * so late that the slot is in other use fails like any other late one.
 *
 * Ordering. The slot also travels through rings, which order what is not said here.
 *   L1 -> L2  the batch and the producer's fields, before they are encoded
 *   L3 -> L4  the I/O thread's reads of the batch, before the consumer takes it back
 *
 * Progress. Every call is wait-free: a failed compare-and-swap is an answer, not a reason to retry.
 */
#include "burst/ledger.h"

static uint64_t word_of(uint64_t generation, enum ledger_state state)
{
	return generation << 3 | (uint64_t)state;
}

void ledger_queue(struct ledger_slot *slot)
{
	/* Relaxed: the slot came through the ring of free ones, nobody else changes a FREE word. */
	const uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	/* L1 -> L2 (ledger_begin_encode). */
	atomic_store_explicit(
		&slot->word, word_of((word >> 3) + 1, LEDGER_QUEUED), memory_order_release);
}

bool ledger_begin_encode(struct ledger_slot *slot, uint64_t *generation)
{
	/* Relaxed: the compare-and-swap decides. */
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	if ((word & 7) != LEDGER_QUEUED)
		return false;
	*generation = word >> 3;
	/* L2 <- L1 (ledger_queue). */
	return atomic_compare_exchange_strong_explicit(&slot->word, &word,
		word_of(*generation, LEDGER_ENCODING), memory_order_acquire, memory_order_relaxed);
}

void ledger_end_encode(struct ledger_slot *slot, uint64_t generation)
{
	/* L3 -> L4 (ledger_reclaim): nobody reads the batch any more. A plain store will do, for
	 * only this thread changes an ENCODING word. */
	atomic_store_explicit(
		&slot->word, word_of(generation, LEDGER_PENDING), memory_order_release);
}

bool ledger_adopt(struct ledger_slot *slot, uint64_t generation)
{
	uint64_t word = word_of(generation, LEDGER_PENDING);

	/* Release side of L3 -> L4 again, for a consumer that looks at the word itself. */
	return atomic_compare_exchange_strong_explicit(&slot->word, &word,
		word_of(generation, LEDGER_DONE), memory_order_acq_rel, memory_order_relaxed);
}

bool ledger_give_up(struct ledger_slot *slot, uint64_t generation)
{
	uint64_t word = word_of(generation, LEDGER_ENCODING);

	/* L3 -> L4, by way of the ring of answers. */
	if (atomic_compare_exchange_strong_explicit(&slot->word, &word,
		    word_of(generation, LEDGER_RECLAIMED), memory_order_acq_rel,
		    memory_order_relaxed))
		return true;
	word = word_of(generation, LEDGER_PENDING);
	return atomic_compare_exchange_strong_explicit(&slot->word, &word,
		word_of(generation, LEDGER_RECLAIMED), memory_order_acq_rel, memory_order_relaxed);
}

bool ledger_reclaim(struct ledger_slot *slot)
{
	/* Relaxed: the compare-and-swap decides. */
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	if ((word & 7) != LEDGER_QUEUED && (word & 7) != LEDGER_PENDING)
		return false;
	/* L4 <- L3 (ledger_end_encode). */
	return atomic_compare_exchange_strong_explicit(&slot->word, &word,
		word_of(word >> 3, LEDGER_RECLAIMED), memory_order_acq_rel, memory_order_relaxed);
}

void ledger_free(struct ledger_slot *slot)
{
	/* Relaxed twice: decided words are the consumer's alone, and the ring of free slots hands
	 * this on to the producer. */
	const uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	atomic_store_explicit(&slot->word, word_of(word >> 3, LEDGER_FREE), memory_order_relaxed);
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PERIODS_H
#define SW_OPERATORS_PERIODS_H

#include "operators/due.h"
#include "operators/key_map.h"
#include "operators/slab.h"

/*
 * Periods of time by number (time / length, rounded down) and what an owner keeps for each, which
 * begins with a struct sw_period. In the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

struct sw_period {
	struct sw_due due;
	int64_t number;
	uint32_t entry; /* of the slab */
};

struct sw_periods {
	struct sw_slab slab;
	struct sw_key_map numbers;
	struct sw_due_queue queue;
	int64_t period_ms;
	struct sw_period *last; /* asked for; null: none */
};

/* period_bytes: of the owner's struct. period_ms: the length; 0: no period ever passes. */
SW_API void sw_periods_init(
	struct sw_periods *periods, struct sw_heap *heap, size_t period_bytes, int64_t period_ms);
/* sw_periods_get for another than the last. */
SW_API SW_MUST_CHECK struct sw_period *sw_periods_find(struct sw_periods *periods, int64_t number);
/* Takes out the periods that end by this watermark, a list by sw_period_next; they stay until they
 * are dropped. Not at the end of time, when nothing is to be gained. */
SW_API struct sw_period *sw_periods_pass(struct sw_periods *periods, int64_t watermark);
SW_API void sw_periods_drop(struct sw_periods *periods, struct sw_period *period);

/* The period, all zero but for its head where it is new; it stays where it is until it is dropped.
 * Null: the heap's limit is reached. */
static inline SW_MUST_CHECK struct sw_period *sw_periods_get(
	struct sw_periods *periods, int64_t number)
{
	if (periods->last && periods->last->number == number)
		return periods->last;
	return sw_periods_find(periods, number);
}

/* Of a list of periods that have passed; null: it was the last. */
static inline struct sw_period *sw_period_next(const struct sw_period *period)
{
	return (struct sw_period *)(void *)period->due.next;
}

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ID_SET_H
#define SW_OPERATORS_ID_SET_H

#include <stdbool.h>

#include "runtime/heap.h"

/*
 * A small set of numbers, each with a few bits, in four bytes an entry: there is one for each id,
 * and ids are as many as events. All zero is an empty set. One thread.
 */

SW_BEGIN_DECLS

#define SW_ID_SET_BITS       3
#define SW_ID_SET_NUMBER_MAX (UINT32_MAX >> SW_ID_SET_BITS)
#define SW_ID_SET_FEW        4u

struct sw_id_set {
	union {
		uint32_t few[SW_ID_SET_FEW]; /* as long as there are no more */
		uint32_t *slots;             /* open addressing, at most three quarters full */
	};
	uint32_t used;
	uint32_t shift; /* 32 - the binary logarithm of the slots; 0: few */
};

/* The entry of a number in 1..SW_ID_SET_NUMBER_MAX: number << SW_ID_SET_BITS | bits, with no bit
 * set where it is new. Null: the heap's limit is reached. Valid until the next put. */
SW_API SW_MUST_CHECK uint32_t *sw_id_set_put(
	struct sw_id_set *set, struct sw_heap *heap, uint32_t number);
/* Frees what it has; it is not to be used again. */
SW_API void sw_id_set_fini(struct sw_id_set *set, struct sw_heap *heap);

SW_END_DECLS

#endif

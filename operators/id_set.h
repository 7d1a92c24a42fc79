/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ID_SET_H
#define SW_OPERATORS_ID_SET_H

#include <stdbool.h>

#include "runtime/heap.h"

/*
 * A set of numbers, each with a few bits: there is one for each id, and ids are as many as events.
 * A number takes four bytes; where so many of those up to the highest are there that it is not much
 * larger, there is an array of them all. All zero is an empty set. One thread.
 */

SW_BEGIN_DECLS

#define SW_ID_SET_BITS       3
#define SW_ID_SET_ALL        ((1u << SW_ID_SET_BITS) - 1)
#define SW_ID_SET_NUMBER_MAX (UINT32_MAX >> SW_ID_SET_BITS)
#define SW_ID_SET_FEW        12u
#define SW_ID_SET_SPAN       32u /* numbers to 16 bytes of an array */

struct sw_id_set {
	union {
		uint32_t few[SW_ID_SET_FEW]; /* as long as there are no more; then 0 */
		uint32_t *slots;             /* open addressing, at most three quarters full */
		uint8_t *array;              /* the bits of two numbers in a byte */
	};
	uint32_t used;
	uint32_t shift : 5;  /* 32 - the binary logarithm of the slots; 0: none */
	uint32_t spans : 27; /* of the array; 0: none */
};

/* sw_id_set_add for a number that is in no array. */
SW_API SW_MUST_CHECK int sw_id_set_add_beside(
	struct sw_id_set *set, struct sw_heap *heap, uint32_t number, uint32_t bits);
/* Frees what it has; it is not to be used again. */
SW_API void sw_id_set_fini(struct sw_id_set *set, struct sw_heap *heap);

/* Where a number's bits are in its byte of the array. */
static inline unsigned sw_id_set_half(uint32_t number)
{
	return number % 2 * 4;
}

/* Adds bits, at least one, to those of a number in 1..SW_ID_SET_NUMBER_MAX. Those it had; -ENOMEM:
 * the heap's limit is reached. */
static inline SW_MUST_CHECK int sw_id_set_add(
	struct sw_id_set *set, struct sw_heap *heap, uint32_t number, uint32_t bits)
{
	unsigned half = sw_id_set_half(number), before;
	uint8_t *byte;

	if (number / SW_ID_SET_SPAN >= set->spans)
		return sw_id_set_add_beside(set, heap, number, bits);
	byte = &set->array[number / 2];
	before = *byte >> half & SW_ID_SET_ALL;
	*byte |= (uint8_t)(bits << half);
	set->used += !before;
	return (int)before;
}

SW_END_DECLS

#endif

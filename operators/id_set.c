/* SPDX-License-Identifier: MIT */
#include "operators/id_set.h"

#define SHIFT_FIRST 28u /* 16 slots */

static size_t slots_of(uint32_t shift)
{
	return (size_t)1 << (32 - shift);
}

/* The number's slot, or the empty one where it belongs. */
static uint32_t *find(uint32_t *slots, uint32_t shift, uint32_t number)
{
	uint32_t mask = (uint32_t)slots_of(shift) - 1;
	uint32_t i = number * 0x9E3779B9u >> shift;

	while (slots[i] && slots[i] >> SW_ID_SET_BITS != number)
		i = (i + 1) & mask;
	return &slots[i];
}

/* Twice the slots, or the first ones. */
static bool grow(struct sw_id_set *set, struct sw_heap *heap)
{
	uint32_t shift = set->shift ? set->shift - 1 : SHIFT_FIRST;
	size_t count = set->shift ? slots_of(set->shift) : SW_ID_SET_FEW;
	uint32_t *from = set->shift ? set->slots : set->few;
	uint32_t *slots = sw_heap_zalloc(heap, slots_of(shift) * sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < count; i++)
		if (from[i])
			*find(slots, shift, from[i] >> SW_ID_SET_BITS) = from[i];
	sw_id_set_fini(set, heap);
	set->slots = slots;
	set->shift = shift;
	return true;
}

static uint32_t *put_in_slots(struct sw_id_set *set, struct sw_heap *heap, uint32_t number)
{
	uint32_t *slot = find(set->slots, set->shift, number);

	if (*slot)
		return slot;
	if (4 * (set->used + (size_t)1) > 3 * slots_of(set->shift)) {
		if (!grow(set, heap))
			return NULL;
		slot = find(set->slots, set->shift, number);
	}
	set->used++;
	*slot = number << SW_ID_SET_BITS;
	return slot;
}

uint32_t *sw_id_set_put(struct sw_id_set *set, struct sw_heap *heap, uint32_t number)
{
	if (!set->shift) {
		for (uint32_t i = 0; i < set->used; i++)
			if (set->few[i] >> SW_ID_SET_BITS == number)
				return &set->few[i];
		if (set->used < SW_ID_SET_FEW) {
			set->few[set->used] = number << SW_ID_SET_BITS;
			return &set->few[set->used++];
		}
		if (!grow(set, heap))
			return NULL;
	}
	return put_in_slots(set, heap, number);
}

void sw_id_set_fini(struct sw_id_set *set, struct sw_heap *heap)
{
	if (set->shift)
		sw_heap_free(heap, set->slots, slots_of(set->shift) * sizeof(uint32_t));
}

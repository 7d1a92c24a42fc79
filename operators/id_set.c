/* SPDX-License-Identifier: MIT */
#include "operators/id_set.h"

#include <errno.h>
#include <string.h>

#define SHIFT_FIRST  27u /* 32 slots */
#define SHIFT_STEP   2u  /* then four times as many */
#define ARRAY_FACTOR 4u  /* most bytes of an array for one of slots */

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

/* ---- From one layout to another ---- */

static size_t bytes_of(const struct sw_id_set *set)
{
	return set->spans ? set->spans * (size_t)SW_ID_SET_SPAN / 2
			  : slots_of(set->shift) * sizeof(*set->slots);
}

static size_t places_of(const struct sw_id_set *set)
{
	if (set->spans)
		return set->spans * (size_t)SW_ID_SET_SPAN;
	return set->shift ? slots_of(set->shift) : set->used;
}

/* The number at a place and its bits; 0: none. */
static uint32_t entry_at(const struct sw_id_set *set, size_t place)
{
	uint32_t bits;

	if (!set->spans)
		return set->shift ? set->slots[place] : set->few[place];
	bits = set->array[place / 2] >> sw_id_set_half((uint32_t)place) & SW_ID_SET_ALL;
	return bits ? (uint32_t)place << SW_ID_SET_BITS | bits : 0;
}

/* Of its numbers and this one, which an array has no place for. */
static uint32_t highest(const struct sw_id_set *set, uint32_t number)
{
	for (size_t i = 0; !set->spans && i < places_of(set); i++)
		if (entry_at(set, i) >> SW_ID_SET_BITS > number)
			number = entry_at(set, i) >> SW_ID_SET_BITS;
	return number;
}

/* The layout with this number. */
static struct sw_id_set layout_for(const struct sw_id_set *set, uint32_t number)
{
	struct sw_id_set layout = { .used = set->used, .shift = SHIFT_FIRST };
	size_t array_bytes = sw_heap_room(highest(set, number) / 2 + 1);

	while (4 * (set->used + (size_t)1) > 3 * slots_of(layout.shift))
		layout.shift -= SHIFT_STEP;
	if (array_bytes <= ARRAY_FACTOR * bytes_of(&layout))
		layout.spans = (uint32_t)(2 * array_bytes / SW_ID_SET_SPAN);
	return layout;
}

static bool make_room(struct sw_id_set *set, struct sw_heap *heap, uint32_t number)
{
	struct sw_id_set to = layout_for(set, number);

	to.array = sw_heap_zalloc(heap, bytes_of(&to));
	if (!to.array)
		return false;
	for (size_t i = 0; i < places_of(set); i++) {
		uint32_t entry = entry_at(set, i), known = entry >> SW_ID_SET_BITS;

		if (!entry)
			continue;
		if (to.spans)
			to.array[known / 2] |=
				(uint8_t)((entry & SW_ID_SET_ALL) << sw_id_set_half(known));
		else
			*find(to.slots, to.shift, known) = entry;
	}
	sw_id_set_fini(set, heap);
	*set = to;
	return true;
}

static int make_room_and_add(
	struct sw_id_set *set, struct sw_heap *heap, uint32_t number, uint32_t bits)
{
	return make_room(set, heap, number) ? sw_id_set_add(set, heap, number, bits) : -ENOMEM;
}

/* ---- Numbers ---- */

static int add_to_entry(uint32_t *entry, uint32_t bits)
{
	int before = (int)(*entry & SW_ID_SET_ALL);

	*entry |= bits;
	return before;
}

static int add_to_slots(struct sw_id_set *set, struct sw_heap *heap, uint32_t number, uint32_t bits)
{
	uint32_t *slot = find(set->slots, set->shift, number);

	if (*slot)
		return add_to_entry(slot, bits);
	if (4 * (set->used + (size_t)1) > 3 * slots_of(set->shift))
		return make_room_and_add(set, heap, number, bits);
	set->used++;
	*slot = number << SW_ID_SET_BITS | bits;
	return 0;
}

typedef uint32_t four __attribute__((vector_size(16)));

/* The place of a number among the few, or that behind the last. All are compared: which one it is
 * cannot be foretold. */
static uint32_t place_among_few(const struct sw_id_set *set, uint32_t number)
{
	const four wanted = { number, number, number, number };
	four bits = { 1, 2, 4, 8 }, found = { 0 };

	for (unsigned i = 0; i < SW_ID_SET_FEW; i += 4) {
		four entries;

		memcpy(&entries, &set->few[i], sizeof(entries));
		found |= (four)(entries >> SW_ID_SET_BITS == wanted) & bits;
		bits <<= 4;
	}
	return (uint32_t)__builtin_ctz(found[0] | found[1] | found[2] | found[3] | 1u << set->used);
}

static int add_to_few(struct sw_id_set *set, struct sw_heap *heap, uint32_t number, uint32_t bits)
{
	uint32_t place = place_among_few(set, number);
	int before;

	if (place == SW_ID_SET_FEW)
		return make_room_and_add(set, heap, number, bits);
	before = add_to_entry(&set->few[place], number << SW_ID_SET_BITS | bits);
	set->used += !before;
	return before;
}

int sw_id_set_add_beside(
	struct sw_id_set *set, struct sw_heap *heap, uint32_t number, uint32_t bits)
{
	if (set->spans)
		return make_room_and_add(set, heap, number, bits);
	return set->shift ? add_to_slots(set, heap, number, bits)
			  : add_to_few(set, heap, number, bits);
}

void sw_id_set_fini(struct sw_id_set *set, struct sw_heap *heap)
{
	if (set->spans || set->shift)
		sw_heap_free(heap, set->array, bytes_of(set));
}

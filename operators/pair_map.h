/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PAIR_MAP_H
#define SW_OPERATORS_PAIR_MAP_H

#include "operators/slots.h"

/*
 * A map from a pair of 64-bit keys to a number other than 0 (of a slab's entry, or a set of bits).
 * A hash table that grows a few slots at a time, so that no batch waits for all of them. In the
 * caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

struct sw_pair_map {
	struct sw_slots slots;
};

SW_API void sw_pair_map_init(struct sw_pair_map *map, struct sw_heap *heap);
SW_API uint32_t sw_pair_map_get(const struct sw_pair_map *map, int64_t a, int64_t b); /* 0: none */
/* Where the pair's value is, 0 for a new pair: set it before anything else is done with the map.
 * Null: the heap's limit is reached. Valid until the next put or remove. */
SW_API SW_MUST_CHECK uint32_t *sw_pair_map_put(struct sw_pair_map *map, int64_t a, int64_t b);
SW_API void sw_pair_map_remove(
	struct sw_pair_map *map, int64_t a, int64_t b); /* one that is there */
/* Frees its tables; it is empty then and can be used again. */
SW_API void sw_pair_map_clear(struct sw_pair_map *map);

static inline size_t sw_pair_map_count(const struct sw_pair_map *map)
{
	return map->slots.keys;
}

SW_END_DECLS

#endif

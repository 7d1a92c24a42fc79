/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_NESTED_MAP_H
#define SW_OPERATORS_NESTED_MAP_H

#include "operators/key_map.h"
#include "operators/slab.h"

/*
 * A map from a pair of 64-bit keys to a number other than 0, as sw_pair_map, but with a table of
 * its own for each first key. Where first keys are of recent interest only, so are their tables:
 * new pairs then fall into memory that is in the caches, and not anywhere in one large table. In
 * the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

struct sw_nested_map {
	struct sw_key_map firsts; /* -> tables */
	struct sw_slab tables;    /* of struct sw_slots, by the second key; never empty */
};

SW_API void sw_nested_map_init(
	struct sw_nested_map *map, struct sw_heap *heap, enum sw_state_mode mode);
SW_API uint32_t sw_nested_map_get(
	const struct sw_nested_map *map, int64_t a, int64_t b); /* 0: none */
/* Where the pair's value is, 0 for a new pair: set it before anything else is done with the map.
 * Null: the heap's limit is reached. Valid until the next put or remove. */
SW_API SW_MUST_CHECK uint32_t *sw_nested_map_put(struct sw_nested_map *map, int64_t a, int64_t b);
SW_API void sw_nested_map_remove(
	struct sw_nested_map *map, int64_t a, int64_t b); /* one that is there */

SW_END_DECLS

#endif

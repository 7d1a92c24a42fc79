/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_KEY_MAP_H
#define SW_OPERATORS_KEY_MAP_H

#include "operators/slots.h"
#include "runtime/operator.h"

/*
 * A map from a 64-bit key to a number other than 0 (of a slab's entry). Ids that rise are found in
 * pages of an array that slides along with them; keys that do not fit it in a hash table, which
 * grows a few slots at a time. The mode says which of the two may be used; results never depend on
 * it. In the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

#define SW_KEY_PAGE_SHIFT 9 /* keys of a page: 512 */

struct sw_key_page {
	uint32_t *values; /* null: no key of the page is there */
	uint32_t used;
};

struct sw_key_map {
	struct sw_heap *heap;
	enum sw_state_mode mode;
	/*
	 * Dense: page p holds the keys, taken as unsigned, from p << SHIFT on, and is
	 * pages[p - first_page]. The first and the last of these pages are never empty.
	 */
	struct sw_key_page *pages;
	uint64_t first_page, page_count;
	struct sw_key_page *directory; /* the room that `pages` is in */
	size_t directory_capacity;
	size_t pages_live, dense_keys;
	struct sw_slots hash; /* the other keys */
};

SW_API void sw_key_map_init(struct sw_key_map *map, struct sw_heap *heap, enum sw_state_mode mode);
/* Where the key's value is, 0 for a new key: set it before anything else is done with the map.
 * Null: the heap's limit is reached. Valid until the next put or remove. */
SW_API SW_MUST_CHECK uint32_t *sw_key_map_put(struct sw_key_map *map, int64_t key);
SW_API void sw_key_map_remove(struct sw_key_map *map, int64_t key); /* one that is there */
SW_API uint32_t sw_key_map_get_hashed(const struct sw_key_map *map, int64_t key);
/* Removes all keys. The hash table keeps its memory: as many may come again. */
SW_API void sw_key_map_clear(struct sw_key_map *map);
/* The next key and its value, in no order; false: there is none. at: 0 before the first, and then
 * as the last call left it, with no change of the map in between. */
SW_API bool sw_key_map_next(
	const struct sw_key_map *map, uint64_t *at, int64_t *key, uint32_t *value);

/* Where the key's value would be in its page; null: it has no page. */
static inline uint32_t *sw_key_map_dense(const struct sw_key_map *map, int64_t key)
{
	uint64_t page = ((uint64_t)key >> SW_KEY_PAGE_SHIFT) - map->first_page;

	if (page >= map->page_count || !map->pages[page].values)
		return NULL;
	return &map->pages[page].values[key & ((1 << SW_KEY_PAGE_SHIFT) - 1)];
}

/* The key's value; 0: there is none. */
static inline uint32_t sw_key_map_get(const struct sw_key_map *map, int64_t key)
{
	const uint32_t *dense = sw_key_map_dense(map, key);

	if (dense && *dense)
		return *dense;
	return map->hash.keys ? sw_key_map_get_hashed(map, key) : 0;
}

static inline size_t sw_key_map_count(const struct sw_key_map *map)
{
	return map->dense_keys + map->hash.keys;
}

/* Are keys in the table? Those of an array are mostly near each other, and not worth fetching. */
static inline bool sw_key_map_is_hashed(const struct sw_key_map *map)
{
	return map->hash.keys > 0;
}

/* The key is looked for soon, in the table. */
SW_FETCHES void sw_key_map_prefetch(const struct sw_key_map *map, int64_t key)
{
	sw_slots_prefetch(&map->hash, &key, 1);
}

SW_END_DECLS

#endif

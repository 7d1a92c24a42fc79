/* SPDX-License-Identifier: MIT */
/*
 * A key has one home at a time, its page or the hash table; lookups look at both. So where a new
 * key goes is a matter of speed and memory alone, and no rule for it can be wrong.
 */

#include "operators/key_map.h"

#include <string.h>

#define PAGE_KEYS       ((size_t)1 << SW_KEY_PAGE_SHIFT)
#define PAGE_BYTES      (PAGE_KEYS * sizeof(uint32_t))
#define DIRECTORY_FIRST 64u

/* Most empty pages of the directory beside those in use, and of one gap. */
#define AUTO_SPAN_PAGES  64u
#define AUTO_SPAN_FACTOR 4u
#define AUTO_GAP_PAGES   1024u
#define DENSE_SPAN_PAGES 65536u
/* Without keys for so many of its pages' places, a map takes no more pages by itself. */
#define AUTO_KEYS_A_PAGE 32u
#define AUTO_PAGES_FREE  8u

void sw_key_map_init(struct sw_key_map *map, struct sw_heap *heap, enum sw_state_mode mode)
{
	*map = (struct sw_key_map){ .heap = heap, .mode = mode, .hash.heap = heap };
}

uint32_t sw_key_map_get_hashed(const struct sw_key_map *map, int64_t key)
{
	const uint32_t *value = sw_slots_get(&map->hash, &key, 1);

	return value ? *value : 0;
}

/* ---- The directory ---- */

/* May this page be made? `span`: the directory's pages then, `gap`: what it grows by. */
static bool allowed(const struct sw_key_map *map, uint64_t span, uint64_t gap)
{
	size_t live = map->pages_live + 1;

	if (map->mode == SW_STATE_DENSE)
		return gap <= DENSE_SPAN_PAGES && span <= DENSE_SPAN_PAGES + AUTO_SPAN_PAGES * live;
	if (map->mode == SW_STATE_HASH)
		return false;
	return gap <= AUTO_GAP_PAGES && span <= AUTO_SPAN_PAGES + AUTO_SPAN_FACTOR * live &&
	       (live <= AUTO_PAGES_FREE || map->dense_keys >= AUTO_KEYS_A_PAGE * live);
}

/* Gives the directory room for `span` pages, more of them at its beginning or at its end. */
static int make_room(struct sw_key_map *map, size_t span, bool at_begin)
{
	struct sw_key_page *to = map->directory;
	size_t capacity = map->directory_capacity;

	if (2 * span > capacity) {
		capacity = 2 * span > DIRECTORY_FIRST ? 2 * span : DIRECTORY_FIRST;
		capacity = sw_heap_room(capacity * sizeof(*to)) / sizeof(*to);
		to = sw_heap_alloc(map->heap, capacity * sizeof(*to));
		if (!to)
			return -ENOMEM;
	}
	if (map->page_count > 0)
		memmove(to + (at_begin ? capacity - map->page_count : 0), map->pages,
			map->page_count * sizeof(*to));
	if (to != map->directory)
		sw_heap_free(map->heap, map->directory, map->directory_capacity * sizeof(*to));
	map->directory = to;
	map->directory_capacity = capacity;
	map->pages = to + (at_begin ? capacity - map->page_count : 0);
	return 0;
}

/* Widens the directory by `gap` empty pages. */
static int widen(struct sw_key_map *map, size_t gap, bool at_begin)
{
	size_t before = (size_t)(map->pages - map->directory);
	size_t room = at_begin ? before : map->directory_capacity - before - map->page_count;
	int code = gap > room ? make_room(map, map->page_count + gap, at_begin) : 0;

	if (code)
		return code;
	if (at_begin) {
		map->pages -= gap;
		map->first_page -= gap;
		memset(map->pages, 0, gap * sizeof(*map->pages));
	} else {
		memset(map->pages + map->page_count, 0, gap * sizeof(*map->pages));
	}
	map->page_count += gap;
	return 0;
}

/* Empty pages at either end are forgotten. */
static void narrow(struct sw_key_map *map)
{
	while (map->page_count > 0 && !map->pages[map->page_count - 1].values)
		map->page_count--;
	while (map->page_count > 0 && !map->pages[0].values) {
		map->pages++;
		map->first_page++;
		map->page_count--;
	}
	if (map->page_count == 0)
		map->pages = map->directory;
}

/*
 * A page for this key, which has none; *place: the key's value in it, null where the rule is
 * against it. 0 or -ENOMEM.
 */
static int make_page(struct sw_key_map *map, int64_t key, uint32_t **place)
{
	uint64_t number = (uint64_t)key >> SW_KEY_PAGE_SHIFT, gap = 0;
	bool below;
	uint32_t *values;

	*place = NULL;
	if (map->page_count == 0)
		map->first_page = number;
	below = number < map->first_page;
	if (below)
		gap = map->first_page - number;
	else if (number - map->first_page >= map->page_count)
		gap = number - map->first_page - map->page_count + 1;
	if (!allowed(map, map->page_count + gap, gap))
		return 0;
	values = sw_heap_zalloc(map->heap, PAGE_BYTES);
	if (!values || (gap && widen(map, gap, below))) {
		sw_heap_free(map->heap, values, PAGE_BYTES);
		return -ENOMEM;
	}
	map->pages[number - map->first_page] = (struct sw_key_page){ .values = values };
	map->pages_live++;
	*place = &values[key & (int64_t)(PAGE_KEYS - 1)];
	return 0;
}

/* ---- Keys ---- */

uint32_t *sw_key_map_put(struct sw_key_map *map, int64_t key)
{
	uint32_t *place = sw_key_map_dense(map, key);

	if (place && *place)
		return place;
	if (map->hash.keys) {
		uint32_t *hashed = sw_slots_search(&map->hash, &key, 1);

		if (hashed)
			return hashed;
	}
	if (!place && make_page(map, key, &place))
		return NULL;
	if (!place)
		return sw_slots_add(&map->hash, &key, 1);
	map->pages[((uint64_t)key >> SW_KEY_PAGE_SHIFT) - map->first_page].used++;
	map->dense_keys++;
	return place;
}

void sw_key_map_remove(struct sw_key_map *map, int64_t key)
{
	uint32_t *place = sw_key_map_dense(map, key);
	struct sw_key_page *page;

	if (!place || !*place) {
		sw_slots_remove(&map->hash, &key, 1);
		return;
	}
	*place = 0;
	map->dense_keys--;
	page = &map->pages[((uint64_t)key >> SW_KEY_PAGE_SHIFT) - map->first_page];
	if (--page->used > 0)
		return;
	sw_heap_free(map->heap, page->values, PAGE_BYTES);
	page->values = NULL;
	map->pages_live--;
	narrow(map);
}

void sw_key_map_clear(struct sw_key_map *map)
{
	for (uint64_t i = 0; i < map->page_count; i++)
		sw_heap_free(map->heap, map->pages[i].values, PAGE_BYTES);
	map->pages = map->directory;
	map->page_count = map->pages_live = map->dense_keys = 0;
	sw_slots_empty(&map->hash, 1);
}

/* The places of all pages come first, then the slots of the hash table, then those of the old one.
 */
bool sw_key_map_next(const struct sw_key_map *map, uint64_t *at, int64_t *key, uint32_t *value)
{
	uint64_t places = map->page_count << SW_KEY_PAGE_SHIFT;

	while (*at < places) {
		const uint32_t *values = map->pages[*at >> SW_KEY_PAGE_SHIFT].values;

		*key = (int64_t)((map->first_page << SW_KEY_PAGE_SHIFT) + *at);
		*value = values ? values[*at & (PAGE_KEYS - 1)] : 0;
		*at += values ? 1 : PAGE_KEYS;
		if (*value)
			return true;
	}
	*at -= places;
	*value = map->hash.keys ? sw_slots_next(&map->hash, at, key, 1) : 0;
	*at += places;
	return *value != 0;
}

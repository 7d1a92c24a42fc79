/* SPDX-License-Identifier: MIT */
#include "operators/pair_map.h"

void sw_pair_map_init(struct sw_pair_map *map, struct sw_heap *heap)
{
	*map = (struct sw_pair_map){ .slots.heap = heap };
}

uint32_t sw_pair_map_get(const struct sw_pair_map *map, int64_t a, int64_t b)
{
	int64_t key[2] = { a, b };
	const uint32_t *value = sw_slots_get(&map->slots, key, 2);

	return value ? *value : 0;
}

uint32_t *sw_pair_map_put(struct sw_pair_map *map, int64_t a, int64_t b)
{
	int64_t key[2] = { a, b };
	uint32_t *value = sw_slots_search(&map->slots, key, 2);

	return value ? value : sw_slots_add(&map->slots, key, 2);
}

void sw_pair_map_remove(struct sw_pair_map *map, int64_t a, int64_t b)
{
	int64_t key[2] = { a, b };

	sw_slots_remove(&map->slots, key, 2);
}

void sw_pair_map_clear(struct sw_pair_map *map)
{
	sw_slots_clear(&map->slots, 2);
}

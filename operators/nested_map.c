/* SPDX-License-Identifier: MIT */
#include "operators/nested_map.h"

/* Most first keys have few seconds. A power of two. */
#define TABLE_FIRST 4u

void sw_nested_map_init(struct sw_nested_map *map, struct sw_heap *heap, enum sw_state_mode mode)
{
	sw_key_map_init(&map->firsts, heap, mode);
	sw_slab_init(&map->tables, heap, sizeof(struct sw_slots));
}

static struct sw_slots *table_of(const struct sw_nested_map *map, int64_t a)
{
	uint32_t number = sw_key_map_get(&map->firsts, a);

	return number ? sw_slab_at(&map->tables, number) : NULL;
}

uint32_t sw_nested_map_get(const struct sw_nested_map *map, int64_t a, int64_t b)
{
	const struct sw_slots *table = table_of(map, a);
	const uint32_t *value = table ? sw_slots_get(table, &b, 1) : NULL;

	return value ? *value : 0;
}

/* A new table, smaller than slots begin with by themselves; null: the heap's limit. */
static struct sw_slots *add_table(struct sw_nested_map *map, int64_t a)
{
	struct sw_slot_table first = { .capacity = TABLE_FIRST };
	uint32_t *place = sw_key_map_put(&map->firsts, a);
	struct sw_slots *table;

	if (!place)
		return NULL;
	*place = sw_slab_take(&map->tables);
	if (!*place)
		return NULL;
	table = sw_slab_at(&map->tables, *place);
	table->heap = map->tables.heap;
	first.slots = sw_heap_zalloc(table->heap, sw_slots_bytes(&first, 1));
	if (!first.slots)
		return NULL;
	table->now = first;
	return table;
}

uint32_t *sw_nested_map_put(struct sw_nested_map *map, int64_t a, int64_t b)
{
	struct sw_slots *table = table_of(map, a);
	uint32_t *value;

	if (!table)
		table = add_table(map, a);
	if (!table)
		return NULL;
	value = sw_slots_search(table, &b, 1);
	return value ? value : sw_slots_add(table, &b, 1);
}

void sw_nested_map_remove(struct sw_nested_map *map, int64_t a, int64_t b)
{
	uint32_t number = sw_key_map_get(&map->firsts, a);
	struct sw_slots *table = sw_slab_at(&map->tables, number);

	sw_slots_remove(table, &b, 1);
	if (table->keys > 0)
		return;
	sw_slots_clear(table, 1);
	sw_slab_give(&map->tables, number);
	sw_key_map_remove(&map->firsts, a);
}

/* SPDX-License-Identifier: MIT */
/*
 * Chunks of one size, and for a piece that is larger so many of them in a row as one. A piece that
 * does not fit what is left of a chunk begins the next.
 */

#include "operators/arena.h"

#include <string.h>

#define CHUNK_UNITS  (1u << SW_ARENA_CHUNK_SHIFT)
#define CHUNK_BYTES  ((size_t)CHUNK_UNITS * SW_ARENA_UNIT)
#define CHUNKS_FIRST 16u
#define CHUNKS_MAX   (UINT32_MAX >> SW_ARENA_CHUNK_SHIFT)

void sw_arena_init(struct sw_arena *arena, struct sw_heap *heap)
{
	*arena = (struct sw_arena){ .heap = heap };
}

static bool grow_directory(struct sw_arena *arena, uint32_t chunks)
{
	uint32_t capacity = arena->chunk_capacity ? arena->chunk_capacity : CHUNKS_FIRST;
	struct sw_arena_chunk *grown;

	while (capacity < chunks)
		capacity *= 2;
	grown = sw_heap_alloc(arena->heap, capacity * sizeof(*grown));
	if (!grown)
		return false;
	if (arena->chunk_count > 0)
		memcpy(grown, arena->chunks, arena->chunk_count * sizeof(*grown));
	sw_heap_free(arena->heap, arena->chunks, arena->chunk_capacity * sizeof(*grown));
	arena->chunks = grown;
	arena->chunk_capacity = capacity;
	return true;
}

/* So many chunks in a row. */
static bool add_chunks(struct sw_arena *arena, size_t chunks)
{
	uint32_t count = arena->chunk_count;
	char *begin;

	if (chunks > CHUNKS_MAX - count)
		return false;
	if (count + chunks > arena->chunk_capacity &&
		!grow_directory(arena, count + (uint32_t)chunks))
		return false;
	begin = sw_heap_alloc(arena->heap, chunks * CHUNK_BYTES);
	if (!begin)
		return false;
	for (size_t i = 0; i < chunks; i++)
		arena->chunks[count + i] = (struct sw_arena_chunk){ begin + i * CHUNK_BYTES, 0 };
	arena->chunks[count].chunks = (uint32_t)chunks;
	arena->chunk_count += (uint32_t)chunks;
	arena->used = count << SW_ARENA_CHUNK_SHIFT;
	return true;
}

uint32_t sw_arena_take(struct sw_arena *arena, size_t bytes)
{
	size_t units = (bytes + SW_ARENA_UNIT - 1) / SW_ARENA_UNIT;
	uint32_t number;

	if (units > ((size_t)arena->chunk_count << SW_ARENA_CHUNK_SHIFT) - arena->used &&
		!add_chunks(arena, (units + CHUNK_UNITS - 1) >> SW_ARENA_CHUNK_SHIFT))
		return 0;
	number = arena->used + 1;
	arena->used += (uint32_t)units;
	return number;
}

void sw_arena_clear(struct sw_arena *arena)
{
	for (uint32_t i = 0; i < arena->chunk_count; i++)
		if (arena->chunks[i].chunks > 0)
			sw_heap_free(arena->heap, arena->chunks[i].begin,
				arena->chunks[i].chunks * CHUNK_BYTES);
	arena->chunk_count = arena->used = 0;
}

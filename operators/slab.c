/* SPDX-License-Identifier: MIT */
#include "operators/slab.h"

#include <string.h>

#define CHUNK_ENTRIES (1u << SW_SLAB_CHUNK_SHIFT)
#define CHUNKS_FIRST  16u
#define LINE          ((size_t)64)

void sw_slab_init(struct sw_slab *slab, struct sw_heap *heap, size_t entry_bytes)
{
	*slab = (struct sw_slab){ .heap = heap, .entry_bytes = (entry_bytes + 7) & ~(size_t)7 };
}

static bool grow_directory(struct sw_slab *slab)
{
	uint32_t capacity = slab->chunk_capacity ? 2 * slab->chunk_capacity : CHUNKS_FIRST;
	char **grown = sw_heap_alloc(slab->heap, capacity * sizeof(*grown));

	if (!grown)
		return false;
	if (slab->chunk_count > 0)
		memcpy(grown, slab->chunks, slab->chunk_count * sizeof(*grown));
	sw_heap_free(slab->heap, slab->chunks, slab->chunk_capacity * sizeof(*grown));
	slab->chunks = grown;
	slab->chunk_capacity = capacity;
	return true;
}

static bool add_chunk(struct sw_slab *slab)
{
	char *chunk;

	if (slab->chunk_count == slab->chunk_capacity && !grow_directory(slab))
		return false;
	chunk = sw_heap_zalloc(slab->heap, CHUNK_ENTRIES * slab->entry_bytes);
	if (!chunk)
		return false;
	slab->chunks[slab->chunk_count++] = chunk;
	return true;
}

/* What was given back long ago has left the caches: it is fetched before it is taken. */
SW_FETCHES void prefetch_free(const struct sw_slab *slab)
{
	const char *entry = slab->free ? sw_slab_at(slab, slab->free) : NULL;

	for (size_t i = 0; entry && i < slab->entry_bytes; i += LINE)
		__builtin_prefetch(entry + i, 1);
}

uint32_t sw_slab_take(struct sw_slab *slab)
{
	uint32_t number = slab->free;

	if (number) {
		char *entry = sw_slab_at(slab, number);

		memcpy(&slab->free, entry, sizeof(slab->free));
		prefetch_free(slab);
		memset(entry, 0, slab->entry_bytes);
	} else {
		if (slab->used == UINT32_MAX)
			return 0;
		if (slab->used >> SW_SLAB_CHUNK_SHIFT == slab->chunk_count && !add_chunk(slab))
			return 0;
		number = ++slab->used;
	}
	slab->live++;
	return number;
}

void sw_slab_give(struct sw_slab *slab, uint32_t number)
{
	memcpy(sw_slab_at(slab, number), &slab->free, sizeof(slab->free));
	slab->free = number;
	slab->live--;
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ARENA_H
#define SW_OPERATORS_ARENA_H

#include "runtime/heap.h"

/*
 * Pieces of any size by number, in the order they were taken in, that are all given back at once:
 * what a window keeps. They never move. Taken again and again, the memory stays in order, which
 * that of single pieces does not. In the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

#define SW_ARENA_UNIT        8 /* bytes; numbers count these, and pieces are aligned to them */
#define SW_ARENA_CHUNK_SHIFT 9 /* units of a chunk: 512 */

struct sw_arena_chunk {
	char *begin;
	uint32_t chunks; /* allocated as one from here on; 0: a part of one before */
};

struct sw_arena {
	struct sw_heap *heap;
	struct sw_arena_chunk *chunks;
	uint32_t chunk_count, chunk_capacity;
	uint32_t used; /* units, what chunks before have left at their ends counted in */
};

SW_API void sw_arena_init(struct sw_arena *arena, struct sw_heap *heap);
/* The number of a piece of undefined content; bytes > 0. 0: the heap's limit is reached (or 32 GiB
 * are). */
SW_API SW_MUST_CHECK uint32_t sw_arena_take(struct sw_arena *arena, size_t bytes);
/* Gives all pieces back to the heap. */
SW_API void sw_arena_clear(struct sw_arena *arena);

/* The piece; it stays where it is until the arena is cleared. */
static inline void *sw_arena_at(const struct sw_arena *arena, uint32_t number)
{
	return arena->chunks[(number - 1) >> SW_ARENA_CHUNK_SHIFT].begin +
	       (size_t)((number - 1) & ((1u << SW_ARENA_CHUNK_SHIFT) - 1)) * SW_ARENA_UNIT;
}

SW_END_DECLS

#endif

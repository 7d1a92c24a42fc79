/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_SLAB_H
#define SW_OPERATORS_SLAB_H

#include "runtime/heap.h"

/*
 * Entries of one size by number, from 1 on, in chunks that never move: what maps' values point at.
 * In the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

#define SW_SLAB_CHUNK_SHIFT 8 /* entries of a chunk: 256 */

struct sw_slab {
	struct sw_heap *heap;
	size_t entry_bytes;
	char **chunks;
	uint32_t chunk_count, chunk_capacity;
	uint32_t used; /* the highest number ever given; 0: none */
	uint32_t free; /* the first of a list of those given back; 0: none */
	uint32_t live; /* entries in use */
};

/* entry_bytes >= 4, rounded up to a multiple of 8. */
SW_API void sw_slab_init(struct sw_slab *slab, struct sw_heap *heap, size_t entry_bytes);
/* A zeroed entry's number; 0: the heap's limit is reached (or 2^32 - 1 entries are). */
SW_API SW_MUST_CHECK uint32_t sw_slab_take(struct sw_slab *slab);
SW_API void sw_slab_give(struct sw_slab *slab, uint32_t number);

/* The entry; it stays where it is until it is given back. */
static inline void *sw_slab_at(const struct sw_slab *slab, uint32_t number)
{
	return slab->chunks[(number - 1) >> SW_SLAB_CHUNK_SHIFT] +
	       ((number - 1) & ((1u << SW_SLAB_CHUNK_SHIFT) - 1)) * slab->entry_bytes;
}

SW_END_DECLS

#endif

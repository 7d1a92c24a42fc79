/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_BEST_KEYS_PRIVATE_H
#define SW_OPERATORS_BEST_KEYS_PRIVATE_H

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "runtime/heap.h"

/* The keys with the highest count so far. All zero is none; freed with its heap, the same in all
 * calls. */
struct best_keys {
	int64_t count; /* theirs; what has less of it is not looked at */
	int64_t *keys;
	size_t used, capacity;
};

#define BEST_KEYS_FIRST 4u

static inline int best_keys_make_room(struct best_keys *best, struct sw_heap *heap)
{
	size_t capacity = best->capacity ? 2 * best->capacity : BEST_KEYS_FIRST;
	int64_t *grown;

	if (best->used < best->capacity)
		return 0;
	grown = sw_heap_alloc(heap, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (best->used > 0)
		memcpy(grown, best->keys, best->used * sizeof(*grown));
	sw_heap_free(heap, best->keys, best->capacity * sizeof(*grown));
	best->keys = grown;
	best->capacity = capacity;
	return 0;
}

/* 0, or -ENOMEM: the heap's limit is reached. */
static inline int best_keys_add(
	struct best_keys *best, struct sw_heap *heap, int64_t key, int64_t count)
{
	if (count < best->count)
		return 0;
	if (count > best->count)
		best->used = 0;
	if (best_keys_make_room(best, heap))
		return -ENOMEM;
	best->count = count;
	best->keys[best->used++] = key;
	return 0;
}

/* None any more, and none to come whose count is below `least`. */
static inline void best_keys_clear(struct best_keys *best, int64_t least)
{
	best->count = least;
	best->used = 0;
}

#endif

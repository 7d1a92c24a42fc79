/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_HEAP_H
#define SW_RUNTIME_HEAP_H

#include "runtime/memory.h"

/*
 * Memory for an operator's state: address space reserved once, at the start, handed out in pieces
 * without malloc, lock or system call (the machine adds pages as they are first touched). What is
 * freed is used again for pieces of its size; nothing goes back to the machine before destroy. One
 * thread at a time.
 */

SW_BEGIN_DECLS

struct sw_heap;

/* Bytes behind a piece that its thread may read, whatever is there. */
#define SW_HEAP_SLACK ((size_t)64)

struct sw_heap_options {
	size_t reserve_bytes; /* most it can ever hold; address space, not memory */
	int node;             /* -1: any */
	enum sw_huge_pages huge_pages;
	/* Asked before the heap takes `bytes` more of its reserve; other than 0: refused, and the
	 * allocation fails. Null: always granted. */
	int (*grow)(void *context, size_t bytes);
	void *context;
};

/* Null when the address space cannot be had. Set-up only, like destroy (null is fine). */
SW_API struct sw_heap *sw_heap_create(const struct sw_heap_options *options);
SW_API void sw_heap_destroy(struct sw_heap *heap);

/*
 * A piece of memory of undefined content, aligned to 64 bytes above 1 KiB, else to 16. bytes > 0.
 * Null: the limit is reached. Cost: constant, and for a piece that was never used the pages' first
 * touch.
 */
SW_API void *sw_heap_alloc(struct sw_heap *heap, size_t bytes);
/* The same, all zero (fresh memory costs nothing more). */
SW_API void *sw_heap_zalloc(struct sw_heap *heap, size_t bytes);
/* Takes a piece back; bytes as allocated. Null is fine. */
SW_API void sw_heap_free(struct sw_heap *heap, void *piece, size_t bytes);
/* The room that an allocation of `bytes` really has, and may use if it is then freed with it. */
SW_API size_t sw_heap_room(size_t bytes);

/* Taken of the reserve so far; never falls. */
SW_API size_t sw_heap_bytes(const struct sw_heap *heap);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Pieces of a reserved range. Sizes are rounded up to classes: multiples of 16 up to 1 KiB, then
 * four to each power of two, so at most a fifth is lost. Each class has a list of free pieces;
 * without one, the piece is cut from the range's untouched rest. Nothing is split or joined: state
 * grows by tables of doubling size and by entries of equal size, for which that is enough.
 */

#include "runtime/heap.h"

#include <stdint.h>
#include <string.h>

#define SMALL_STEP    16u
#define SMALL_MAX     1024u
#define SMALL_CLASSES (SMALL_MAX / SMALL_STEP)
#define STEPS         4u /* classes to a power of two */
#define LARGE_SHIFT   10 /* of SMALL_MAX */
#define LARGE_CLASSES ((48 - LARGE_SHIFT) * STEPS)
#define GRANT_BYTES   ((size_t)4 << 10) /* asked for at once */
#define LINE          ((size_t)64)

struct piece {
	struct piece *next;
};

struct sw_heap {
	char *begin;
	size_t reserve;
	size_t used;    /* cut off */
	size_t granted; /* by the owner */
	size_t mapped_bytes;
	int (*grow)(void *context, size_t bytes);
	void *context;
	struct piece *free[SMALL_CLASSES + LARGE_CLASSES];
};

/* The class of a size, and the bytes of its pieces. */
static unsigned class_of(size_t bytes, size_t *rounded)
{
	unsigned shift, step;
	size_t unit;

	if (bytes <= SMALL_MAX) {
		*rounded = (bytes + SMALL_STEP - 1) & ~(size_t)(SMALL_STEP - 1);
		return (unsigned)(*rounded / SMALL_STEP) - 1;
	}
	/* bytes is in (2^shift, 2^(shift + 1)]. */
	shift = 63 - (unsigned)__builtin_clzll(bytes - 1);
	unit = ((size_t)1 << shift) / STEPS;
	step = (unsigned)((bytes - ((size_t)1 << shift) + unit - 1) / unit);
	*rounded = ((size_t)1 << shift) + step * unit;
	return SMALL_CLASSES + (shift - LARGE_SHIFT) * STEPS + step - 1;
}

struct sw_heap *sw_heap_create(const struct sw_heap_options *options)
{
	size_t head = (sizeof(struct sw_heap) + LINE - 1) & ~(LINE - 1), bytes;
	struct sw_heap *heap;
	char *block;

	if (__builtin_add_overflow(options->reserve_bytes, head + SW_HEAP_SLACK, &bytes) ||
		bytes >> 47)
		return NULL;
	block = sw_memory_reserve(bytes, options->node, options->huge_pages);
	if (!block)
		return NULL;
	heap = (struct sw_heap *)(void *)block;
	heap->begin = block + head;
	heap->reserve = options->reserve_bytes;
	heap->mapped_bytes = bytes;
	heap->grow = options->grow;
	heap->context = options->context;
	return heap;
}

void sw_heap_destroy(struct sw_heap *heap)
{
	if (heap)
		sw_memory_release(heap, heap->mapped_bytes);
}

/* The owner is asked for rounder amounts than are needed: that is rarer. */
static bool grant(struct sw_heap *heap, size_t until)
{
	size_t more = (until - heap->granted + GRANT_BYTES - 1) & ~(GRANT_BYTES - 1);

	if (until > heap->reserve)
		return false;
	if (more > heap->reserve - heap->granted)
		more = heap->reserve - heap->granted;
	if (heap->grow && heap->grow(heap->context, more))
		return false;
	heap->granted += more;
	return true;
}

static void *cut(struct sw_heap *heap, size_t rounded)
{
	size_t align = rounded <= SMALL_MAX ? SMALL_STEP : LINE;
	size_t at = (heap->used + align - 1) & ~(align - 1);

	if (rounded > heap->reserve || at > heap->reserve - rounded)
		return NULL;
	if (at + rounded > heap->granted && !grant(heap, at + rounded))
		return NULL;
	heap->used = at + rounded;
	return heap->begin + at;
}

/* What was freed long ago has left the caches: it is fetched before it is taken. */
SW_FETCHES void prefetch_piece(const struct piece *piece, size_t rounded)
{
	for (size_t i = 0; piece && i < rounded; i += LINE)
		__builtin_prefetch((const char *)piece + i, 1);
}

static void *take(struct sw_heap *heap, size_t bytes, bool zero)
{
	size_t rounded;
	unsigned class;
	struct piece *piece;

	if (bytes == 0 || bytes >> 47)
		return NULL;
	class = class_of(bytes, &rounded);
	piece = heap->free[class];
	if (!piece)
		return cut(heap, rounded); /* fresh: all zero */
	heap->free[class] = piece->next;
	if (rounded <= SMALL_MAX)
		prefetch_piece(piece->next, rounded);
	return zero ? memset(piece, 0, rounded) : piece;
}

void *sw_heap_alloc(struct sw_heap *heap, size_t bytes)
{
	return take(heap, bytes, false);
}

void *sw_heap_zalloc(struct sw_heap *heap, size_t bytes)
{
	return take(heap, bytes, true);
}

void sw_heap_free(struct sw_heap *heap, void *pointer, size_t bytes)
{
	struct piece *piece = pointer;
	size_t rounded;
	unsigned class;

	if (!piece)
		return;
	class = class_of(bytes, &rounded);
	piece->next = heap->free[class];
	heap->free[class] = piece;
}

size_t sw_heap_room(size_t bytes)
{
	size_t rounded;

	class_of(bytes, &rounded);
	return rounded;
}

size_t sw_heap_bytes(const struct sw_heap *heap)
{
	return heap->used;
}

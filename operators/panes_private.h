/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PANES_PRIVATE_H
#define SW_OPERATORS_PANES_PRIVATE_H

#include <stdint.h>
#include <string.h>

#include "runtime/heap.h"

/*
 * The open windows of one instance, in order of their start. An operator's pane begins with a
 * struct pane. Closed panes are kept for the next windows, with whatever memory they hold. All of
 * it is freed with the heap.
 */

struct pane {
	int64_t start;
	struct pane *next; /* in the list of free ones */
};

struct panes {
	struct sw_heap *heap;
	struct pane **open;
	uint32_t count, capacity;
	uint32_t last; /* index of the last one that was found */
	struct pane *free;
};

static inline void panes_init(struct panes *panes, struct sw_heap *heap)
{
	*panes = (struct panes){ .heap = heap };
}

/* The index of the first pane that starts at or after `start`. */
static inline uint32_t panes_search(const struct panes *panes, int64_t start)
{
	uint32_t low = 0, high = panes->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (panes->open[middle]->start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static inline bool panes_grow(struct panes *panes)
{
	uint32_t capacity = panes->capacity ? 2 * panes->capacity : 16;
	struct pane **grown = sw_heap_alloc(panes->heap, capacity * sizeof(*grown));

	if (!grown)
		return false;
	if (panes->count > 0)
		memcpy(grown, panes->open, panes->count * sizeof(*grown));
	sw_heap_free(panes->heap, panes->open, panes->capacity * sizeof(*grown));
	panes->open = grown;
	panes->capacity = capacity;
	return true;
}

static inline struct pane *panes_insert(
	struct panes *panes, uint32_t index, int64_t start, size_t pane_bytes)
{
	struct pane *pane = panes->free;

	if (panes->count == panes->capacity && !panes_grow(panes))
		return NULL;
	if (pane)
		panes->free = pane->next;
	else
		pane = sw_heap_zalloc(panes->heap, pane_bytes);
	if (!pane)
		return NULL;
	pane->start = start;
	memmove(panes->open + index + 1, panes->open + index,
		(panes->count - index) * sizeof(struct pane *));
	panes->open[index] = pane;
	panes->count++;
	panes->last = index;
	return pane;
}

/* The pane that starts at `start`; a new one is all zero, or as panes_close left it. Null: the
 * heap's limit is reached. */
static inline struct pane *panes_get(struct panes *panes, int64_t start, size_t pane_bytes)
{
	uint32_t index = panes->last;

	if (index < panes->count && panes->open[index]->start == start)
		return panes->open[index];
	index = panes_search(panes, start);
	if (index < panes->count && panes->open[index]->start == start) {
		panes->last = index;
		return panes->open[index];
	}
	return panes_insert(panes, index, start, pane_bytes);
}

/* Takes the first `count` panes, emptied by the operator, out of the open ones. */
static inline void panes_close(struct panes *panes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		panes->open[i]->next = panes->free;
		panes->free = panes->open[i];
	}
	panes->count -= count;
	if (panes->count > 0)
		memmove(panes->open, panes->open + count, panes->count * sizeof(struct pane *));
	panes->last = 0;
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PANES_PRIVATE_H
#define SW_OPERATORS_PANES_PRIVATE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * The open windows of one instance, in order of their start. An operator's pane begins with a
 * struct pane. Closed panes are kept for the next windows, with whatever memory they hold.
 */

struct pane {
	int64_t start;
	struct pane *next; /* in the list of free ones */
};

struct panes {
	struct pane **open;
	uint32_t count, capacity;
	uint32_t last; /* index of the last one that was found */
	struct pane *free;
};

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

static inline struct pane *panes_insert(
	struct panes *panes, uint32_t index, int64_t start, size_t pane_bytes)
{
	struct pane *pane = panes->free;

	if (panes->count == panes->capacity) {
		uint32_t capacity = panes->capacity ? 2 * panes->capacity : 16;
		struct pane **grown = realloc(panes->open, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		panes->open = grown;
		panes->capacity = capacity;
	}
	if (pane)
		panes->free = pane->next;
	else
		pane = calloc(1, pane_bytes);
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

/* The pane that starts at `start`; a new one is all zero, or as panes_close left it. Null: memory
 * is out. */
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

/* Frees all panes, each after its operator's own part. */
static inline void panes_fini(struct panes *panes, void (*fini)(struct pane *pane))
{
	panes_close(panes, panes->count);
	while (panes->free) {
		struct pane *pane = panes->free;

		panes->free = pane->next;
		fini(pane);
		free(pane);
	}
	free(panes->open);
	memset(panes, 0, sizeof(*panes));
}

#endif

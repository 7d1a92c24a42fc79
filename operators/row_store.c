/* SPDX-License-Identifier: MIT */
#include "operators/row_store.h"

#include <string.h>

#define ROWS_FIRST 16u

static bool grow(struct sw_row_store *store, struct sw_heap *heap)
{
	size_t capacity = store->capacity ? 2 * store->capacity : ROWS_FIRST;
	struct sw_row **grown = sw_heap_alloc(heap, capacity * sizeof(*grown));

	if (!grown)
		return false;
	if (store->count > 0)
		memcpy(grown, store->rows, store->count * sizeof(*grown));
	sw_heap_free(heap, store->rows, store->capacity * sizeof(*grown));
	store->rows = grown;
	store->capacity = capacity;
	return true;
}

bool sw_row_store_append(struct sw_row_store *store, struct sw_heap *heap,
	const struct sw_row_layout *layout, const struct sw_batch *batch, uint32_t row)
{
	struct sw_row *copy;

	if (store->count == store->capacity && !grow(store, heap))
		return false;
	copy = sw_row_copy(layout, heap, batch, row);
	if (!copy)
		return false;
	store->rows[store->count++] = copy;
	return true;
}

void sw_row_store_clear(struct sw_row_store *store, struct sw_heap *heap)
{
	for (size_t i = 0; i < store->count; i++)
		sw_row_free(heap, store->rows[i]);
	store->count = 0;
}

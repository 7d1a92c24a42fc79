/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ROW_STORE_H
#define SW_OPERATORS_ROW_STORE_H

#include "operators/row.h"

/*
 * Rows that an operator keeps: appended one by one, read in order, cleared all at once. In the
 * caller's memory (all zero is empty); one thread; freed with its heap, the same in all calls.
 */

SW_BEGIN_DECLS

struct sw_row_store {
	struct sw_row **rows;
	size_t count, capacity;
};

/* Copies a physical row. False: the heap's limit is reached. */
SW_API SW_MUST_CHECK bool sw_row_store_append(struct sw_row_store *store, struct sw_heap *heap,
	const struct sw_row_layout *layout, const struct sw_batch *batch, uint32_t row);
/* Forgets the rows; their memory is the heap's again. */
SW_API void sw_row_store_clear(struct sw_row_store *store, struct sw_heap *heap);

SW_END_DECLS

#endif

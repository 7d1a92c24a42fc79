/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ROW_STORE_H
#define SW_OPERATORS_ROW_STORE_H

#include "runtime/batch.h"

/*
 * Rows that an operator keeps: appended one by one, read in order, cleared all at once. In the
 * caller's memory (all zero is empty); one thread at a time. Text is copied.
 */

SW_BEGIN_DECLS

struct sw_row_store {
	struct sw_batch **chunks;
	uint32_t chunk_count; /* that exist */
	uint32_t chunks_used; /* the last of them is being filled */
	size_t bytes;         /* of all chunks, about */
};

/* Copies a physical row; the store's rows all have the batch's schema. False: memory is out. */
SW_API SW_MUST_CHECK bool sw_row_store_append(
	struct sw_row_store *store, const struct sw_batch *batch, uint32_t row);
/* Forgets the rows, keeps the memory. */
SW_API void sw_row_store_clear(struct sw_row_store *store);
SW_API void sw_row_store_fini(struct sw_row_store *store);

SW_END_DECLS

#endif

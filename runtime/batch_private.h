/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_BATCH_PRIVATE_H
#define SW_RUNTIME_BATCH_PRIVATE_H

#include "runtime/batch.h"

/* How a batch lies in its block: the struct itself, the selection's space, then the columns. */

SW_BEGIN_DECLS

/* Bytes of a block for such a batch, a multiple of SW_CACHE_LINE; 0: impossible sizes. text_bytes
 * as for sw_batch_create. */
size_t sw_batch_block_bytes(const struct sw_schema *schema, uint32_t rows_max, size_t text_bytes);

/* Sets schema and columns of a batch in its block (as at the start, whatever was done to them) and
 * empties it. Pool, block and dispose stay. */
void sw_batch_place(struct sw_batch *batch, const struct sw_schema *schema, uint32_t rows_max,
	size_t text_bytes);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_SELECTION_PRIVATE_H
#define SW_NEXMARK_SELECTION_PRIVATE_H

#include "runtime/batch.h"

/* Selects those of the rows that count whose mark is set; keep has one for each physical row. */
static inline void select_kept(struct sw_batch *batch, const bool *keep)
{
	uint32_t rows = sw_batch_count(batch), count = 0;

	/* A selection is narrowed where it stands: `count` never passes `i`. */
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, i);

		batch->selection_space[count] = (uint16_t)row;
		count += keep[row];
	}
	batch->selected = batch->selection_space;
	batch->selected_rows = count;
}

#endif

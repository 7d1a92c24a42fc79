/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_SELECTION_PRIVATE_H
#define SW_NEXMARK_SELECTION_PRIVATE_H

#include "runtime/batch.h"

/* Does a physical row stay? */
typedef bool (*keeps_fn)(const void *context, uint32_t row);

/*
 * Narrows the selection to the rows that stay, without a branch: each row is written, and stays
 * when the next one does not take its place. A selection is narrowed where it stands: `count` never
 * passes `i`. Part of its caller, and so is `keeps`: a loop of its own for each question.
 */
__attribute__((always_inline)) static inline void select_rows(
	struct sw_batch *batch, keeps_fn keeps, const void *context)
{
	uint16_t *selected = batch->selection_space;
	uint32_t rows = sw_batch_count(batch), count = 0;

	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, i);

		selected[count] = (uint16_t)row;
		count += keeps(context, row);
	}
	batch->selected = selected;
	batch->selected_rows = count;
}

static inline bool is_marked(const void *marks, uint32_t row)
{
	return ((const bool *)marks)[row];
}

/* Selects those of the rows that count whose mark is set; there is one for each physical row. */
static inline void select_marked(struct sw_batch *batch, const bool *marks)
{
	select_rows(batch, is_marked, marks);
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TOP_N_PRIVATE_H
#define SW_OPERATORS_TOP_N_PRIVATE_H

#include "operators/packed_row_private.h"
#include "operators/top_n.h"

/* The rows that a top keeps, and how they become results (top_n_rows.c). */

struct top_row {
	int64_t order;           /* the value that orders them; not among the packed numbers */
	struct packed_row *rest; /* SEQ is its first number */
};

#define TOP_ROW_SEQ 0

enum top_source { TOP_ORDER, TOP_NUMBER, TOP_TEXT };

/* A column of the result. */
struct top_column {
	enum top_source source;
	uint32_t index; /* among the row's numbers or texts */
};

struct top_layout {
	uint32_t columns;
	unsigned order; /* column of the input */
	struct top_column of_result[SW_TOP_N_COLUMNS_MAX];
	struct packed_layout rest;
};

void top_layout_init(struct top_layout *layout, const struct sw_top_n_config *config);

/* A copy of a physical row. Its rest is null where packed_row_keep gives null. */
static inline struct top_row top_row_keep(
	struct top_layout *layout, struct sw_heap *heap, const struct sw_batch *batch, uint32_t row)
{
	return (struct top_row){ ((const int64_t *)batch->columns[layout->order].data)[row],
		packed_row_keep(&layout->rest, heap, batch, row) };
}

static inline void top_row_free(
	const struct top_layout *layout, struct sw_heap *heap, struct top_row row)
{
	packed_row_free(&layout->rest, heap, row.rest);
}

static inline int64_t top_row_seq(const struct top_row *row)
{
	return packed_numbers(row->rest)[TOP_ROW_SEQ];
}

/* Are they the same in the result? */
bool top_row_same(const struct top_layout *layout, struct top_row a, struct top_row b);
/* An empty batch for results: texts that all rows have as codes will be codes there, too. */
void top_batch_begin(const struct top_layout *layout, struct sw_batch *batch);
/* Writes a row's columns as the batch's next row, without counting it; false: a text does not fit.
 */
bool top_row_put(const struct top_layout *layout, struct top_row row, struct sw_batch *batch);

#endif

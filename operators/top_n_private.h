/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TOP_N_PRIVATE_H
#define SW_OPERATORS_TOP_N_PRIVATE_H

#include "operators/top_n.h"

/*
 * The rows that a top keeps (top_n_rows.c). There are as many as there is memory for, so they are
 * packed: the numbers, then for each text where its bytes end (or its code in the column's
 * dictionary), then the bytes. The value that orders them is not among the numbers, for it stands
 * beside the row.
 */

struct top_row {
	int64_t order;
	int64_t *numbers; /* the packed row; that of SEQ first */
};

#define TOP_ROW_SEQ 0

enum top_source { TOP_ORDER, TOP_NUMBER, TOP_TEXT };

/* A column of the result. */
struct top_column {
	enum top_source source;
	uint32_t index; /* among the row's numbers or texts */
};

struct top_layout {
	uint32_t numbers, texts, columns;
	unsigned order; /* input columns of all these */
	unsigned number_columns[SW_TOP_N_COLUMNS_MAX + 1], text_columns[SW_TOP_N_COLUMNS_MAX];
	struct top_column of_result[SW_TOP_N_COLUMNS_MAX];
	/* Of each text whose column came as codes: the first dictionary met, the only one by which
	 * rows are coded. */
	const struct sw_dictionary *dictionaries[SW_TOP_N_COLUMNS_MAX];
	uint32_t uncoded; /* mask of the texts that some row has as bytes */
};

void top_layout_init(struct top_layout *layout, const struct sw_top_n_config *config);
/* A packed copy of a physical row; numbers are null: the heap's limit is reached, or the row's
 * texts pass 2^31 bytes. */
struct top_row top_row_keep(struct top_layout *layout, struct sw_heap *heap,
	const struct sw_batch *batch, uint32_t row);
void top_row_free(const struct top_layout *layout, struct sw_heap *heap, struct top_row row);
/* Are they the same in the result? */
bool top_row_same(const struct top_layout *layout, struct top_row a, struct top_row b);
/* An empty batch for results: texts that all rows have as codes will be codes there, too. */
void top_batch_begin(const struct top_layout *layout, struct sw_batch *batch);
/* Writes a row's columns as the batch's next row, without counting it; false: a text does not fit.
 */
bool top_row_put(const struct top_layout *layout, struct top_row row, struct sw_batch *batch);

#endif

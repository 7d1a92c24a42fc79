/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ROW_WRITER_H
#define SW_OPERATORS_ROW_WRITER_H

#include "runtime/operator.h"

/*
 * Rows into an output's batches, one by one: takes a new batch where one is full. For operators
 * whose results are few; hot loops write columns themselves, and only ask for room. On the
 * instance's thread, within one call of the operator: begin, any number of rows, end.
 */

SW_BEGIN_DECLS

/* A value of any type: number, or text for SW_TEXT. */
union sw_value {
	int64_t number;
	struct sw_text text;
};

/* A row in two parts: its first columns, and 64-bit numbers for those behind them. */
struct sw_row_parts {
	const union sw_value *values;
	const int64_t *numbers;
};

struct sw_row_writer {
	struct sw_instance *self;
	unsigned output;
	int64_t watermark;      /* that batches of a changelog carry */
	struct sw_batch *batch; /* being filled; null: none */
};

static inline void sw_row_writer_begin(
	struct sw_row_writer *writer, struct sw_instance *self, unsigned output, int64_t watermark)
{
	*writer = (struct sw_row_writer){ self, output, watermark, NULL };
}

/*
 * One row: a value for each column of the result (text is copied), and for a changelog what it
 * does. 0; -ECANCELED when the graph is being cancelled (return 0 from the operator then);
 * -EMSGSIZE, with the message set, for text that does not fit an empty batch.
 */
SW_API SW_MUST_CHECK int sw_row_write(
	struct sw_row_writer *writer, const union sw_value *values, enum sw_change change);
/* Both rows of an update into one batch of a changelog; values: the result's columns that have one,
 * those behind them are of 64 bits. False: nothing is written, they do not both fit the batch, or
 * the graph is being cancelled; sw_row_write, row by row, says which. */
SW_API SW_MUST_CHECK bool sw_row_try_update(struct sw_row_writer *writer, uint32_t values,
	struct sw_row_parts before, struct sw_row_parts after);
/* A batch with room for one row, which the caller writes and counts; null: the graph is being
 * cancelled. */
SW_API struct sw_batch *sw_row_writer_room(struct sw_row_writer *writer);
/* Sends what is left. */
SW_API void sw_row_writer_end(struct sw_row_writer *writer);

SW_END_DECLS

#endif

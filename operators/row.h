/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_ROW_H
#define SW_OPERATORS_ROW_H

#include "runtime/batch.h"
#include "runtime/heap.h"

/*
 * A row that an operator keeps: one piece of its heap, with the row's numbers and plain texts.
 * Text of a dictionary is not copied, for dictionaries outlive the graph. One thread.
 */

SW_BEGIN_DECLS

struct sw_row;

/* Where the columns of a schema lie in its rows. */
struct sw_row_layout {
	uint32_t columns;
	uint32_t fixed_bytes;        /* all but the texts */
	uint32_t texts;              /* mask of the text columns */
	uint16_t at[SW_COLUMNS_MAX]; /* offsets */
};

SW_API void sw_row_layout_init(struct sw_row_layout *layout, const struct sw_schema *schema);
/* A copy of a physical row; null: the heap's limit is reached. */
SW_API SW_MUST_CHECK struct sw_row *sw_row_copy(const struct sw_row_layout *layout,
	struct sw_heap *heap, const struct sw_batch *batch, uint32_t row);
SW_API void sw_row_free(struct sw_heap *heap, struct sw_row *row); /* null is fine */

static inline int64_t sw_row_int64(
	const struct sw_row_layout *layout, const struct sw_row *row, unsigned column)
{
	return *(const int64_t *)(const void *)((const char *)row + layout->at[column]);
}

/* Borrowed from the row (or a dictionary). */
static inline struct sw_text sw_row_text(
	const struct sw_row_layout *layout, const struct sw_row *row, unsigned column)
{
	return *(const struct sw_text *)(const void *)((const char *)row + layout->at[column]);
}

SW_END_DECLS

#endif

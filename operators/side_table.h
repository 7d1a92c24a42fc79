/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_SIDE_TABLE_H
#define SW_OPERATORS_SIDE_TABLE_H

#include "runtime/batch.h"

/*
 * A table of texts by a 64-bit key, made before a graph starts and never changed while it runs, so
 * that all workers share it. A key may have several rows.
 */

SW_BEGIN_DECLS

#define SW_SIDE_ROWS_MAX  (1u << 22)
#define SW_SIDE_BYTES_MAX ((size_t)INT32_MAX) /* of all texts together */

struct sw_side_table;

/* Rows of one key: entries first .. first + count - 1 of the table's dictionary, as added. */
struct sw_side_rows {
	uint32_t first, count;
};

SW_API struct sw_side_table *sw_side_table_create(void);        /* null: memory is out */
SW_API void sw_side_table_destroy(struct sw_side_table *table); /* null is fine */
/* Copies the value. 0, -ENOMEM, or -E2BIG at one of the limits. Not after seal. */
SW_API SW_MUST_CHECK int sw_side_table_add(
	struct sw_side_table *table, int64_t key, struct sw_text value);
/* After the last row, before the first look. 0 or -ENOMEM. */
SW_API SW_MUST_CHECK int sw_side_table_seal(struct sw_side_table *table);

/* Of a sealed table; any thread. */
SW_API struct sw_side_rows sw_side_table_find(const struct sw_side_table *table, int64_t key);
/* Values of all rows, borrowed from the table. */
SW_API const struct sw_dictionary *sw_side_table_values(const struct sw_side_table *table);
SW_API size_t sw_side_table_bytes(const struct sw_side_table *table);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_EQUI_JOIN_H
#define SW_OPERATORS_EQUI_JOIN_H

#include "runtime/operator.h"

/*
 * The unbounded inner join of two or three inputs on one key: every combination of rows with the
 * same key, one of each input, is given once, as soon as the last of its rows has come. Rows that
 * may still find partners are kept for ever. Keys are SW_INT64 (or times), other columns numbers of
 * 64 bits or text. Stages with this operator are keyed by that column.
 */

SW_BEGIN_DECLS

#define SW_EQUI_JOIN_INPUTS_MAX 3

/* Where a column of the output comes from. */
struct sw_equi_join_column {
	uint8_t input, column;
};

struct sw_equi_join_config {
	unsigned inputs;                      /* 2 or 3 */
	uint8_t key[SW_EQUI_JOIN_INPUTS_MAX]; /* the key's column in each */
	/* Mask of inputs that have no key twice. What can then find no more partners is forgotten.
	 */
	unsigned unique;
	/* If set, rows of input 0, which has to be unique, only join where this column has the
	 * value; of a key whose row has another nothing is kept. */
	bool only;
	uint8_t only_column;
	int64_t only_value;
	const struct sw_schema *out;
	struct sw_equi_join_column from[SW_COLUMNS_MAX]; /* of each column of `out` */
};

/* Config: struct sw_equi_join_config, borrowed. */
SW_API extern const struct sw_operator sw_equi_join;

SW_END_DECLS

#endif

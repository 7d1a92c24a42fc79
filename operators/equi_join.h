/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_EQUI_JOIN_H
#define SW_OPERATORS_EQUI_JOIN_H

#include "runtime/operator.h"

/*
 * The unbounded inner join of two or three inputs on one key: every combination of rows with the
 * same key, one of each input, is given once, as soon as the last of its rows has come. Rows that
 * may still find partners are kept for ever. Keys are SW_INT64 (or times), other columns numbers of
 * 64 bits or text. Stages with this operator are keyed by that column. A text whose rows all came
 * as codes of one dictionary is given as codes, if the output's batches have room for them.
 *
 * Or, with two inputs, rows of the first are kept apart: a stage of sw_equi_join_keep before it
 * keeps each where it is made and gives its key and where it is, which is broadcast to all
 * instances of the join. The second input then need not be exchanged: worth it where that has many
 * rows and the first few. Rows are read by other threads than the one that made them, and never
 * change.
 */

SW_BEGIN_DECLS

#define SW_EQUI_JOIN_INPUTS_MAX 3
#define SW_EQUI_JOIN_KEPT       0 /* the input whose rows may be kept apart */

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
	/* Rows of input 0 are kept apart; no other input may be unique. */
	bool kept_apart;
	/* If set, rows kept apart, which have to be unique, only join where this column has the
	 * value; of a key whose row has another nothing is kept. */
	bool only;
	uint8_t only_column;
	int64_t only_value;
	const struct sw_schema *out;
	struct sw_equi_join_column from[SW_COLUMNS_MAX]; /* of each column of `out` */
};

/* Config of both, the same for one join: struct sw_equi_join_config, borrowed. */
SW_API extern const struct sw_operator sw_equi_join, sw_equi_join_keep;
/* What sw_equi_join_keep gives. Addresses: never to leave the process. */
SW_API extern const struct sw_schema sw_equi_join_kept_schema;

SW_END_DECLS

#endif

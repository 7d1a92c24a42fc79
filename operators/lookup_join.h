/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_LOOKUP_JOIN_H
#define SW_OPERATORS_LOOKUP_JOIN_H

#include "operators/side_table.h"
#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_lookup_join_config {
	const struct sw_side_table *table; /* sealed; borrowed until the graph is destroyed */
	unsigned key_column;               /* of the input: looked for in the table, and left out */
};

/*
 * Joins rows to a side table: for each row with a key the table has, one row per entry of it. The
 * input has 64-bit columns only. Output: the input's columns but the key, in their order, then the
 * value, whose dictionary in the output's schema has to be the table's. One input, however it is
 * routed; keeps nothing but the table, which counts as state once. Config: struct
 * sw_lookup_join_config.
 */
SW_API extern const struct sw_operator sw_lookup_join;

SW_END_DECLS

#endif

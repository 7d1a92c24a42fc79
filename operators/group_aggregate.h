/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_GROUP_AGGREGATE_H
#define SW_OPERATORS_GROUP_AGGREGATE_H

#include "operators/groups.h"

/*
 * Adds up partials of groups, and gives what that does to the groups' rows: a changelog, with at
 * most one change of a group for each watermark. Input columns: the keys, then the values, all
 * 64 bits; the stage is keyed by the first. A group's values are the sums, least or greatest of
 * its rows', and behind them the upper half of a sum of 128 bits. Output columns: as config's rows
 * says, then the change. Config: struct sw_group_aggregate_config. Not for values that have to be
 * known by time: rows of all times count.
 */

SW_BEGIN_DECLS

enum sw_group_op {
	SW_GROUP_SUM, /* over 64 bits it ends the graph: for counts */
	SW_GROUP_MIN,
	SW_GROUP_MAX,
	/* A sum of 128 bits (sw_group_wide), whatever the order of its rows: the value is its lower
	 * half, values[config's values] its upper. At most one of them. */
	SW_GROUP_WIDE_SUM,
};

struct sw_group_aggregate_config {
	unsigned keys;   /* 1..SW_GROUP_KEYS_MAX */
	unsigned values; /* 1..SW_GROUP_VALUES_MAX, of the input */
	enum sw_group_op ops[SW_GROUP_VALUES_MAX];
	unsigned live; /* a group has a row while this value of it is over 0 */
	/* Not 0: the last key numbers periods of this length (time / period_ms, rounded down), and
	 * no row comes for one that the watermark has passed: its groups are forgotten, their rows
	 * stay as they were given. */
	int64_t period_ms;
	struct sw_group_rows rows;
};

extern SW_API const struct sw_operator sw_group_aggregate;

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_INTERVAL_BEST_H
#define SW_OPERATORS_INTERVAL_BEST_H

#include "runtime/operator.h"

/*
 * Joins intervals of time (input 0) with points in time (input 1) of the same key, either first,
 * in any order, and keeps of each key the best point in one of its intervals, both ends inclusive:
 * of highest value, then of earliest time, then of lowest order; and of the intervals that it is
 * in, the one of lowest order. Both inputs are keyed by their key. Config: struct
 * sw_interval_best_config.
 */

SW_BEGIN_DECLS

enum sw_interval_gives {
	/* A changelog of rows, one a key: the best point and its interval. */
	SW_INTERVAL_CHANGES,
	/* The same, but a key has a row only when the watermark is past the row's interval. */
	SW_INTERVAL_CLOSED,
	/* What happened to sums over the keys' best values, by a column of the interval: rows of
	 * that column's value, what is to be added to the sum, and to the count; several where one
	 * does not hold what is to be added. A key is counted once for each value of that column
	 * among its intervals. */
	SW_INTERVAL_SUMS,
};

#define SW_INTERVAL_NO_ORDER UINT32_MAX /* all rows have the same */

struct sw_interval_best_config {
	/* Columns of the intervals. group: for SUMS. */
	struct sw_interval_columns {
		unsigned key, from, until, order, group;
	} intervals;
	struct sw_point_columns {
		unsigned key, time, value, order;
	} points;
	enum sw_interval_gives gives;
	/* No row comes below the watermark and no two intervals have the same key: then a point
	 * that waits for its interval is forgotten once the watermark has passed it, and an
	 * interval likewise. Without it everything is kept. */
	bool forgets;
	/* Without SUMS: the inputs' columns, and the result's: which input and column of it. */
	const struct sw_schema *schemas[2];
	unsigned columns;
	struct {
		uint8_t input, column;
	} from[SW_COLUMNS_MAX];
};

extern SW_API const struct sw_operator sw_interval_best;

SW_END_DECLS

#endif

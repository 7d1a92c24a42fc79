/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_MOVING_AVERAGE_H
#define SW_OPERATORS_MOVING_AVERAGE_H

#include "runtime/operator.h"

/*
 * Per key a row for each element of a sequence: the truncated average of its value and those of
 * the elements before it, some of them at most. The sequence is in order of time, then of id. The
 * input is a changelog of elements, keyed by key, where one producer gives all changes of an
 * element; it counts when the watermark is past its time. The output is a changelog of rows: id,
 * key, average. Config: struct sw_moving_average_config.
 */

SW_BEGIN_DECLS

#define SW_MOVING_AVERAGE_MAX 64

struct sw_moving_average_config {
	unsigned key, time, id, value; /* columns of the input; the last one is the change */
	unsigned window;               /* values of an average, 1..SW_MOVING_AVERAGE_MAX */
	/* No element comes, or is taken back, that the watermark has passed: then only what later
	 * averages need is kept. */
	bool forgets;
};

extern SW_API const struct sw_operator sw_moving_average;

SW_END_DECLS

#endif

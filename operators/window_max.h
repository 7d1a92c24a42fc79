/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_WINDOW_MAX_H
#define SW_OPERATORS_WINDOW_MAX_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_window_max_config {
	int64_t window_ms;    /* > 0 */
	unsigned value, time; /* input columns: SW_INT64, SW_TIME_MS */
	unsigned columns;     /* of the output */
	unsigned from[16];    /* input column of each output column */
};

/*
 * The rows with the highest value of each tumbling window, all of them if they tie. Keyed by its
 * first input column, the start of the window (SW_TIME_MS) that the row is a candidate for. The
 * maximum is that of the rows with start <= time < end; a row at time == end exactly is given too
 * if it equals it. So a window [s, e) is given when the watermark has passed e. Config: struct
 * sw_window_max_config.
 */
SW_API extern const struct sw_operator sw_window_max;

SW_END_DECLS

#endif

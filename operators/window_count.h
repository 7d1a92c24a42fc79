/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_WINDOW_COUNT_H
#define SW_OPERATORS_WINDOW_COUNT_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_window_count_config {
	int64_t window_ms; /* > 0 */
};

/*
 * Merges counts per key and tumbling window. Keyed by its first input column. A window [s, s + L)
 * is given when the watermark reaches its end. A count over 2^32 - 1 is an error. Config: struct
 * sw_window_count_config.
 *
 * Input (partials): key SW_INT64, start of the window SW_TIME_MS, count SW_INT64.
 * Output: key SW_INT64, count SW_INT64, start SW_TIME_MS, end SW_TIME_MS.
 */
SW_API extern const struct sw_operator sw_window_count;

SW_END_DECLS

#endif

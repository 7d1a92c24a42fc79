/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_WINDOW_BEST_H
#define SW_OPERATORS_WINDOW_BEST_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_window_best_config {
	int64_t window_ms; /* > 0 */
};

/*
 * Of what instances before it found best in a window, the best. Input: window start (SW_TIME_MS),
 * key, count; keyed by the window. Result: key, count, start, end of each key with the window's
 * highest count; given when the watermark reaches the window's end. Config: struct
 * sw_window_best_config.
 */
SW_API extern const struct sw_operator sw_window_best;

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_WINDOW_JOIN_H
#define SW_OPERATORS_WINDOW_JOIN_H

#include "runtime/operator.h"

/*
 * Who is in both inputs in the same window: input 0 has the columns key, label (text) and window
 * (its start), input 1 key and window. Given is each different (key, label, window) of input 0 for
 * which input 1 has (key, window), when the watermark reaches the window's end; the window's state
 * is freed then. Both inputs are keyed by their key column.
 */

SW_BEGIN_DECLS

struct sw_window_join_config {
	int64_t window_ms; /* length */
};

/* Config: struct sw_window_join_config, borrowed. */
SW_API extern const struct sw_operator sw_window_join;

SW_END_DECLS

#endif

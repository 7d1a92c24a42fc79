/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_HOP_COUNT_H
#define SW_OPERATORS_HOP_COUNT_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_hop_count_config {
	int64_t window_ms; /* a multiple of slide_ms */
	int64_t slide_ms;  /* > 0 */
};

/*
 * The keys counted most often in each hopping window, of those that this instance owns. Partials:
 * key (SW_INT64), start of a slice (SW_TIME_MS), which is slide_ms long, and count (> 0); keyed by
 * the key. Result: window start, key, count, for each key with the highest count; given when the
 * watermark reaches the window's end. A window without rows has none. Config: struct
 * sw_hop_count_config.
 */
SW_API extern const struct sw_operator sw_hop_count;

SW_END_DECLS

#endif

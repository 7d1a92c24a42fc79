/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_SESSION_COUNT_H
#define SW_OPERATORS_SESSION_COUNT_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_session_count_config {
	int64_t gap_ms; /* rows of a key that are at most so far apart are of one session; >= 0 */
};

/*
 * Counts per key and session. Partials: key, times of the first and the last of rows that belong
 * together, and how many they are; keyed by the key, in any order. Result: key, count, first, last
 * + gap; given when the watermark is past last + gap. Config: struct sw_session_count_config.
 */
SW_API extern const struct sw_operator sw_session_count;

SW_END_DECLS

#endif

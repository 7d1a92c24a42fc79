/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_QUERIES_PRIVATE_H
#define SW_NEXMARK_QUERIES_PRIVATE_H

#include "nexmark/query_private.h"

/* What the queries' files share: the spelling of schemas, and the kernels they define. */

#define FIELD_ID(column)                           \
	{                                          \
		.name = (column), .type = SW_INT64 \
	}
#define FIELD_TIME(column)                           \
	{                                            \
		.name = (column), .type = SW_TIME_MS \
	}
#define FIELD_DECIMAL3(column)                        \
	{                                             \
		.name = (column), .type = SW_DECIMAL3 \
	}
#define FIELD_TEXT(column, bytes)                                        \
	{                                                                \
		.name = (column), .type = SW_TEXT, .text_bytes = (bytes) \
	}

/* Typical bytes a row with the generator's defaults. */
#define BID_CHANNEL_BYTES 12
#define BID_URL_BYTES     88
#define BID_EXTRA_BYTES   84

#define WINDOW_MS 10000 /* q7, q12 */

extern const struct sw_kernel kernel_q0, kernel_q1, kernel_q2, kernel_q7, kernel_q12_arrival,
	kernel_q12_event, kernel_tokenize, kernel_tokens;

/* Start of the tumbling window that holds this time; windows start at multiples since 1970. */
static inline int64_t window_start(int64_t time_ms, int64_t window_ms)
{
	int64_t past = time_ms % window_ms;

	/* Unsigned: a function may be handed any time. */
	return (int64_t)((uint64_t)time_ms - (uint64_t)(past < 0 ? past + window_ms : past));
}

#endif

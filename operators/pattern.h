/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PATTERN_H
#define SW_OPERATORS_PATTERN_H

#include "operators/row_writer.h"

/*
 * Patterns in the rows of each key, a pair of numbers: a pattern is handed a key's rows in the
 * order of time, then seq, each once the watermark has passed its time, and gives what it has
 * matched.
 */

SW_BEGIN_DECLS

/* What a pattern's functions are called with. */
struct sw_pattern_call {
	struct sw_instance *self;
	struct sw_heap *heap; /* for what does not fit a state of fixed size */
	struct sw_row_writer writer;
	int64_t keys[2];
};

/* What a pattern remembers of a key. */
enum sw_pattern_memory {
	SW_PATTERN_FORGET, /* nothing: the state may go (with expire(): it is all zero again) */
	SW_PATTERN_KEEP,
};

struct sw_pattern {
	size_t state_bytes; /* of a key, zeroed; aligned to 8 bytes */
	/* Can this value begin anything in a key of which nothing is remembered? If not, take() is
	 * not called. Null: any can. */
	bool (*begins)(int64_t value);
	/* The key's next row. An enum sw_pattern_memory, or -errno of sw_pattern_give, or -ENOMEM,
	 * or of sw_instance_fail. */
	int (*take)(struct sw_pattern_call *call, void *state, int64_t time, int64_t value);
	/*
	 * For patterns in which a key's rows matter for a limited time; null: for ever. No row of
	 * the key before `now` is to come; *oldest: of the rows it still remembers, if it does. As
	 * take(). Called when the oldest row is `wait_ms` old or somewhat more.
	 */
	int (*expire)(struct sw_pattern_call *call, void *state, int64_t now, int64_t *oldest);
	int64_t wait_ms; /* > 0, at most 2^40 */
};

#define SW_PATTERN_VALUES_MAX 4

/* A match: the output's columns after the two of the key, all numbers. 0; -ECANCELED. */
SW_API SW_MUST_CHECK int sw_pattern_give(
	struct sw_pattern_call *call, const int64_t *values, unsigned count);

struct sw_pattern_config {
	unsigned key[2], value, time, seq; /* input columns */
	const struct sw_pattern *pattern;
};

/* Config: struct sw_pattern_config, borrowed. Its input is keyed by either column of the key. */
SW_API extern const struct sw_operator sw_pattern;

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_LINE_FOLD_H
#define SW_OPERATORS_LINE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/*
 * A multiset of lines: what a changelog comes to. On a thread that may allocate; one thread at a
 * time. In the caller's memory, all zero is empty.
 */

SW_BEGIN_DECLS

struct sw_fold_slot {
	uint64_t hash;
	uint64_t offset, count; /* count 0 with a size: was there once */
	uint32_t size;
	bool used;
};

struct sw_line_fold {
	struct sw_fold_slot *slots;
	size_t capacity, used; /* used: with those whose count is 0 */
	char *text;
	size_t text_bytes, text_capacity;
	size_t live_bytes; /* of lines whose count is not 0 */
};

/* 0 or -ENOMEM. Copies the line. */
SW_API SW_MUST_CHECK int sw_line_fold_add(
	struct sw_line_fold *fold, const char *line, size_t bytes);
/* 0; -ENOENT: there is no such line. */
SW_API SW_MUST_CHECK int sw_line_fold_remove(
	struct sw_line_fold *fold, const char *line, size_t bytes);
/* Calls `each` for every line, as often as it is there, in no order; stops at other than 0, and
 * returns that. */
SW_API SW_MUST_CHECK int sw_line_fold_each(const struct sw_line_fold *fold,
	int (*each)(void *context, const char *line, size_t bytes), void *context);
SW_API size_t sw_line_fold_bytes(const struct sw_line_fold *fold);
SW_API void sw_line_fold_fini(struct sw_line_fold *fold);

SW_END_DECLS

#endif

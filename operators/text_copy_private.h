/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TEXT_COPY_PRIVATE_H
#define SW_OPERATORS_TEXT_COPY_PRIVATE_H

#include <string.h>

#include "runtime/batch.h"

/* Copies of texts, most of them short, in blocks of fixed size: no branch depends on a short text's
 * size, which nothing predicts. */

/* Bytes past a text's end that text_copy may read, and write. */
#define TEXT_SLACK 32u

static inline void text_copy(char *to, struct sw_text text)
{
	const char *from = text.bytes;

	if (text.size <= 32) {
		memcpy(to, from, 32);
	} else if (text.size <= 128) {
		uint32_t last = text.size > 64 ? text.size - 64 : 0;

		memcpy(to, from, 64);
		memcpy(to + last, from + last, 64);
	} else {
		memcpy(to, from, text.size);
	}
}

/* Can the slack be read behind each text of a column of so many rows? */
static inline bool text_column_has_slack(const struct sw_column *column, uint32_t rows)
{
	return column->offsets &&
	       (uint64_t)column->offsets[rows] + TEXT_SLACK <= column->text_capacity;
}

#endif

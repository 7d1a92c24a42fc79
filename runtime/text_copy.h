/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_TEXT_COPY_H
#define SW_RUNTIME_TEXT_COPY_H

#include <string.h>

#include "runtime/batch.h"

/* Copies of texts, most of them short: without a call for each. */

SW_BEGIN_DECLS

/* Just the text. */
static inline void sw_text_copy(char *to, struct sw_text text)
{
	const char *from = text.bytes;
	const uint32_t size = text.size;
	uint64_t eight[2];
	uint32_t four[2];

	if (size >= sizeof(eight[0]) && size <= sizeof(eight)) {
		memcpy(&eight[0], from, sizeof(eight[0]));
		memcpy(&eight[1], from + size - sizeof(eight[1]), sizeof(eight[1]));
		memcpy(to, &eight[0], sizeof(eight[0]));
		memcpy(to + size - sizeof(eight[1]), &eight[1], sizeof(eight[1]));
	} else if (size >= sizeof(four[0]) && size <= sizeof(four)) {
		memcpy(&four[0], from, sizeof(four[0]));
		memcpy(&four[1], from + size - sizeof(four[1]), sizeof(four[1]));
		memcpy(to, &four[0], sizeof(four[0]));
		memcpy(to + size - sizeof(four[1]), &four[1], sizeof(four[1]));
	} else {
		memcpy(to, from, size);
	}
}

/* Bytes past a text's end that sw_text_copy_loose may read, and write. */
#define SW_TEXT_SLACK 32u

/* In blocks of fixed size: no branch depends on a short text's size, which nothing predicts. */
static inline void sw_text_copy_loose(char *to, struct sw_text text)
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
static inline bool sw_column_has_slack(const struct sw_column *column, uint32_t rows)
{
	return column->offsets &&
	       (uint64_t)column->offsets[rows] + SW_TEXT_SLACK <= column->text_capacity;
}

/* As sw_column_append_text. */
static inline bool sw_text_append(struct sw_column *column, uint32_t row, struct sw_text text)
{
	uint32_t begin = (uint32_t)column->offsets[row];

	if (text.size > column->text_capacity - begin)
		return false;
	sw_text_copy((char *)column->data + begin, text);
	column->offsets[row + 1] = (int32_t)(begin + text.size);
	return true;
}

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_TEXT_APPEND_H
#define SW_RUNTIME_TEXT_APPEND_H

#include <string.h>

#include "runtime/batch.h"

/* Texts that are mostly short into columns, without a call for each. */

SW_BEGIN_DECLS

/* As memcpy, without a call for a short text. */
static inline void sw_text_copy(char *to, const char *from, uint32_t size)
{
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

/* As sw_column_append_text. */
static inline bool sw_text_append(struct sw_column *column, uint32_t row, struct sw_text text)
{
	uint32_t begin = (uint32_t)column->offsets[row];

	if (text.size > column->text_capacity - begin)
		return false;
	sw_text_copy((char *)column->data + begin, text.bytes, text.size);
	column->offsets[row + 1] = (int32_t)(begin + text.size);
	return true;
}

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_LONG_TEXT_H
#define SW_TESTS_BURST_LONG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Megabytes that anybody can check, by copies and comparisons of whole pieces: sanitizers take
 * their time over single bytes. The period is prime, so that what is shifted is another text. */

enum { LONG_TEXT_PERIOD = 4099 };

static inline void long_text_piece(char piece[LONG_TEXT_PERIOD], uint64_t number)
{
	for (size_t i = 0; i < LONG_TEXT_PERIOD; i++)
		piece[i] = (char)((i * 31 >> 3) + number);
}

static inline void long_text_fill(void *to, size_t bytes, uint64_t number)
{
	char piece[LONG_TEXT_PERIOD];

	long_text_piece(piece, number);
	for (size_t at = 0; at < bytes; at += LONG_TEXT_PERIOD)
		memcpy((char *)to + at, piece,
			bytes - at < LONG_TEXT_PERIOD ? bytes - at : LONG_TEXT_PERIOD);
}

static inline bool long_text_is(const void *text, size_t bytes, uint64_t number)
{
	char piece[LONG_TEXT_PERIOD];

	long_text_piece(piece, number);
	for (size_t at = 0; at < bytes; at += LONG_TEXT_PERIOD) {
		if (memcmp((const char *)text + at, piece,
			    bytes - at < LONG_TEXT_PERIOD ? bytes - at : LONG_TEXT_PERIOD) != 0)
			return false;
	}
	return true;
}

#endif

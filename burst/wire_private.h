/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_WIRE_PRIVATE_H
#define SW_BURST_WIRE_PRIVATE_H

#include <assert.h>
#include <string.h>

#include "burst/wire.h"

/* Shared by wire.c (layout, header), wire_put.c and wire_get.c (columns, there and back). */

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they lie in memory");

enum {
	FRAME_FIXED_BYTES = 108,
	FRAME_COLUMN_BYTES = 8,
	FRAME_CRC_BYTES = 4,
	/* Dictionaries up to this many entries are remapped on the stack; bigger ones are resolved.
	 */
	FRAME_DICTIONARY_MAX = 16384,
};

enum frame_encoding {
	FRAME_PLAIN = 0,      /* integers of 4 or 8 bytes; text as lengths, then bytes */
	FRAME_NARROW = 1,     /* integers as base + unsigned of 0, 1, 2 or 4 bytes */
	FRAME_DICTIONARY = 2, /* text as distinct entries, then codes of 1 or 2 bytes */
};

/* Where the encoder writes; at never passes end. */
struct frame_writer {
	uint8_t *at, *end;
};

/* What the decoder may still read; at never passes end. */
struct frame_reader {
	const uint8_t *at, *end;
};

static inline void put_u16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

static inline void put_u32(uint8_t *to, uint32_t value)
{
	put_u16(to, (uint16_t)value);
	put_u16(to + 2, (uint16_t)(value >> 16));
}

static inline void put_u64(uint8_t *to, uint64_t value)
{
	put_u32(to, (uint32_t)value);
	put_u32(to + 4, (uint32_t)(value >> 32));
}

static inline uint16_t get_u16(const uint8_t *from)
{
	return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t get_u32(const uint8_t *from)
{
	return get_u16(from) | (uint32_t)get_u16(from + 2) << 16;
}

static inline uint64_t get_u64(const uint8_t *from)
{
	return get_u32(from) | (uint64_t)get_u32(from + 4) << 32;
}

/* Integers of 4 bytes; all others have 8. */
static inline bool frame_is_int32(const struct sw_column *column)
{
	return column->type == SW_INT32;
}

/* wire_put.c. False: does not fit. */
bool sw_frame_put_column(
	struct frame_writer *out, const struct sw_batch *batch, const struct sw_column *column);
/* The column's most bytes in a frame. */
size_t sw_frame_column_bound(const struct sw_batch *batch, const struct sw_column *column);
/* wire_get.c. 0, -EBADMSG, -EPROTO or -ENOSPC. Fills `rows` values of the column. */
int sw_frame_get_column(
	struct frame_reader *in, struct sw_column *column, uint32_t rows, struct sw_error *error);

/* Makes the whole frame that of another attempt, its CRC too. The frame is one of our own making.
 */
void sw_frame_set_attempt(void *frame, size_t bytes, uint32_t attempt);

#endif

/* SPDX-License-Identifier: MIT */
/* Columns out of a frame, whose every byte is hostile. The layout stands at the head of wire.c. */
#include <errno.h>

#include "burst/wire_private.h"

#define DEFINE_GET(NAME, TYPE)                                                                  \
	static void NAME##_get(                                                                 \
		const uint8_t *from, uint8_t width, int64_t base, uint32_t count, TYPE *values) \
	{                                                                                       \
		const uint64_t low = (uint64_t)base;                                            \
                                                                                                \
		switch (width) {                                                                \
		case 0:                                                                         \
			for (uint32_t i = 0; i < count; i++)                                    \
				values[i] = (TYPE)low;                                          \
			break;                                                                  \
		case 1:                                                                         \
			for (uint32_t i = 0; i < count; i++)                                    \
				values[i] = (TYPE)(low + from[i]);                              \
			break;                                                                  \
		case 2:                                                                         \
			for (uint32_t i = 0; i < count; i++) {                                  \
				uint16_t narrow;                                                \
                                                                                                \
				memcpy(&narrow, from + 2 * (size_t)i, 2);                       \
				values[i] = (TYPE)(low + narrow);                               \
			}                                                                       \
			break;                                                                  \
		default:                                                                        \
			for (uint32_t i = 0; i < count; i++) {                                  \
				uint32_t narrow;                                                \
                                                                                                \
				memcpy(&narrow, from + 4 * (size_t)i, 4);                       \
				values[i] = (TYPE)(low + narrow);                               \
			}                                                                       \
			break;                                                                  \
		}                                                                               \
	}

DEFINE_GET(int64, int64_t)
DEFINE_GET(int32, int32_t)

/* A length, a code or an offset; width 1, 2 or 4. */
static inline uint32_t get_narrow(const uint8_t *from, uint8_t width, uint32_t index)
{
	if (width == 1)
		return from[index];
	if (width == 2)
		return get_u16(from + 2 * (size_t)index);
	return get_u32(from + 4 * (size_t)index);
}

struct column_head {
	enum sw_type type;
	uint8_t encoding, width;
	uint32_t payload;
};

/* No value is beyond the type's range. Looks at them only where base is near its end. */
static bool narrow_fits(
	const uint8_t *from, uint8_t width, int64_t base, uint32_t rows, bool is_int32)
{
	const int64_t low = is_int32 ? INT32_MIN : INT64_MIN;
	const int64_t high = is_int32 ? INT32_MAX : INT64_MAX;
	const uint64_t left = (uint64_t)high - (uint64_t)base;
	uint32_t largest = 0;

	if (base < low || base > high)
		return false;
	if (width == 0 || left >= UINT32_MAX >> (32 - 8 * width))
		return true;
	for (uint32_t i = 0; i < rows; i++) {
		const uint32_t value = get_narrow(from, width, i);

		largest = value > largest ? value : largest;
	}
	return largest <= left;
}

static int get_integers(const struct column_head *head, const uint8_t *from,
	struct sw_column *column, uint32_t rows, struct sw_error *error)
{
	const bool narrow = frame_is_int32(column);
	const uint8_t plain_width = narrow ? 4 : 8;
	int64_t base;

	if (head->encoding == FRAME_PLAIN) {
		if (head->width != plain_width || head->payload != (size_t)rows * plain_width)
			return sw_error_set(error, -EBADMSG, "frame: plain column: wrong size");
		if (rows > 0)
			memcpy(column->data, from, head->payload);
		return 0;
	}
	if (head->encoding != FRAME_NARROW)
		return sw_error_set(
			error, -EBADMSG, "frame: integer column: encoding %u", head->encoding);
	if ((head->width != 0 && head->width != 1 && head->width != 2 && head->width != 4) ||
		head->payload != 8 + (size_t)rows * head->width)
		return sw_error_set(error, -EBADMSG, "frame: narrow column: wrong size");
	base = (int64_t)get_u64(from);
	if (!narrow_fits(from + 8, head->width, base, rows, narrow))
		return sw_error_set(
			error, -EBADMSG, "frame: narrow column: a value is out of range");
	if (narrow)
		int32_get(from + 8, head->width, base, rows, column->data);
	else
		int64_get(from + 8, head->width, base, rows, column->data);
	return 0;
}

static int text_full(struct sw_error *error, const struct sw_column *column)
{
	return sw_error_set(error, -ENOSPC, "frame: text column: the batch holds %u bytes",
		column->text_capacity);
}

static int get_text(const struct column_head *head, const uint8_t *from, struct sw_column *column,
	uint32_t rows, struct sw_error *error)
{
	const uint8_t width = head->width;
	uint64_t total = 0;
	size_t lengths;

	if (width != 1 && width != 2 && width != 4)
		return sw_error_set(error, -EBADMSG, "frame: text column: width %u", width);
	lengths = (size_t)rows * width;
	if (lengths > head->payload)
		return sw_error_set(error, -EBADMSG, "frame: text column: ends in its lengths");
	if (head->payload - lengths > column->text_capacity)
		return text_full(error, column);
	column->offsets[0] = 0;
	for (uint32_t i = 0; i < rows; i++) {
		total += get_narrow(from, width, i);
		if (total > head->payload - lengths)
			return sw_error_set(
				error, -EBADMSG, "frame: text column: row %u: too long", i);
		column->offsets[i + 1] = (int32_t)total;
	}
	if (total != head->payload - lengths)
		return sw_error_set(error, -EBADMSG, "frame: text column: bytes behind the rows");
	if (total > 0)
		memcpy(column->data, from + lengths, total);
	return 0;
}

/* Finds where each entry begins. The entries' bytes fill the payload's rest exactly. */
static int get_entries(const uint8_t *lengths, uint32_t entries, size_t bytes, uint32_t *starts,
	struct sw_error *error)
{
	size_t total = 0;

	for (uint32_t i = 0; i < entries; i++) {
		starts[i] = (uint32_t)total;
		total += get_u16(lengths + 2 * (size_t)i);
	}
	starts[entries] = (uint32_t)total;
	if (total != bytes)
		return sw_error_set(error, -EBADMSG,
			"frame: dictionary: entries of %zu bytes in %zu", total, bytes);
	return 0;
}

static int get_dictionary(const struct column_head *head, const uint8_t *from,
	struct sw_column *column, uint32_t rows, struct sw_error *error)
{
	uint32_t starts[FRAME_DICTIONARY_MAX + 1];
	const uint8_t *codes, *bytes;
	char *to = column->data;
	uint32_t entries, size = 0;
	size_t used;
	int rc;

	if (head->payload < 4 || (head->width != 1 && head->width != 2))
		return sw_error_set(error, -EBADMSG, "frame: dictionary: head");
	entries = get_u32(from);
	if (entries > FRAME_DICTIONARY_MAX)
		return sw_error_set(error, -EBADMSG, "frame: dictionary: %u entries: at most %d",
			entries, FRAME_DICTIONARY_MAX);
	used = 4 + (size_t)entries * 2 + (size_t)rows * head->width;
	if (used > head->payload)
		return sw_error_set(error, -EBADMSG, "frame: dictionary: ends in its codes");
	rc = get_entries(from + 4, entries, head->payload - used, starts, error);
	if (rc)
		return rc;
	codes = from + 4 + (size_t)entries * 2;
	bytes = from + used;
	column->offsets[0] = 0;
	for (uint32_t i = 0; i < rows; i++) {
		const uint32_t code = get_narrow(codes, head->width, i);
		uint32_t length;

		if (code >= entries)
			return sw_error_set(
				error, -EBADMSG, "frame: dictionary: code %u of %u", code, entries);
		length = starts[code + 1] - starts[code];
		if (length > column->text_capacity - size)
			return text_full(error, column);
		memcpy(to + size, bytes + starts[code], length);
		size += length;
		column->offsets[i + 1] = (int32_t)size;
	}
	return 0;
}

int sw_frame_get_column(
	struct frame_reader *in, struct sw_column *column, uint32_t rows, struct sw_error *error)
{
	struct column_head head;
	const uint8_t *from;

	if ((size_t)(in->end - in->at) < FRAME_COLUMN_BYTES)
		return sw_error_set(error, -EBADMSG, "frame: ends in a column's head");
	if (in->at[0] != (uint8_t)column->type)
		return sw_error_set(error, -EPROTO, "frame: column of type %u: %u is expected",
			in->at[0], (unsigned)column->type);
	head.type = column->type;
	head.encoding = in->at[1];
	head.width = in->at[2];
	head.payload = get_u32(in->at + 4);
	in->at += FRAME_COLUMN_BYTES;
	if (head.payload > (size_t)(in->end - in->at))
		return sw_error_set(error, -EBADMSG, "frame: ends in a column");
	from = in->at;
	in->at += head.payload;
	if (column->type != SW_TEXT)
		return get_integers(&head, from, column, rows, error);
	if (!column->offsets)
		return sw_error_set(error, -EPROTO, "frame: text column: the batch's is not plain");
	if (head.encoding == FRAME_PLAIN)
		return get_text(&head, from, column, rows, error);
	if (head.encoding == FRAME_DICTIONARY)
		return get_dictionary(&head, from, column, rows, error);
	return sw_error_set(error, -EBADMSG, "frame: text column: encoding %u", head.encoding);
}

/* SPDX-License-Identifier: MIT */
/* Columns on their way into a frame. The layout stands at the head of wire.c. */
#include "burst/wire_private.h"

size_t sw_frame_column_bound(const struct sw_batch *batch, const struct sw_column *column)
{
	const uint32_t rows = sw_batch_count(batch);
	size_t bytes = FRAME_COLUMN_BYTES + 8;

	if (column->type != SW_TEXT)
		return bytes + (size_t)rows * (frame_is_int32(column) ? 4 : 8);
	bytes += (size_t)rows * 4;
	for (uint32_t i = 0; i < rows; i++)
		bytes += sw_column_text(column, sw_batch_row(batch, i)).size;
	return bytes;
}

static size_t room(const struct frame_writer *out)
{
	return (size_t)(out->end - out->at);
}

static void put_column_head(
	uint8_t *to, enum sw_type type, enum frame_encoding encoding, uint8_t width, size_t payload)
{
	to[0] = (uint8_t)type;
	to[1] = (uint8_t)encoding;
	to[2] = width;
	to[3] = 0;
	put_u32(to + 4, (uint32_t)payload);
}

/* Bytes that hold every value of 0..range; 8 when only the plain form does. */
static uint8_t width_of(uint64_t range)
{
	if (range == 0)
		return 0;
	if (range <= UINT8_MAX)
		return 1;
	if (range <= UINT16_MAX)
		return 2;
	return range <= UINT32_MAX ? 4 : 8;
}

/* Runs `body` for every counted row with `row` as its physical number. */
#define FOR_ROWS(batch, count, body)                                 \
	do {                                                         \
		const uint16_t *const selected_ = (batch)->selected; \
                                                                     \
		if (selected_) {                                     \
			for (uint32_t i = 0; i < (count); i++) {     \
				const uint32_t row = selected_[i];   \
				body;                                \
			}                                            \
		} else {                                             \
			for (uint32_t i = 0; i < (count); i++) {     \
				const uint32_t row = i;              \
				body;                                \
			}                                            \
		}                                                    \
	} while (0)

#define DEFINE_PUT(NAME, TYPE)                                                                     \
	static void NAME##_range(const struct sw_batch *batch, const TYPE *values, uint32_t count, \
		int64_t *lowest, int64_t *highest)                                                 \
	{                                                                                          \
		TYPE low = values[sw_batch_row(batch, 0)];                                         \
		TYPE high = low;                                                                   \
                                                                                                   \
		FOR_ROWS(batch, count, low = values[row] < low ? values[row] : low;                \
			 high = values[row] > high ? values[row] : high);                          \
		*lowest = low;                                                                     \
		*highest = high;                                                                   \
	}                                                                                          \
                                                                                                   \
	static void NAME##_put(const struct sw_batch *batch, const TYPE *values, uint32_t count,   \
		int64_t base, uint8_t width, uint8_t *to)                                          \
	{                                                                                          \
		const uint64_t low = (uint64_t)base;                                               \
                                                                                                   \
		switch (width) {                                                                   \
		case 1:                                                                            \
			FOR_ROWS(batch, count,                                                     \
				to[i] = (uint8_t)((uint64_t)(int64_t)values[row] - low));          \
			break;                                                                     \
		case 2:                                                                            \
			FOR_ROWS(batch, count,                                                     \
				 const uint16_t narrow =                                           \
					 (uint16_t)((uint64_t)(int64_t)values[row] - low);         \
				 memcpy(to + 2 * (size_t)i, &narrow, 2));                          \
			break;                                                                     \
		case 4:                                                                            \
			FOR_ROWS(batch, count,                                                     \
				 const uint32_t narrow =                                           \
					 (uint32_t)((uint64_t)(int64_t)values[row] - low);         \
				 memcpy(to + 4 * (size_t)i, &narrow, 4));                          \
			break;                                                                     \
		default:                                                                           \
			break;                                                                     \
		}                                                                                  \
	}                                                                                          \
                                                                                                   \
	static void NAME##_plain(                                                                  \
		const struct sw_batch *batch, const TYPE *values, uint32_t count, uint8_t *to)     \
	{                                                                                          \
		FOR_ROWS(batch, count,                                                             \
			memcpy(to + sizeof(TYPE) * (size_t)i, &values[row], sizeof(TYPE)));        \
	}

DEFINE_PUT(int64, int64_t)
DEFINE_PUT(int32, int32_t)

static bool put_integers(
	struct frame_writer *out, const struct sw_batch *batch, const struct sw_column *column)
{
	const uint32_t rows = sw_batch_count(batch);
	const bool narrow = frame_is_int32(column);
	const uint8_t plain_width = narrow ? 4 : 8;
	int64_t low = 0, high = 0;
	uint8_t width;
	size_t payload;
	uint8_t *to;

	if (rows > 0 && narrow)
		int32_range(batch, column->data, rows, &low, &high);
	else if (rows > 0)
		int64_range(batch, column->data, rows, &low, &high);
	width = width_of((uint64_t)high - (uint64_t)low);
	payload = width < plain_width ? 8 + (size_t)rows * width : (size_t)rows * plain_width;
	if (room(out) < FRAME_COLUMN_BYTES + payload)
		return false;
	to = out->at + FRAME_COLUMN_BYTES;
	if (width >= plain_width) {
		put_column_head(out->at, column->type, FRAME_PLAIN, plain_width, payload);
		if (narrow)
			int32_plain(batch, column->data, rows, to);
		else
			int64_plain(batch, column->data, rows, to);
	} else {
		put_column_head(out->at, column->type, FRAME_NARROW, width, payload);
		put_u64(to, (uint64_t)low);
		if (narrow)
			int32_put(batch, column->data, rows, low, width, to + 8);
		else
			int64_put(batch, column->data, rows, low, width, to + 8);
	}
	out->at += FRAME_COLUMN_BYTES + payload;
	return true;
}

/* Writes a length or a code; width 1, 2 or 4. */
static inline void put_narrow(uint8_t *to, uint8_t width, uint32_t index, uint32_t value)
{
	if (width == 1)
		to[index] = (uint8_t)value;
	else if (width == 2)
		put_u16(to + 2 * (size_t)index, (uint16_t)value);
	else
		put_u32(to + 4 * (size_t)index, value);
}

static bool put_text(
	struct frame_writer *out, const struct sw_batch *batch, const struct sw_column *column)
{
	const uint32_t rows = sw_batch_count(batch);
	uint32_t longest = 0;
	size_t total = 0, payload;
	uint8_t width, *lengths, *to;

	for (uint32_t i = 0; i < rows; i++) {
		const uint32_t size = sw_column_text(column, sw_batch_row(batch, i)).size;

		longest = size > longest ? size : longest;
		total += size;
	}
	width = longest <= UINT8_MAX ? 1 : longest <= UINT16_MAX ? 2 : 4;
	payload = (size_t)rows * width + total;
	if (room(out) < FRAME_COLUMN_BYTES + payload)
		return false;
	put_column_head(out->at, SW_TEXT, FRAME_PLAIN, width, payload);
	lengths = out->at + FRAME_COLUMN_BYTES;
	to = lengths + (size_t)rows * width;
	for (uint32_t i = 0; i < rows; i++) {
		const struct sw_text text = sw_column_text(column, sw_batch_row(batch, i));

		put_narrow(lengths, width, i, text.size);
		if (batch->selected || column->dictionary) {
			memcpy(to, text.bytes, text.size);
			to += text.size;
		}
	}
	/* All rows of a plain column lie behind one another. */
	if (!batch->selected && !column->dictionary && total > 0)
		memcpy(to, column->data, total);
	out->at += FRAME_COLUMN_BYTES + payload;
	return true;
}

/* Codes of the rows in order of first use: renamed[code] is the code on the wire + 1, 0: unused. */
struct dictionary_use {
	uint16_t renamed[FRAME_DICTIONARY_MAX];
	uint16_t used[FRAME_DICTIONARY_MAX];
	uint32_t entries;
	size_t bytes;
	bool too_long; /* an entry's length does not fit u16 */
};

static void find_used(
	struct dictionary_use *use, const struct sw_batch *batch, const struct sw_column *column)
{
	const struct sw_dictionary *dictionary = column->dictionary;
	const int32_t *codes = column->data;
	const uint32_t rows = sw_batch_count(batch);

	memset(use->renamed, 0, dictionary->entries * sizeof(use->renamed[0]));
	use->entries = 0;
	use->bytes = 0;
	use->too_long = false;
	for (uint32_t i = 0; i < rows; i++) {
		const uint32_t code = (uint32_t)codes[sw_batch_row(batch, i)];
		uint32_t size;

		if (use->renamed[code])
			continue;
		size = (uint32_t)(dictionary->offsets[code + 1] - dictionary->offsets[code]);
		use->too_long |= size > UINT16_MAX;
		use->bytes += size;
		use->used[use->entries++] = (uint16_t)code;
		use->renamed[code] = (uint16_t)use->entries;
	}
}

static bool put_dictionary(
	struct frame_writer *out, const struct sw_batch *batch, const struct sw_column *column)
{
	const struct sw_dictionary *dictionary = column->dictionary;
	const int32_t *codes = column->data;
	const uint32_t rows = sw_batch_count(batch);
	struct dictionary_use use;
	size_t payload;
	uint8_t width, *to;

	find_used(&use, batch, column);
	if (use.too_long)
		return put_text(out, batch, column);
	width = use.entries <= UINT8_MAX + 1 ? 1 : 2;
	payload = 4 + (size_t)use.entries * 2 + (size_t)rows * width + use.bytes;
	if (room(out) < FRAME_COLUMN_BYTES + payload)
		return false;
	put_column_head(out->at, SW_TEXT, FRAME_DICTIONARY, width, payload);
	to = out->at + FRAME_COLUMN_BYTES;
	put_u32(to, use.entries);
	to += 4;
	for (uint32_t i = 0; i < use.entries; i++, to += 2) {
		const int32_t *offsets = dictionary->offsets + use.used[i];

		put_u16(to, (uint16_t)(offsets[1] - offsets[0]));
	}
	for (uint32_t i = 0; i < rows; i++)
		put_narrow(to, width, i, use.renamed[codes[sw_batch_row(batch, i)]] - 1u);
	to += (size_t)rows * width;
	for (uint32_t i = 0; i < use.entries; i++) {
		const int32_t *offsets = dictionary->offsets + use.used[i];
		const size_t size = (size_t)(offsets[1] - offsets[0]);

		memcpy(to, dictionary->bytes + offsets[0], size);
		to += size;
	}
	out->at = to;
	return true;
}

bool sw_frame_put_column(
	struct frame_writer *out, const struct sw_batch *batch, const struct sw_column *column)
{
	if (column->type != SW_TEXT)
		return put_integers(out, batch, column);
	if (column->dictionary && column->dictionary->entries <= FRAME_DICTIONARY_MAX)
		return put_dictionary(out, batch, column);
	return put_text(out, batch, column);
}

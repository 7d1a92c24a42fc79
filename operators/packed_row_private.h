/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PACKED_ROW_PRIVATE_H
#define SW_OPERATORS_PACKED_ROW_PRIVATE_H

#include "runtime/batch.h"
#include "runtime/heap.h"

/*
 * Rows of which an operator keeps as many as there is memory for: only the columns that it asks
 * for, and as tightly as they go. The numbers, then for each text where its bytes end (or its code
 * in the column's dictionary), then the bytes. One thread.
 */

struct packed_row;

/* What is kept of an input's rows. All zero is nothing. */
struct packed_layout {
	uint32_t numbers, texts;
	uint8_t number_columns[SW_COLUMNS_MAX], text_columns[SW_COLUMNS_MAX];
	/* Of each text whose column came as codes: the first dictionary met, the only one by which
	 * rows are coded. */
	const struct sw_dictionary *dictionaries[SW_COLUMNS_MAX];
	uint32_t uncoded; /* mask of the texts that some row has as bytes */
	bool plain;       /* all texts as bytes: rows that others read by a layout of their own */
};

/* A text's place in a row: the end of its bytes, or this bit and its code. */
#define PACKED_CODE (UINT32_C(1) << 31)

/* Before the first row: keeps a column of 64 bits, or of text. Its index among those. */
uint8_t packed_number_column(struct packed_layout *layout, uint8_t column);
uint8_t packed_text_column(struct packed_layout *layout, uint8_t column);

/* A copy of a physical row; null: the heap's limit is reached, or the row's texts pass 2^31 bytes.
 */
struct packed_row *packed_row_keep(struct packed_layout *layout, struct sw_heap *heap,
	const struct sw_batch *batch, uint32_t row);
void packed_row_free(
	const struct packed_layout *layout, struct sw_heap *heap, struct packed_row *row);

static inline int64_t *packed_numbers(const struct packed_row *row)
{
	return (int64_t *)(void *)row;
}

static inline uint32_t *packed_places(
	const struct packed_layout *layout, const struct packed_row *row)
{
	return (uint32_t *)(void *)(packed_numbers(row) + layout->numbers);
}

/* The dictionary that a text of all rows is coded by; null: of some row it is not. */
static inline const struct sw_dictionary *packed_dictionary(
	const struct packed_layout *layout, uint32_t index)
{
	return layout->uncoded >> index & 1 ? NULL : layout->dictionaries[index];
}

/* Of a text that has such a dictionary. */
static inline int32_t packed_code(
	const struct packed_layout *layout, const struct packed_row *row, uint32_t index)
{
	return (int32_t)(packed_places(layout, row)[index] & ~PACKED_CODE);
}

/* Where the bytes of text `index` begin, in bytes after the places: where the last uncoded text
 * before it ends. */
static inline uint32_t packed_begin(const uint32_t *places, uint32_t index)
{
	while (index > 0)
		if (!(places[--index] & PACKED_CODE))
			return places[index];
	return 0;
}

/* Borrowed from the row, which has readable slack behind it (runtime/text_copy.h), or from its
 * dictionary. */
static inline struct sw_text packed_text(
	const struct packed_layout *layout, const struct packed_row *row, uint32_t index)
{
	const uint32_t *places = packed_places(layout, row);
	uint32_t place = places[index], begin;

	if (place & PACKED_CODE) {
		const struct sw_dictionary *dictionary = layout->dictionaries[index];
		const int32_t *offsets = dictionary->offsets + (place & ~PACKED_CODE);

		return (struct sw_text){ dictionary->bytes + offsets[0],
			(uint32_t)(offsets[1] - offsets[0]) };
	}
	begin = packed_begin(places, index);
	return (struct sw_text){ (const char *)(places + layout->texts) + begin, place - begin };
}

#endif

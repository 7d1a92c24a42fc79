/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "operators/top_n_private.h"

/* A text's place in a row: the end of its bytes, or this bit and its code. */
#define CODED (UINT32_C(1) << 31)

void top_layout_init(struct top_layout *layout, const struct sw_top_n_config *config)
{
	*layout = (struct top_layout){ .columns = config->columns, .order = config->order };
	layout->number_columns[layout->numbers++] = config->seq;
	for (unsigned i = 0; i < config->columns; i++) {
		unsigned from = config->from[i];
		struct top_column *column = &layout->of_result[i];

		if (config->in->fields[from].type == SW_TEXT) {
			column->source = TOP_TEXT;
			column->index = layout->texts;
			layout->text_columns[layout->texts++] = from;
		} else if (from == config->order) {
			column->source = TOP_ORDER;
		} else {
			column->source = TOP_NUMBER;
			column->index = layout->numbers;
			layout->number_columns[layout->numbers++] = from;
		}
	}
}

/* ---- Kept rows ---- */

static uint32_t *places_of(const struct top_layout *layout, struct top_row row)
{
	return (uint32_t *)(void *)(row.numbers + layout->numbers);
}

/* Where the bytes of text `index` begin, in bytes after the places: where the last uncoded text
 * before it ends. */
static uint32_t begin_of(const uint32_t *places, uint32_t index)
{
	while (index > 0)
		if (!(places[--index] & CODED))
			return places[index];
	return 0;
}

static size_t row_bytes(const struct top_layout *layout, uint32_t text_bytes)
{
	return layout->numbers * sizeof(int64_t) + layout->texts * sizeof(uint32_t) + text_bytes;
}

/* Is the text kept by its code? */
static bool is_coded(struct top_layout *layout, uint32_t index, const struct sw_column *column)
{
	if (!column->dictionary)
		return false;
	if (!layout->dictionaries[index])
		layout->dictionaries[index] = column->dictionary;
	return layout->dictionaries[index] == column->dictionary;
}

struct top_row top_row_keep(
	struct top_layout *layout, struct sw_heap *heap, const struct sw_batch *batch, uint32_t row)
{
	const struct sw_column *columns = batch->columns;
	uint32_t places[SW_TOP_N_COLUMNS_MAX];
	struct sw_text texts[SW_TOP_N_COLUMNS_MAX];
	struct top_row kept = { ((const int64_t *)columns[layout->order].data)[row], NULL };
	uint64_t end = 0;
	char *bytes;

	for (uint32_t i = 0; i < layout->texts; i++) {
		const struct sw_column *column = &columns[layout->text_columns[i]];

		if (is_coded(layout, i, column)) {
			places[i] = CODED | (uint32_t)((const int32_t *)column->data)[row];
			texts[i].size = 0;
			continue;
		}
		layout->uncoded |= 1u << i;
		texts[i] = sw_column_text(column, row);
		end += texts[i].size;
		places[i] = (uint32_t)end;
	}
	if (end < CODED)
		kept.numbers = sw_heap_alloc(heap, row_bytes(layout, (uint32_t)end));
	if (!kept.numbers)
		return kept;
	for (uint32_t i = 0; i < layout->numbers; i++)
		kept.numbers[i] = ((const int64_t *)columns[layout->number_columns[i]].data)[row];
	memcpy(places_of(layout, kept), places, layout->texts * sizeof(uint32_t));
	bytes = (char *)(places_of(layout, kept) + layout->texts);
	for (uint32_t i = 0; i < layout->texts; i++) {
		if (texts[i].size == 0)
			continue;
		memcpy(bytes, texts[i].bytes, texts[i].size);
		bytes += texts[i].size;
	}
	return kept;
}

void top_row_free(const struct top_layout *layout, struct sw_heap *heap, struct top_row row)
{
	uint32_t text_bytes = begin_of(places_of(layout, row), layout->texts);

	sw_heap_free(heap, row.numbers, row_bytes(layout, text_bytes));
}

static struct sw_text text_of(const struct top_layout *layout, struct top_row row, uint32_t index)
{
	const uint32_t *places = places_of(layout, row);
	uint32_t place = places[index], begin;

	if (place & CODED) {
		const struct sw_dictionary *dictionary = layout->dictionaries[index];
		const int32_t *offsets = dictionary->offsets + (place & ~CODED);

		return (struct sw_text){ dictionary->bytes + offsets[0],
			(uint32_t)(offsets[1] - offsets[0]) };
	}
	begin = begin_of(places, index);
	return (struct sw_text){ (const char *)(places + layout->texts) + begin, place - begin };
}

bool top_row_same(const struct top_layout *layout, struct top_row a, struct top_row b)
{
	if (a.order != b.order)
		return false;
	for (uint32_t i = TOP_ROW_SEQ + 1; i < layout->numbers; i++)
		if (a.numbers[i] != b.numbers[i])
			return false;
	for (uint32_t i = 0; i < layout->texts; i++) {
		struct sw_text x = text_of(layout, a, i), y = text_of(layout, b, i);

		if (x.size != y.size || memcmp(x.bytes, y.bytes, x.size) != 0)
			return false;
	}
	return true;
}

/* ---- Results ---- */

void top_batch_begin(const struct top_layout *layout, struct sw_batch *batch)
{
	for (uint32_t i = 0; i < layout->columns; i++) {
		uint32_t index = layout->of_result[i].index;
		struct sw_column *column = &batch->columns[i];

		if (layout->of_result[i].source != TOP_TEXT || !layout->dictionaries[index] ||
			layout->uncoded >> index & 1 || !column->offsets ||
			column->text_capacity / sizeof(int32_t) < batch->capacity)
			continue;
		column->dictionary = layout->dictionaries[index];
		column->offsets = NULL;
	}
}

bool top_row_put(const struct top_layout *layout, struct top_row row, struct sw_batch *batch)
{
	uint32_t at = batch->rows;

	for (uint32_t i = 0; i < layout->columns; i++) {
		const struct top_column *from = &layout->of_result[i];
		struct sw_column *to = &batch->columns[i];

		if (from->source == TOP_ORDER) {
			((int64_t *)to->data)[at] = row.order;
		} else if (from->source == TOP_NUMBER) {
			((int64_t *)to->data)[at] = row.numbers[from->index];
		} else if (to->dictionary) {
			((int32_t *)to->data)[at] =
				(int32_t)(places_of(layout, row)[from->index] & ~CODED);
		} else {
			struct sw_text text = text_of(layout, row, from->index);

			if (!sw_column_append_text(to, at, text.bytes, text.size))
				return false;
		}
	}
	return true;
}

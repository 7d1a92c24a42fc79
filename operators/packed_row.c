/* SPDX-License-Identifier: MIT */
#include "operators/packed_row_private.h"

#include <string.h>

#include "runtime/text_copy.h"

uint8_t packed_number_column(struct packed_layout *layout, uint8_t column)
{
	layout->number_columns[layout->numbers] = column;
	return (uint8_t)layout->numbers++;
}

uint8_t packed_text_column(struct packed_layout *layout, uint8_t column)
{
	layout->text_columns[layout->texts] = column;
	return (uint8_t)layout->texts++;
}

static size_t row_bytes(const struct packed_layout *layout, uint32_t text_bytes)
{
	size_t bytes =
		layout->numbers * sizeof(int64_t) + layout->texts * sizeof(uint32_t) + text_bytes;

	/* What lies behind is of another thread than the reader. */
	if (layout->plain)
		bytes += SW_TEXT_SLACK;
	return bytes > 0 ? bytes : 1;
}

/* Is the text kept by its code? */
static bool is_coded(struct packed_layout *layout, uint32_t index, const struct sw_column *column)
{
	if (!column->dictionary || layout->plain)
		return false;
	if (!layout->dictionaries[index])
		layout->dictionaries[index] = column->dictionary;
	return layout->dictionaries[index] == column->dictionary;
}

struct packed_row *packed_row_keep(struct packed_layout *layout, struct sw_heap *heap,
	const struct sw_batch *batch, uint32_t row)
{
	const struct sw_column *columns = batch->columns;
	const uint32_t text_count = layout->texts;
	uint32_t places[SW_COLUMNS_MAX], *kept_places;
	struct sw_text texts[SW_COLUMNS_MAX];
	uint64_t end = 0;
	struct packed_row *kept;
	char *bytes;

	for (uint32_t i = 0; i < text_count; i++) {
		const struct sw_column *column = &columns[layout->text_columns[i]];

		if (is_coded(layout, i, column)) {
			places[i] = PACKED_CODE | (uint32_t)((const int32_t *)column->data)[row];
			texts[i].size = 0;
			continue;
		}
		layout->uncoded |= 1u << i;
		texts[i] = sw_column_text(column, row);
		end += texts[i].size;
		places[i] = (uint32_t)end;
	}
	kept = end < PACKED_CODE ? sw_heap_alloc(heap, row_bytes(layout, (uint32_t)end)) : NULL;
	if (!kept)
		return NULL;
	for (uint32_t i = 0; i < layout->numbers; i++)
		packed_numbers(kept)[i] =
			((const int64_t *)columns[layout->number_columns[i]].data)[row];
	kept_places = packed_places(layout, kept);
	bytes = (char *)(kept_places + text_count);
	/* One by one: a few words, for which GCC would set up `rep movs`. */
	for (uint32_t i = 0; i < text_count; i++) {
		kept_places[i] = places[i];
		if (texts[i].size == 0)
			continue;
		memcpy(bytes, texts[i].bytes, texts[i].size);
		bytes += texts[i].size;
	}
	return kept;
}

void packed_row_free(
	const struct packed_layout *layout, struct sw_heap *heap, struct packed_row *row)
{
	uint32_t text_bytes = packed_begin(packed_places(layout, row), layout->texts);

	sw_heap_free(heap, row, row_bytes(layout, text_bytes));
}

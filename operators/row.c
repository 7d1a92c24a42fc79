/* SPDX-License-Identifier: MIT */
#include "operators/row.h"

#include <string.h>

/* What it begins with; the columns follow: numbers, places of texts, and after all of them the
 * texts' bytes. */
struct sw_row {
	size_t bytes;
};

void sw_row_layout_init(struct sw_row_layout *layout, const struct sw_schema *schema)
{
	uint32_t at = sizeof(struct sw_row);

	*layout = (struct sw_row_layout){ .columns = schema->columns };
	for (uint32_t i = 0; i < schema->columns; i++) {
		bool text = schema->fields[i].type == SW_TEXT;

		layout->at[i] = (uint16_t)at;
		layout->texts |= (uint32_t)text << i;
		at += text ? sizeof(struct sw_text) : sizeof(int64_t);
	}
	layout->fixed_bytes = at;
}

static size_t copied_bytes(
	const struct sw_row_layout *layout, const struct sw_batch *batch, uint32_t row)
{
	size_t bytes = layout->fixed_bytes;

	for (uint32_t texts = layout->texts; texts; texts &= texts - 1) {
		const struct sw_column *column = &batch->columns[__builtin_ctz(texts)];

		if (!column->dictionary)
			bytes += (size_t)(column->offsets[row + 1] - column->offsets[row]);
	}
	return bytes;
}

struct sw_row *sw_row_copy(const struct sw_row_layout *layout, struct sw_heap *heap,
	const struct sw_batch *batch, uint32_t row)
{
	size_t bytes = copied_bytes(layout, batch, row);
	struct sw_row *copy = sw_heap_alloc(heap, bytes);
	char *end;

	if (!copy)
		return NULL;
	copy->bytes = bytes;
	end = (char *)copy + layout->fixed_bytes;
	for (uint32_t i = 0; i < layout->columns; i++) {
		const struct sw_column *column = &batch->columns[i];
		char *place = (char *)copy + layout->at[i];

		if (column->type == SW_TEXT) {
			struct sw_text text = sw_column_text(column, row);

			if (!column->dictionary) {
				text.bytes = memcpy(end, text.bytes, text.size);
				end += text.size;
			}
			memcpy(place, &text, sizeof(text));
		} else {
			int64_t number = sw_column_int64(column, row);

			memcpy(place, &number, sizeof(number));
		}
	}
	return copy;
}

void sw_row_free(struct sw_heap *heap, struct sw_row *row)
{
	if (row)
		sw_heap_free(heap, row, row->bytes);
}

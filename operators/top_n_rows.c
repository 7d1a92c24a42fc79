/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "operators/top_n_private.h"

void top_layout_init(struct top_layout *layout, const struct sw_top_n_config *config)
{
	*layout = (struct top_layout){ .columns = config->columns, .order = config->order };
	packed_number_column(&layout->rest, (uint8_t)config->seq);
	for (unsigned i = 0; i < config->columns; i++) {
		unsigned from = config->from[i];
		struct top_column *column = &layout->of_result[i];

		if (config->in->fields[from].type == SW_TEXT) {
			column->source = TOP_TEXT;
			column->index = packed_text_column(&layout->rest, (uint8_t)from);
		} else if (from == config->order) {
			column->source = TOP_ORDER;
		} else {
			column->source = TOP_NUMBER;
			column->index = packed_number_column(&layout->rest, (uint8_t)from);
		}
	}
}

bool top_row_same(const struct top_layout *layout, struct top_row a, struct top_row b)
{
	const struct packed_layout *rest = &layout->rest;

	if (a.order != b.order)
		return false;
	for (uint32_t i = TOP_ROW_SEQ + 1; i < rest->numbers; i++)
		if (packed_numbers(a.rest)[i] != packed_numbers(b.rest)[i])
			return false;
	for (uint32_t i = 0; i < rest->texts; i++) {
		struct sw_text x = packed_text(rest, a.rest, i), y = packed_text(rest, b.rest, i);

		if (x.size != y.size || memcmp(x.bytes, y.bytes, x.size) != 0)
			return false;
	}
	return true;
}

void top_batch_begin(const struct top_layout *layout, struct sw_batch *batch)
{
	const struct packed_layout *rest = &layout->rest;

	for (uint32_t i = 0; i < layout->columns; i++) {
		const struct top_column *from = &layout->of_result[i];
		const struct sw_dictionary *dictionary =
			from->source == TOP_TEXT ? packed_dictionary(rest, from->index) : NULL;

		if (dictionary)
			sw_batch_adopt_dictionary(batch, i, dictionary);
	}
}

bool top_row_put(const struct top_layout *layout, struct top_row row, struct sw_batch *batch)
{
	const struct packed_layout *rest = &layout->rest;
	uint32_t at = batch->rows;

	for (uint32_t i = 0; i < layout->columns; i++) {
		const struct top_column *from = &layout->of_result[i];
		struct sw_column *to = &batch->columns[i];

		if (from->source == TOP_ORDER) {
			((int64_t *)to->data)[at] = row.order;
		} else if (from->source == TOP_NUMBER) {
			((int64_t *)to->data)[at] = packed_numbers(row.rest)[from->index];
		} else if (to->dictionary) {
			((int32_t *)to->data)[at] = packed_code(rest, row.rest, from->index);
		} else {
			struct sw_text text = packed_text(rest, row.rest, from->index);

			if (!sw_column_append_text(to, at, text.bytes, text.size))
				return false;
		}
	}
	return true;
}

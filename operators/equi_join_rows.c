/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/equi_join_private.h"

/* A text's place in a kept row: the end of its bytes, or this bit and its code. */
#define CODED (UINT32_C(1) << 31)

void join_rows_init(struct join_rows *rows, const struct sw_equi_join_config *config)
{
	rows->column_count = config->out->columns;
	for (uint32_t i = 0; i < rows->column_count; i++) {
		const struct sw_equi_join_column *from = &config->from[i];
		struct join_layout *layout = &rows->layouts[from->input];
		struct join_column *column = &rows->columns[i];

		assert(config->out->fields[i].type != SW_INT32);
		column->input = from->input;
		column->column = from->column;
		if (from->column == config->key[from->input]) {
			column->source = JOIN_KEY;
		} else if (config->out->fields[i].type == SW_TEXT) {
			column->source = JOIN_TEXT;
			column->index = (uint8_t)layout->texts;
			layout->text_columns[layout->texts++] = from->column;
		} else {
			column->source = JOIN_NUMBER;
			column->index = (uint8_t)layout->numbers;
			layout->number_columns[layout->numbers++] = from->column;
		}
	}
}

/* ---- Kept rows ---- */

static int64_t *numbers_of(const struct join_row *row)
{
	return (int64_t *)(void *)row;
}

static uint32_t *places_of(const struct join_layout *layout, const struct join_row *row)
{
	return (uint32_t *)(void *)(numbers_of(row) + layout->numbers);
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

static size_t row_bytes(const struct join_layout *layout, uint32_t text_bytes)
{
	size_t bytes =
		layout->numbers * sizeof(int64_t) + layout->texts * sizeof(uint32_t) + text_bytes;

	return bytes > 0 ? bytes : 1;
}

/* Is the column kept by its codes? */
static bool is_coded(struct join_layout *layout, uint32_t index, const struct sw_column *column)
{
	if (!column->dictionary)
		return false;
	if (!layout->dictionaries[index])
		layout->dictionaries[index] = column->dictionary;
	return layout->dictionaries[index] == column->dictionary;
}

struct join_row *join_row_keep(struct join_rows *rows, struct sw_heap *heap, uint32_t row)
{
	struct join_layout *layout = &rows->layouts[rows->arriving_input];
	const struct sw_column *columns = rows->arriving->columns;
	const uint32_t text_count = layout->texts;
	uint32_t places[SW_COLUMNS_MAX];
	struct sw_text texts[SW_COLUMNS_MAX];
	uint64_t end = 0;
	struct join_row *kept;
	char *bytes;

	for (uint32_t i = 0; i < text_count; i++) {
		const struct sw_column *column = &columns[layout->text_columns[i]];

		if (is_coded(layout, i, column)) {
			places[i] = CODED | (uint32_t)((const int32_t *)column->data)[row];
			texts[i].size = 0;
			continue;
		}
		texts[i] = sw_column_text(column, row);
		end += texts[i].size;
		places[i] = (uint32_t)end;
	}
	kept = end < CODED ? sw_heap_alloc(heap, row_bytes(layout, (uint32_t)end)) : NULL;
	if (!kept)
		return NULL;
	for (uint32_t i = 0; i < layout->numbers; i++)
		numbers_of(kept)[i] =
			((const int64_t *)columns[layout->number_columns[i]].data)[row];
	bytes = (char *)places_of(layout, kept);
	memcpy(bytes, places, text_count * sizeof(uint32_t));
	bytes += text_count * sizeof(uint32_t);
	for (uint32_t i = 0; i < text_count; i++) {
		if (texts[i].size == 0)
			continue;
		memcpy(bytes, texts[i].bytes, texts[i].size);
		bytes += texts[i].size;
	}
	return kept;
}

void join_row_free(const struct join_layout *layout, struct sw_heap *heap, struct join_row *row)
{
	sw_heap_free(heap, row, row_bytes(layout, begin_of(places_of(layout, row), layout->texts)));
}

static inline struct sw_text text_of(
	const struct join_layout *layout, uint32_t index, const struct join_row *row)
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

/* ---- Into the output ---- */

static void put_numbers(const struct join_rows *rows, const struct join_column *from,
	const struct join_tuple *tuples, uint32_t count, int64_t *to)
{
	if (from->source == JOIN_KEY) {
		for (uint32_t i = 0; i < count; i++)
			to[i] = tuples[i].key;
	} else if (from->input == rows->arriving_input) {
		const int64_t *numbers = rows->arriving->columns[from->column].data;

		for (uint32_t i = 0; i < count; i++)
			to[i] = numbers[tuples[i].row];
	} else {
		for (uint32_t i = 0; i < count; i++)
			to[i] = numbers_of(tuples[i].rows[from->input])[from->index];
	}
}

/* As sw_column_append_text. */
static inline bool append(struct sw_column *to, uint32_t row, struct sw_text text)
{
	uint32_t begin = (uint32_t)to->offsets[row];

	if (text.size > to->text_capacity - begin)
		return false;
	memcpy((char *)to->data + begin, text.bytes, text.size);
	to->offsets[row + 1] = (int32_t)(begin + text.size);
	return true;
}

/* How many texts fitted. */
static uint32_t put_texts(const struct join_rows *rows, const struct join_column *from,
	const struct join_tuple *tuples, uint32_t count, struct sw_column *to, uint32_t at)
{
	const struct join_layout *layout = &rows->layouts[from->input];
	uint32_t i = 0;

	if (from->input == rows->arriving_input) {
		const struct sw_column *column = &rows->arriving->columns[from->column];

		while (i < count && append(to, at + i, sw_column_text(column, tuples[i].row)))
			i++;
	} else {
		while (i < count &&
			append(to, at + i,
				text_of(layout, from->index, tuples[i].rows[from->input])))
			i++;
	}
	return i;
}

/* Appends rows for tuples to the batch; how many fitted. */
static uint32_t put_tuples(const struct join_rows *rows, const struct join_tuple *tuples,
	uint32_t count, struct sw_batch *batch)
{
	if (count > batch->capacity - batch->rows)
		count = batch->capacity - batch->rows;
	for (uint32_t i = 0; i < rows->column_count; i++)
		if (rows->columns[i].source == JOIN_TEXT)
			count = put_texts(rows, &rows->columns[i], tuples, count,
				&batch->columns[i], batch->rows);
	for (uint32_t i = 0; i < rows->column_count; i++)
		if (rows->columns[i].source != JOIN_TEXT)
			put_numbers(rows, &rows->columns[i], tuples, count,
				(int64_t *)batch->columns[i].data + batch->rows);
	batch->rows += count;
	return count;
}

int join_rows_flush(struct join_rows *rows, struct sw_instance *self)
{
	uint32_t count = rows->tuple_count, done = 0;

	rows->tuple_count = 0;
	while (done < count) {
		struct sw_batch *batch = rows->out;
		uint32_t put;

		if (!batch)
			batch = sw_batch_new(self, 0);
		if (!batch)
			return -ECANCELED;
		rows->out = batch;
		put = put_tuples(rows, rows->tuples + done, count - done, batch);
		done += put;
		if (done == count && batch->rows < batch->capacity)
			break;
		rows->out = NULL;
		if (batch->rows == 0) {
			sw_release(self, batch);
			return sw_instance_fail(
				self, -EMSGSIZE, "join: a row's text does not fit an empty batch");
		}
		sw_emit(self, 0, batch);
	}
	return 0;
}

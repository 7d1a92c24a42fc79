/* SPDX-License-Identifier: MIT */
/*
 * Batches: their layout in memory, and rows moved within and between them. One owner at a time, so
 * nothing here is shared between threads.
 */

#include "runtime/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/batch_private.h"

#define COLUMN_ALIGN     ((size_t)64)
#define COLUMN_SLACK     ((size_t)64) /* vector stores may run past a column's end */
#define TEXT_BYTES_MIN   ((size_t)4096)
#define TEXT_BYTES_A_ROW 16

uint32_t sw_type_width(enum sw_type type)
{
	return type == SW_INT32 || type == SW_TEXT ? 4 : 8;
}

int sw_schema_find(const struct sw_schema *schema, const char *name)
{
	for (uint32_t i = 0; i < schema->columns; i++)
		if (strcmp(schema->fields[i].name, name) == 0)
			return (int)i;
	return -ENOENT;
}

bool sw_schema_equal(const struct sw_schema *a, const struct sw_schema *b)
{
	if (a == b)
		return true;
	if (a->columns != b->columns || a->changelog != b->changelog)
		return false;
	for (uint32_t i = 0; i < a->columns; i++)
		if (a->fields[i].type != b->fields[i].type ||
			strcmp(a->fields[i].name, b->fields[i].name) != 0)
			return false;
	return true;
}

/* ---- Layout ---- */

static size_t aligned(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

/* Room for an array and its slack. The extra line makes columns of a round number of rows start at
 * different offsets in their pages: loads and stores at equal offsets hinder each other. */
static size_t array_bytes(size_t bytes)
{
	return aligned(bytes, COLUMN_ALIGN) + COLUMN_SLACK + COLUMN_ALIGN;
}

static bool plain_text(const struct sw_field *field)
{
	return field->type == SW_TEXT && !field->dictionary;
}

static size_t text_capacity(const struct sw_field *field, uint32_t rows_max, size_t text_bytes)
{
	size_t per_row = field->text_bytes ? field->text_bytes : TEXT_BYTES_A_ROW;

	if (text_bytes == 0) {
		text_bytes = per_row * rows_max;
		if (text_bytes < TEXT_BYTES_MIN)
			text_bytes = TEXT_BYTES_MIN;
	}
	/* Offsets are 32 bits, signed. */
	return text_bytes > INT32_MAX ? INT32_MAX : text_bytes;
}

static size_t header_bytes(void)
{
	return aligned(sizeof(struct sw_batch), SW_CACHE_LINE);
}

size_t sw_batch_block_bytes(const struct sw_schema *schema, uint32_t rows_max, size_t text_bytes)
{
	size_t bytes = header_bytes() + array_bytes(rows_max * sizeof(uint16_t));

	if (rows_max == 0 || rows_max > SW_BATCH_ROWS_MAX || schema->columns > SW_COLUMNS_MAX ||
		text_bytes > INT32_MAX)
		return 0;
	for (uint32_t i = 0; i < schema->columns; i++) {
		const struct sw_field *field = &schema->fields[i];

		if (plain_text(field)) {
			bytes += array_bytes(((size_t)rows_max + 1) * sizeof(int32_t));
			bytes += array_bytes(text_capacity(field, rows_max, text_bytes));
		} else {
			bytes += array_bytes((size_t)rows_max * sw_type_width(field->type));
		}
	}
	return aligned(bytes, SW_CACHE_LINE);
}

void sw_batch_place(struct sw_batch *batch, const struct sw_schema *schema, uint32_t rows_max,
	size_t text_bytes)
{
	char *at = (char *)batch + header_bytes();

	batch->schema = schema;
	batch->capacity = rows_max;
	batch->selection_space = (uint16_t *)(void *)at;
	at += array_bytes(rows_max * sizeof(uint16_t));
	for (uint32_t i = 0; i < schema->columns; i++) {
		const struct sw_field *field = &schema->fields[i];
		struct sw_column *column = &batch->columns[i];

		column->type = field->type;
		column->dictionary = field->type == SW_TEXT ? field->dictionary : NULL;
		column->offsets = NULL;
		column->text_capacity = 0;
		if (plain_text(field)) {
			column->offsets = (int32_t *)(void *)at;
			at += array_bytes(((size_t)rows_max + 1) * sizeof(int32_t));
			column->text_capacity =
				(uint32_t)text_capacity(field, rows_max, text_bytes);
			column->data = at;
			at += array_bytes(column->text_capacity);
		} else {
			column->data = at;
			at += array_bytes((size_t)rows_max * sw_type_width(field->type));
		}
	}
	sw_batch_reset(batch);
}

struct sw_batch *sw_batch_create(
	const struct sw_schema *schema, uint32_t rows_max, size_t text_bytes)
{
	size_t bytes = sw_batch_block_bytes(schema, rows_max, text_bytes);
	struct sw_batch *batch;

	if (bytes == 0)
		return NULL;
	batch = aligned_alloc(SW_CACHE_LINE, bytes);
	if (!batch)
		return NULL;
	memset(batch, 0, sizeof(*batch));
	batch->block = batch;
	batch->block_bytes = bytes;
	sw_batch_place(batch, schema, rows_max, text_bytes);
	return batch;
}

void sw_batch_destroy(struct sw_batch *batch)
{
	if (!batch)
		return;
	assert(!batch->pool);
	if (batch->dispose)
		batch->dispose(batch);
	else
		free(batch->block);
}

void sw_batch_reset(struct sw_batch *batch)
{
	batch->rows = 0;
	batch->selected = NULL;
	batch->selected_rows = 0;
	batch->events = 0;
	batch->number = 0;
	batch->arrival_ms = 0;
	batch->intended_ns = 0;
	batch->time_min_ms = INT64_MAX;
	batch->time_max_ms = INT64_MIN;
	batch->watermark = SW_TIME_MIN;
	for (uint32_t i = 0; i < batch->schema->columns; i++)
		if (batch->columns[i].offsets)
			batch->columns[i].offsets[0] = 0;
}

/* ---- Rows ---- */

bool sw_batch_adopt_dictionary(
	struct sw_batch *batch, uint32_t column, const struct sw_dictionary *dictionary)
{
	struct sw_column *to = &batch->columns[column];

	assert(batch->rows == 0);
	if (!to->offsets || to->text_capacity / sizeof(int32_t) < batch->capacity)
		return false;
	to->dictionary = dictionary;
	to->offsets = NULL;
	return true;
}

static void compact_fixed(struct sw_column *column, const uint16_t *selected, uint32_t rows)
{
	if (sw_type_width(column->type) == 4) {
		int32_t *data = column->data;

		for (uint32_t i = 0; i < rows; i++)
			data[i] = data[selected[i]];
	} else {
		int64_t *data = column->data;

		for (uint32_t i = 0; i < rows; i++)
			data[i] = data[selected[i]];
	}
}

static void compact_text(struct sw_column *column, const uint16_t *selected, uint32_t rows)
{
	int32_t *offsets = column->offsets;
	char *bytes = column->data;
	int32_t end = 0; /* of what was moved */

	/* The selection rises, so row >= i: what is read was not overwritten, or with what it was.
	 */
	for (uint32_t i = 0; i < rows; i++) {
		int32_t begin = offsets[selected[i]];
		int32_t size = offsets[selected[i] + 1] - begin;

		memmove(bytes + end, bytes + begin, (size_t)size);
		end += size;
		offsets[i + 1] = end;
	}
}

void sw_batch_compact(struct sw_batch *batch)
{
	if (!batch->selected)
		return;
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		struct sw_column *column = &batch->columns[i];

		if (column->offsets)
			compact_text(column, batch->selected, batch->selected_rows);
		else
			compact_fixed(column, batch->selected, batch->selected_rows);
	}
	batch->rows = batch->selected_rows;
	batch->selected = NULL;
	batch->selected_rows = 0;
}

bool sw_column_append_text(struct sw_column *column, uint32_t row, const char *bytes, uint32_t size)
{
	uint32_t begin = (uint32_t)column->offsets[row];

	if (size > column->text_capacity - begin)
		return false;
	memcpy((char *)column->data + begin, bytes, size);
	column->offsets[row + 1] = (int32_t)(begin + size);
	return true;
}

/* When a later column of the row fails, a text that was appended here needs no taking back: it
 * counts only once its row does, and the next append overwrites it. */
static bool append_value(
	struct sw_column *to, uint32_t row, const struct sw_column *from, uint32_t from_row)
{
	if (to->offsets) {
		struct sw_text text = sw_column_text(from, from_row);

		return sw_column_append_text(to, row, text.bytes, text.size);
	}
	/* Codes mean something in their own dictionary only. */
	if (to->dictionary != from->dictionary || from->offsets)
		return false;
	if (sw_type_width(to->type) == 4)
		((int32_t *)to->data)[row] = ((const int32_t *)from->data)[from_row];
	else
		((int64_t *)to->data)[row] = ((const int64_t *)from->data)[from_row];
	return true;
}

bool sw_batch_append_row(struct sw_batch *to, const struct sw_batch *from, uint32_t row)
{
	assert(!to->selected);
	assert(to->schema->columns == from->schema->columns);
	if (to->rows >= to->capacity)
		return false;
	for (uint32_t i = 0; i < to->schema->columns; i++)
		if (!append_value(&to->columns[i], to->rows, &from->columns[i], row))
			return false;
	to->rows++;
	return true;
}

void sw_batch_copy_meta(struct sw_batch *to, const struct sw_batch *from)
{
	to->number = from->number;
	to->arrival_ms = from->arrival_ms;
	to->intended_ns = from->intended_ns;
	to->time_min_ms = from->time_min_ms;
	to->time_max_ms = from->time_max_ms;
	to->events = from->events;
	to->watermark = from->watermark;
}

/* SPDX-License-Identifier: MIT */
#include "operators/row_writer.h"

#include <assert.h>
#include <errno.h>

#include "runtime/text_copy.h"

/* False: a text does not fit. */
static inline bool put_value(struct sw_column *column, uint32_t row, union sw_value value)
{
	assert(!column->dictionary);
	if (column->type == SW_TEXT)
		return sw_text_append(column, row, value.text);
	if (column->type == SW_INT32)
		((int32_t *)column->data)[row] = (int32_t)value.number;
	else
		((int64_t *)column->data)[row] = value.number;
	return true;
}

static bool put(struct sw_batch *batch, const union sw_value *values, enum sw_change change)
{
	uint32_t row = batch->rows, columns = sw_schema_result_columns(batch->schema);

	if (row == batch->capacity)
		return false;
	for (uint32_t i = 0; i < columns; i++)
		if (!put_value(&batch->columns[i], row, values[i]))
			return false;
	if (batch->schema->changelog)
		((int32_t *)batch->columns[columns].data)[row] = (int32_t)change;
	batch->rows++;
	return true;
}

/* False: there is no room for both rows. */
static bool put_update(struct sw_batch *batch, uint32_t values, struct sw_row_parts before,
	struct sw_row_parts after)
{
	uint32_t row = batch->rows, columns = sw_schema_result_columns(batch->schema);
	int32_t *changes = batch->columns[columns].data;

	if (batch->capacity - row < 2)
		return false;
	for (uint32_t i = 0; i < values; i++) {
		struct sw_column *column = &batch->columns[i];

		if (!put_value(column, row, before.values[i]) ||
			!put_value(column, row + 1, after.values[i]))
			return false;
	}
	for (uint32_t i = values; i < columns; i++) {
		int64_t *to = (int64_t *)batch->columns[i].data + row;

		to[0] = before.numbers[i - values];
		to[1] = after.numbers[i - values];
	}
	changes[row] = SW_CHANGE_UPDATE_BEFORE;
	changes[row + 1] = SW_CHANGE_UPDATE_AFTER;
	batch->rows += 2;
	return true;
}

int sw_row_write(struct sw_row_writer *writer, const union sw_value *values, enum sw_change change)
{
	if (writer->batch && put(writer->batch, values, change))
		return 0;
	sw_row_writer_end(writer);
	if (!sw_row_writer_room(writer))
		return -ECANCELED;
	if (put(writer->batch, values, change))
		return 0;
	sw_release(writer->self, writer->batch);
	writer->batch = NULL;
	return sw_instance_fail(writer->self, -EMSGSIZE,
		"output %u: a row's text is too long for a batch", writer->output);
}

bool sw_row_try_update(struct sw_row_writer *writer, uint32_t values, struct sw_row_parts before,
	struct sw_row_parts after)
{
	struct sw_batch *batch = sw_row_writer_room(writer);

	return batch && put_update(batch, values, before, after);
}

struct sw_batch *sw_row_writer_room(struct sw_row_writer *writer)
{
	if (writer->batch && writer->batch->rows < writer->batch->capacity)
		return writer->batch;
	sw_row_writer_end(writer);
	writer->batch = sw_batch_new(writer->self, writer->output);
	if (writer->batch)
		writer->batch->watermark = writer->watermark;
	return writer->batch;
}

void sw_row_writer_end(struct sw_row_writer *writer)
{
	if (writer->batch)
		sw_emit(writer->self, writer->output, writer->batch);
	writer->batch = NULL;
}

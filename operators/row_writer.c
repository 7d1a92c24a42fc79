/* SPDX-License-Identifier: MIT */
#include "operators/row_writer.h"

#include <assert.h>
#include <errno.h>

/* False: a text does not fit. */
static bool put(struct sw_batch *batch, const union sw_value *values, enum sw_change change)
{
	uint32_t row = batch->rows, columns = sw_schema_result_columns(batch->schema);

	if (row == batch->capacity)
		return false;
	for (uint32_t i = 0; i < columns; i++) {
		struct sw_column *column = &batch->columns[i];

		assert(!column->dictionary);
		if (column->type == SW_TEXT) {
			if (!sw_column_append_text(
				    column, row, values[i].text.bytes, values[i].text.size))
				return false;
		} else if (column->type == SW_INT32) {
			((int32_t *)column->data)[row] = (int32_t)values[i].number;
		} else {
			((int64_t *)column->data)[row] = values[i].number;
		}
	}
	if (batch->schema->changelog)
		((int32_t *)batch->columns[columns].data)[row] = (int32_t)change;
	batch->rows++;
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

/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/equi_join_private.h"
#include "runtime/text_copy.h"

/* The output's column i, and where its layout keeps it. */
static struct join_column keep_column(
	struct packed_layout *layout, const struct sw_equi_join_config *config, uint32_t i)
{
	const struct sw_equi_join_column *from = &config->from[i];
	struct join_column column = { .input = from->input, .column = from->column };

	assert(config->out->fields[i].type != SW_INT32);
	if (from->column == config->key[from->input]) {
		column.source = JOIN_KEY;
	} else if (config->out->fields[i].type == SW_TEXT) {
		column.source = JOIN_TEXT;
		column.index = packed_text_column(layout, from->column);
	} else {
		column.source = JOIN_NUMBER;
		column.index = packed_number_column(layout, from->column);
	}
	return column;
}

void join_rows_init(struct join_rows *rows, const struct sw_equi_join_config *config)
{
	rows->layouts[SW_EQUI_JOIN_KEPT].plain = config->kept_apart;
	rows->column_count = config->out->columns;
	for (uint32_t i = 0; i < rows->column_count; i++)
		rows->columns[i] = keep_column(&rows->layouts[config->from[i].input], config, i);
}

void join_kept_layout_init(struct packed_layout *layout, const struct sw_equi_join_config *config)
{
	for (uint32_t i = 0; i < config->out->columns; i++)
		if (config->from[i].input == SW_EQUI_JOIN_KEPT)
			keep_column(layout, config, i);
	layout->plain = true;
}

/* ---- Into the output ---- */

/* Is the column in the arriving batch? */
static bool arrives(const struct join_rows *rows, const struct join_column *from)
{
	return from->input == rows->arriving_input && !rows->told;
}

static void put_numbers(const struct join_rows *rows, const struct join_column *from,
	const struct join_tuple *tuples, uint32_t count, int64_t *to)
{
	if (from->source == JOIN_KEY) {
		for (uint32_t i = 0; i < count; i++)
			to[i] = tuples[i].key;
	} else if (arrives(rows, from)) {
		const int64_t *numbers = rows->arriving->columns[from->column].data;

		for (uint32_t i = 0; i < count; i++)
			to[i] = numbers[tuples[i].row];
	} else {
		for (uint32_t i = 0; i < count; i++)
			to[i] = packed_numbers(tuples[i].rows[from->input])[from->index];
	}
}

/* Of a column of codes. */
static void put_codes(const struct join_rows *rows, const struct join_column *from,
	const struct join_tuple *tuples, uint32_t count, int32_t *to)
{
	if (arrives(rows, from)) {
		const int32_t *codes = rows->arriving->columns[from->column].data;

		for (uint32_t i = 0; i < count; i++)
			to[i] = codes[tuples[i].row];
	} else {
		const struct packed_layout *layout = &rows->layouts[from->input];

		for (uint32_t i = 0; i < count; i++)
			to[i] = packed_code(layout, tuples[i].rows[from->input], from->index);
	}
}

/* Where a column's next text goes. */
struct text_end {
	char *bytes;
	int32_t *offsets; /* its beginning is the first */
	uint32_t at, capacity;
};

static inline struct text_end text_end(const struct sw_batch *batch, uint32_t column)
{
	const struct sw_column *to = &batch->columns[column];
	int32_t *offsets = to->offsets + batch->rows;

	return (struct text_end){ to->data, offsets, (uint32_t)*offsets, to->text_capacity };
}

/* As sw_column_append_text. slack: it can be read behind the text. */
static inline bool append(struct text_end *to, struct sw_text text, bool slack)
{
	if (text.size > to->capacity - to->at)
		return false;
	if (slack)
		sw_text_copy_loose(to->bytes + to->at, text);
	else
		memcpy(to->bytes + to->at, text.bytes, text.size);
	to->at += text.size;
	*++to->offsets = (int32_t)to->at;
	return true;
}

/* Both: how many texts fitted. */
static uint32_t put_arriving_texts(const struct join_rows *rows, const struct join_column *from,
	const struct join_tuple *tuples, uint32_t count, struct text_end to)
{
	const struct sw_column *column = &rows->arriving->columns[from->column];
	const bool slack = sw_column_has_slack(column, rows->arriving->rows);

	for (uint32_t i = 0; i < count; i++)
		if (!append(&to, sw_column_text(column, tuples[i].row), slack))
			return i;
	return count;
}

static uint32_t put_kept_texts(const struct join_rows *rows, const struct join_column *from,
	const struct join_tuple *tuples, uint32_t count, struct text_end to)
{
	const struct packed_layout *layout = &rows->layouts[from->input];
	const uint32_t input = from->input, index = from->index;
	const bool slack = !layout->dictionaries[index];
	const struct packed_row *row = NULL;
	struct sw_text text = { "", 0 };

	for (uint32_t i = 0; i < count; i++) {
		/* Often the one before: of a row that joins many. */
		if (tuples[i].rows[input] != row) {
			row = tuples[i].rows[input];
			text = packed_text(layout, row, index);
		}
		if (!append(&to, text, slack))
			return i;
	}
	return count;
}

/* The texts of columns that are no codes; how many rows' fitted. */
static uint32_t put_texts(const struct join_rows *rows, const struct join_tuple *tuples,
	uint32_t count, const struct sw_batch *batch)
{
	for (uint32_t i = 0; i < rows->column_count; i++) {
		const struct join_column *from = &rows->columns[i];

		if (from->source != JOIN_TEXT || batch->columns[i].dictionary)
			continue;
		count = arrives(rows, from)
				? put_arriving_texts(rows, from, tuples, count, text_end(batch, i))
				: put_kept_texts(rows, from, tuples, count, text_end(batch, i));
	}
	return count;
}

/* Appends rows for tuples to the batch; how many fitted. */
static uint32_t put_tuples(const struct join_rows *rows, const struct join_tuple *tuples,
	uint32_t count, struct sw_batch *batch)
{
	if (count > batch->capacity - batch->rows)
		count = batch->capacity - batch->rows;
	count = put_texts(rows, tuples, count, batch);
	for (uint32_t i = 0; i < rows->column_count; i++) {
		const struct join_column *from = &rows->columns[i];
		const struct sw_column *to = &batch->columns[i];

		if (from->source != JOIN_TEXT)
			put_numbers(rows, from, tuples, count, (int64_t *)to->data + batch->rows);
		else if (to->dictionary)
			put_codes(rows, from, tuples, count, (int32_t *)to->data + batch->rows);
	}
	batch->rows += count;
	return count;
}

/* Texts that all come as codes of one dictionary stay codes. */
static void adopt_dictionaries(const struct join_rows *rows, struct sw_batch *batch)
{
	for (uint32_t i = 0; i < rows->column_count; i++) {
		const struct join_column *from = &rows->columns[i];
		const struct sw_dictionary *dictionary;

		if (from->source != JOIN_TEXT)
			continue;
		dictionary = arrives(rows, from)
				     ? rows->arriving->columns[from->column].dictionary
				     : packed_dictionary(&rows->layouts[from->input], from->index);
		if (dictionary)
			sw_batch_adopt_dictionary(batch, i, dictionary);
	}
}

int join_rows_flush(struct join_rows *rows, struct sw_instance *self)
{
	uint32_t count = rows->tuple_count, done = 0;

	rows->tuple_count = 0;
	while (done < count) {
		struct sw_batch *batch = rows->out;
		uint32_t put;

		if (!batch) {
			batch = sw_batch_new(self, 0);
			if (!batch)
				return -ECANCELED;
			adopt_dictionaries(rows, batch);
			rows->out = batch;
		}
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

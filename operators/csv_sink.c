/* SPDX-License-Identifier: MIT */
#include "operators/csv_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/csv_text.h"

struct held_line {
	size_t offset, bytes;
};

struct csv_sink {
	struct sw_sink_counts counts;
	char *line; /* one line is made here */
	size_t line_capacity;
	/* Ordered: all lines so far. */
	char *text;
	size_t text_bytes, text_capacity;
	struct held_line *lines;
	size_t line_count, lines_capacity;
};

static int grow(void **space, size_t *capacity, size_t needed, size_t item_bytes)
{
	size_t grown = *capacity ? *capacity : 4096;
	void *moved;

	if (needed <= *capacity)
		return 0;
	while (grown < needed)
		grown *= 2;
	moved = realloc(*space, grown * item_bytes);
	if (!moved)
		return -ENOMEM;
	*space = moved;
	*capacity = grown;
	return 0;
}

static int sink_failed(struct sw_instance *self, const struct sw_error *error)
{
	return sw_instance_fail(self, error->code, "%s", error->text);
}

static int sink_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct csv_sink *sink = state;
	size_t bytes = sw_csv_header(config->schema, NULL, 0);

	if (grow((void **)&sink->line, &sink->line_capacity, bytes + 1, 1))
		return sw_error_set(
			error, -ENOMEM, "%s: out of memory", sw_csv_file_path(config->file));
	sw_csv_header(config->schema, sink->line, sink->line_capacity);
	return sw_csv_file_line(config->file, sink->line, bytes, error);
}

static void sink_close(struct sw_instance *self, void *state)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct csv_sink *sink = state;

	sw_sink_totals_add(config->totals, &sink->counts);
	sink->counts = (struct sw_sink_counts){ 0 };
	free(sink->line);
	free(sink->text);
	free(sink->lines);
	sink->line = sink->text = NULL;
	sink->lines = NULL;
}

static int hold_line(struct csv_sink *sink, size_t bytes)
{
	size_t needed = sink->text_bytes + bytes;

	if (grow((void **)&sink->text, &sink->text_capacity, needed, 1))
		return -ENOMEM;
	if (grow((void **)&sink->lines, &sink->lines_capacity, sink->line_count + 1,
		    sizeof(*sink->lines)))
		return -ENOMEM;
	sink->lines[sink->line_count++] =
		(struct held_line){ .offset = sink->text_bytes, .bytes = bytes };
	memcpy(sink->text + sink->text_bytes, sink->line, bytes);
	sink->text_bytes = needed;
	return 0;
}

static int take_row(
	struct sw_instance *self, struct csv_sink *sink, const struct sw_batch *batch, uint32_t row)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct sw_error error;
	size_t bytes;

	if (grow((void **)&sink->line, &sink->line_capacity, sw_csv_row_bound(batch, row), 1))
		return -ENOMEM;
	bytes = sw_csv_row(batch, row, sink->line);
	if (config->checksum)
		sink->counts.checksum += sw_csv_line_hash(sink->line, bytes);
	sink->counts.rows++;
	sink->counts.bytes += bytes + 1;
	if (config->ordered)
		return hold_line(sink, bytes);
	if (sw_csv_file_line(config->file, sink->line, bytes, &error))
		return sink_failed(self, &error);
	return 0;
}

static int sink_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct csv_sink *sink = state;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++)
		code = take_row(self, sink, batch, sw_batch_row(batch, i));
	sw_release(self, batch);
	if (!code && config->ordered)
		code = sw_instance_state_bytes(
			self, sink->text_capacity + sink->lines_capacity * sizeof(*sink->lines));
	return code;
}

/* By bytes; the shorter of two that begin alike comes first. */
static int compare_lines(const void *a, const void *b, void *text)
{
	const struct held_line *x = a, *y = b;
	size_t common = x->bytes < y->bytes ? x->bytes : y->bytes;
	int order = memcmp((char *)text + x->offset, (char *)text + y->offset, common);

	if (order)
		return order;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int write_ordered(struct csv_sink *sink, struct sw_csv_file *file, struct sw_error *error)
{
	if (sink->line_count > 0)
		qsort_r(sink->lines, sink->line_count, sizeof(*sink->lines), compare_lines,
			sink->text);
	for (size_t i = 0; i < sink->line_count; i++) {
		const struct held_line *line = &sink->lines[i];
		int code = sw_csv_file_line(file, sink->text + line->offset, line->bytes, error);

		if (code)
			return code;
	}
	sink->line_count = 0;
	return 0;
}

static int sink_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct sw_error error;
	int code = 0;

	if (watermark != SW_TIME_END)
		return 0;
	if (config->ordered)
		code = write_ordered(state, config->file, &error);
	if (!code)
		code = sw_csv_file_finish(config->file, &error);
	return code ? sink_failed(self, &error) : 0;
}

static int sink_idle(struct sw_instance *self, void *state)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct sw_error error;

	(void)state;
	return sw_csv_file_flush(config->file, &error) ? sink_failed(self, &error) : 0;
}

const struct sw_operator sw_csv_sink = {
	.name = "csv",
	.state_bytes = sizeof(struct csv_sink),
	.open = sink_open,
	.close = sink_close,
	.process = sink_process,
	.advance = sink_advance,
	.idle = sink_idle,
};

/* SPDX-License-Identifier: MIT */
#include "operators/csv_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/csv_text.h"
#include "operators/line_fold.h"

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
	struct sw_line_fold fold; /* changelogs: the result so far */
	bool written;             /* what was held is in the file */
	int64_t watermark;        /* the last one */
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

static int write_header(
	struct csv_sink *sink, const struct sw_csv_sink_config *config, struct sw_error *error)
{
	static const char log_columns[] = "kind,watermark,";
	const size_t more = sizeof(log_columns) - 1;
	size_t bytes = sw_csv_header(config->schema, NULL, 0);
	int code = 0;

	if (grow((void **)&sink->line, &sink->line_capacity, more + bytes + 1, 1))
		return sw_error_set(error, -ENOMEM, "sink: out of memory");
	memcpy(sink->line, log_columns, more);
	sw_csv_header(config->schema, sink->line + more, sink->line_capacity - more);
	if (config->file)
		code = sw_csv_file_line(config->file, sink->line + more, bytes, error);
	if (config->changelog && !code)
		code = sw_csv_file_line(config->changelog, sink->line, more + bytes, error);
	return code;
}

static int sink_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct csv_sink *sink = state;

	sink->watermark = SW_TIME_MIN;
	return write_header(sink, config, error);
}

/* Rows are written at the end only. */
static bool holds(const struct sw_csv_sink_config *config)
{
	return config->ordered || config->schema->changelog;
}

static void sink_close(struct sw_instance *self, void *state)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct csv_sink *sink = state;

	/* Cancelled: what was held until the end is in no file. */
	if (config->file && holds(config) && !sink->written)
		sink->counts.rows = sink->counts.checksum = 0;
	sw_sink_totals_add(config->totals, &sink->counts);
	sink->counts = (struct sw_sink_counts){ 0 };
	free(sink->line);
	free(sink->text);
	free(sink->lines);
	sink->line = sink->text = NULL;
	sink->lines = NULL;
	sw_line_fold_fini(&sink->fold);
}

/* ---- A row ---- */

static int hold_line(struct csv_sink *sink, const char *line, size_t bytes)
{
	size_t needed = sink->text_bytes + bytes;

	if (grow((void **)&sink->text, &sink->text_capacity, needed, 1))
		return -ENOMEM;
	if (grow((void **)&sink->lines, &sink->lines_capacity, sink->line_count + 1,
		    sizeof(*sink->lines)))
		return -ENOMEM;
	sink->lines[sink->line_count++] =
		(struct held_line){ .offset = sink->text_bytes, .bytes = bytes };
	memcpy(sink->text + sink->text_bytes, line, bytes);
	sink->text_bytes = needed;
	return 0;
}

/* Kind and watermark in front of a row: what the watermark was when the change was made. */
#define LOG_BYTES (2 + 1 + SW_CSV_NUMBER_BYTES + 1)

static size_t put_log(
	char *to, const struct csv_sink *sink, const struct sw_batch *batch, uint32_t row)
{
	static const char kinds[][3] = { "+I", "-U", "+U", "-D" };
	int64_t watermark = batch->watermark != SW_TIME_MIN ? batch->watermark : sink->watermark;
	unsigned kind = SW_CHANGE_INSERT;
	char *at = to;

	if (batch->schema->changelog)
		kind = (unsigned)sw_column_int64(&batch->columns[batch->schema->columns - 1], row);
	memcpy(at, kinds[kind & 3], 2);
	at[2] = ',';
	at += 3;
	/* Before the first watermark there is none to tell. */
	if (watermark != SW_TIME_MIN)
		at = sw_csv_put_int64(at, watermark);
	*at++ = ',';
	return (size_t)(at - to);
}

static int log_row(struct sw_instance *self, struct csv_sink *sink, const struct sw_batch *batch,
	uint32_t row, size_t bytes)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct sw_error error;
	size_t more;

	/* The line has room for both; the row moves up behind its kind and watermark. */
	memmove(sink->line + LOG_BYTES, sink->line, bytes);
	more = put_log(sink->line, sink, batch, row);
	memmove(sink->line + more, sink->line + LOG_BYTES, bytes);
	return sw_csv_file_line(config->changelog, sink->line, more + bytes, &error)
		       ? sink_failed(self, &error)
		       : 0;
}

static int fold_row(struct sw_instance *self, struct csv_sink *sink, bool adds, size_t bytes)
{
	if (adds)
		return sw_line_fold_add(&sink->fold, sink->line, bytes);
	if (sw_line_fold_remove(&sink->fold, sink->line, bytes) == 0)
		return 0;
	return sw_instance_fail(self, -EBADMSG,
		"sink: a row was taken back that was never given: %.*s", (int)bytes, sink->line);
}

static int take_row(
	struct sw_instance *self, struct csv_sink *sink, const struct sw_batch *batch, uint32_t row)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	bool adds = sw_row_adds(batch, row);
	struct sw_error error;
	size_t bytes;
	int code = 0;

	if (grow((void **)&sink->line, &sink->line_capacity,
		    sw_csv_row_bound(batch, row) + LOG_BYTES, 1))
		return -ENOMEM;
	bytes = sw_csv_row(batch, row, sink->line);
	if (config->checksum) {
		uint64_t hash = sw_csv_line_hash(sink->line, bytes);

		sink->counts.checksum += adds ? hash : -hash;
	}
	sink->counts.bytes += bytes + 1;
	if (!config->file)
		code = 0;
	else if (batch->schema->changelog)
		code = fold_row(self, sink, adds, bytes);
	else if (config->ordered)
		code = hold_line(sink, sink->line, bytes);
	else if (sw_csv_file_line(config->file, sink->line, bytes, &error))
		return sink_failed(self, &error);
	if (!code && config->changelog)
		code = log_row(self, sink, batch, row, bytes);
	return code;
}

static size_t held_bytes(const struct csv_sink *sink)
{
	return sink->text_capacity + sink->lines_capacity * sizeof(*sink->lines) +
	       sw_line_fold_bytes(&sink->fold);
}

static int sink_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct csv_sink *sink = state;
	uint32_t rows = sw_batch_count(batch);
	size_t bytes = held_bytes(sink);
	int code = 0;

	(void)input;
	sw_sink_count_rows(&sink->counts, batch);
	for (uint32_t i = 0; i < rows && !code; i++)
		code = take_row(self, sink, batch, sw_batch_row(batch, i));
	sw_release(self, batch);
	if (!code && held_bytes(sink) != bytes)
		code = sw_instance_state_bytes(self, held_bytes(sink));
	return code;
}

/* ---- The end ---- */

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

struct unfold {
	struct csv_sink *sink;
	const struct sw_csv_sink_config *config;
	struct sw_error *error;
};

static int unfold_line(void *context, const char *line, size_t bytes)
{
	struct unfold *unfold = context;

	if (unfold->config->ordered)
		return hold_line(unfold->sink, line, bytes)
			       ? sw_error_set(unfold->error, -ENOMEM, "sink: out of memory")
			       : 0;
	return sw_csv_file_line(unfold->config->file, line, bytes, unfold->error);
}

static int write_end(
	struct csv_sink *sink, const struct sw_csv_sink_config *config, struct sw_error *error)
{
	struct unfold unfold = { sink, config, error };
	int code = sw_line_fold_each(&sink->fold, unfold_line, &unfold);

	if (!code && config->ordered)
		code = write_ordered(sink, config->file, error);
	if (!code && config->file)
		code = sw_csv_file_finish(config->file, error);
	if (!code && config->changelog)
		code = sw_csv_file_finish(config->changelog, error);
	return code;
}

static int sink_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct csv_sink *sink = state;
	struct sw_error error;

	sink->watermark = watermark;
	if (watermark != SW_TIME_END)
		return 0;
	if (write_end(sink, config, &error))
		return sink_failed(self, &error);
	sink->written = true;
	return 0;
}

static int sink_idle(struct sw_instance *self, void *state)
{
	const struct sw_csv_sink_config *config = sw_instance_config(self);
	struct sw_error error;
	int code = 0;

	(void)state;
	if (config->file)
		code = sw_csv_file_flush(config->file, &error);
	if (config->changelog && !code)
		code = sw_csv_file_flush(config->changelog, &error);
	return code ? sink_failed(self, &error) : 0;
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

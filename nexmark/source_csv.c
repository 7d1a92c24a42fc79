/* SPDX-License-Identifier: MIT */

/*
 * The source that reads person.csv, auction.csv and bid.csv, merged by seq. One instance on a
 * thread of its own; its batches go to the workers in turns.
 *
 * A batch of each kind that the query reads is being filled. When a row does not fit they are all
 * sent, and then the watermark is raised: never past a row that waits.
 *
 * The watermark before a row is the latest dateTime of any earlier row, of all three files, less
 * the delay. A row below it is late: queries that go by time leave it out.
 */

#include "nexmark/source_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/csv_reader_private.h"
#include "runtime/clock.h"

/* Times keep this far from the ends of their type, so that sums with windows cannot overflow. */
#define TIME_LIMIT ((int64_t)1 << 53)
/* Rows of other kinds that one poll passes over at most. */
#define ROWS_A_POLL 4096u

/* One of the files, with its next row. */
struct csv_input {
	struct csv_reader reader;
	enum sw_nexmark_event type;
	unsigned time_field;
	bool any; /* there is a row */
	int64_t seq, time_ms;
};

struct csv_state {
	struct source_state source; /* its clock */
	struct csv_input inputs[SW_NEXMARK_EVENTS];
	struct sw_batch *batches[SW_NEXMARK_EVENTS]; /* being filled; null: none */
	uint64_t text[SW_NEXMARK_EVENTS];            /* bytes of text in each */
	unsigned kinds;                              /* that are read */
	uint32_t events;                             /* rows read since batches were last sent */
	uint64_t sent;                               /* times that batches were */
	bool any_time;
	int64_t latest_ms;
};

static const char *const file_names[SW_NEXMARK_EVENTS] = { "person.csv", "auction.csv", "bid.csv" };

static int read_row(struct csv_input *input, struct sw_error *error)
{
	int64_t before = input->seq;
	bool first = !input->any;
	int code = csv_reader_next(&input->reader, error);

	input->any = code == 1;
	if (code <= 0)
		return code;
	code = csv_reader_number(&input->reader, 0, 0, INT64_MAX, &input->seq, error);
	if (code)
		return code;
	if (!first && input->seq <= before)
		return sw_error_set(error, -EBADMSG,
			"%s: line %llu: seq: %lld is not above the row before's (%lld)",
			input->reader.name, (unsigned long long)input->reader.line,
			(long long)input->seq, (long long)before);
	return csv_reader_number(
		&input->reader, input->time_field, -TIME_LIMIT, TIME_LIMIT, &input->time_ms, error);
}

static int open_input(
	struct csv_input *input, const char *directory, int type, struct sw_error *error)
{
	const struct sw_schema *schema = sw_nexmark_full_schema((enum sw_nexmark_event)type);
	int code = csv_reader_open(&input->reader, directory, file_names[type], schema, error);

	if (code)
		return code;
	input->type = (enum sw_nexmark_event)type;
	input->time_field = (unsigned)sw_schema_find(schema, "dateTime");
	return read_row(input, error);
}

static int csv_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct source_config *config = sw_instance_config(self);
	struct csv_state *csv = state;
	int code = 0;

	csv->source.last_arrival_ms = SW_TIME_MIN;
	for (int i = 0; i < SW_NEXMARK_EVENTS && !code; i++) {
		csv->kinds += config->plan->inputs[i].columns != 0;
		code = open_input(&csv->inputs[i], config->input_dir, i, error);
	}
	return code;
}

static void csv_close(struct sw_instance *self, void *state)
{
	struct csv_state *csv = state;

	for (int i = 0; i < SW_NEXMARK_EVENTS; i++) {
		csv_reader_close(&csv->inputs[i].reader);
		if (csv->batches[i])
			sw_release(self, csv->batches[i]);
		csv->batches[i] = NULL;
	}
}

/* The file whose row comes next; null: all have ended. Persons come first where seq is equal. */
static struct csv_input *next_input(struct csv_state *csv)
{
	struct csv_input *next = NULL;

	for (int i = 0; i < SW_NEXMARK_EVENTS; i++) {
		struct csv_input *input = &csv->inputs[i];

		if (input->any && (!next || input->seq < next->seq))
			next = input;
	}
	return next;
}

/* ---- A row into its batch ---- */

static uint64_t row_text(const struct csv_input *input, uint32_t columns)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < input->reader.schema->columns; i++)
		if (columns >> i & 1 && input->reader.schema->fields[i].type == SW_TEXT)
			bytes += input->reader.fields[i].size;
	return bytes;
}

/* Does the batch have room for this row's text, and the kernel for what it makes of it? */
static bool fits(
	const struct csv_state *csv, const struct plan_input *plan, const struct csv_input *input)
{
	const struct sw_batch *batch = csv->batches[input->type];
	uint64_t text = csv->text[input->type] + row_text(input, plan->columns);
	uint32_t column = 0;

	if (batch->rows == batch->capacity)
		return false;
	if (plan->kernel_rows && plan->kernel_rows(batch->rows + 1, text) > SW_BATCH_ROWS_MAX)
		return false;
	for (unsigned i = 0; i < input->reader.schema->columns; i++) {
		const struct sw_column *to = &batch->columns[column];

		if (!(plan->columns >> i & 1))
			continue;
		column++;
		if (to->type == SW_TEXT &&
			(uint64_t)to->offsets[batch->rows] + input->reader.fields[i].size >
				to->text_capacity)
			return false;
	}
	return true;
}

static int put_field(const struct csv_input *input, unsigned field, struct sw_batch *batch,
	unsigned column, struct sw_error *error)
{
	struct sw_column *to = &batch->columns[column];
	struct sw_text text = input->reader.fields[field];

	if (to->type == SW_TEXT)
		return sw_column_append_text(to, batch->rows, text.bytes, text.size) ? 0 : -ENOSPC;
	return csv_reader_number(&input->reader, field, INT64_MIN, INT64_MAX,
		(int64_t *)to->data + batch->rows, error);
}

static int put_row(struct csv_state *csv, const struct plan_input *plan,
	const struct csv_input *input, struct sw_error *error)
{
	struct sw_batch *batch = csv->batches[input->type];
	unsigned column = 0;
	int code = 0;

	for (unsigned i = 0; i < input->reader.schema->columns && !code; i++)
		if (plan->columns >> i & 1)
			code = put_field(input, i, batch, column++, error);
	if (code)
		return code;
	if (input->time_ms < batch->time_min_ms || batch->rows == 0)
		batch->time_min_ms = input->time_ms;
	if (input->time_ms > batch->time_max_ms || batch->rows == 0)
		batch->time_max_ms = input->time_ms;
	csv->text[input->type] += row_text(input, plan->columns);
	batch->rows++;
	return 0;
}

/* ---- Rows, one by one ---- */

static enum sw_poll failed(struct sw_instance *self, const struct sw_error *error)
{
	sw_instance_fail(self, error->code, "%s", error->text);
	return SW_POLL_FAILED;
}

/* Sends what there is; only then do its rows lie before the watermark. */
static void send(struct sw_instance *self, struct csv_state *csv)
{
	const struct source_config *config = sw_instance_config(self);
	struct claim claim = {
		.number = csv->sent++,
		.events = csv->events,
		.intended_ns = sw_now_ns(),
	};
	struct sw_batch *batches[SW_NEXMARK_EVENTS];

	for (int i = 0; i < SW_NEXMARK_EVENTS; i++) {
		batches[i] = csv->batches[i];
		csv->batches[i] = NULL;
		csv->text[i] = 0;
	}
	csv->events = 0;
	sw_instance_count_events(self, claim.events);
	source_send(self, &csv->source, &claim, claim.events, batches);
	if (config->plan->time_domain == TIME_OF_ARRIVAL)
		sw_instance_watermark(self, csv->source.last_arrival_ms);
	else if (csv->any_time)
		sw_instance_watermark(self, csv->latest_ms - config->watermark_delay_ms);
}

static bool is_late(const struct source_config *config, const struct csv_state *csv,
	const struct csv_input *input)
{
	return config->plan->leaves_out_late && csv->any_time &&
	       input->time_ms < csv->latest_ms - config->watermark_delay_ms;
}

/* As it stands in its file; where several kinds are read, behind the kind's name. */
static int write_late(const struct source_config *config, const struct csv_state *csv,
	const struct csv_input *input, struct sw_error *error)
{
	struct sw_text raw = input->reader.raw;
	const char *name = sw_nexmark_event_name(input->type);
	size_t before = strlen(name) + 1;
	char *line;
	int code;

	if (csv->kinds == 1)
		return sw_csv_file_line(config->late, raw.bytes, raw.size, error);
	line = malloc(before + raw.size);
	if (!line)
		return sw_error_set(error, -ENOMEM, "late rows: out of memory");
	memcpy(line, name, before - 1);
	line[before - 1] = ',';
	memcpy(line + before, raw.bytes, raw.size);
	code = sw_csv_file_line(config->late, line, before + raw.size, error);
	free(line);
	return code;
}

/* 0: the row was taken, or left out; 1: it has to wait until batches were sent; or -errno. */
static int take_row(struct sw_instance *self, struct csv_state *csv, struct csv_input *input,
	struct sw_error *error)
{
	const struct source_config *config = sw_instance_config(self);
	const struct plan_input *plan = &config->plan->inputs[input->type];
	struct sw_batch **batch = &csv->batches[input->type];

	if (is_late(config, csv, input)) {
		sw_instance_count_late(self, 1);
		atomic_fetch_add_explicit(&config->shared->late_rows, 1, memory_order_relaxed);
		return config->late ? write_late(config, csv, input, error) : 0;
	}
	if (!*batch)
		*batch = sw_batch_new(self, source_output(config->plan, input->type));
	if (!*batch)
		return sw_error_set(error, -ECANCELED, "cancelled");
	if (fits(csv, plan, input))
		return put_row(csv, plan, input, error);
	if ((*batch)->rows > 0)
		return 1;
	return sw_error_set(error, -E2BIG,
		"%s: line %llu: the texts are too long (limit: %u bytes a field, less for "
		"tokenize)",
		input->reader.name, (unsigned long long)input->reader.line, CSV_TEXT_BYTES);
}

/* All rows were read. */
static enum sw_poll finish(struct sw_instance *self, struct csv_state *csv)
{
	const struct source_config *config = sw_instance_config(self);
	struct sw_error error;

	for (int i = 0; i < SW_NEXMARK_EVENTS; i++)
		if (csv->batches[i]) {
			send(self, csv);
			return SW_POLL_MADE;
		}
	sw_instance_count_events(self, csv->events);
	csv->events = 0;
	if (config->late && sw_csv_file_finish(config->late, &error))
		return failed(self, &error);
	return SW_POLL_DONE;
}

static enum sw_poll csv_poll(struct sw_instance *self, void *state)
{
	const struct source_config *config = sw_instance_config(self);
	struct csv_state *csv = state;
	struct csv_input *next;
	struct sw_error error;
	int code;

	for (unsigned rows = 0; (next = next_input(csv)); rows++) {
		/* Files without rows of these kinds are long, too: let the graph see to what else
		 * there is. */
		if (rows == ROWS_A_POLL)
			return SW_POLL_MADE;
		if (config->plan->inputs[next->type].columns) {
			code = take_row(self, csv, next, &error);
			if (code == -ECANCELED)
				return SW_POLL_DONE;
			if (code < 0)
				return failed(self, &error);
			if (code) {
				send(self, csv);
				return SW_POLL_MADE;
			}
		}
		if (!csv->any_time || next->time_ms > csv->latest_ms)
			csv->latest_ms = next->time_ms;
		csv->any_time = true;
		csv->events++;
		if (read_row(next, &error))
			return failed(self, &error);
	}
	return finish(self, csv);
}

const struct sw_operator source_csv = {
	.name = "csv",
	.state_bytes = sizeof(struct csv_state),
	.open = csv_open,
	.close = csv_close,
	.poll = csv_poll,
};

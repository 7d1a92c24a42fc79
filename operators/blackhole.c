/* SPDX-License-Identifier: MIT */
#include "operators/blackhole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/csv_text.h"

struct blackhole {
	struct sw_sink_counts counts;
	char *line;
	size_t line_capacity;
};

#define LINE_BYTES 4096u

static int blackhole_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_blackhole_config *config = sw_instance_config(self);
	struct blackhole *hole = state;

	if (!config->checksum)
		return 0;
	hole->line = malloc(LINE_BYTES);
	hole->line_capacity = LINE_BYTES;
	return hole->line ? 0 : sw_error_set(error, -ENOMEM, "blackhole: out of memory");
}

static void blackhole_close(struct sw_instance *self, void *state)
{
	const struct sw_blackhole_config *config = sw_instance_config(self);
	struct blackhole *hole = state;

	sw_sink_totals_add(config->totals, &hole->counts);
	hole->counts = (struct sw_sink_counts){ 0 };
	free(hole->line);
	hole->line = NULL;
}

/* Several sums side by side: they do not wait for each other. */
static uint64_t fold_bytes(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t sums[8] = { 0 };
	uint64_t words[8], sum = 0;

	for (; size >= sizeof(words); size -= sizeof(words), bytes += sizeof(words)) {
		memcpy(words, bytes, sizeof(words));
		for (int i = 0; i < 8; i++)
			sums[i] += words[i];
	}
	for (int i = 0; i < 8; i++)
		sum += sums[i];
	for (; size > 0; size--)
		sum += *bytes++;
	return sum;
}

static void fold_column(
	struct sw_sink_counts *counts, const struct sw_column *column, uint32_t rows)
{
	size_t bytes;

	if (column->offsets) {
		counts->fold += fold_bytes(column->offsets, ((size_t)rows + 1) * sizeof(int32_t));
		bytes = (size_t)column->offsets[rows];
	} else {
		bytes = (size_t)rows * sw_type_width(column->type);
	}
	counts->fold += fold_bytes(column->data, bytes);
	counts->bytes += bytes;
}

static void fold_selected(
	struct sw_sink_counts *counts, const struct sw_column *column, const struct sw_batch *batch)
{
	uint64_t sum = 0, bytes = 0;

	for (uint32_t i = 0; i < batch->selected_rows; i++) {
		uint32_t row = batch->selected[i];

		if (column->type == SW_TEXT) {
			struct sw_text text = sw_column_text(column, row);

			sum += fold_bytes(text.bytes, text.size);
			bytes += text.size;
		} else {
			sum += (uint64_t)sw_column_int64(column, row);
			bytes += sw_type_width(column->type);
		}
	}
	counts->fold += sum;
	counts->bytes += bytes;
}

static int add_hashes(struct blackhole *hole, const struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);

	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, i);
		size_t bound = sw_csv_row_bound(batch, row);

		if (bound > hole->line_capacity) {
			char *grown = realloc(hole->line, 2 * bound);

			if (!grown)
				return -ENOMEM;
			hole->line = grown;
			hole->line_capacity = 2 * bound;
		}
		hole->counts.checksum +=
			sw_csv_line_hash(hole->line, sw_csv_row(batch, row, hole->line));
	}
	return 0;
}

static int blackhole_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	const struct sw_blackhole_config *config = sw_instance_config(self);
	struct blackhole *hole = state;
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		if (batch->selected)
			fold_selected(&hole->counts, &batch->columns[i], batch);
		else
			fold_column(&hole->counts, &batch->columns[i], batch->rows);
	}
	hole->counts.rows += sw_batch_count(batch);
	if (config->checksum)
		code = add_hashes(hole, batch);
	sw_release(self, batch);
	return code;
}

const struct sw_operator sw_blackhole = {
	.name = "blackhole",
	.state_bytes = sizeof(struct blackhole),
	.open = blackhole_open,
	.close = blackhole_close,
	.process = blackhole_process,
};

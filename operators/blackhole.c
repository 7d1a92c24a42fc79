/* SPDX-License-Identifier: MIT */
#include "operators/blackhole.h"

#include <errno.h>
#include <string.h>

#include "operators/csv_text.h"

struct blackhole {
	struct sw_sink_counts counts;
	struct sw_heap *heap;
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
	hole->heap = sw_instance_heap(self);
	if (hole->heap)
		hole->line = sw_heap_alloc(hole->heap, LINE_BYTES);
	hole->line_capacity = LINE_BYTES;
	return hole->line ? 0 : sw_error_set(error, -ENOMEM, "blackhole: out of memory");
}

static void blackhole_close(struct sw_instance *self, void *state)
{
	const struct sw_blackhole_config *config = sw_instance_config(self);
	struct blackhole *hole = state;

	sw_sink_totals_add(config->totals, &hole->counts);
	hole->counts = (struct sw_sink_counts){ 0 };
}

typedef uint64_t two_sums __attribute__((vector_size(16)));

static uint64_t fold_bytes(const void *data, size_t size)
{
	const unsigned char *bytes = data;
	/* Side by side: they do not wait for each other. */
	two_sums a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 }, words[4];
	uint64_t sum, word;

	for (; size >= sizeof(words); size -= sizeof(words), bytes += sizeof(words)) {
		memcpy(words, bytes, sizeof(words));
		a += words[0];
		b += words[1];
		c += words[2];
		d += words[3];
	}
	a += b + c + d;
	sum = a[0] + a[1];
	for (; size >= sizeof(word); size -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
	}
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

static int make_room(struct blackhole *hole, size_t bytes)
{
	char *grown;

	if (bytes <= hole->line_capacity)
		return 0;
	grown = sw_heap_alloc(hole->heap, 2 * bytes);
	if (!grown)
		return -ENOMEM;
	sw_heap_free(hole->heap, hole->line, hole->line_capacity);
	hole->line = grown;
	hole->line_capacity = 2 * bytes;
	return 0;
}

/* Of a changelog those taken back are subtracted: what is left is the final result's sum. */
static int add_hashes(struct blackhole *hole, const struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);

	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, i);
		uint64_t hash;

		if (make_room(hole, sw_csv_row_bound(batch, row)))
			return -ENOMEM;
		hash = sw_csv_line_hash(hole->line, sw_csv_row(batch, row, hole->line));
		hole->counts.checksum += sw_row_adds(batch, row) ? hash : -hash;
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
	sw_sink_count_rows(&hole->counts, batch);
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

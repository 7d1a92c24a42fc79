/* SPDX-License-Identifier: MIT */
#include "operators/lookup_join.h"

#include <assert.h>
#include <errno.h>

struct lookup_join {
	uint16_t rows[SW_BATCH_ROWS_MAX]; /* of the input: where each row of the output is from */
};

static int join_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_lookup_join_config *config = sw_instance_config(self);
	size_t bytes = sw_side_table_bytes(config->table);

	(void)state;
	if (sw_instance_index(self) > 0 || !sw_instance_state_bytes(self, bytes))
		return 0;
	return sw_error_set(error, -ENOMEM,
		"side table of %zu bytes: over the limit of state (--max-state-bytes)", bytes);
}

/* The rows that were found so far leave for the output; the batch's events are counted once. */
static void emit(struct sw_instance *self, const struct lookup_join *join,
	const struct sw_batch *in, struct sw_batch *out, bool first)
{
	const struct sw_lookup_join_config *config = sw_instance_config(self);
	unsigned to = 0;

	for (unsigned from = 0; from < in->schema->columns; from++) {
		const int64_t *values = in->columns[from].data;
		int64_t *copies;

		if (from == config->key_column)
			continue;
		copies = out->columns[to++].data;
		for (uint32_t i = 0; i < out->rows; i++)
			copies[i] = values[join->rows[i]];
	}
	sw_batch_copy_meta(out, in);
	if (!first)
		out->events = 0;
	sw_emit(self, 0, out);
}

/* False: cancelled. */
static bool find_all(struct sw_instance *self, struct lookup_join *join, const struct sw_batch *in)
{
	const struct sw_lookup_join_config *config = sw_instance_config(self);
	const int64_t *keys = in->columns[config->key_column].data;
	uint32_t value = in->schema->columns - 1, count = sw_batch_count(in);
	struct sw_batch *out = sw_batch_new(self, 0);
	bool first = true;

	if (!out)
		return false;
	assert(out->schema->columns == in->schema->columns);
	assert(out->columns[value].dictionary->entries ==
		sw_side_table_values(config->table)->entries);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = sw_batch_row(in, i);
		struct sw_side_rows found = sw_side_table_find(config->table, keys[row]);

		for (uint32_t j = 0; j < found.count; j++) {
			if (out->rows == out->capacity) {
				emit(self, join, in, out, first);
				first = false;
				out = sw_batch_new(self, 0);
				if (!out)
					return false;
			}
			join->rows[out->rows] = (uint16_t)row;
			((int32_t *)out->columns[value].data)[out->rows++] =
				(int32_t)(found.first + j);
		}
	}
	emit(self, join, in, out, first);
	return true;
}

static int join_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	(void)input;
	find_all(self, state, batch);
	sw_release(self, batch);
	return 0;
}

const struct sw_operator sw_lookup_join = {
	.name = "lookup join",
	.state_bytes = sizeof(struct lookup_join),
	.open = join_open,
	.process = join_process,
};

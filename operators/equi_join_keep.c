/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>

#include "operators/equi_join_private.h"

struct join_keep {
	const struct sw_equi_join_config *config;
	struct sw_heap *heap;
	struct packed_layout layout;
};

static int keep_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	struct join_keep *keep = state;

	keep->config = sw_instance_config(self);
	keep->heap = sw_instance_heap(self);
	if (!keep->heap)
		return sw_error_set(error, -ENOMEM, "join: out of memory");
	join_kept_layout_init(&keep->layout, keep->config);
	return 0;
}

/* Rows from *row on, as many as `out` has room for. */
static int keep_rows(
	struct join_keep *keep, const struct sw_batch *in, uint32_t *row, struct sw_batch *out)
{
	const struct sw_equi_join_config *config = keep->config;
	const int64_t *keys = in->columns[config->key[SW_EQUI_JOIN_KEPT]].data;
	const int64_t *only = config->only ? in->columns[config->only_column].data : NULL;
	const uint32_t count = sw_batch_count(in);

	for (; *row < count && out->rows < out->capacity; ++*row, out->rows++) {
		const uint32_t at = sw_batch_row(in, *row);
		const struct packed_row *kept = NULL;

		if (!only || only[at] == config->only_value) {
			kept = packed_row_keep(&keep->layout, keep->heap, in, at);
			if (!kept)
				return -ENOMEM;
		}
		((int64_t *)out->columns[JOIN_KEPT_KEY].data)[out->rows] = keys[at];
		((int64_t *)out->columns[JOIN_KEPT_ROW].data)[out->rows] = (int64_t)(intptr_t)kept;
	}
	return 0;
}

static int keep_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	uint32_t row = 0;
	int code = 0;

	(void)input;
	while (row < sw_batch_count(batch) && !code) {
		struct sw_batch *out = sw_batch_new(self, 0);

		if (!out)
			break; /* cancelled */
		sw_batch_copy_meta(out, batch);
		out->events = 0;
		code = keep_rows(state, batch, &row, out);
		sw_emit(self, 0, out);
	}
	sw_release(self, batch);
	return code;
}

const struct sw_schema sw_equi_join_kept_schema = {
	.columns = JOIN_KEPT_COLUMNS,
	.fields = { [JOIN_KEPT_KEY] = { .name = "key", .type = SW_INT64 },
		[JOIN_KEPT_ROW] = { .name = "row", .type = SW_INT64 } },
};

const struct sw_operator sw_equi_join_keep = {
	.name = "join's rows",
	.state_bytes = sizeof(struct join_keep),
	.open = keep_open,
	.process = keep_process,
};

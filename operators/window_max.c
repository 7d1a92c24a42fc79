/* SPDX-License-Identifier: MIT */
#include "operators/window_max.h"

#include <errno.h>

#include "operators/panes_private.h"
#include "operators/row_store.h"

struct max_pane {
	struct pane base;
	bool any; /* a row inside the window: `highest` is set */
	int64_t highest;
	struct sw_row_store members; /* inside, with the highest value so far */
	struct sw_row_store border;  /* at the end exactly, not below the highest when they came */
};

struct window_max {
	struct panes panes;
	size_t bytes;
};

static int add_member(
	struct max_pane *pane, const struct sw_batch *batch, uint32_t row, int64_t value)
{
	if (pane->any && value < pane->highest)
		return 0;
	if (!pane->any || value > pane->highest)
		sw_row_store_clear(&pane->members);
	pane->any = true;
	pane->highest = value;
	return sw_row_store_append(&pane->members, batch, row) ? 0 : -ENOMEM;
}

static int add_border(
	struct max_pane *pane, const struct sw_batch *batch, uint32_t row, int64_t value)
{
	if (pane->any && value < pane->highest)
		return 0;
	return sw_row_store_append(&pane->border, batch, row) ? 0 : -ENOMEM;
}

static int add_row(struct window_max *state, const struct sw_window_max_config *config,
	const struct sw_batch *batch, uint32_t row)
{
	int64_t start = sw_column_int64(&batch->columns[0], row);
	int64_t value = sw_column_int64(&batch->columns[config->value], row);
	int64_t time_ms = sw_column_int64(&batch->columns[config->time], row);
	struct max_pane *pane = (struct max_pane *)panes_get(&state->panes, start, sizeof(*pane));
	size_t before;
	int code;

	if (!pane)
		return -ENOMEM;
	before = pane->members.bytes + pane->border.bytes;
	if (time_ms == start + config->window_ms)
		code = add_border(pane, batch, row, value);
	else
		code = add_member(pane, batch, row, value);
	state->bytes += pane->members.bytes + pane->border.bytes - before;
	return code;
}

static int max_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	const struct sw_window_max_config *config = sw_instance_config(self);
	struct window_max *state = state_bytes;
	uint32_t rows = sw_batch_count(batch);
	size_t bytes = state->bytes;
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++)
		code = add_row(state, config, batch, sw_batch_row(batch, i));
	sw_release(self, batch);
	if (code)
		return sw_instance_fail(self, code, "window maximum: out of memory");
	return state->bytes != bytes ? sw_instance_state_bytes(self, state->bytes) : 0;
}

/* Copies the row's output columns; false when a text does not fit any more. */
static bool copy_row(const struct sw_window_max_config *config, struct sw_batch *to,
	const struct sw_batch *from, uint32_t row)
{
	if (to->rows == to->capacity)
		return false;
	for (unsigned i = 0; i < config->columns; i++) {
		const struct sw_column *column = &from->columns[config->from[i]];

		if (column->type == SW_TEXT) {
			struct sw_text text = sw_column_text(column, row);

			/* Columns already written for this row are written again next time. */
			if (!sw_column_append_text(
				    &to->columns[i], to->rows, text.bytes, text.size))
				return false;
		} else {
			((int64_t *)to->columns[i].data)[to->rows] = sw_column_int64(column, row);
		}
	}
	to->rows++;
	return true;
}

/* Gives a row; *batch is the one being filled. 0, or -ENOSPC for a text that no batch can hold. */
static int give_row(struct sw_instance *self, struct sw_batch **batch, const struct sw_batch *from,
	uint32_t row)
{
	const struct sw_window_max_config *config = sw_instance_config(self);

	for (int attempt = 0; attempt < 2; attempt++) {
		if (!*batch)
			*batch = sw_batch_new(self, 0);
		if (!*batch)
			return 0; /* cancelled */
		if (copy_row(config, *batch, from, row))
			return 0;
		if ((*batch)->rows == 0)
			break;
		sw_emit(self, 0, *batch);
		*batch = NULL;
	}
	return sw_instance_fail(self, -ENOSPC, "window maximum: a text is too long for a batch");
}

static int give_store(struct sw_instance *self, struct sw_batch **batch,
	const struct sw_row_store *store, int64_t highest)
{
	const struct sw_window_max_config *config = sw_instance_config(self);
	int code = 0;

	for (uint32_t i = 0; i < store->chunks_used; i++) {
		const struct sw_batch *chunk = store->chunks[i];

		for (uint32_t row = 0; row < chunk->rows && !code; row++)
			if (sw_column_int64(&chunk->columns[config->value], row) == highest)
				code = give_row(self, batch, chunk, row);
	}
	return code;
}

static int give(struct sw_instance *self, struct max_pane *pane)
{
	struct sw_batch *batch = NULL;
	int code = 0;

	if (pane->any) {
		code = give_store(self, &batch, &pane->members, pane->highest);
		if (!code)
			code = give_store(self, &batch, &pane->border, pane->highest);
	}
	if (batch)
		sw_emit(self, 0, batch);
	sw_row_store_clear(&pane->members);
	sw_row_store_clear(&pane->border);
	pane->any = false;
	return code;
}

static int max_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	const struct sw_window_max_config *config = sw_instance_config(self);
	struct window_max *state = state_bytes;
	uint32_t closed = 0;
	int code = 0;

	while (closed < state->panes.count && !code) {
		struct pane *pane = state->panes.open[closed];

		/* A row at the end exactly still matters: the watermark has to be past it. */
		if (watermark != SW_TIME_END && pane->start + config->window_ms >= watermark)
			break;
		code = give(self, (struct max_pane *)pane);
		closed++;
	}
	panes_close(&state->panes, closed);
	return code;
}

static void fini_pane(struct pane *pane)
{
	struct max_pane *max = (struct max_pane *)pane;

	sw_row_store_fini(&max->members);
	sw_row_store_fini(&max->border);
}

static void max_close(struct sw_instance *self, void *state_bytes)
{
	struct window_max *state = state_bytes;

	(void)self;
	panes_fini(&state->panes, fini_pane);
}

const struct sw_operator sw_window_max = {
	.name = "window maximum",
	.state_bytes = sizeof(struct window_max),
	.close = max_close,
	.process = max_process,
	.advance = max_advance,
};

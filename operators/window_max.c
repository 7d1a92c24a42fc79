/* SPDX-License-Identifier: MIT */
#include "operators/window_max.h"

#include <errno.h>

#include "operators/panes_private.h"
#include "operators/row_store.h"
#include "operators/row_writer.h"

struct max_pane {
	struct pane base;
	bool any; /* a row inside the window: `highest` is set */
	int64_t highest;
	struct sw_row_store members; /* inside, with the highest value so far */
	struct sw_row_store border;  /* at the end exactly, not below the highest when they came */
};

struct window_max {
	struct panes panes;
	bool laid_out; /* by the schema of the first batch */
	struct sw_row_layout layout;
};

static int max_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct window_max *state = state_bytes;
	struct sw_heap *heap = sw_instance_heap(self);

	if (!heap)
		return sw_error_set(error, -ENOMEM, "window maximum: out of memory");
	panes_init(&state->panes, heap);
	return 0;
}

static int add_row(struct window_max *state, const struct sw_window_max_config *config,
	const struct sw_batch *batch, uint32_t row)
{
	int64_t start = sw_column_int64(&batch->columns[0], row);
	int64_t value = sw_column_int64(&batch->columns[config->value], row);
	int64_t time_ms = sw_column_int64(&batch->columns[config->time], row);
	struct max_pane *pane = (struct max_pane *)panes_get(&state->panes, start, sizeof(*pane));
	struct sw_row_store *store;

	if (!pane)
		return -ENOMEM;
	if (pane->any && value < pane->highest)
		return 0;
	store = &pane->border;
	if (time_ms != start + config->window_ms) {
		store = &pane->members;
		if (!pane->any || value > pane->highest)
			sw_row_store_clear(store, state->panes.heap);
		pane->any = true;
		pane->highest = value;
	}
	if (!sw_row_store_append(store, state->panes.heap, &state->layout, batch, row))
		return -ENOMEM;
	return 0;
}

static int max_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct window_max *state = state_bytes;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	if (!state->laid_out)
		sw_row_layout_init(&state->layout, batch->schema);
	state->laid_out = true;
	for (uint32_t i = 0; i < rows && !code; i++)
		code = add_row(state, sw_instance_config(self), batch, sw_batch_row(batch, i));
	sw_release(self, batch);
	return code;
}

static int give_row(struct sw_instance *self, const struct window_max *state,
	struct sw_row_writer *writer, const struct sw_row *row)
{
	const struct sw_window_max_config *config = sw_instance_config(self);
	union sw_value values[sizeof(config->from) / sizeof(config->from[0])];

	for (unsigned i = 0; i < config->columns; i++)
		if (state->layout.texts >> config->from[i] & 1)
			values[i].text = sw_row_text(&state->layout, row, config->from[i]);
		else
			values[i].number = sw_row_int64(&state->layout, row, config->from[i]);
	return sw_row_write(writer, values, SW_CHANGE_INSERT);
}

/* Those of the rows that have the highest value, which was not known when they came. */
static int give_store(struct sw_instance *self, const struct window_max *state,
	struct sw_row_writer *writer, const struct sw_row_store *store, int64_t highest)
{
	const struct sw_window_max_config *config = sw_instance_config(self);
	int code = 0;

	for (size_t i = 0; i < store->count && !code; i++)
		if (sw_row_int64(&state->layout, store->rows[i], config->value) == highest)
			code = give_row(self, state, writer, store->rows[i]);
	return code;
}

static int give(struct sw_instance *self, const struct window_max *state, struct max_pane *pane)
{
	struct sw_row_writer writer;
	int code = 0;

	sw_row_writer_begin(&writer, self, 0, SW_TIME_MIN);
	if (pane->any) {
		code = give_store(self, state, &writer, &pane->members, pane->highest);
		if (!code)
			code = give_store(self, state, &writer, &pane->border, pane->highest);
	}
	sw_row_writer_end(&writer);
	sw_row_store_clear(&pane->members, state->panes.heap);
	sw_row_store_clear(&pane->border, state->panes.heap);
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
		code = give(self, state, (struct max_pane *)pane);
		closed++;
	}
	panes_close(&state->panes, closed);
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_window_max = {
	.name = "window maximum",
	.state_bytes = sizeof(struct window_max),
	.open = max_open,
	.process = max_process,
	.advance = max_advance,
};

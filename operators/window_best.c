/* SPDX-License-Identifier: MIT */
#include "operators/window_best.h"

#include <errno.h>

#include "operators/best_keys_private.h"
#include "operators/panes_private.h"
#include "operators/row_writer.h"

enum { IN_WINDOW, IN_KEY, IN_COUNT };
enum { OUT_KEY, OUT_COUNT, OUT_START, OUT_END };

/* A closed one keeps its keys' array. */
struct best_pane {
	struct pane base;
	struct best_keys best;
};

struct window_best {
	struct sw_heap *heap;
	struct panes panes;
};

static int best_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct window_best *state = state_bytes;

	state->heap = sw_instance_heap(self);
	if (!state->heap)
		return sw_error_set(error, -ENOMEM, "best of windows: out of memory");
	panes_init(&state->panes, state->heap);
	return 0;
}

static int add(struct window_best *state, int64_t start, int64_t key, int64_t count)
{
	struct best_pane *pane = (struct best_pane *)panes_get(&state->panes, start, sizeof(*pane));

	return pane ? best_keys_add(&pane->best, state->heap, key, count) : -ENOMEM;
}

static int best_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct window_best *state = state_bytes;
	const int64_t *windows = batch->columns[IN_WINDOW].data;
	const int64_t *keys = batch->columns[IN_KEY].data;
	const int64_t *counts = batch->columns[IN_COUNT].data;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		code = add(state, windows[row], keys[row], counts[row]);
	}
	sw_release(self, batch);
	return code;
}

static void give(struct sw_instance *self, const struct best_pane *pane, int64_t window_ms)
{
	const struct best_keys *best = &pane->best;
	struct sw_row_writer writer;

	sw_row_writer_begin(&writer, self, 0, SW_TIME_MIN);
	for (size_t i = 0; i < best->used; i++) {
		struct sw_batch *batch = sw_row_writer_room(&writer);

		if (!batch)
			return; /* cancelled */
		((int64_t *)batch->columns[OUT_KEY].data)[batch->rows] = best->keys[i];
		((int64_t *)batch->columns[OUT_COUNT].data)[batch->rows] = best->count;
		((int64_t *)batch->columns[OUT_START].data)[batch->rows] = pane->base.start;
		((int64_t *)batch->columns[OUT_END].data)[batch->rows] =
			pane->base.start + window_ms;
		batch->rows++;
	}
	sw_row_writer_end(&writer);
}

static int best_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	const struct sw_window_best_config *config = sw_instance_config(self);
	struct window_best *state = state_bytes;
	uint32_t closed = 0;

	while (closed < state->panes.count) {
		struct best_pane *pane = (struct best_pane *)state->panes.open[closed];

		if (pane->base.start + config->window_ms > watermark)
			break;
		give(self, pane, config->window_ms);
		best_keys_clear(&pane->best, 0);
		closed++;
	}
	panes_close(&state->panes, closed);
	return 0;
}

const struct sw_operator sw_window_best = {
	.name = "window best",
	.state_bytes = sizeof(struct window_best),
	.open = best_open,
	.process = best_process,
	.advance = best_advance,
};

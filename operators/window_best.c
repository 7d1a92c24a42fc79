/* SPDX-License-Identifier: MIT */
#include "operators/window_best.h"

#include <errno.h>
#include <string.h>

#include "operators/panes_private.h"

enum { IN_WINDOW, IN_KEY, IN_COUNT };
enum { OUT_KEY, OUT_COUNT, OUT_START, OUT_END };

#define KEYS_FIRST 4u

/* The keys with the highest count so far. A closed pane keeps its array. */
struct best_pane {
	struct pane base;
	int64_t count;
	int64_t *keys;
	size_t used, capacity;
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

static int make_room(struct sw_heap *heap, struct best_pane *pane)
{
	size_t capacity = pane->capacity ? 2 * pane->capacity : KEYS_FIRST;
	int64_t *grown;

	if (pane->used < pane->capacity)
		return 0;
	grown = sw_heap_alloc(heap, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (pane->used > 0)
		memcpy(grown, pane->keys, pane->used * sizeof(*grown));
	sw_heap_free(heap, pane->keys, pane->capacity * sizeof(*grown));
	pane->keys = grown;
	pane->capacity = capacity;
	return 0;
}

static int add(struct window_best *state, int64_t start, int64_t key, int64_t count)
{
	struct best_pane *pane = (struct best_pane *)panes_get(&state->panes, start, sizeof(*pane));

	if (!pane)
		return -ENOMEM;
	if (pane->used > 0 && count < pane->count)
		return 0;
	if (count > pane->count)
		pane->used = 0;
	if (make_room(state->heap, pane))
		return -ENOMEM;
	pane->count = count;
	pane->keys[pane->used++] = key;
	return 0;
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
	struct sw_batch *batch = NULL;

	for (size_t i = 0; i < pane->used; i++) {
		if (batch && batch->rows == batch->capacity) {
			sw_emit(self, 0, batch);
			batch = NULL;
		}
		if (!batch)
			batch = sw_batch_new(self, 0);
		if (!batch)
			return; /* cancelled */
		((int64_t *)batch->columns[OUT_KEY].data)[batch->rows] = pane->keys[i];
		((int64_t *)batch->columns[OUT_COUNT].data)[batch->rows] = pane->count;
		((int64_t *)batch->columns[OUT_START].data)[batch->rows] = pane->base.start;
		((int64_t *)batch->columns[OUT_END].data)[batch->rows] =
			pane->base.start + window_ms;
		batch->rows++;
	}
	if (batch)
		sw_emit(self, 0, batch);
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
		pane->used = 0;
		pane->count = 0;
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

/* SPDX-License-Identifier: MIT */
#include "operators/window_count.h"

#include <errno.h>

#include "operators/panes_private.h"

#define SLOTS_FIRST 256u

enum { IN_KEY, IN_START, IN_COUNT };
enum { OUT_KEY, OUT_COUNT, OUT_START, OUT_END };

struct slot {
	int64_t key;
	int64_t count; /* 0: empty (a partial's count is never 0) */
};

/* A window's counts: open addressing, never more than half full. */
struct count_pane {
	struct pane base;
	struct slot *slots;
	size_t capacity, used;
};

struct window_count {
	struct panes panes;
	size_t bytes; /* of all tables, in use or kept */
};

static size_t slot_of(int64_t key, size_t capacity)
{
	uint64_t hash = (uint64_t)key * 0x9E3779B97F4A7C15u;

	return (size_t)(hash >> 32) & (capacity - 1);
}

static struct slot *find(struct count_pane *pane, int64_t key)
{
	size_t i = slot_of(key, pane->capacity);

	while (pane->slots[i].count != 0 && pane->slots[i].key != key)
		i = (i + 1) & (pane->capacity - 1);
	return &pane->slots[i];
}

/* Room for one more key. */
static int make_room(struct window_count *state, struct count_pane *pane)
{
	struct count_pane grown = *pane;

	if (2 * (pane->used + 1) <= pane->capacity)
		return 0;
	grown.capacity = pane->capacity ? 2 * pane->capacity : SLOTS_FIRST;
	grown.slots = calloc(grown.capacity, sizeof(struct slot));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < pane->capacity; i++)
		if (pane->slots[i].count != 0)
			*find(&grown, pane->slots[i].key) = pane->slots[i];
	state->bytes += (grown.capacity - pane->capacity) * sizeof(struct slot);
	free(pane->slots);
	*pane = grown;
	return 0;
}

static int add_row(struct window_count *state, int64_t key, int64_t start, int64_t count)
{
	struct count_pane *pane =
		(struct count_pane *)panes_get(&state->panes, start, sizeof(*pane));
	struct slot *slot;

	if (!pane || make_room(state, pane))
		return -ENOMEM;
	slot = find(pane, key);
	pane->used += slot->count == 0;
	slot->key = key;
	slot->count += count;
	return 0;
}

static int count_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct window_count *state = state_bytes;
	const int64_t *keys = batch->columns[IN_KEY].data;
	const int64_t *starts = batch->columns[IN_START].data;
	const int64_t *counts = batch->columns[IN_COUNT].data;
	uint32_t rows = sw_batch_count(batch);
	size_t bytes = state->bytes;
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		if (counts[row] != 0)
			code = add_row(state, keys[row], starts[row], counts[row]);
	}
	sw_release(self, batch);
	if (code)
		return sw_instance_fail(self, code, "window counts: out of memory");
	return state->bytes != bytes ? sw_instance_state_bytes(self, state->bytes) : 0;
}

static void put_row(struct sw_batch *batch, const struct slot *slot, int64_t start, int64_t end)
{
	uint32_t row = batch->rows++;

	((int64_t *)batch->columns[OUT_KEY].data)[row] = slot->key;
	((int64_t *)batch->columns[OUT_COUNT].data)[row] = slot->count;
	((int64_t *)batch->columns[OUT_START].data)[row] = start;
	((int64_t *)batch->columns[OUT_END].data)[row] = end;
}

static void give(struct sw_instance *self, struct count_pane *pane, int64_t window_ms)
{
	struct sw_batch *batch = NULL;

	for (size_t i = 0; i < pane->capacity; i++) {
		if (pane->slots[i].count == 0)
			continue;
		if (batch && batch->rows == batch->capacity) {
			sw_emit(self, 0, batch);
			batch = NULL;
		}
		if (!batch)
			batch = sw_batch_new(self, 0);
		if (!batch)
			break; /* cancelled */
		put_row(batch, &pane->slots[i], pane->base.start, pane->base.start + window_ms);
	}
	if (batch)
		sw_emit(self, 0, batch);
	/* The table is kept, empty, for a window to come: it will be about as large. */
	if (pane->capacity > 0)
		memset(pane->slots, 0, pane->capacity * sizeof(struct slot));
	pane->used = 0;
}

static int count_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	const struct sw_window_count_config *config = sw_instance_config(self);
	struct window_count *state = state_bytes;
	uint32_t closed = 0;

	while (closed < state->panes.count) {
		struct pane *pane = state->panes.open[closed];

		if (watermark != SW_TIME_END && pane->start + config->window_ms > watermark)
			break;
		give(self, (struct count_pane *)pane, config->window_ms);
		closed++;
	}
	panes_close(&state->panes, closed);
	return 0;
}

static void fini_pane(struct pane *pane)
{
	free(((struct count_pane *)pane)->slots);
}

static void count_close(struct sw_instance *self, void *state_bytes)
{
	struct window_count *state = state_bytes;

	(void)self;
	panes_fini(&state->panes, fini_pane);
}

const struct sw_operator sw_window_count = {
	.name = "window count",
	.state_bytes = sizeof(struct window_count),
	.close = count_close,
	.process = count_process,
	.advance = count_advance,
};

/* SPDX-License-Identifier: MIT */
#include "operators/window_count.h"

#include <errno.h>

#include "operators/key_map.h"
#include "operators/panes_private.h"
#include "operators/row_writer.h"

#define AHEAD 8 /* rows whose counts are fetched ahead */

enum { IN_KEY, IN_START, IN_COUNT };
enum { OUT_KEY, OUT_COUNT, OUT_START, OUT_END };

struct count_pane {
	struct pane base;
	struct sw_key_map counts; /* the values themselves */
};

struct window_count {
	struct panes panes;
};

static int count_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct window_count *state = state_bytes;
	struct sw_heap *heap = sw_instance_heap(self);

	if (!heap)
		return sw_error_set(error, -ENOMEM, "window counts: out of memory");
	panes_init(&state->panes, heap);
	return 0;
}

static struct count_pane *find_pane(
	struct sw_instance *self, struct window_count *state, int64_t start)
{
	struct count_pane *pane =
		(struct count_pane *)panes_get(&state->panes, start, sizeof(*pane));

	if (pane && !pane->counts.heap)
		sw_key_map_init(&pane->counts, state->panes.heap, sw_instance_state_mode(self));
	return pane;
}

static int add(struct sw_instance *self, struct count_pane *pane, int64_t key, int64_t count)
{
	uint32_t *place = sw_key_map_dense(&pane->counts, key);

	if (!place || !*place)
		place = sw_key_map_put(&pane->counts, key);
	if (!place)
		return -ENOMEM;
	if ((uint64_t)count > UINT32_MAX - *place)
		return sw_instance_fail(self, -EOVERFLOW,
			"window counts: key %lld: more than %u in one window", (long long)key,
			UINT32_MAX);
	*place += (uint32_t)count;
	return 0;
}

static int add_batch(
	struct sw_instance *self, struct window_count *state, const struct sw_batch *batch)
{
	const int64_t *keys = batch->columns[IN_KEY].data;
	const int64_t *starts = batch->columns[IN_START].data;
	const int64_t *counts = batch->columns[IN_COUNT].data;
	uint32_t rows = sw_batch_count(batch);
	struct count_pane *pane = NULL;
	bool hashed = false;
	int code = 0;

	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		if (!pane || pane->base.start != starts[row]) {
			pane = find_pane(self, state, starts[row]);
			if (!pane)
				return -ENOMEM;
			hashed = sw_key_map_is_hashed(&pane->counts);
		}
		if (hashed && i + AHEAD < rows)
			sw_key_map_prefetch(&pane->counts, keys[sw_batch_row(batch, i + AHEAD)]);
		if (counts[row] != 0)
			code = add(self, pane, keys[row], counts[row]);
	}
	return code;
}

static int count_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	int code = add_batch(self, state, batch);

	(void)input;
	sw_release(self, batch);
	return code;
}

static void give(struct sw_instance *self, const struct count_pane *pane, int64_t window_ms)
{
	struct sw_row_writer writer;
	uint64_t at = 0;
	int64_t key;
	uint32_t count;

	sw_row_writer_begin(&writer, self, 0, SW_TIME_MIN);
	while (sw_key_map_next(&pane->counts, &at, &key, &count)) {
		struct sw_batch *batch = sw_row_writer_room(&writer);
		uint32_t row;

		if (!batch)
			return; /* cancelled */
		row = batch->rows++;
		((int64_t *)batch->columns[OUT_KEY].data)[row] = key;
		((int64_t *)batch->columns[OUT_COUNT].data)[row] = count;
		((int64_t *)batch->columns[OUT_START].data)[row] = pane->base.start;
		((int64_t *)batch->columns[OUT_END].data)[row] = pane->base.start + window_ms;
	}
	sw_row_writer_end(&writer);
}

static int count_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	const struct sw_window_count_config *config = sw_instance_config(self);
	struct window_count *state = state_bytes;
	uint32_t closed = 0;

	while (closed < state->panes.count) {
		struct count_pane *pane = (struct count_pane *)state->panes.open[closed];

		if (watermark != SW_TIME_END && pane->base.start + config->window_ms > watermark)
			break;
		give(self, pane, config->window_ms);
		sw_key_map_clear(&pane->counts);
		closed++;
	}
	panes_close(&state->panes, closed);
	return 0;
}

const struct sw_operator sw_window_count = {
	.name = "window count",
	.state_bytes = sizeof(struct window_count),
	.open = count_open,
	.process = count_process,
	.advance = count_advance,
};

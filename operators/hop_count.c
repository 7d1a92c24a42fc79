/* SPDX-License-Identifier: MIT */
/*
 * Windows share what they are made of: rows are counted per slice, and a window is the sum of its
 * slices. When it closes, few keys are looked at: the highest count of one of its k slices is a
 * bound from below for the window's highest, and a key that reaches the bound has at least a k-th
 * of it in one slice. A slice whose end has passed is sorted roughly, so that its heavy keys come
 * first.
 */

#include "operators/hop_count.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/best_keys_private.h"
#include "operators/key_map.h"
#include "operators/panes_private.h"
#include "operators/row_writer.h"

enum { IN_KEY, IN_START, IN_COUNT };
enum { OUT_WINDOW, OUT_KEY, OUT_COUNT };

#define CHUNK_SHIFT   8
#define CHUNK_ENTRIES (1u << CHUNK_SHIFT)
#define CHUNK_BYTES   (CHUNK_ENTRIES * sizeof(struct entry))
#define POWERS        64

struct entry {
	int64_t key, count;
};

struct slice {
	struct pane base;
	bool ready;            /* the map was initialised */
	struct sw_key_map map; /* key -> 1 + index of its entry */
	struct entry **chunks;
	size_t chunk_count, chunk_capacity;
	uint32_t used; /* entries */
	int64_t highest;
	/* Once sealed: indices of the entries, those of the highest powers of two first. */
	uint32_t *order;
	uint32_t until[POWERS]; /* those whose count is 2^i or more are before until[i] */
};

struct hop_count {
	struct sw_heap *heap;
	struct panes slices;
	int64_t next_end;         /* windows that end before it were closed */
	struct best_keys winners; /* of the window that is being closed */
};

static struct entry *entry_at(const struct slice *slice, uint32_t index)
{
	return &slice->chunks[index >> CHUNK_SHIFT][index & (CHUNK_ENTRIES - 1)];
}

static unsigned power_of(int64_t count)
{
	return 63 - (unsigned)__builtin_clzll((uint64_t)count);
}

/* ---- Counting ---- */

static bool add_chunk(struct sw_heap *heap, struct slice *slice)
{
	if (slice->chunk_count == slice->chunk_capacity) {
		size_t capacity = slice->chunk_capacity ? 2 * slice->chunk_capacity : 8;
		struct entry **grown = sw_heap_alloc(heap, capacity * sizeof(*grown));

		if (!grown)
			return false;
		if (slice->chunk_count > 0)
			memcpy(grown, slice->chunks, slice->chunk_count * sizeof(*grown));
		sw_heap_free(heap, slice->chunks, slice->chunk_capacity * sizeof(*grown));
		slice->chunks = grown;
		slice->chunk_capacity = capacity;
	}
	slice->chunks[slice->chunk_count] = sw_heap_alloc(heap, CHUNK_BYTES);
	if (!slice->chunks[slice->chunk_count])
		return false;
	slice->chunk_count++;
	return true;
}

/* An entry for a key that has none. */
static struct entry *new_entry(struct sw_heap *heap, struct slice *slice, int64_t key)
{
	uint32_t *place;
	struct entry *entry;

	if (slice->used == UINT32_MAX)
		return NULL;
	if (slice->used >> CHUNK_SHIFT == slice->chunk_count && !add_chunk(heap, slice))
		return NULL;
	place = sw_key_map_put(&slice->map, key);
	if (!place)
		return NULL;
	entry = entry_at(slice, slice->used);
	*entry = (struct entry){ key, 0 };
	*place = ++slice->used;
	return entry;
}

static int add(struct sw_heap *heap, struct slice *slice, int64_t key, int64_t count)
{
	uint32_t number = sw_key_map_get(&slice->map, key);
	struct entry *entry = number ? entry_at(slice, number - 1) : new_entry(heap, slice, key);

	if (!entry)
		return -ENOMEM;
	/* Rows of a slice come before its end does. */
	assert(count > 0 && !slice->order);
	entry->count += count;
	if (entry->count > slice->highest)
		slice->highest = entry->count;
	return 0;
}

static struct slice *slice_of(struct sw_instance *self, struct hop_count *state, int64_t start)
{
	struct slice *slice = (struct slice *)panes_get(&state->slices, start, sizeof(*slice));

	if (slice && !slice->ready) {
		sw_key_map_init(&slice->map, state->heap, sw_instance_state_mode(self));
		slice->ready = true;
	}
	return slice;
}

static int hop_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct hop_count *state = state_bytes;
	const int64_t *keys = batch->columns[IN_KEY].data;
	const int64_t *starts = batch->columns[IN_START].data;
	const int64_t *counts = batch->columns[IN_COUNT].data;
	uint32_t rows = sw_batch_count(batch);
	struct slice *slice = NULL;
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		if (!slice || slice->base.start != starts[row])
			slice = slice_of(self, state, starts[row]);
		code = slice ? add(state->heap, slice, keys[row], counts[row]) : -ENOMEM;
	}
	sw_release(self, batch);
	return code;
}

/* ---- Windows ---- */

/* Nothing comes any more: brings the entries into the order of their powers of two. */
static int seal(struct sw_heap *heap, struct slice *slice)
{
	uint32_t at[POWERS + 1] = { 0 }, total = 0;

	if (slice->order)
		return 0;
	slice->order = sw_heap_alloc(heap, slice->used * sizeof(uint32_t));
	if (!slice->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < slice->used; i++)
		at[power_of(entry_at(slice, i)->count)]++;
	for (unsigned power = POWERS; power-- > 0;) {
		uint32_t entries = at[power];

		at[power] = total;
		total += entries;
		slice->until[power] = total;
	}
	for (uint32_t i = 0; i < slice->used; i++)
		slice->order[at[power_of(entry_at(slice, i)->count)]++] = i;
	return 0;
}

static void unseal(struct sw_heap *heap, struct slice *slice)
{
	sw_heap_free(heap, slice->order, slice->used * sizeof(uint32_t));
	slice->order = NULL;
}

/* All that the slice holds is given back, but its map's table: the next slice uses it. */
static void empty(struct sw_heap *heap, struct slice *slice)
{
	unseal(heap, slice);
	sw_key_map_clear(&slice->map);
	for (size_t i = 0; i < slice->chunk_count; i++)
		sw_heap_free(heap, slice->chunks[i], CHUNK_BYTES);
	sw_heap_free(heap, slice->chunks, slice->chunk_capacity * sizeof(*slice->chunks));
	slice->chunks = NULL;
	slice->chunk_count = slice->chunk_capacity = 0;
	slice->used = 0;
	slice->highest = 0;
}

static int64_t count_in(const struct slice *slice, int64_t key)
{
	uint32_t number = sw_key_map_get(&slice->map, key);

	return number ? entry_at(slice, number - 1)->count : 0;
}

/* The window's count of an entry of slice `own`, which is where the key is looked at only if it has
 * none with more of it, nor an earlier one with as much. Else 0. */
static int64_t window_count(
	const struct hop_count *state, uint32_t slices, uint32_t own, const struct entry *entry)
{
	int64_t sum = entry->count;

	for (uint32_t i = 0; i < slices; i++) {
		const struct slice *slice = (const struct slice *)state->slices.open[i];
		int64_t count = i == own ? 0 : count_in(slice, entry->key);

		if (count > entry->count || (count == entry->count && i < own))
			return 0;
		sum += count;
	}
	return sum;
}

/* The winners of the window of the first `slices` slices. */
static int find_winners(struct hop_count *state, uint32_t slices)
{
	struct best_keys *winners = &state->winners;
	int64_t least = 1;
	int code = 0;

	for (uint32_t i = 0; i < slices; i++) {
		const struct slice *slice = (const struct slice *)state->slices.open[i];

		if (slice->highest > least)
			least = slice->highest;
	}
	best_keys_clear(winners, least);
	for (uint32_t i = 0; i < slices && !code; i++) {
		const struct slice *slice = (const struct slice *)state->slices.open[i];
		int64_t share = (winners->count + slices - 1) / slices;
		uint32_t until = slice->until[power_of(share)];

		for (uint32_t j = 0; j < until && !code; j++) {
			const struct entry *entry = entry_at(slice, slice->order[j]);

			if (entry->count >= share)
				code = best_keys_add(winners, state->heap, entry->key,
					window_count(state, slices, i, entry));
		}
	}
	return code;
}

static void give_winners(struct sw_instance *self, const struct best_keys *winners, int64_t start)
{
	struct sw_row_writer writer;

	sw_row_writer_begin(&writer, self, 0, SW_TIME_MIN);
	for (size_t i = 0; i < winners->used; i++) {
		struct sw_batch *batch = sw_row_writer_room(&writer);

		if (!batch)
			return; /* cancelled */
		((int64_t *)batch->columns[OUT_WINDOW].data)[batch->rows] = start;
		((int64_t *)batch->columns[OUT_KEY].data)[batch->rows] = winners->keys[i];
		((int64_t *)batch->columns[OUT_COUNT].data)[batch->rows] = winners->count;
		batch->rows++;
	}
	sw_row_writer_end(&writer);
}

/* Gives the window that ends at `end`, and empties the slices that no later window has. */
static int close_window(struct sw_instance *self, struct hop_count *state, int64_t end)
{
	const struct sw_hop_count_config *config = sw_instance_config(self);
	uint32_t slices = 0, gone = 0;
	int code;

	while (slices < state->slices.count && state->slices.open[slices]->start < end) {
		if (seal(state->heap, (struct slice *)state->slices.open[slices]))
			return -ENOMEM;
		slices++;
	}
	code = find_winners(state, slices);
	if (code)
		return code;
	give_winners(self, &state->winners, end - config->window_ms);
	while (gone < slices && state->slices.open[gone]->start <= end - config->window_ms)
		empty(state->heap, (struct slice *)state->slices.open[gone++]);
	panes_close(&state->slices, gone);
	return 0;
}

static int hop_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	const struct sw_hop_count_config *config = sw_instance_config(self);
	struct hop_count *state = state_bytes;
	int code = 0;

	while (state->slices.count > 0 && !code) {
		int64_t end = state->slices.open[0]->start + config->slide_ms;

		if (end < state->next_end)
			end = state->next_end;
		if (end > watermark)
			break;
		code = close_window(self, state, end);
		state->next_end = end + config->slide_ms;
	}
	return code;
}

static int hop_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct hop_count *state = state_bytes;

	state->next_end = SW_TIME_MIN;
	state->heap = sw_instance_heap(self);
	panes_init(&state->slices, state->heap);
	return state->heap ? 0 : sw_error_set(error, -ENOMEM, "hopping counts: out of memory");
}

const struct sw_operator sw_hop_count = {
	.name = "hop count",
	.state_bytes = sizeof(struct hop_count),
	.open = hop_open,
	.process = hop_process,
	.advance = hop_advance,
};

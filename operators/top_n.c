/* SPDX-License-Identifier: MIT */
#include "operators/top_n_private.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/key_map.h"
#include "operators/slab.h"

#define CHANGES_FIRST 256u
#define INNER_FIRST   4u

/* A partition's rows, best first. */
struct top {
	uint32_t change; /* 1 + index of its change; 0: as it was given last */
	uint32_t count;
	struct top_row rows[];
};

/*
 * What a partition that has changed since the last watermark was then. The rows still in it come
 * first in both, for rows only ever go out at the end; the others wait here to be taken back.
 */
struct change {
	uint32_t top; /* of the slab */
	uint16_t given, kept;
	struct top_row rows[];
};

struct top_n {
	const struct sw_top_n_config *config;
	struct sw_heap *heap;
	struct top_layout layout;
	/*
	 * First key -> number of the partition's top. With two keys: of a table of the second key,
	 * where that is. Rows of the same first key come together in time, so their tables are in
	 * the cache; one table of all pairs would not be.
	 */
	struct sw_key_map map;
	struct sw_slab inner; /* struct sw_slots */
	struct sw_slab tops;
	char *changes;
	size_t change_bytes, change_count, change_capacity;
	struct sw_batch *batch; /* that advance() fills */
};

static int top_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	const struct sw_top_n_config *config = sw_instance_config(self);
	struct top_n *state = state_bytes;

	assert(config->n >= 1 && config->n <= SW_TOP_N_MAX);
	assert(config->columns <= SW_TOP_N_COLUMNS_MAX);
	state->config = config;
	state->heap = sw_instance_heap(self);
	if (!state->heap)
		return sw_error_set(error, -ENOMEM, "top rows: out of memory");
	top_layout_init(&state->layout, config);
	sw_key_map_init(&state->map, state->heap, sw_instance_state_mode(self));
	sw_slab_init(&state->inner, state->heap, sizeof(struct sw_slots));
	sw_slab_init(
		&state->tops, state->heap, sizeof(struct top) + config->n * sizeof(struct top_row));
	state->change_bytes = sizeof(struct change) + config->n * sizeof(struct top_row);
	return 0;
}

/* ---- Rows in ---- */

static struct change *change_at(const struct top_n *state, size_t index)
{
	return (struct change *)(void *)(state->changes + index * state->change_bytes);
}

static bool grow_changes(struct top_n *state)
{
	size_t capacity = state->change_capacity ? 2 * state->change_capacity : CHANGES_FIRST;
	char *grown = sw_heap_alloc(state->heap, capacity * state->change_bytes);

	if (!grown)
		return false;
	if (state->change_count > 0)
		memcpy(grown, state->changes, state->change_count * state->change_bytes);
	sw_heap_free(state->heap, state->changes, state->change_capacity * state->change_bytes);
	state->changes = grown;
	state->change_capacity = capacity;
	return true;
}

/* Before a top's first change since the last watermark. */
static bool remember(struct top_n *state, uint32_t number, struct top *top)
{
	struct change *change;

	if (state->change_count == UINT32_MAX)
		return false;
	if (state->change_count == state->change_capacity && !grow_changes(state))
		return false;
	change = change_at(state, state->change_count);
	change->top = number;
	change->given = change->kept = (uint16_t)top->count;
	memcpy(change->rows, top->rows, state->config->n * sizeof(struct top_row));
	top->change = (uint32_t)++state->change_count;
	return true;
}

/* Makes room at the end of a full top; a row that was given has yet to be taken back. */
static void drop_last(struct top_n *state, struct top *top)
{
	struct change *change = change_at(state, top->change - 1);
	struct top_row row = top->rows[--top->count];

	if (change->kept > 0 && change->rows[change->kept - 1].rest == row.rest)
		change->kept--;
	else
		top_row_free(&state->layout, state->heap, row);
}

static int64_t number_of(const struct sw_batch *batch, unsigned column, uint32_t row)
{
	return ((const int64_t *)batch->columns[column].data)[row];
}

/* Does a kept row of the same order come before the batch's row? */
static bool comes_before(const struct top_n *state, const struct top_row *kept,
	const struct sw_batch *batch, uint32_t row)
{
	int64_t seq = number_of(batch, state->config->seq, row), other = top_row_seq(kept);

	return state->config->last ? other > seq : other < seq;
}

/* The batch's row's place in the top. No branch depends on the orders, which are as good as random.
 */
static uint32_t place_of(const struct top_n *state, const struct top *top,
	const struct sw_batch *batch, uint32_t row, int64_t order)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < state->config->n; i++)
		at += (i < top->count) & (top->rows[i].order > order);
	while (at < top->count && top->rows[at].order == order &&
		comes_before(state, &top->rows[at], batch, row))
		at++;
	return at;
}

/* Puts a row into a top that is not full. All places are written, which is cheaper than to find out
 * which ones are in use. */
static void insert(const struct top_n *state, struct top *top, uint32_t at, struct top_row row)
{
	for (uint32_t i = state->config->n - 1; i > 0; i--)
		top->rows[i] = top->rows[i > at ? i - 1 : i];
	top->rows[at] = row;
	top->count++;
}

/* Where the number of the pair's top is; null: the limit is reached. */
static uint32_t *find_pair(struct top_n *state, int64_t a, int64_t b)
{
	uint32_t *place = sw_key_map_put(&state->map, a), *found;
	struct sw_slots *inner;

	if (!place)
		return NULL;
	if (!*place) {
		*place = sw_slab_take(&state->inner);
		if (!*place)
			return NULL;
		/* Most have few keys: it begins smaller than it would by itself. */
		inner = sw_slab_at(&state->inner, *place);
		inner->heap = state->heap;
		inner->now.capacity = INNER_FIRST;
		inner->now.slots = sw_heap_zalloc(state->heap, sw_slots_bytes(&inner->now, 1));
		if (!inner->now.slots)
			return NULL;
	}
	inner = sw_slab_at(&state->inner, *place);
	found = sw_slots_search(inner, &b, 1);
	return found ? found : sw_slots_add(inner, &b, 1);
}

/* The number of the row's partition, a new one if need be; 0: the limit is reached. */
static uint32_t find_top(struct top_n *state, const struct sw_batch *batch, uint32_t row)
{
	const struct sw_top_n_config *config = state->config;
	int64_t a = number_of(batch, config->key[0], row);
	uint32_t *place;

	if (config->keys == 1)
		place = sw_key_map_put(&state->map, a);
	else
		place = find_pair(state, a, number_of(batch, config->key[1], row));
	if (!place)
		return 0;
	if (!*place)
		*place = sw_slab_take(&state->tops);
	return *place;
}

static int add_row(struct top_n *state, const struct sw_batch *batch, uint32_t row)
{
	int64_t order = number_of(batch, state->config->order, row);
	uint32_t number = find_top(state, batch, row), at;
	struct top_row kept;
	struct top *top;

	if (!number)
		return -ENOMEM;
	top = sw_slab_at(&state->tops, number);
	at = place_of(state, top, batch, row, order);
	if (at == state->config->n)
		return 0;
	kept = top_row_keep(&state->layout, state->heap, batch, row);
	if (!kept.rest || (!top->change && !remember(state, number, top)))
		return -ENOMEM;
	if (top->count == state->config->n)
		drop_last(state, top);
	insert(state, top, at, kept);
	return 0;
}

static int top_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct top_n *state = state_bytes;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i++) {
		code = add_row(state, batch, sw_batch_row(batch, i));
	}
	sw_release(self, batch);
	return code;
}

/* ---- Changes out ---- */

/* False when the row does not fit; what was written of it counts for nothing then. */
static bool put_row(
	const struct top_n *state, struct top_row row, uint32_t rank, enum sw_change change)
{
	struct sw_batch *batch = state->batch;
	struct sw_column *rest = batch->columns + state->config->columns;

	if (batch->rows == batch->capacity || !top_row_put(&state->layout, row, batch))
		return false;
	if (state->config->rank)
		((int64_t *)(rest++)->data)[batch->rows] = rank;
	((int32_t *)rest->data)[batch->rows++] = change;
	return true;
}

static int give_row(struct sw_instance *self, struct top_n *state, struct top_row row,
	uint32_t rank, enum sw_change change, int64_t watermark)
{
	if (state->batch && put_row(state, row, rank, change))
		return 0;
	if (state->batch)
		sw_emit(self, 0, state->batch);
	state->batch = sw_batch_new(self, 0);
	if (!state->batch)
		return -ECANCELED;
	state->batch->watermark = watermark;
	top_batch_begin(&state->layout, state->batch);
	if (put_row(state, row, rank, change))
		return 0;
	return sw_instance_fail(self, -EMSGSIZE, "top rows: a text is too long for a batch");
}

/* What became of a partition, rank by rank. */
static int give_change(struct sw_instance *self, struct top_n *state, const struct change *change,
	const struct top *top, int64_t watermark)
{
	int code = 0;

	for (uint32_t i = 0; i < top->count && !code; i++) {
		bool update = i < change->given;

		if (update && (top->rows[i].rest == change->rows[i].rest ||
				      top_row_same(&state->layout, top->rows[i], change->rows[i])))
			continue;
		if (update)
			code = give_row(self, state, change->rows[i], i + 1,
				SW_CHANGE_UPDATE_BEFORE, watermark);
		if (!code)
			code = give_row(self, state, top->rows[i], i + 1,
				update ? SW_CHANGE_UPDATE_AFTER : SW_CHANGE_INSERT, watermark);
	}
	return code;
}

static int top_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct top_n *state = state_bytes;
	int code = 0;

	for (size_t i = 0; i < state->change_count && !code; i++) {
		struct change *change = change_at(state, i);
		struct top *top = sw_slab_at(&state->tops, change->top);

		code = give_change(self, state, change, top, watermark);
		for (uint32_t j = change->kept; j < change->given; j++)
			top_row_free(&state->layout, state->heap, change->rows[j]);
		top->change = 0;
	}
	state->change_count = 0;
	if (state->batch)
		sw_emit(self, 0, state->batch);
	state->batch = NULL;
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_top_n = {
	.name = "top n",
	.state_bytes = sizeof(struct top_n),
	.open = top_open,
	.process = top_process,
	.advance = top_advance,
};

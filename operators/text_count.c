/* SPDX-License-Identifier: MIT */
#include "operators/text_count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SLOTS_FIRST 1024u
#define ARENA_FIRST 16384u
/* Rows whose slots are fetched ahead together: the table is much larger than the caches. */
#define GROUP 16

enum { TEXT, COUNT };

/* The whole hash is kept: a table that grows need not look at the texts again. */
struct slot {
	uint64_t hash;
	uint64_t offset : 40; /* in the arena */
	uint64_t size : 24;
	int64_t count; /* 0: empty */
};

#define ARENA_MAX ((uint64_t)1 << 40)
#define TEXT_MAX  ((1u << 24) - 1)

/* Open addressing, never more than half full; the texts lie one after the other in an arena. */
struct text_count {
	struct slot *slots;
	size_t capacity, used;
	char *arena;
	size_t arena_bytes, arena_capacity;
};

static size_t state_bytes_of(const struct text_count *state)
{
	return state->capacity * sizeof(struct slot) + state->arena_capacity;
}

static int grow_slots(struct text_count *state)
{
	size_t capacity = state->capacity ? 2 * state->capacity : SLOTS_FIRST;
	struct slot *grown = calloc(capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < state->capacity; i++) {
		const struct slot *slot = &state->slots[i];
		size_t to;

		if (slot->count == 0)
			continue;
		for (to = slot->hash & (capacity - 1); grown[to].count != 0;)
			to = (to + 1) & (capacity - 1);
		grown[to] = *slot;
	}
	free(state->slots);
	state->slots = grown;
	state->capacity = capacity;
	return 0;
}

static int grow_arena(struct text_count *state, size_t needed)
{
	size_t capacity = state->arena_capacity ? state->arena_capacity : ARENA_FIRST;
	char *grown;

	if (needed > ARENA_MAX)
		return -ENOMEM;
	while (capacity < needed)
		capacity += capacity / 2;
	grown = realloc(state->arena, capacity);
	if (!grown)
		return -ENOMEM;
	state->arena = grown;
	state->arena_capacity = capacity;
	return 0;
}

/* Room for as many more texts, of so many bytes together. */
static int make_room(struct text_count *state, size_t texts, size_t bytes)
{
	while (2 * (state->used + texts) > state->capacity)
		if (grow_slots(state))
			return -ENOMEM;
	if (state->arena_bytes + bytes > state->arena_capacity)
		return grow_arena(state, state->arena_bytes + bytes);
	return 0;
}

static void add(struct text_count *state, struct sw_text text, uint64_t hash, int64_t count)
{
	size_t i = hash & (state->capacity - 1);
	struct slot *slot;

	for (;; i = (i + 1) & (state->capacity - 1)) {
		slot = &state->slots[i];
		if (slot->count == 0)
			break;
		if (slot->hash == hash && slot->size == text.size &&
			!memcmp(state->arena + slot->offset, text.bytes, text.size)) {
			slot->count += count;
			return;
		}
	}
	*slot = (struct slot){
		.hash = hash, .offset = state->arena_bytes, .size = text.size, .count = count
	};
	memcpy(state->arena + state->arena_bytes, text.bytes, text.size);
	state->arena_bytes += text.size;
	state->used++;
}

/* At most GROUP rows, from the i-th that counts on. */
static int add_group(
	struct text_count *state, const struct sw_batch *batch, uint32_t first, uint32_t rows)
{
	struct sw_text texts[GROUP];
	uint64_t hashes[GROUP];
	size_t bytes = 0;
	int code;

	for (uint32_t i = 0; i < rows; i++) {
		texts[i] = sw_column_text(&batch->columns[TEXT], sw_batch_row(batch, first + i));
		bytes += texts[i].size;
		if (texts[i].size > TEXT_MAX)
			return -E2BIG;
	}
	code = make_room(state, rows, bytes);
	if (code)
		return code;
	for (uint32_t i = 0; i < rows; i++) {
		hashes[i] = XXH3_64bits(texts[i].bytes, texts[i].size);
		__builtin_prefetch(&state->slots[hashes[i] & (state->capacity - 1)], 1);
	}
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, first + i);
		int64_t count = sw_column_int64(&batch->columns[COUNT], row);

		if (count != 0)
			add(state, texts[i], hashes[i], count);
	}
	return 0;
}

static int count_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct text_count *state = state_bytes;
	uint32_t rows = sw_batch_count(batch);
	size_t bytes = state_bytes_of(state);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i += GROUP)
		code = add_group(state, batch, i, rows - i < GROUP ? rows - i : GROUP);
	sw_release(self, batch);
	if (code)
		return sw_instance_fail(self, code, "text counts: %s",
			code == -E2BIG ? "a text is too long" : "out of memory");
	bytes = state_bytes_of(state) - bytes;
	return bytes ? sw_instance_state_bytes(self, state_bytes_of(state)) : 0;
}

static bool put_row(struct sw_batch *batch, const struct text_count *state, const struct slot *slot)
{
	uint32_t row = batch->rows;

	if (row == batch->capacity || !sw_column_append_text(&batch->columns[TEXT], row,
					      state->arena + slot->offset, slot->size))
		return false;
	((int64_t *)batch->columns[COUNT].data)[row] = slot->count;
	batch->rows++;
	return true;
}

static int give_all(struct sw_instance *self, const struct text_count *state)
{
	struct sw_batch *batch = NULL;

	for (size_t i = 0; i < state->capacity; i++) {
		const struct slot *slot = &state->slots[i];

		if (slot->count == 0)
			continue;
		if (batch && put_row(batch, state, slot))
			continue;
		if (batch)
			sw_emit(self, 0, batch);
		batch = sw_batch_new(self, 0);
		if (!batch)
			return 0; /* cancelled */
		if (!put_row(batch, state, slot)) {
			sw_release(self, batch);
			return sw_instance_fail(self, -ENOSPC,
				"text counts: a text of %u bytes is too long for a batch",
				(unsigned)slot->size);
		}
	}
	if (batch)
		sw_emit(self, 0, batch);
	return 0;
}

static int count_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct text_count *state = state_bytes;
	int code;

	if (watermark != SW_TIME_END)
		return 0;
	code = give_all(self, state);
	if (state->capacity > 0)
		memset(state->slots, 0, state->capacity * sizeof(struct slot));
	state->used = state->arena_bytes = 0;
	return code;
}

static void count_close(struct sw_instance *self, void *state_bytes)
{
	struct text_count *state = state_bytes;

	(void)self;
	free(state->slots);
	free(state->arena);
	memset(state, 0, sizeof(*state));
}

const struct sw_operator sw_text_count = {
	.name = "text count",
	.state_bytes = sizeof(struct text_count),
	.close = count_close,
	.process = count_process,
	.advance = count_advance,
};

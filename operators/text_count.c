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
/* Old slots moved with each group: all are, long before the new table is half full. */
#define MOVED_A_GROUP 64

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

struct table {
	struct slot *slots;
	size_t capacity; /* a power of two, or 0 */
};

/*
 * Open addressing, never more than half full; the texts lie one after the other in an arena. A full
 * table is replaced by one of twice the size, into which the old slots are moved a few at a time,
 * so that no batch waits for all of them. Until then a text that is not in the new table is looked
 * for in the old one; what was moved stays there, but is found in the new one first.
 */
struct text_count {
	struct table now, old;
	size_t moved; /* slots of the old table */
	size_t used;
	char *arena;
	size_t arena_bytes, arena_capacity;
};

static size_t state_bytes_of(const struct text_count *state)
{
	return (state->now.capacity + state->old.capacity) * sizeof(struct slot) +
	       state->arena_capacity;
}

/* The slot of the text, or the empty one where it belongs. */
static struct slot *find(
	const struct table *table, const char *arena, struct sw_text text, uint64_t hash)
{
	size_t i = hash & (table->capacity - 1);

	for (;; i = (i + 1) & (table->capacity - 1)) {
		struct slot *slot = &table->slots[i];

		if (slot->count == 0)
			return slot;
		if (slot->hash == hash && slot->size == text.size &&
			!memcmp(arena + slot->offset, text.bytes, text.size))
			return slot;
	}
}

/* Moves the next few slots of the old table, or all that are left. */
static void move_slots(struct text_count *state, size_t most)
{
	const size_t mask = state->now.capacity - 1;

	for (; most > 0 && state->moved < state->old.capacity; most--, state->moved++) {
		const struct slot *slot = &state->old.slots[state->moved];
		size_t to;

		if (slot->count == 0)
			continue;
		for (to = slot->hash & mask; state->now.slots[to].count != 0;)
			to = (to + 1) & mask;
		state->now.slots[to] = *slot;
	}
	if (state->moved < state->old.capacity)
		return;
	free(state->old.slots);
	state->old = (struct table){ NULL, 0 };
	state->moved = 0;
}

static int grow_slots(struct text_count *state)
{
	size_t capacity = state->now.capacity ? 2 * state->now.capacity : SLOTS_FIRST;
	struct slot *grown;

	if (state->old.slots)
		move_slots(state, SIZE_MAX);
	grown = calloc(capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	state->old = state->now;
	state->now = (struct table){ grown, capacity };
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
	while (2 * (state->used + texts) > state->now.capacity)
		if (grow_slots(state))
			return -ENOMEM;
	if (state->arena_bytes + bytes > state->arena_capacity)
		return grow_arena(state, state->arena_bytes + bytes);
	return 0;
}

static void add(struct text_count *state, struct sw_text text, uint64_t hash, int64_t count)
{
	struct slot *slot = find(&state->now, state->arena, text, hash);

	if (slot->count == 0 && state->old.slots) {
		struct slot *unmoved = find(&state->old, state->arena, text, hash);

		/* A copy that was moved would have been found above. */
		if (unmoved->count != 0)
			slot = unmoved;
	}
	if (slot->count != 0) {
		slot->count += count;
		return;
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
	if (state->old.slots)
		move_slots(state, MOVED_A_GROUP);
	for (uint32_t i = 0; i < rows; i++) {
		hashes[i] = XXH3_64bits(texts[i].bytes, texts[i].size);
		__builtin_prefetch(&state->now.slots[hashes[i] & (state->now.capacity - 1)], 1);
		if (state->old.slots)
			__builtin_prefetch(
				&state->old.slots[hashes[i] & (state->old.capacity - 1)], 1);
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

static int give_all(struct sw_instance *self, struct text_count *state)
{
	struct sw_batch *batch = NULL;

	if (state->old.slots)
		move_slots(state, SIZE_MAX);
	for (size_t i = 0; i < state->now.capacity; i++) {
		const struct slot *slot = &state->now.slots[i];

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
	if (state->now.capacity > 0)
		memset(state->now.slots, 0, state->now.capacity * sizeof(struct slot));
	state->used = state->arena_bytes = 0;
	return code;
}

static void count_close(struct sw_instance *self, void *state_bytes)
{
	struct text_count *state = state_bytes;

	(void)self;
	free(state->now.slots);
	free(state->old.slots);
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

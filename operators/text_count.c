/* SPDX-License-Identifier: MIT */
#include "operators/text_count.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "operators/row_writer.h"

#define SLOTS_FIRST 1024u
#define CHUNK_BYTES ((size_t)64 << 10)
/* Rows whose slots are fetched ahead together: the table is much larger than the caches. */
#define GROUP 16
/* Old slots moved with each group: all are, long before the new table is half full. */
#define MOVED_A_GROUP 64

enum { TEXT, COUNT };

/* So much of the hash is kept that a table that grows need not look at the texts again. */
struct slot {
	uint64_t hash : 40;
	uint64_t size : 24;
	const char *text;
	int64_t count; /* 0: empty */
};

#define HASH_BITS 40
#define TEXT_MAX  ((1u << 24) - 1)

struct table {
	struct slot *slots;
	size_t capacity; /* a power of two, or 0 */
};

/*
 * Open addressing, never more than half full; the texts lie one after the other in chunks. A full
 * table is replaced by one of twice the size, into which the old slots are moved a few at a time,
 * so that no batch waits for all of them. Until then a text that is not in the new table is looked
 * for in the old one; what was moved stays there, but is found in the new one first. The new table
 * is emptied ahead, a little with each text that is new: the first touch of its memory takes long,
 * and hashes would touch all of it at once.
 */
struct text_count {
	struct sw_heap *heap;
	struct table now, old, next; /* no next one while there is an old one */
	size_t moved;                /* slots of the old table */
	size_t emptied;              /* bytes of the next one */
	size_t used, settled;        /* texts: all, and when the old table was gone */
	char *chunk;                 /* where the next text goes */
	size_t chunk_left;
};

static int count_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct text_count *state = state_bytes;

	state->heap = sw_instance_heap(self);
	return state->heap ? 0 : sw_error_set(error, -ENOMEM, "text counts: out of memory");
}

/* The slot of the text, or the empty one where it belongs. */
static struct slot *find(const struct table *table, struct sw_text text, uint64_t hash)
{
	size_t i = hash & (table->capacity - 1);

	for (;; i = (i + 1) & (table->capacity - 1)) {
		struct slot *slot = &table->slots[i];

		if (slot->count == 0)
			return slot;
		if (slot->hash == hash && slot->size == text.size &&
			!memcmp(slot->text, text.bytes, text.size))
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
	sw_heap_free(state->heap, state->old.slots, state->old.capacity * sizeof(struct slot));
	state->old = (struct table){ NULL, 0 };
	state->moved = 0;
	state->settled = state->used;
}

/* Empties the next table, which is made if there is none, up to so many bytes. */
static int empty_next(struct text_count *state, size_t bytes)
{
	struct table *next = &state->next;

	if (!next->slots) {
		const size_t capacity = state->now.capacity ? 2 * state->now.capacity : SLOTS_FIRST;

		next->slots = sw_heap_alloc(state->heap, capacity * sizeof(struct slot));
		if (!next->slots)
			return -ENOMEM;
		next->capacity = capacity;
		state->emptied = 0;
	}
	if (bytes > next->capacity * sizeof(struct slot))
		bytes = next->capacity * sizeof(struct slot);
	if (bytes > state->emptied) {
		memset((char *)next->slots + state->emptied, 0, bytes - state->emptied);
		state->emptied = bytes;
	}
	return 0;
}

/* As much as there is of the way from when the old table was gone to when this one is full, half of
 * its slots being used. */
static int prepare_to_grow(struct text_count *state)
{
	const size_t full = state->now.capacity / 2;
	const size_t bytes = 2 * state->now.capacity * sizeof(struct slot);

	if (state->old.slots || state->used <= state->settled || state->settled >= full)
		return 0;
	return empty_next(state, bytes / (full - state->settled) * (state->used - state->settled));
}

static int grow_slots(struct text_count *state)
{
	int code;

	if (state->old.slots)
		move_slots(state, SIZE_MAX);
	code = empty_next(state, SIZE_MAX);
	if (code)
		return code;
	state->old = state->now;
	state->now = state->next;
	state->next = (struct table){ NULL, 0 };
	return 0;
}

/* Null: the heap's limit is reached. */
static const char *keep(struct text_count *state, struct sw_text text)
{
	char *copy;

	if (text.size > CHUNK_BYTES / 8) {
		copy = sw_heap_alloc(state->heap, text.size);
		return copy ? memcpy(copy, text.bytes, text.size) : NULL;
	}
	if (!state->chunk || text.size > state->chunk_left) {
		state->chunk = sw_heap_alloc(state->heap, CHUNK_BYTES);
		state->chunk_left = CHUNK_BYTES;
		if (!state->chunk)
			return NULL;
	}
	copy = memcpy(state->chunk, text.bytes, text.size);
	state->chunk += text.size;
	state->chunk_left -= text.size;
	return copy;
}

static int add(struct text_count *state, struct sw_text text, uint64_t hash, int64_t count)
{
	struct slot *slot = find(&state->now, text, hash);
	const char *copy;

	if (slot->count == 0 && state->old.slots) {
		struct slot *unmoved = find(&state->old, text, hash);

		/* A copy that was moved would have been found above. */
		if (unmoved->count != 0)
			slot = unmoved;
	}
	if (slot->count != 0) {
		slot->count += count;
		return 0;
	}
	copy = keep(state, text);
	if (!copy)
		return -ENOMEM;
	*slot = (struct slot){ .hash = hash, .size = text.size, .text = copy, .count = count };
	state->used++;
	return 0;
}

/* At most GROUP rows, from the i-th that counts on. */
static int add_group(struct sw_instance *self, struct text_count *state,
	const struct sw_batch *batch, uint32_t first, uint32_t rows)
{
	struct sw_text texts[GROUP];
	uint64_t hashes[GROUP];
	int code = 0;

	if (2 * (state->used + rows) > state->now.capacity && grow_slots(state))
		return -ENOMEM;
	if (state->old.slots)
		move_slots(state, MOVED_A_GROUP);
	if (prepare_to_grow(state))
		return -ENOMEM;
	for (uint32_t i = 0; i < rows; i++) {
		texts[i] = sw_column_text(&batch->columns[TEXT], sw_batch_row(batch, first + i));
		if (texts[i].size > TEXT_MAX)
			return sw_instance_fail(
				self, -E2BIG, "text counts: a text of %u bytes", texts[i].size);
		hashes[i] = XXH3_64bits(texts[i].bytes, texts[i].size) >> (64 - HASH_BITS);
		__builtin_prefetch(&state->now.slots[hashes[i] & (state->now.capacity - 1)], 1);
		if (state->old.slots)
			__builtin_prefetch(
				&state->old.slots[hashes[i] & (state->old.capacity - 1)], 1);
	}
	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, first + i);
		int64_t count = sw_column_int64(&batch->columns[COUNT], row);

		if (count != 0)
			code = add(state, texts[i], hashes[i], count);
	}
	return code;
}

static int count_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows && !code; i += GROUP)
		code = add_group(self, state, batch, i, rows - i < GROUP ? rows - i : GROUP);
	sw_release(self, batch);
	return code;
}

static int count_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct text_count *state = state_bytes;
	struct sw_row_writer writer;
	int code = 0;

	if (watermark != SW_TIME_END)
		return 0;
	if (state->old.slots)
		move_slots(state, SIZE_MAX);
	sw_row_writer_begin(&writer, self, 0, SW_TIME_MIN);
	for (size_t i = 0; i < state->now.capacity && !code; i++) {
		const struct slot *slot = &state->now.slots[i];
		union sw_value values[] = { [TEXT] = { .text = { slot->text, slot->size } },
			[COUNT] = { .number = slot->count } };

		if (slot->count != 0)
			code = sw_row_write(&writer, values, SW_CHANGE_INSERT);
	}
	sw_row_writer_end(&writer);
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_text_count = {
	.name = "text count",
	.state_bytes = sizeof(struct text_count),
	.open = count_open,
	.process = count_process,
	.advance = count_advance,
};

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_SLOTS_H
#define SW_OPERATORS_SLOTS_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/heap.h"

/*
 * What the maps' hash tables have in common: keys of one or two 64-bit words, values other than 0.
 * Open addressing, at most half full. A full table is replaced by one of twice the size, into which
 * the slots of the old one are moved a few with each put, so that none waits for all of them; until
 * then a key is in one of the two. In the current table a removal moves back what comes behind it,
 * so that nothing is left of the key; in the old one, which is gone soon, it leaves a mark.
 *
 * `words` is the same constant in all calls for a table.
 */

SW_BEGIN_DECLS

#define SW_SLOTS_FIRST 64u
/* An old table is gone when the new one is five eighths of full, at the latest. */
#define SW_SLOTS_MOVED_A_PUT  8u
#define SW_SLOTS_KEY_BYTES(n) ((n) * sizeof(int64_t))

/* The words of a key, followed by this. */
struct sw_slot_value {
	uint32_t value; /* 0: empty */
	uint32_t gone;  /* in an old table: moved or removed */
};

struct sw_slot_table {
	int64_t *slots;
	size_t capacity; /* a power of two, or 0 */
};

struct sw_slots {
	struct sw_heap *heap;
	struct sw_slot_table now, old; /* while it grows, what has not moved yet is in `old` */
	size_t moved;                  /* slots of the old table */
	size_t keys;                   /* in both */
};

/*
 * Its high bits count: by them, keys that follow each other are spread evenly and rarely meet. It
 * is not the hash that chooses a key's instance, of which the keys of one instance have bits in
 * common.
 */
static inline uint64_t sw_slots_hash(const int64_t *key, unsigned words)
{
	uint64_t hash = (uint64_t)key[0] * 0xD6E8FEB86659FD93u;

	if (words == 2)
		hash = ((hash ^ hash >> 32) ^ (uint64_t)key[1]) * 0x9E3779B97F4A7C15u;
	return hash;
}

/* The index where the search for a key begins. */
static inline uint64_t sw_slots_home(const struct sw_slot_table *table, uint64_t hash)
{
	return hash >> (__builtin_clzll(table->capacity) + 1);
}

static inline int64_t *sw_slots_at(
	const struct sw_slot_table *table, uint64_t index, unsigned words)
{
	return table->slots + (index & (table->capacity - 1)) * (words + 1);
}

static inline struct sw_slot_value *sw_slots_value(int64_t *slot, unsigned words)
{
	return (struct sw_slot_value *)(void *)(slot + words);
}

/* The key's slot, or the empty one where it belongs. */
static inline int64_t *sw_slots_find(
	const struct sw_slot_table *table, const int64_t *key, uint64_t hash, unsigned words)
{
	for (uint64_t i = sw_slots_home(table, hash);; i++) {
		int64_t *slot = sw_slots_at(table, i, words);
		const struct sw_slot_value *value = sw_slots_value(slot, words);

		if (!value->value)
			return slot;
		if (slot[0] == key[0] && (words == 1 || slot[1] == key[1]) && !value->gone)
			return slot;
	}
}

/* Where the key's value is; null: there is none. */
static inline uint32_t *sw_slots_get(
	const struct sw_slots *slots, const int64_t *key, unsigned words)
{
	uint64_t hash = sw_slots_hash(key, words);
	struct sw_slot_value *value;

	if (!slots->now.capacity)
		return NULL;
	value = sw_slots_value(sw_slots_find(&slots->now, key, hash, words), words);
	if (!value->value && slots->old.capacity)
		value = sw_slots_value(sw_slots_find(&slots->old, key, hash, words), words);
	return value->value ? &value->value : NULL;
}

SW_FETCHES void sw_slots_prefetch(const struct sw_slots *slots, const int64_t *key, unsigned words)
{
	uint64_t hash = sw_slots_hash(key, words);

	if (slots->now.capacity)
		__builtin_prefetch(
			sw_slots_at(&slots->now, sw_slots_home(&slots->now, hash), words), 1);
	if (slots->old.capacity)
		__builtin_prefetch(
			sw_slots_at(&slots->old, sw_slots_home(&slots->old, hash), words), 1);
}

static inline size_t sw_slots_bytes(const struct sw_slot_table *table, unsigned words)
{
	return table->capacity * (SW_SLOTS_KEY_BYTES(words) + sizeof(struct sw_slot_value));
}

static inline void sw_slots_set(int64_t *slot, const int64_t *from, unsigned words)
{
	for (unsigned i = 0; i <= words; i++)
		slot[i] = from[i];
}

/* Moves the next few slots of the old table, and frees it after the last. */
static inline void sw_slots_move(struct sw_slots *slots, unsigned words)
{
	size_t until = slots->moved + SW_SLOTS_MOVED_A_PUT;

	for (; slots->moved < until && slots->moved < slots->old.capacity; slots->moved++) {
		int64_t *from = sw_slots_at(&slots->old, slots->moved, words);
		struct sw_slot_value *value = sw_slots_value(from, words);

		if (!value->value || value->gone)
			continue;
		sw_slots_set(sw_slots_find(&slots->now, from, sw_slots_hash(from, words), words),
			from, words);
		value->gone = 1;
	}
	if (slots->moved < slots->old.capacity)
		return;
	sw_heap_free(slots->heap, slots->old.slots, sw_slots_bytes(&slots->old, words));
	slots->old.slots = NULL;
	slots->old.capacity = slots->moved = 0;
}

static inline int sw_slots_grow(struct sw_slots *slots, unsigned words)
{
	struct sw_slot_table grown;

	grown.capacity = slots->now.capacity ? 2 * slots->now.capacity : SW_SLOTS_FIRST;
	assert(!slots->old.capacity);
	grown.slots = (int64_t *)sw_heap_zalloc(slots->heap, sw_slots_bytes(&grown, words));
	if (!grown.slots)
		return -ENOMEM;
	slots->old = slots->now;
	slots->now = grown;
	return 0;
}

/* As sw_slots_get, before a put: keys that are there move slots as well, for while a table grows
 * each search is two. */
static inline uint32_t *sw_slots_search(struct sw_slots *slots, const int64_t *key, unsigned words)
{
	if (slots->old.capacity)
		sw_slots_move(slots, words);
	return sw_slots_get(slots, key, words);
}

/* Where the value of a key goes that was searched for and is not there; it is 0 until the caller
 * sets it. Null: the heap's limit is reached. */
static inline uint32_t *sw_slots_add(struct sw_slots *slots, const int64_t *key, unsigned words)
{
	int64_t *slot;

	if (2 * (slots->keys + 1) > slots->now.capacity && sw_slots_grow(slots, words))
		return NULL;
	slot = sw_slots_find(&slots->now, key, sw_slots_hash(key, words), words);
	for (unsigned i = 0; i < words; i++)
		slot[i] = key[i];
	slots->keys++;
	return &sw_slots_value(slot, words)->value;
}

/* The slot becomes empty; what could no longer be found behind it is moved back. */
static inline void sw_slots_close_gap(
	const struct sw_slot_table *table, int64_t *slot, unsigned words)
{
	size_t mask = table->capacity - 1;
	size_t gap = (size_t)(slot - table->slots) / (words + 1), i = gap;

	for (;;) {
		int64_t *next;
		size_t home;

		i = (i + 1) & mask;
		next = sw_slots_at(table, i, words);
		if (!sw_slots_value(next, words)->value)
			break;
		home = sw_slots_home(table, sw_slots_hash(next, words));
		if (((i - home) & mask) < ((i - gap) & mask))
			continue; /* it belongs behind the gap */
		sw_slots_set(sw_slots_at(table, gap, words), next, words);
		gap = i;
	}
	slot = sw_slots_at(table, gap, words);
	for (unsigned k = 0; k <= words; k++)
		slot[k] = 0;
}

/* A key that is there. */
static inline void sw_slots_remove(struct sw_slots *slots, const int64_t *key, unsigned words)
{
	uint64_t hash = sw_slots_hash(key, words);
	int64_t *slot = sw_slots_find(&slots->now, key, hash, words);

	slots->keys--;
	if (sw_slots_value(slot, words)->value) {
		sw_slots_close_gap(&slots->now, slot, words);
		return;
	}
	slot = sw_slots_find(&slots->old, key, hash, words);
	assert(sw_slots_value(slot, words)->value);
	sw_slots_value(slot, words)->gone = 1;
}

/* The value of the first key from slot *at on (of both tables, one after the other), 0: there is
 * none. *at: the slot behind it. */
static inline uint32_t sw_slots_next(
	const struct sw_slots *slots, uint64_t *at, int64_t *key, unsigned words)
{
	while (*at < slots->now.capacity + slots->old.capacity) {
		bool now = *at < slots->now.capacity;
		int64_t *slot = now ? sw_slots_at(&slots->now, *at, words)
				    : sw_slots_at(&slots->old, *at - slots->now.capacity, words);
		const struct sw_slot_value *value = sw_slots_value(slot, words);

		++*at;
		if (!value->value || value->gone)
			continue;
		for (unsigned i = 0; i < words; i++)
			key[i] = slot[i];
		return value->value;
	}
	return 0;
}

/* Removes all keys and keeps the table. */
static inline void sw_slots_empty(struct sw_slots *slots, unsigned words)
{
	if (slots->keys > 0)
		memset(slots->now.slots, 0, sw_slots_bytes(&slots->now, words));
	sw_heap_free(slots->heap, slots->old.slots, sw_slots_bytes(&slots->old, words));
	slots->old.slots = NULL;
	slots->old.capacity = slots->moved = slots->keys = 0;
}

static inline void sw_slots_clear(struct sw_slots *slots, unsigned words)
{
	sw_heap_free(slots->heap, slots->now.slots, sw_slots_bytes(&slots->now, words));
	sw_heap_free(slots->heap, slots->old.slots, sw_slots_bytes(&slots->old, words));
	slots->now.slots = slots->old.slots = NULL;
	slots->now.capacity = slots->old.capacity = slots->moved = slots->keys = 0;
}

SW_END_DECLS

#endif

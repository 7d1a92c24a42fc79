/* SPDX-License-Identifier: MIT */
#include "operators/line_fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "operators/csv_text.h"

#define SLOTS_FIRST 1024u
#define TEXT_FIRST  65536u

static struct sw_fold_slot *find(
	const struct sw_line_fold *fold, const char *line, size_t bytes, uint64_t hash)
{
	size_t i = hash & (fold->capacity - 1);

	for (;; i = (i + 1) & (fold->capacity - 1)) {
		struct sw_fold_slot *slot = &fold->slots[i];

		if (!slot->used)
			return slot;
		if (slot->hash == hash && slot->size == bytes &&
			!memcmp(fold->text + slot->offset, line, bytes))
			return slot;
	}
}

/* A table of live lines only, with room for as many again, and their texts side by side. */
static int rebuild(struct sw_line_fold *fold)
{
	struct sw_line_fold fresh = { .capacity = SLOTS_FIRST, .text_capacity = TEXT_FIRST };
	size_t live = 0;

	for (size_t i = 0; i < fold->capacity; i++)
		live += fold->slots[i].count > 0;
	while (fresh.capacity < 4 * (live + 1))
		fresh.capacity *= 2;
	while (fresh.text_capacity < 2 * fold->live_bytes)
		fresh.text_capacity *= 2;
	fresh.slots = calloc(fresh.capacity, sizeof(*fresh.slots));
	fresh.text = malloc(fresh.text_capacity);
	if (!fresh.slots || !fresh.text) {
		free(fresh.slots);
		free(fresh.text);
		return -ENOMEM;
	}
	for (size_t i = 0; i < fold->capacity; i++) {
		const struct sw_fold_slot *slot = &fold->slots[i];
		struct sw_fold_slot *to;

		if (slot->count == 0)
			continue;
		to = find(&fresh, fold->text + slot->offset, slot->size, slot->hash);
		*to = *slot;
		to->offset = fresh.text_bytes;
		memcpy(fresh.text + fresh.text_bytes, fold->text + slot->offset, slot->size);
		fresh.text_bytes += slot->size;
	}
	fresh.used = live;
	fresh.live_bytes = fresh.text_bytes;
	sw_line_fold_fini(fold);
	*fold = fresh;
	return 0;
}

static int make_text_room(struct sw_line_fold *fold, size_t bytes)
{
	size_t capacity = fold->text_capacity;
	char *grown;

	while (capacity - fold->text_bytes < bytes)
		capacity *= 2;
	if (capacity == fold->text_capacity)
		return 0;
	grown = realloc(fold->text, capacity);
	if (!grown)
		return -ENOMEM;
	fold->text = grown;
	fold->text_capacity = capacity;
	return 0;
}

int sw_line_fold_add(struct sw_line_fold *fold, const char *line, size_t bytes)
{
	uint64_t hash = sw_csv_line_hash(line, bytes);
	struct sw_fold_slot *slot;

	if (bytes > UINT32_MAX)
		return -ENOMEM;
	if (2 * (fold->used + 1) > fold->capacity && rebuild(fold))
		return -ENOMEM;
	slot = find(fold, line, bytes, hash);
	if (!slot->used) {
		if (make_text_room(fold, bytes))
			return -ENOMEM;
		*slot = (struct sw_fold_slot){ hash, fold->text_bytes, 0, (uint32_t)bytes, true };
		memcpy(fold->text + fold->text_bytes, line, bytes);
		fold->text_bytes += bytes;
		fold->used++;
	}
	if (slot->count++ == 0)
		fold->live_bytes += bytes;
	return 0;
}

int sw_line_fold_remove(struct sw_line_fold *fold, const char *line, size_t bytes)
{
	struct sw_fold_slot *slot;

	if (fold->capacity == 0)
		return -ENOENT;
	slot = find(fold, line, bytes, sw_csv_line_hash(line, bytes));
	if (!slot->used || slot->count == 0)
		return -ENOENT;
	if (--slot->count == 0)
		fold->live_bytes -= bytes;
	return 0;
}

int sw_line_fold_each(const struct sw_line_fold *fold,
	int (*each)(void *context, const char *line, size_t bytes), void *context)
{
	int code = 0;

	for (size_t i = 0; i < fold->capacity; i++)
		for (uint64_t n = 0; n < fold->slots[i].count && !code; n++)
			code = each(
				context, fold->text + fold->slots[i].offset, fold->slots[i].size);
	return code;
}

size_t sw_line_fold_bytes(const struct sw_line_fold *fold)
{
	return fold->capacity * sizeof(*fold->slots) + fold->text_capacity;
}

void sw_line_fold_fini(struct sw_line_fold *fold)
{
	free(fold->slots);
	free(fold->text);
	*fold = (struct sw_line_fold){ 0 };
}

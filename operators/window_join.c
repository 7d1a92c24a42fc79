/* SPDX-License-Identifier: MIT */
#include "operators/window_join.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "operators/arena.h"
#include "operators/key_map.h"
#include "operators/panes_private.h"
#include "operators/row_writer.h"

#define PREFETCH_ROWS  12u
#define PREFETCH_PAIRS 8u
#define PAIRS          126u /* known together */

enum { LABELLED, OTHER };
enum { LABELLED_KEY, LABELLED_LABEL, LABELLED_WINDOW };
enum { OTHER_KEY, OTHER_WINDOW };

/* All of these are pieces of their window's arena, and name each other by their numbers. */
struct label {
	uint32_t next; /* of the same key; 0: none */
	uint32_t size;
	char bytes[];
};

/* A key in a window. */
struct entry {
	int64_t key;
	uint32_t labels; /* of input 0; 0: it has no such row */
	bool other;      /* input 1 has it */
};

/* Entries that are in both inputs. */
struct pairs {
	uint32_t before; /* the ones before; 0: none */
	uint32_t count;
	uint32_t entries[PAIRS];
};

struct join_pane {
	struct pane base;
	struct sw_key_map map; /* of keys: their entries */
	struct sw_arena arena;
	uint32_t pairs; /* the last ones; 0: none */
};

struct window_join {
	const struct sw_window_join_config *config;
	struct panes panes;
};

static int join_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	struct sw_heap *heap = sw_instance_heap(self);
	struct window_join *join = state;

	join->config = sw_instance_config(self);
	if (!heap)
		return sw_error_set(error, -ENOMEM, "window join: out of memory");
	panes_init(&join->panes, heap);
	return 0;
}

/* ---- Rows in ---- */

static struct join_pane *find_pane(
	struct sw_instance *self, struct window_join *join, int64_t start)
{
	struct join_pane *pane = (struct join_pane *)panes_get(&join->panes, start, sizeof(*pane));

	if (pane && !pane->map.heap) {
		sw_key_map_init(&pane->map, join->panes.heap, sw_instance_state_mode(self));
		sw_arena_init(&pane->arena, join->panes.heap);
	}
	return pane;
}

/* The number of the key's entry; 0: the heap's limit is reached. */
static uint32_t find_or_add(struct join_pane *pane, int64_t key)
{
	uint32_t *place = sw_key_map_put(&pane->map, key);

	if (!place)
		return 0;
	if (!*place) {
		*place = sw_arena_take(&pane->arena, sizeof(struct entry));
		if (*place)
			*(struct entry *)sw_arena_at(&pane->arena, *place) =
				(struct entry){ .key = key };
	}
	return *place;
}

static int add_label(struct join_pane *pane, struct entry *entry, struct sw_text text)
{
	struct label *label;
	uint32_t number;

	for (number = entry->labels; number; number = label->next) {
		label = sw_arena_at(&pane->arena, number);
		if (label->size == text.size && !memcmp(label->bytes, text.bytes, text.size))
			return 0;
	}
	number = sw_arena_take(&pane->arena, offsetof(struct label, bytes) + text.size);
	if (!number)
		return -ENOMEM;
	label = sw_arena_at(&pane->arena, number);
	label->next = entry->labels;
	label->size = text.size;
	memcpy(label->bytes, text.bytes, text.size);
	entry->labels = number;
	return 0;
}

/* The entry is in both inputs now. */
static int add_pair(struct join_pane *pane, uint32_t entry)
{
	struct pairs *pairs = pane->pairs ? sw_arena_at(&pane->arena, pane->pairs) : NULL;

	if (!pairs || pairs->count == PAIRS) {
		uint32_t number = sw_arena_take(&pane->arena, sizeof(*pairs));

		if (!number)
			return -ENOMEM;
		pairs = sw_arena_at(&pane->arena, number);
		pairs->before = pane->pairs;
		pairs->count = 0;
		pane->pairs = number;
	}
	pairs->entries[pairs->count++] = entry;
	return 0;
}

static int add_row(struct join_pane *pane, unsigned input, const struct sw_batch *batch,
	const int64_t *keys, uint32_t row)
{
	uint32_t number = find_or_add(pane, keys[row]);
	struct entry *entry;
	bool was_pair;

	if (!number)
		return -ENOMEM;
	entry = sw_arena_at(&pane->arena, number);
	was_pair = entry->labels && entry->other;
	if (input == OTHER)
		entry->other = true;
	else if (add_label(pane, entry, sw_column_text(&batch->columns[LABELLED_LABEL], row)))
		return -ENOMEM;
	return !was_pair && entry->labels && entry->other ? add_pair(pane, number) : 0;
}

static int add_batch(struct sw_instance *self, struct window_join *join, unsigned input,
	const struct sw_batch *batch)
{
	bool labelled = input == LABELLED;
	const int64_t *keys = batch->columns[labelled ? LABELLED_KEY : OTHER_KEY].data;
	const int64_t *starts = batch->columns[labelled ? LABELLED_WINDOW : OTHER_WINDOW].data;
	uint32_t count = sw_batch_count(batch);
	struct join_pane *pane = NULL;
	bool hashed = false;
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		if (!pane || pane->base.start != starts[row]) {
			pane = find_pane(self, join, starts[row]);
			if (!pane)
				return -ENOMEM;
			hashed = sw_key_map_is_hashed(&pane->map);
		}
		if (hashed && i + PREFETCH_ROWS < count)
			sw_key_map_prefetch(
				&pane->map, keys[sw_batch_row(batch, i + PREFETCH_ROWS)]);
		code = add_row(pane, input, batch, keys, row);
	}
	return code;
}

static int join_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	int code = add_batch(self, state, input, batch);

	sw_release(self, batch);
	return code;
}

/* ---- Windows that close ---- */

static int give_entry(
	struct sw_row_writer *writer, const struct join_pane *pane, const struct entry *entry)
{
	const struct label *label;
	int code = 0;

	for (uint32_t number = entry->labels; number && !code; number = label->next) {
		label = sw_arena_at(&pane->arena, number);
		code = sw_row_write(writer,
			(const union sw_value[]){ { .number = entry->key },
				{ .text = { label->bytes, label->size } },
				{ .number = pane->base.start } },
			SW_CHANGE_INSERT);
	}
	return code;
}

static int give_pairs(
	struct sw_row_writer *writer, const struct join_pane *pane, const struct pairs *pairs)
{
	int code = 0;

	for (uint32_t i = 0; i < pairs->count && !code; i++) {
		if (i + PREFETCH_PAIRS < pairs->count)
			__builtin_prefetch(
				sw_arena_at(&pane->arena, pairs->entries[i + PREFETCH_PAIRS]));
		code = give_entry(writer, pane, sw_arena_at(&pane->arena, pairs->entries[i]));
	}
	return code;
}

static int close_pane(struct join_pane *pane, struct sw_row_writer *writer)
{
	const struct pairs *pairs;
	int code = 0;

	for (uint32_t number = pane->pairs; number && !code; number = pairs->before) {
		pairs = sw_arena_at(&pane->arena, number);
		code = give_pairs(writer, pane, pairs);
	}
	sw_key_map_clear(&pane->map);
	sw_arena_clear(&pane->arena);
	pane->pairs = 0;
	return code;
}

static bool is_over(const struct window_join *join, const struct pane *pane, int64_t watermark)
{
	int64_t end;

	if (watermark == SW_TIME_END)
		return true;
	return !__builtin_add_overflow(pane->start, join->config->window_ms, &end) &&
	       end <= watermark;
}

static int join_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct window_join *join = state;
	struct panes *panes = &join->panes;
	struct sw_row_writer writer;
	uint32_t closed = 0;
	int code = 0;

	if (panes->count == 0 || !is_over(join, panes->open[0], watermark))
		return 0;
	sw_row_writer_begin(&writer, self, 0, watermark);
	while (closed < panes->count && !code && is_over(join, panes->open[closed], watermark))
		code = close_pane((struct join_pane *)panes->open[closed++], &writer);
	sw_row_writer_end(&writer);
	panes_close(panes, closed);
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_window_join = {
	.name = "window join",
	.state_bytes = sizeof(struct window_join),
	.open = join_open,
	.process = join_process,
	.advance = join_advance,
};

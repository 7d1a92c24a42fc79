/* SPDX-License-Identifier: MIT */
#include "operators/window_join.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "operators/key_map.h"
#include "operators/row_writer.h"
#include "operators/slab.h"

#define PREFETCH_ROWS 12u
#define WINDOWS_FIRST 16u

enum { LABELLED, OTHER };
enum { LABELLED_KEY, LABELLED_LABEL, LABELLED_WINDOW };
enum { OTHER_KEY, OTHER_WINDOW };

struct label {
	struct label *next;
	uint32_t size;
	char bytes[];
};

/* A key in a window. */
struct entry {
	int64_t key, start;
	struct label *labels; /* of input 0; null: it has no such row */
	uint32_t same_key;    /* the next one with this key; 0: none */
	uint32_t same_window; /* the next one in this window; 0: none */
	bool other;           /* input 1 has it */
};

struct window {
	int64_t start;
	uint32_t first; /* of its entries */
};

struct window_join {
	const struct sw_window_join_config *config;
	struct sw_heap *heap;
	struct sw_key_map map; /* of keys: the first of their entries */
	struct sw_slab entries;
	struct window *windows; /* open ones, by start */
	uint32_t window_count, window_capacity;
};

static int join_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	struct window_join *join = state;

	join->config = sw_instance_config(self);
	join->heap = sw_instance_heap(self);
	if (!join->heap)
		return sw_error_set(error, -ENOMEM, "window join: out of memory");
	sw_key_map_init(&join->map, join->heap, sw_instance_state_mode(self));
	sw_slab_init(&join->entries, join->heap, sizeof(struct entry));
	return 0;
}

/* ---- Windows ---- */

static int make_room(struct window_join *join)
{
	uint32_t capacity = join->window_capacity ? 2 * join->window_capacity : WINDOWS_FIRST;
	struct window *grown;

	if (join->window_count < join->window_capacity)
		return 0;
	grown = sw_heap_alloc(join->heap, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (join->window_count > 0)
		memcpy(grown, join->windows, join->window_count * sizeof(*grown));
	sw_heap_free(join->heap, join->windows, join->window_capacity * sizeof(*grown));
	join->windows = grown;
	join->window_capacity = capacity;
	return 0;
}

/* The window, which is opened if it is not; null: the heap's limit is reached. */
static struct window *window_at(struct window_join *join, int64_t start)
{
	uint32_t low = 0, high = join->window_count;

	/* Mostly it is the last one. */
	if (high > 0 && join->windows[high - 1].start == start)
		return &join->windows[high - 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (join->windows[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < join->window_count && join->windows[low].start == start)
		return &join->windows[low];
	if (make_room(join))
		return NULL;
	memmove(join->windows + low + 1, join->windows + low,
		(join->window_count - low) * sizeof(struct window));
	join->window_count++;
	join->windows[low] = (struct window){ .start = start };
	return &join->windows[low];
}

/* ---- Rows in ---- */

static struct entry *find(const struct window_join *join, int64_t key, int64_t start)
{
	uint32_t number = sw_key_map_get(&join->map, key);

	while (number) {
		struct entry *entry = sw_slab_at(&join->entries, number);

		if (entry->start == start)
			return entry;
		number = entry->same_key;
	}
	return NULL;
}

/* The key's entry of this window; null: the heap's limit is reached. */
static struct entry *find_or_add(struct window_join *join, int64_t key, int64_t start)
{
	struct entry *entry = find(join, key, start);
	struct window *window;
	uint32_t number, *first;

	if (entry)
		return entry;
	window = window_at(join, start);
	number = window ? sw_slab_take(&join->entries) : 0;
	first = number ? sw_key_map_put(&join->map, key) : NULL;
	if (!first)
		return NULL;
	entry = sw_slab_at(&join->entries, number);
	entry->key = key;
	entry->start = start;
	entry->same_key = *first;
	entry->same_window = window->first;
	*first = number;
	window->first = number;
	return entry;
}

static size_t label_bytes(uint32_t size)
{
	return offsetof(struct label, bytes) + size;
}

static int add_label(struct window_join *join, struct entry *entry, struct sw_text text)
{
	struct label *label = entry->labels;

	for (; label; label = label->next)
		if (label->size == text.size && !memcmp(label->bytes, text.bytes, text.size))
			return 0;
	label = sw_heap_alloc(join->heap, label_bytes(text.size));
	if (!label)
		return -ENOMEM;
	label->next = entry->labels;
	label->size = text.size;
	memcpy(label->bytes, text.bytes, text.size);
	entry->labels = label;
	return 0;
}

static int add_row(struct window_join *join, unsigned input, const struct sw_batch *batch,
	const int64_t *keys, const int64_t *starts, uint32_t row)
{
	struct entry *entry = find_or_add(join, keys[row], starts[row]);

	if (!entry)
		return -ENOMEM;
	if (input == LABELLED)
		return add_label(join, entry, sw_column_text(&batch->columns[LABELLED_LABEL], row));
	entry->other = true;
	return 0;
}

static int join_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	bool labelled = input == LABELLED;
	const int64_t *keys = batch->columns[labelled ? LABELLED_KEY : OTHER_KEY].data;
	const int64_t *starts = batch->columns[labelled ? LABELLED_WINDOW : OTHER_WINDOW].data;
	struct window_join *join = state;
	const bool hashed = sw_key_map_is_hashed(&join->map);
	uint32_t count = sw_batch_count(batch);
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++) {
		if (hashed && i + PREFETCH_ROWS < count)
			sw_key_map_prefetch(
				&join->map, keys[sw_batch_row(batch, i + PREFETCH_ROWS)]);
		code = add_row(join, input, batch, keys, starts, sw_batch_row(batch, i));
	}
	sw_release(self, batch);
	return code;
}

/* ---- Windows that close ---- */

/* Takes the entry out of its key's list. */
static void unlink_entry(struct window_join *join, const struct entry *entry, uint32_t number)
{
	uint32_t first = sw_key_map_get(&join->map, entry->key);
	struct entry *before;

	if (first == number && !entry->same_key) {
		sw_key_map_remove(&join->map, entry->key);
		return;
	}
	if (first == number) {
		/* The key is there: nothing is allocated, and null cannot come. */
		uint32_t *value = sw_key_map_put(&join->map, entry->key);

		if (value)
			*value = entry->same_key;
		return;
	}
	before = sw_slab_at(&join->entries, first);
	while (before->same_key != number)
		before = sw_slab_at(&join->entries, before->same_key);
	before->same_key = entry->same_key;
}

static int give_entry(struct sw_row_writer *writer, const struct entry *entry)
{
	int code = 0;

	if (!entry->other)
		return 0;
	for (const struct label *label = entry->labels; label && !code; label = label->next) {
		const union sw_value values[] = { { .number = entry->key },
			{ .text = { label->bytes, label->size } }, { .number = entry->start } };

		code = sw_row_write(writer, values, SW_CHANGE_INSERT);
	}
	return code;
}

static void free_entry(struct window_join *join, struct entry *entry, uint32_t number)
{
	struct label *label = entry->labels;

	while (label) {
		struct label *next = label->next;

		sw_heap_free(join->heap, label, label_bytes(label->size));
		label = next;
	}
	unlink_entry(join, entry, number);
	sw_slab_give(&join->entries, number);
}

static int close_window(
	struct window_join *join, const struct window *window, struct sw_row_writer *writer)
{
	uint32_t number = window->first;
	int code = 0;

	while (number && !code) {
		struct entry *entry = sw_slab_at(&join->entries, number);
		uint32_t next = entry->same_window;

		if (next)
			__builtin_prefetch(sw_slab_at(&join->entries, next));
		code = give_entry(writer, entry);
		free_entry(join, entry, number);
		number = next;
	}
	return code;
}

static bool is_over(const struct window_join *join, const struct window *window, int64_t watermark)
{
	int64_t end;

	if (watermark == SW_TIME_END)
		return true;
	return !__builtin_add_overflow(window->start, join->config->window_ms, &end) &&
	       end <= watermark;
}

static int join_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct window_join *join = state;
	struct sw_row_writer writer;
	uint32_t closed = 0;
	int code = 0;

	if (join->window_count == 0 || !is_over(join, &join->windows[0], watermark))
		return 0;
	sw_row_writer_begin(&writer, self, 0, watermark);
	while (closed < join->window_count && !code &&
		is_over(join, &join->windows[closed], watermark))
		code = close_window(join, &join->windows[closed++], &writer);
	sw_row_writer_end(&writer);
	join->window_count -= closed;
	memmove(join->windows, join->windows + closed, join->window_count * sizeof(struct window));
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_window_join = {
	.name = "window join",
	.state_bytes = sizeof(struct window_join),
	.open = join_open,
	.process = join_process,
	.advance = join_advance,
};

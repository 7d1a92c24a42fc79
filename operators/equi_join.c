/* SPDX-License-Identifier: MIT */
#include "operators/equi_join.h"

#include <assert.h>
#include <errno.h>

#include "operators/equi_join_private.h"
#include "operators/key_map.h"
#include "operators/slab.h"

#define PREFETCH_ROWS 5u
#define NEVER_JOINS   UINT32_MAX /* a key's value in the map, instead of its entry */

/* Many rows of a key and input, the last ones first. */
#define BLOCK_ROWS 6

struct block {
	struct block *next;
	uint32_t count;
	struct packed_row *rows[BLOCK_ROWS];
};

static_assert(sizeof(struct block) == 64, "a block is a cache line");

/* What is kept of a key: for each input null, or the address of a row + 1, or that of a block. */
struct entry {
	char *lists[SW_EQUI_JOIN_INPUTS_MAX]; /* as many as there are inputs */
};

/*
 * With several instances a row often comes before its partner of a unique input, which another
 * worker has just made. Keeping a copy of each such row costs more than joining it: so the latest
 * batches are held for a while, as they are.
 */
#define HELD_MAX 8

struct held {
	struct sw_batch *batch;
	unsigned input;
};

struct equi_join {
	const struct sw_equi_join_config *config;
	struct sw_heap *heap;
	struct sw_key_map map;
	struct sw_slab entries;
	struct join_rows rows;
	bool holds;
	unsigned held_first, held_count;
	struct held held[HELD_MAX];
};

static int join_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	struct equi_join *join = state;

	join->config = sw_instance_config(self);
	assert(!join->config->kept_apart ||
		(join->config->inputs == 2 && !(join->config->unique >> 1)));
	join->heap = sw_instance_heap(self);
	if (!join->heap)
		return sw_error_set(error, -ENOMEM, "join: out of memory");
	sw_key_map_init(&join->map, join->heap, sw_instance_state_mode(self));
	sw_slab_init(&join->entries, join->heap, join->config->inputs * sizeof(char *));
	join_rows_init(&join->rows, join->config);
	join->holds = join->config->unique && sw_instance_count(self) > 1;
	return 0;
}

/* ---- Lists ---- */

/* The list's first block; `single` is it for a list of one row. */
static const struct block *blocks_of(char *list, struct block *single)
{
	if (!((uintptr_t)list & 1))
		return (const struct block *)(void *)list;
	single->next = NULL;
	single->count = 1;
	single->rows[0] = (struct packed_row *)(void *)(list - 1);
	return single;
}

static int list_add(struct sw_heap *heap, char **list, struct packed_row *row)
{
	struct block *block = (struct block *)(void *)*list, *grown;

	if (!block) {
		*list = (char *)row + 1;
		return 0;
	}
	if (!((uintptr_t)block & 1) && block->count < BLOCK_ROWS) {
		block->rows[block->count++] = row;
		return 0;
	}
	grown = sw_heap_alloc(heap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown->next = NULL;
	grown->count = 0;
	if ((uintptr_t)block & 1)
		grown->rows[grown->count++] = (struct packed_row *)(void *)(*list - 1);
	else
		grown->next = block;
	grown->rows[grown->count++] = row;
	*list = (char *)grown;
	return 0;
}

static void list_free(struct sw_heap *heap, const struct packed_layout *layout, char *list)
{
	struct block single;
	const struct block *block = blocks_of(list, &single);

	while (block) {
		const struct block *next = block->next;

		for (uint32_t i = 0; i < block->count; i++)
			packed_row_free(layout, heap, block->rows[i]);
		if (block != &single)
			sw_heap_free(heap, (void *)block, sizeof(*block));
		block = next;
	}
}

/* ---- Combinations ---- */

static int add_tuple(
	struct sw_instance *self, struct join_rows *rows, const struct join_tuple *tuple)
{
	rows->tuples[rows->tuple_count++] = *tuple;
	return rows->tuple_count < JOIN_TUPLES ? 0 : join_rows_flush(rows, self);
}

/* The tuple with each row of the list, and with each of `other` (null: there is no such input). */
static int add_tuples(struct sw_instance *self, struct join_rows *rows, struct join_tuple *tuple,
	char *list, unsigned input, char *other)
{
	struct block single;
	const struct block *block = blocks_of(list, &single);
	unsigned third = SW_EQUI_JOIN_INPUTS_MAX - input - rows->arriving_input;
	int code = 0;

	for (; block && !code; block = block->next) {
		__builtin_prefetch(block->next);
		for (uint32_t i = 0; i < block->count && !code; i++) {
			tuple->rows[input] = block->rows[i];
			/* They are read when some more have been gathered. */
			__builtin_prefetch(block->rows[i]);
			__builtin_prefetch((const char *)block->rows[i] + 64);
			code = other ? add_tuples(self, rows, tuple, other, third, NULL)
				     : add_tuple(self, rows, tuple);
		}
	}
	return code;
}

static struct packed_row *told_row(const struct equi_join *join, uint32_t row)
{
	return (struct packed_row *)(intptr_t)join->rows.told[row];
}

/* Of the arriving row with every combination of the other inputs' rows. */
static int combine(struct sw_instance *self, struct equi_join *join, const struct entry *entry,
	int64_t key, uint32_t row)
{
	unsigned inputs = join->config->inputs;
	unsigned one = (join->rows.arriving_input + 1) % inputs;
	unsigned two = (join->rows.arriving_input + 2) % inputs; /* the arriving one, of two */
	struct join_tuple tuple = { .key = key, .row = row };

	if (join->rows.told)
		tuple.rows[SW_EQUI_JOIN_KEPT] = told_row(join, row);
	if (!entry->lists[one] || (inputs == 3 && !entry->lists[two]))
		return 0;
	return add_tuples(self, &join->rows, &tuple, entry->lists[one], one,
		inputs == 3 ? entry->lists[two] : NULL);
}

/* ---- What is kept ---- */

/* Can rows of this input no more find partners that have not come yet? */
static bool is_settled(
	const struct sw_equi_join_config *config, const struct entry *entry, unsigned input)
{
	for (unsigned i = 0; i < config->inputs; i++)
		if (i != input && !(config->unique >> i & 1 && entry->lists[i]))
			return false;
	return true;
}

/* Frees the rows of one input. */
static int forget(
	struct sw_instance *self, struct equi_join *join, struct entry *entry, unsigned input)
{
	char *list = entry->lists[input];
	int code = 0;

	/* Its rows may be in tuples. */
	if (list && join->rows.tuple_count)
		code = join_rows_flush(&join->rows, self);
	list_free(join->heap, &join->rows.layouts[input], list);
	entry->lists[input] = NULL;
	return code;
}

/* Keeps the arriving row; number is its key's entry, or 0: there is none yet. */
static int keep(struct sw_instance *self, struct equi_join *join, uint32_t number, int64_t key,
	uint32_t row)
{
	unsigned input = join->rows.arriving_input;
	struct packed_row *kept;
	struct entry *entry;
	int code;

	kept = join->rows.told ? told_row(join, row)
			       : packed_row_keep(&join->rows.layouts[input], join->heap,
					 join->rows.arriving, row);
	if (!kept)
		return -ENOMEM;
	if (!number) {
		uint32_t *value;

		number = sw_slab_take(&join->entries);
		value = number ? sw_key_map_put(&join->map, key) : NULL;
		if (!value)
			return -ENOMEM;
		*value = number;
	}
	entry = sw_slab_at(&join->entries, number);
	code = list_add(join->heap, &entry->lists[input], kept);
	if (code || !(join->config->unique >> input & 1))
		return code;
	for (unsigned i = 0; i < join->config->inputs && !code; i++)
		if (i != input && is_settled(join->config, entry, i))
			code = forget(self, join, entry, i);
	return code;
}

/* The key's row kept apart, of which there is no other, is one that joins nothing. */
static int rule_out(struct sw_instance *self, struct equi_join *join, int64_t key)
{
	uint32_t *value = sw_key_map_put(&join->map, key);
	uint32_t number;
	int code = 0;

	if (!value)
		return -ENOMEM;
	number = *value;
	*value = NEVER_JOINS;
	if (number == 0 || number == NEVER_JOINS)
		return 0;
	code = forget(self, join, sw_slab_at(&join->entries, number), 1 - SW_EQUI_JOIN_KEPT);
	sw_slab_give(&join->entries, number);
	return code;
}

/* ---- Rows in ---- */

static int join_row(struct sw_instance *self, struct equi_join *join, int64_t key, uint32_t row)
{
	uint32_t number = sw_key_map_get(&join->map, key);

	if (number == NEVER_JOINS)
		return 0;
	if (number) {
		const struct entry *entry = sw_slab_at(&join->entries, number);
		int code = combine(self, join, entry, key, row);

		if (code || is_settled(join->config, entry, join->rows.arriving_input))
			return code;
	}
	return keep(self, join, number, key, row);
}

/* What is kept of a key that comes soon, and where its row is added. */
SW_FETCHES void prefetch_list(const struct equi_join *join, int64_t key)
{
	uint32_t number = sw_key_map_get(&join->map, key);
	const struct entry *entry;

	if (number == 0 || number == NEVER_JOINS)
		return;
	entry = sw_slab_at(&join->entries, number);
	__builtin_prefetch(entry->lists[join->rows.arriving_input]);
}

static int join_batch(struct sw_instance *self, struct equi_join *join, unsigned input,
	const struct sw_batch *batch)
{
	const int64_t *told = join->rows.told;
	const unsigned key = told ? JOIN_KEPT_KEY : join->config->key[input];
	const int64_t *keys = batch->columns[key].data;
	uint32_t count = sw_batch_count(batch);
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		if (i + PREFETCH_ROWS < count)
			prefetch_list(join, keys[sw_batch_row(batch, i + PREFETCH_ROWS)]);
		if (told && !told[row])
			code = rule_out(self, join, keys[row]);
		else
			code = join_row(self, join, keys[row], row);
	}
	if (!code)
		code = join_rows_flush(&join->rows, self);
	return code;
}

static int join_one(
	struct sw_instance *self, struct equi_join *join, unsigned input, struct sw_batch *batch)
{
	struct sw_batch *out;
	int code;

	join->rows.arriving = batch;
	join->rows.arriving_input = input;
	join->rows.told = join->config->kept_apart && input == SW_EQUI_JOIN_KEPT
				  ? batch->columns[JOIN_KEPT_ROW].data
				  : NULL;
	join->rows.tuple_count = 0;
	code = join_batch(self, join, input, batch);
	sw_release(self, batch);
	out = join->rows.out;
	join->rows.out = NULL;
	if (out)
		sw_emit(self, 0, out);
	return code == -ECANCELED ? 0 : code;
}

/* Joins the batch that has been held for longest. */
static int join_oldest(struct sw_instance *self, struct equi_join *join)
{
	struct held oldest = join->held[join->held_first];

	join->held_first = (join->held_first + 1) % HELD_MAX;
	join->held_count--;
	return join_one(self, join, oldest.input, oldest.batch);
}

static int join_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct equi_join *join = state;
	int code = 0;

	if (!join->holds || join->config->unique >> input & 1)
		return join_one(self, join, input, batch);
	if (join->held_count == HELD_MAX)
		code = join_oldest(self, join);
	join->held[(join->held_first + join->held_count++) % HELD_MAX] =
		(struct held){ batch, input };
	return code;
}

/* Can it have rows earlier than the watermark? */
static bool is_due(const struct sw_batch *batch, int64_t watermark)
{
	return watermark == SW_TIME_END || batch->time_min_ms < watermark ||
	       batch->time_min_ms > batch->time_max_ms;
}

static int join_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct equi_join *join = state;
	unsigned due = 0;
	int code = 0;

	/* No row earlier than the watermark may leave after it. */
	for (unsigned i = 0; i < join->held_count; i++)
		if (is_due(join->held[(join->held_first + i) % HELD_MAX].batch, watermark))
			due = i + 1;
	for (; due && !code; due--)
		code = join_oldest(self, join);
	return code;
}

static int join_idle(struct sw_instance *self, void *state)
{
	struct equi_join *join = state;
	int code = 0;

	while (join->held_count && !code)
		code = join_oldest(self, join);
	return code;
}

/* Batches are still held where the graph was cancelled. */
static void join_close(struct sw_instance *self, void *state)
{
	struct equi_join *join = state;

	for (; join->held_count; join->held_count--) {
		sw_release(self, join->held[join->held_first].batch);
		join->held_first = (join->held_first + 1) % HELD_MAX;
	}
}

const struct sw_operator sw_equi_join = {
	.name = "join",
	.state_bytes = sizeof(struct equi_join),
	.holds_batches = HELD_MAX,
	.open = join_open,
	.close = join_close,
	.process = join_process,
	.advance = join_advance,
	.idle = join_idle,
};

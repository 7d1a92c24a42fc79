/* SPDX-License-Identifier: MIT */
/*
 * Rows by owner: first each row's owner, then for each owner its rows. With few owners all rows are
 * looked at once for each: where a row goes does not hang on what was stored just before, so that
 * costs less than counting first, and vectors do 8 or 32 rows in a step (owners_vectors.c).
 */

#include "runtime/owners_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum owners_vectors limit = OWNERS_AVX512;

void owned_rows_limit(enum owners_vectors vectors)
{
	limit = vectors;
}

int owned_rows_init(struct owned_rows *rows, uint32_t rows_max, unsigned owners)
{
	rows->order = calloc(rows_max + OWNERS_SLACK, sizeof(*rows->order));
	rows->destination = calloc(rows_max + OWNERS_SLACK, sizeof(*rows->destination));
	rows->start = calloc(owners + 1, sizeof(*rows->start));
	return rows->order && rows->destination && rows->start ? 0 : -ENOMEM;
}

void owned_rows_fini(struct owned_rows *rows)
{
	free(rows->order);
	free(rows->destination);
	free(rows->start);
}

/* ---- Whose each row is ---- */

/* The next bytes of a text, eight at most; loose: as many can be read whatever its size is. */
static inline uint64_t first_word(const char *bytes, uint32_t size, bool loose)
{
	uint64_t word = 0;

	if (size >= sizeof(word) || loose)
		memcpy(&word, bytes, sizeof(word));
	else
		memcpy(&word, bytes, size);
	/* The first byte is the lowest. */
	return size < sizeof(word) ? word & ((UINT64_C(1) << 8 * size) - 1) : word;
}

/* Eight bytes at a time, each folded in by a multiplication whose halves are mixed. */
static inline uint32_t hash_text(struct sw_text text, bool loose)
{
	uint64_t hash = text.size * OWNERS_KEY_FACTOR;

	for (uint32_t at = 0; at < text.size; at += 8) {
		hash ^= first_word(text.bytes + at, text.size - at, loose);
		hash *= 0xD6E8FEB86659FD93u;
		hash ^= hash >> 32;
	}
	return (uint32_t)((hash * OWNERS_KEY_FACTOR) >> 32);
}

uint32_t owned_text_hash(struct sw_text text)
{
	return hash_text(text, false);
}

static void find_int64(uint16_t *destination, const int64_t *keys, uint32_t count, unsigned owners)
{
	for (uint32_t i = 0; i < count; i++)
		destination[i] = owner_of_key(keys[i], owners);
}

/* Columns of batches have slack behind them, a dictionary's texts have none. */
static void find_texts(uint16_t *destination, const struct sw_batch *batch,
	const struct sw_column *key, const uint32_t *hashes, unsigned owners)
{
	const uint32_t count = sw_batch_count(batch);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = sw_batch_row(batch, i);

		destination[i] =
			owner_of(hashes ? hashes[((const int32_t *)key->data)[row]]
					: hash_text(sw_column_text(key, row), !key->dictionary),
				owners);
	}
}

static void find_owners(const struct owners_path *path, uint16_t *destination,
	const struct sw_batch *batch, const struct sw_column *key, const uint32_t *hashes,
	unsigned owners)
{
	const uint32_t count = sw_batch_count(batch);

	if (key->type == SW_TEXT) {
		find_texts(destination, batch, key, hashes, owners);
	} else if (key->type == SW_INT32 || batch->selected) {
		for (uint32_t i = 0; i < count; i++)
			destination[i] =
				owner_of_key(sw_column_int64(key, sw_batch_row(batch, i)), owners);
	} else {
		path->find(destination, key->data, count, owners);
	}
}

/* ---- Each owner's rows ---- */

/* Appends d's rows at `at`; where they end. */
static uint32_t take_rows(
	struct owned_rows *rows, const struct sw_batch *batch, uint16_t d, uint32_t at)
{
	const uint16_t *destination = rows->destination, *selected = batch->selected;
	const uint32_t count = sw_batch_count(batch);
	uint16_t *order = rows->order;

	for (uint32_t i = 0; i < count; i++) {
		order[at] = selected ? selected[i] : (uint16_t)i;
		at += destination[i] == d;
	}
	return at;
}

static const struct owners_path portable = { .few = 6, .find = find_int64, .take = take_rows };

static const struct owners_path *path_here(void)
{
	const struct owners_path *vectors = owners_path_vectors(limit);

	return vectors ? vectors : &portable;
}

static void sort_by_few(const struct owners_path *path, struct owned_rows *rows,
	const struct sw_batch *batch, unsigned owners)
{
	uint32_t at = 0;

	for (unsigned d = 0; d < owners; d++) {
		rows->start[d] = at;
		at = path->take(rows, batch, (uint16_t)d, at);
	}
	rows->start[owners] = at;
}

static void sort_by_many(struct owned_rows *rows, const struct sw_batch *batch, unsigned owners)
{
	uint32_t count = sw_batch_count(batch);
	uint32_t *start = rows->start;

	memset(start, 0, (owners + 1) * sizeof(*start));
	for (uint32_t i = 0; i < count; i++)
		start[rows->destination[i] + 1]++;
	for (unsigned d = 0; d < owners; d++)
		start[d + 1] += start[d];
	for (uint32_t i = 0; i < count; i++)
		rows->order[start[rows->destination[i]]++] = (uint16_t)sw_batch_row(batch, i);
	for (unsigned d = owners; d > 0; d--)
		start[d] = start[d - 1];
	start[0] = 0;
}

void owned_rows_all(struct owned_rows *rows, const struct sw_batch *batch)
{
	const uint32_t count = sw_batch_count(batch);

	for (uint32_t i = 0; i < count; i++)
		rows->order[i] = (uint16_t)sw_batch_row(batch, i);
	rows->start[0] = 0;
	rows->start[1] = count;
}

void owned_rows_find(struct owned_rows *rows, const struct sw_batch *batch, unsigned key_column,
	const uint32_t *hashes, unsigned owners)
{
	const struct owners_path *path = path_here();

	find_owners(path, rows->destination, batch, &batch->columns[key_column], hashes, owners);
	if (owners <= path->few)
		sort_by_few(path, rows, batch, owners);
	else
		sort_by_many(rows, batch, owners);
}

/* SPDX-License-Identifier: MIT */
#include "operators/side_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	int64_t key;
	uint32_t number; /* as it came */
	uint32_t size;
	size_t offset; /* in `bytes` as added */
};

struct slot {
	int64_t key;
	struct sw_side_rows rows; /* count 0: empty */
};

/* Open addressing, at most half full. */
struct sw_side_table {
	struct slot *slots;
	unsigned shift; /* of the hash, to a slot */
	size_t slot_count;
	struct sw_dictionary values;
	int32_t *offsets;
	char *text;
	/* Until it is sealed. */
	struct row *rows;
	size_t row_count, row_capacity;
	char *bytes;
	size_t byte_count, byte_capacity;
};

struct sw_side_table *sw_side_table_create(void)
{
	return calloc(1, sizeof(struct sw_side_table));
}

static void free_rows(struct sw_side_table *table)
{
	free(table->rows);
	free(table->bytes);
	table->rows = NULL;
	table->bytes = NULL;
}

void sw_side_table_destroy(struct sw_side_table *table)
{
	if (!table)
		return;
	free_rows(table);
	free(table->slots);
	free(table->offsets);
	free(table->text);
	free(table);
}

/* ---- Making it ---- */

static int make_room(struct sw_side_table *table, size_t bytes)
{
	if (table->row_count == table->row_capacity) {
		size_t capacity = table->row_capacity ? 2 * table->row_capacity : 1024;
		struct row *grown = realloc(table->rows, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->rows = grown;
		table->row_capacity = capacity;
	}
	if (table->byte_count + bytes > table->byte_capacity) {
		size_t capacity = 2 * (table->byte_count + bytes) + 4096;
		char *grown = realloc(table->bytes, capacity);

		if (!grown)
			return -ENOMEM;
		table->bytes = grown;
		table->byte_capacity = capacity;
	}
	return 0;
}

int sw_side_table_add(struct sw_side_table *table, int64_t key, struct sw_text value)
{
	int code;

	assert(!table->slots);
	if (table->row_count == SW_SIDE_ROWS_MAX ||
		value.size > SW_SIDE_BYTES_MAX - table->byte_count)
		return -E2BIG;
	code = make_room(table, value.size);
	if (code)
		return code;
	table->rows[table->row_count] = (struct row){ .key = key,
		.number = (uint32_t)table->row_count,
		.size = value.size,
		.offset = table->byte_count };
	table->row_count++;
	if (value.size)
		memcpy(table->bytes + table->byte_count, value.bytes, value.size);
	table->byte_count += value.size;
	return 0;
}

/* By key, rows of one key as they came. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static size_t slot_of(const struct sw_side_table *table, int64_t key)
{
	return (size_t)((uint64_t)key * 0x9E3779B97F4A7C15u >> table->shift);
}

/* The key's slot, or the empty one where it belongs. */
static struct slot *find_slot(const struct sw_side_table *table, int64_t key)
{
	size_t i = slot_of(table, key);

	while (table->slots[i].rows.count && table->slots[i].key != key)
		i = (i + 1) & (table->slot_count - 1);
	return &table->slots[i];
}

static int allocate(struct sw_side_table *table)
{
	table->slot_count = 64;
	table->shift = 64 - 6;
	for (; table->slot_count < 2 * table->row_count; table->shift--)
		table->slot_count *= 2;
	table->slots = calloc(table->slot_count, sizeof(*table->slots));
	table->offsets = malloc((table->row_count + 1) * sizeof(*table->offsets));
	table->text = malloc(table->byte_count + 1);
	return table->slots && table->offsets && table->text ? 0 : -ENOMEM;
}

int sw_side_table_seal(struct sw_side_table *table)
{
	int32_t used = 0;
	int code = allocate(table);

	if (code)
		return code;
	if (table->row_count)
		qsort(table->rows, table->row_count, sizeof(*table->rows), compare_rows);
	for (uint32_t i = 0; i < table->row_count; i++) {
		const struct row *row = &table->rows[i];
		struct slot *slot = find_slot(table, row->key);

		if (!slot->rows.count)
			*slot = (struct slot){ row->key, { i, 0 } };
		slot->rows.count++;
		table->offsets[i] = used;
		if (row->size)
			memcpy(table->text + used, table->bytes + row->offset, row->size);
		used += (int32_t)row->size;
	}
	table->offsets[table->row_count] = used;
	table->values =
		(struct sw_dictionary){ (uint32_t)table->row_count, table->offsets, table->text };
	free_rows(table);
	return 0;
}

/* ---- Looking ---- */

struct sw_side_rows sw_side_table_find(const struct sw_side_table *table, int64_t key)
{
	return find_slot(table, key)->rows;
}

const struct sw_dictionary *sw_side_table_values(const struct sw_side_table *table)
{
	return &table->values;
}

size_t sw_side_table_bytes(const struct sw_side_table *table)
{
	return table->slot_count * sizeof(*table->slots) +
	       (table->row_count + 1) * sizeof(*table->offsets) + table->byte_count;
}

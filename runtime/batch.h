/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_BATCH_H
#define SW_RUNTIME_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/*
 * A batch is a block of rows in columns. It has one owner at a time (a worker, a ring, the I/O
 * thread); only the owner touches it. Row order is arrival order.
 *
 * Fixed-width columns: row i at data + i * width, data 64-byte aligned.
 * Text columns (Arrow's layout): row i is bytes [offsets[i], offsets[i + 1]) of data; offsets has
 * rows + 1 entries and offsets[0] == 0.
 * In batches of a pool or of sw_batch_create the 64 bytes after each column's capacity (rows, or
 * text bytes) belong to it as well: vector code may store past the end. Readers may not count on
 * that, since an imported batch has no such room.
 * Text columns with a dictionary: row i is entry ((const int32_t *)data)[i] of dictionary.
 */

SW_BEGIN_DECLS

#define SW_COLUMNS_MAX 32

enum sw_type {
	SW_INT64,    /* int64_t */
	SW_INT32,    /* int32_t */
	SW_TIME_MS,  /* int64_t, ms since 1970 UTC */
	SW_DECIMAL3, /* int64_t, thousandths; written with exactly three places */
	SW_TEXT, /* offsets + bytes, or int32_t codes when the batch's column has a dictionary */
};

struct sw_field {
	const char *name;
	enum sw_type type;
	/* SW_TEXT: expected bytes a row, sizes the pool's block; 0: 16. SW_TEXT columns of a
	 * dictionary take 4 bytes a row instead. */
	uint32_t text_bytes;
	/* SW_TEXT: rows are codes into this (borrowed, outlives the graph); null: plain bytes. */
	const struct sw_dictionary *dictionary;
};

/* What a row of a changelog does to the result. Folding all of them in order gives the result. */
enum sw_change {
	SW_CHANGE_INSERT,        /* +I */
	SW_CHANGE_UPDATE_BEFORE, /* -U: as INSERT or UPDATE_AFTER gave it, taken back */
	SW_CHANGE_UPDATE_AFTER,  /* +U */
	SW_CHANGE_DELETE,        /* -D */
};

/* Immutable; outlives every batch that points at it. */
struct sw_schema {
	uint32_t columns;
	/* The last column, "change" (SW_INT32), is each row's enum sw_change and not of the result
	 * itself; without it every row is an insertion. */
	bool changelog;
	struct sw_field fields[SW_COLUMNS_MAX];
};

/* Immutable once shared. Entry k is bytes [offsets[k], offsets[k + 1]). */
struct sw_dictionary {
	uint32_t entries;
	const int32_t *offsets;
	const char *bytes;
};

struct sw_column {
	void *data;
	int32_t *offsets;                       /* plain text only, else null */
	const struct sw_dictionary *dictionary; /* null: plain */
	uint32_t text_capacity;                 /* plain text: bytes that data can hold */
	enum sw_type type;
};

#define SW_TIME_MIN INT64_MIN
#define SW_TIME_END INT64_MAX /* the watermark after the last event */

struct sw_batch {
	const struct sw_schema *schema;
	uint32_t rows;     /* rows in the columns */
	uint32_t capacity; /* rows that fit */
	/* Selection: when selected is not null only rows selected[0 .. selected_rows) count,
	 * rising. */
	uint16_t *selected;
	uint32_t selected_rows;
	uint32_t events;      /* source events whose journey this batch carries (0: not counted) */
	uint64_t number;      /* batch number of its source, for repeatable choices */
	int64_t arrival_ms;   /* wall clock (or injected) arrival, ms since 1970 */
	uint64_t intended_ns; /* CLOCK_MONOTONIC: intended arrival of the oldest row; 0: none */
	int64_t time_min_ms, time_max_ms; /* event-time range of the rows; min > max: unknown */
	int64_t watermark;                /* changelogs: the one that the changes were made at */
	struct sw_column columns[SW_COLUMNS_MAX];

	/* private to the runtime */
	uint16_t *selection_space; /* capacity entries, what `selected` points at when set */
	struct sw_pool *pool;      /* where it goes home to */
	void *block;
	size_t block_bytes;
	struct sw_batch *next;
	void (*dispose)(
		struct sw_batch *batch); /* frees it in its own way (imported); null: free */
};

#define SW_BATCH_ROWS_MAX 65536 /* selection indices are 16 bits */

struct sw_text {
	const char *bytes;
	uint32_t size;
};

/* Rows that count: selected_rows with a selection, else rows. */
static inline uint32_t sw_batch_count(const struct sw_batch *batch)
{
	return batch->selected ? batch->selected_rows : batch->rows;
}

/* The physical row of the i-th row that counts. */
static inline uint32_t sw_batch_row(const struct sw_batch *batch, uint32_t i)
{
	return batch->selected ? batch->selected[i] : i;
}

/* Columns of the result itself. */
static inline uint32_t sw_schema_result_columns(const struct sw_schema *schema)
{
	return schema->columns - (schema->changelog ? 1 : 0);
}

static inline int64_t sw_column_int64(const struct sw_column *column, uint32_t row)
{
	return column->type == SW_INT32 ? ((const int32_t *)column->data)[row]
					: ((const int64_t *)column->data)[row];
}

/* Text of a physical row, plain or by dictionary; borrowed from the batch. */
static inline struct sw_text sw_column_text(const struct sw_column *column, uint32_t row)
{
	struct sw_text text;
	const int32_t *offsets = column->offsets;

	if (column->dictionary) {
		row = (uint32_t)((const int32_t *)column->data)[row];
		offsets = column->dictionary->offsets;
		text.bytes = column->dictionary->bytes + offsets[row];
	} else {
		text.bytes = (const char *)column->data + offsets[row];
	}
	text.size = (uint32_t)(offsets[row + 1] - offsets[row]);
	return text;
}

/* Bytes of one value of a fixed-width column (4 or 8); a dictionary text column's codes take 4. */
SW_API uint32_t sw_type_width(enum sw_type type);
SW_API int sw_schema_find(const struct sw_schema *schema, const char *name); /* index or -ENOENT */
SW_API bool sw_schema_equal(
	const struct sw_schema *a, const struct sw_schema *b); /* names, types */

/*
 * Batches outside any pool (tests, functions, embedding programs). rows_max
 * in 1..SW_BATCH_ROWS_MAX. text_bytes: capacity of each plain text column in bytes for the whole
 * batch; 0: from the schema. Returns null when memory is out. destroy takes it (null is fine).
 */
SW_API struct sw_batch *sw_batch_create(
	const struct sw_schema *schema, uint32_t rows_max, size_t text_bytes);
SW_API void sw_batch_destroy(struct sw_batch *batch);

/* Empties it for new rows under its schema: rows 0, no selection, numbers zeroed, range unknown. */
SW_API void sw_batch_reset(struct sw_batch *batch);

/* Moves the selected rows together and drops the selection. No-op without one. */
SW_API void sw_batch_compact(struct sw_batch *batch);

/*
 * Appends one text value to a plain text column as row `row` (== number of values so far in that
 * column). False when its bytes do not fit; nothing is changed then.
 */
SW_API bool sw_column_append_text(
	struct sw_column *column, uint32_t row, const char *bytes, uint32_t size);

/* A plain text column of an empty batch takes codes of this dictionary (borrowed, outlives the
 * batch's rows) instead. False, and nothing is changed: it is none, or has no room for them. */
SW_API bool sw_batch_adopt_dictionary(
	struct sw_batch *batch, uint32_t column, const struct sw_dictionary *dictionary);

/*
 * Appends physical row `row` of `from` to `to` (same schema; dictionary text becomes plain when
 * `to`'s column is plain). False when a row or text does not fit; `to` is unchanged then.
 */
SW_API bool sw_batch_append_row(struct sw_batch *to, const struct sw_batch *from, uint32_t row);

/* Copies what is not rows: number, arrival, intended arrival, event-time range, events. */
SW_API void sw_batch_copy_meta(struct sw_batch *to, const struct sw_batch *from);

SW_END_DECLS

#endif

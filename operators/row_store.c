/* SPDX-License-Identifier: MIT */
#include "operators/row_store.h"

#include <stdlib.h>

#define CHUNK_ROWS_FIRST 16u
#define CHUNK_ROWS_MAX   1024u

static size_t row_text_max(const struct sw_batch *batch, uint32_t row)
{
	size_t most = 0;

	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		size_t size;

		if (batch->columns[i].type != SW_TEXT)
			continue;
		size = sw_column_text(&batch->columns[i], row).size;
		if (size > most)
			most = size;
	}
	return most;
}

static struct sw_batch *add_chunk(
	struct sw_row_store *store, const struct sw_batch *batch, uint32_t row)
{
	uint32_t rows = CHUNK_ROWS_FIRST << (store->chunk_count < 6 ? store->chunk_count : 6);
	struct sw_batch **grown, *chunk;
	size_t text = row_text_max(batch, row);

	grown = realloc(store->chunks, (store->chunk_count + 1) * sizeof(*grown));
	if (!grown)
		return NULL;
	store->chunks = grown;
	if (rows > CHUNK_ROWS_MAX)
		rows = CHUNK_ROWS_MAX;
	/* Room for rows like this one. */
	if (text < 64)
		text = 64;
	if (text > SIZE_MAX / 2 / CHUNK_ROWS_MAX || text * rows > INT32_MAX)
		rows = 1;
	chunk = sw_batch_create(batch->schema, rows, text * rows);
	if (!chunk)
		return NULL;
	store->chunks[store->chunk_count++] = chunk;
	store->bytes += sizeof(*chunk) + rows * batch->schema->columns * 8 + text * rows;
	return chunk;
}

bool sw_row_store_append(struct sw_row_store *store, const struct sw_batch *batch, uint32_t row)
{
	struct sw_batch *chunk;

	if (store->chunks_used > 0 &&
		sw_batch_append_row(store->chunks[store->chunks_used - 1], batch, row))
		return true;
	/* A chunk from before it was cleared may be too small for this row's text. */
	while (store->chunks_used < store->chunk_count) {
		chunk = store->chunks[store->chunks_used++];
		if (sw_batch_append_row(chunk, batch, row))
			return true;
	}
	chunk = add_chunk(store, batch, row);
	if (!chunk)
		return false;
	store->chunks_used = store->chunk_count;
	return sw_batch_append_row(chunk, batch, row);
}

void sw_row_store_clear(struct sw_row_store *store)
{
	for (uint32_t i = 0; i < store->chunks_used; i++)
		sw_batch_reset(store->chunks[i]);
	store->chunks_used = 0;
}

void sw_row_store_fini(struct sw_row_store *store)
{
	for (uint32_t i = 0; i < store->chunk_count; i++)
		sw_batch_destroy(store->chunks[i]);
	free(store->chunks);
	*store = (struct sw_row_store){ 0 };
}

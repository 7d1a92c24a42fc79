/* SPDX-License-Identifier: MIT */
/*
 * Batches out as Arrow record batches, by the Arrow C Data Interface. (In: arrow_import.c.)
 *
 * Everything that an exported schema, or array, points at lies in one block. The consumer may move
 * children and dictionaries out of their parent and release them in any order on any thread, so the
 * block counts: one reference for the parent and one for each child and dictionary. Who drops the
 * last one frees the block, and for an array hands the batch back.
 *
 * Ordering: R1 -> A1 in drop(): what a consumer's thread read of the batch happens before it is
 * handed back.
 */

#include "runtime/arrow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct block {
	atomic_uint references;
	void (*done)(void *context, struct sw_batch *batch); /* arrays only */
	void *context;
	struct sw_batch *batch;
};

/* True for the last reference: the caller owns the block now. */
static bool drop(struct block *block)
{
	/* R1 -> A1: the same operation of the thread that drops the last reference. */
	return atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) == 1;
}

static unsigned count_dictionaries(const struct sw_batch *batch)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < batch->schema->columns; i++)
		count += batch->columns[i].dictionary != NULL;
	return count;
}

/* ---- The schema ---- */

/* {"scale": "3"} as the interface wants it: 32-bit counts of the machine's byte order, unaligned.
 */
struct scale_metadata {
	int32_t pairs, key_bytes;
	char key[5];
	int32_t value_bytes;
	char value[1];
} __attribute__((packed));

static const struct scale_metadata scale = { 1, 5, { 's', 'c', 'a', 'l', 'e' }, 1, { '3' } };

struct schema_block {
	struct block block;
	struct ArrowSchema children[SW_COLUMNS_MAX], dictionaries[SW_COLUMNS_MAX];
	struct ArrowSchema *pointers[SW_COLUMNS_MAX];
	char names[]; /* one after the other, terminated */
};

/* For the parent, children and dictionaries alike: releases what it still has, then itself. */
static void release_schema(struct ArrowSchema *schema)
{
	struct schema_block *block = schema->private_data;

	for (int64_t i = 0; i < schema->n_children; i++)
		if (schema->children[i]->release)
			schema->children[i]->release(schema->children[i]);
	if (schema->dictionary && schema->dictionary->release)
		schema->dictionary->release(schema->dictionary);
	schema->release = NULL;
	if (drop(&block->block))
		free(block);
}

static const char *format_of(const struct sw_column *column)
{
	switch (column->type) {
	case SW_INT64:
	case SW_DECIMAL3:
		return "l";
	case SW_INT32:
		return "i";
	case SW_TIME_MS:
		return "tsm:UTC";
	case SW_TEXT:
		break;
	}
	return column->dictionary ? "i" : "u";
}

static void fill_schema(struct ArrowSchema *schema, struct schema_block *block, const char *format,
	const char *name)
{
	*schema = (struct ArrowSchema){
		.format = format,
		.name = name,
		.release = release_schema,
		.private_data = block,
	};
}

static int export_schema(const struct sw_batch *batch, struct ArrowSchema *schema)
{
	uint32_t columns = batch->schema->columns;
	struct schema_block *block;
	size_t name_bytes = 0;
	char *name;

	for (uint32_t i = 0; i < columns; i++)
		name_bytes += strlen(batch->schema->fields[i].name) + 1;
	block = calloc(1, sizeof(*block) + name_bytes);
	if (!block)
		return -ENOMEM;
	atomic_init(&block->block.references, 1 + columns + count_dictionaries(batch));
	name = block->names;
	for (uint32_t i = 0; i < columns; i++) {
		const struct sw_column *column = &batch->columns[i];
		struct ArrowSchema *child = &block->children[i];

		strcpy(name, batch->schema->fields[i].name);
		fill_schema(child, block, format_of(column), name);
		name += strlen(name) + 1;
		if (column->type == SW_DECIMAL3)
			child->metadata = (const char *)&scale;
		if (column->dictionary) {
			child->dictionary = &block->dictionaries[i];
			fill_schema(child->dictionary, block, "u", "");
		}
		block->pointers[i] = child;
	}
	fill_schema(schema, block, "+s", "");
	schema->n_children = columns;
	schema->children = block->pointers;
	return 0;
}

/* ---- The array ---- */

struct array_block {
	struct block block;
	struct ArrowArray children[SW_COLUMNS_MAX], dictionaries[SW_COLUMNS_MAX];
	struct ArrowArray *pointers[SW_COLUMNS_MAX];
	/* Validity (none: nothing is null), then offsets and bytes, or values. */
	const void *buffers[SW_COLUMNS_MAX][3], *dictionary_buffers[SW_COLUMNS_MAX][3];
	const void *no_buffer[1];
};

static void release_array(struct ArrowArray *array)
{
	struct array_block *block = array->private_data;

	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->release)
			array->children[i]->release(array->children[i]);
	if (array->dictionary && array->dictionary->release)
		array->dictionary->release(array->dictionary);
	array->release = NULL;
	if (!drop(&block->block))
		return;
	if (block->block.done)
		block->block.done(block->block.context, block->block.batch);
	free(block);
}

static void fill_array(struct ArrowArray *array, struct array_block *block, int64_t length,
	const void **buffers, int64_t buffer_count)
{
	*array = (struct ArrowArray){
		.length = length,
		.n_buffers = buffer_count,
		.buffers = buffers,
		.release = release_array,
		.private_data = block,
	};
}

static void export_column(struct array_block *block, uint32_t i, const struct sw_batch *batch)
{
	const struct sw_column *column = &batch->columns[i];
	const struct sw_dictionary *dictionary = column->dictionary;
	struct ArrowArray *child = &block->children[i];
	const void **buffers = block->buffers[i];

	block->pointers[i] = child;
	if (column->offsets) {
		buffers[1] = column->offsets;
		buffers[2] = column->data;
		fill_array(child, block, batch->rows, buffers, 3);
		return;
	}
	buffers[1] = column->data;
	fill_array(child, block, batch->rows, buffers, 2);
	if (dictionary) {
		buffers = block->dictionary_buffers[i];
		buffers[1] = dictionary->offsets;
		buffers[2] = dictionary->bytes;
		child->dictionary = &block->dictionaries[i];
		fill_array(child->dictionary, block, dictionary->entries, buffers, 3);
	}
}

int sw_batch_export_arrow(struct sw_batch *batch, struct ArrowSchema *schema,
	struct ArrowArray *array, void (*done)(void *context, struct sw_batch *batch),
	void *context)
{
	struct array_block *block = calloc(1, sizeof(*block));
	int rc;

	if (!block)
		return -ENOMEM;
	rc = export_schema(batch, schema);
	if (rc) {
		free(block);
		return rc;
	}
	sw_batch_compact(batch);
	block->block.batch = batch;
	block->block.done = done;
	block->block.context = context;
	atomic_init(
		&block->block.references, 1 + batch->schema->columns + count_dictionaries(batch));
	for (uint32_t i = 0; i < batch->schema->columns; i++)
		export_column(block, i, batch);
	fill_array(array, block, batch->rows, block->no_buffer, 1);
	array->n_children = batch->schema->columns;
	array->children = block->pointers;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Arrow record batches in, by the Arrow C Data Interface. The batch points into the array's buffers
 * and keeps the array until it is destroyed. A buffer that does not lie as a batch's must (values
 * 64-byte aligned, text offsets from 0; only slices are otherwise) is copied.
 */

#include "runtime/arrow.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN ((size_t)64)

struct import {
	struct sw_batch batch; /* first: dispose gets this */
	struct ArrowArray array;
	struct sw_dictionary dictionaries[SW_COLUMNS_MAX];
	void *copies[SW_COLUMNS_MAX]; /* of what lay wrongly; null: nothing */
};

static void dispose(struct sw_batch *batch)
{
	struct import *import = (struct import *)(void *)batch;

	for (unsigned i = 0; i < SW_COLUMNS_MAX; i++)
		free(import->copies[i]);
	free(batch->selection_space);
	if (import->array.release)
		import->array.release(&import->array);
	free(import);
}

/* ---- Checks ---- */

static bool format_fits(const struct ArrowSchema *schema, enum sw_type type)
{
	const char *format = schema->format;

	if (type == SW_TEXT && schema->dictionary)
		return strcmp(format, "i") == 0 && strcmp(schema->dictionary->format, "u") == 0;
	if (schema->dictionary)
		return false;
	switch (type) {
	case SW_INT64:
	case SW_DECIMAL3:
		return strcmp(format, "l") == 0;
	case SW_INT32:
		return strcmp(format, "i") == 0;
	case SW_TIME_MS:
		return strncmp(format, "tsm:", 4) == 0;
	case SW_TEXT:
		return strcmp(format, "u") == 0;
	}
	return false;
}

static const char *type_name(enum sw_type type)
{
	switch (type) {
	case SW_INT64:
		return "int64";
	case SW_DECIMAL3:
		return "int64 (thousandths)";
	case SW_INT32:
		return "int32";
	case SW_TIME_MS:
		return "timestamp[ms]";
	case SW_TEXT:
		break;
	}
	return "utf8, or int32 codes into utf8";
}

static int find_child(
	const struct ArrowSchema *schema, const struct sw_field *field, struct sw_error *error)
{
	for (int64_t i = 0; i < schema->n_children; i++) {
		const struct ArrowSchema *child = schema->children[i];

		if (!child->name || strcmp(child->name, field->name) != 0)
			continue;
		if (!format_fits(child, field->type))
			return sw_error_set(error, -EINVAL,
				"arrow column %.64s: its format is \"%.32s\"%s, %s is needed",
				field->name, child->format,
				child->dictionary ? " with a dictionary" : "",
				type_name(field->type));
		return (int)i;
	}
	return sw_error_set(
		error, -EINVAL, "arrow column %.64s: not in the record batch", field->name);
}

/* Is any of `length` values from `from` on null? */
static bool has_nulls(const struct ArrowArray *array, int64_t from, int64_t length)
{
	const uint8_t *valid = array->n_buffers > 0 ? array->buffers[0] : NULL;

	if (array->null_count == 0 || !valid)
		return false;
	for (int64_t i = from; i < from + length; i++)
		if (!(valid[i / 8] & 1u << (i % 8)))
			return true;
	return false;
}

/* ---- Columns ---- */

/* The bytes themselves when they lie well, else a copy of them; null: memory is out. */
static void *placed(struct import *import, uint32_t column, const void *data, size_t bytes)
{
	static const char nothing[ALIGN]
		__attribute__((aligned(64))); /* for columns without a buffer */
	void *copy;

	if (!data)
		return (void *)(uintptr_t)nothing;
	if ((uintptr_t)data % ALIGN == 0)
		return (void *)(uintptr_t)data;
	copy = aligned_alloc(ALIGN, (bytes + ALIGN) / ALIGN * ALIGN);
	if (copy)
		memcpy(copy, data, bytes);
	import->copies[column] = copy;
	return copy;
}

/* Offsets from 0: those of a slice are copied and its bytes begin later. */
static int import_text(struct import *import, uint32_t i, const struct ArrowArray *array,
	int64_t from, uint32_t rows)
{
	static const int32_t none[1] = { 0 };
	struct sw_column *column = &import->batch.columns[i];
	const int32_t *offsets =
		array->buffers[1] ? (const int32_t *)array->buffers[1] + from : none;
	int32_t base = offsets[0];
	int32_t *copy;

	/* All texts empty: there may be no buffer for their bytes. */
	column->data = array->buffers[2] ? (char *)(uintptr_t)array->buffers[2] + base
					 : (char *)(uintptr_t) "";
	column->text_capacity = (uint32_t)(offsets[rows] - base);
	if (base == 0) {
		column->offsets = (int32_t *)(uintptr_t)offsets;
		return 0;
	}
	copy = malloc(((size_t)rows + 1) * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	for (uint32_t k = 0; k <= rows; k++)
		copy[k] = offsets[k] - base;
	import->copies[i] = copy;
	column->offsets = copy;
	return 0;
}

static int import_dictionary(struct import *import, uint32_t i, const struct ArrowArray *array,
	const char *name, struct sw_error *error)
{
	const struct ArrowArray *values = array->dictionary;
	struct sw_dictionary *dictionary = &import->dictionaries[i];

	if (!values || values->n_buffers != 3 || values->length > INT32_MAX ||
		has_nulls(values, values->offset, values->length))
		return sw_error_set(error, -EINVAL,
			"arrow column %.64s: its dictionary is missing, too large or has nulls",
			name);
	dictionary->entries = (uint32_t)values->length;
	dictionary->offsets = (const int32_t *)values->buffers[1] + values->offset;
	dictionary->bytes = values->buffers[2];
	import->batch.columns[i].dictionary = dictionary;
	return 0;
}

static int import_column(struct import *import, uint32_t i, const struct sw_field *field,
	const struct ArrowArray *parent, const struct ArrowArray *array, bool with_dictionary,
	struct sw_error *error)
{
	struct sw_column *column = &import->batch.columns[i];
	uint32_t rows = import->batch.rows;
	int64_t from = parent->offset + array->offset;
	bool text = field->type == SW_TEXT && !with_dictionary;
	size_t width = sw_type_width(field->type);
	int rc;

	if (array->n_buffers != (text ? 3 : 2) || array->length < parent->offset + parent->length)
		return sw_error_set(error, -EINVAL,
			"arrow column %.64s: it has %lld buffers and %lld values, which is not "
			"what its "
			"format and its parent say",
			field->name, (long long)array->n_buffers, (long long)array->length);
	if (has_nulls(array, from, rows))
		return sw_error_set(
			error, -EINVAL, "arrow column %.64s: it has nulls", field->name);
	column->type = field->type;
	if (text) {
		rc = import_text(import, i, array, from, rows);
	} else {
		const char *values = array->buffers[1];

		column->data = placed(
			import, i, values ? values + (size_t)from * width : NULL, rows * width);
		rc = column->data ? 0 : -ENOMEM;
	}
	if (rc)
		return sw_error_set(error, rc, "arrow column %.64s: memory is out", field->name);
	return with_dictionary ? import_dictionary(import, i, array, field->name, error) : 0;
}

static struct import *create(const struct sw_schema *wanted, uint32_t rows)
{
	struct import *import = calloc(1, sizeof(*import));
	struct sw_batch *batch;

	if (!import)
		return NULL;
	batch = &import->batch;
	batch->schema = wanted;
	batch->rows = rows;
	batch->capacity = rows;
	/* Not sw_batch_reset: it would write into the columns. */
	batch->time_min_ms = INT64_MAX;
	batch->time_max_ms = INT64_MIN;
	batch->block = import;
	batch->block_bytes = sizeof(*import);
	batch->dispose = dispose;
	batch->selection_space = malloc((rows ? rows : 1) * sizeof(*batch->selection_space));
	if (!batch->selection_space) {
		free(import);
		return NULL;
	}
	return import;
}

static int check_parent(
	const struct ArrowSchema *schema, const struct ArrowArray *array, struct sw_error *error)
{
	if (!array->release || !schema->release)
		return sw_error_set(error, -EINVAL, "arrow record batch: it is released already");
	if (strcmp(schema->format, "+s") != 0)
		return sw_error_set(error, -EINVAL,
			"arrow record batch: its format is \"%.32s\", \"+s\" (struct) is needed",
			schema->format);
	if (schema->n_children != array->n_children)
		return sw_error_set(error, -EINVAL,
			"arrow record batch: the schema has %lld columns, the array %lld",
			(long long)schema->n_children, (long long)array->n_children);
	if (array->length < 0 || array->length > SW_BATCH_ROWS_MAX)
		return sw_error_set(error, -EINVAL, "arrow record batch: %lld rows: at most %d fit",
			(long long)array->length, SW_BATCH_ROWS_MAX);
	if (has_nulls(array, array->offset, array->length))
		return sw_error_set(error, -EINVAL, "arrow record batch: it has null rows");
	return 0;
}

int sw_batch_import_arrow(const struct sw_schema *wanted, const struct ArrowSchema *schema,
	struct ArrowArray *array, struct sw_batch **batch, struct sw_error *error)
{
	struct import *import = NULL;
	int rc = check_parent(schema, array, error);

	*batch = NULL;
	if (rc)
		return rc;
	import = create(wanted, (uint32_t)array->length);
	if (!import)
		return sw_error_set(error, -ENOMEM, "arrow record batch: memory is out");
	for (uint32_t i = 0; i < wanted->columns; i++) {
		int child = find_child(schema, &wanted->fields[i], error);

		rc = child < 0 ? child
			       : import_column(import, i, &wanted->fields[i], array,
					 array->children[child],
					 schema->children[child]->dictionary, error);
		if (rc)
			goto fail;
	}
	import->array = *array;
	array->release = NULL;
	*batch = &import->batch;
	return 0;
fail:
	dispose(&import->batch);
	return rc;
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_ARROW_H
#define SW_RUNTIME_ARROW_H

#include "runtime/batch.h"

/*
 * Batches out of and into the Arrow C Data Interface (https://arrow.apache.org/docs/format/
 * CDataInterface.html) without copying column data. A batch is a struct array; SW_INT64 "l",
 * SW_INT32 "i", SW_TIME_MS "tsm:UTC", SW_DECIMAL3 "l" with field metadata "scale" = "3", plain text
 * "u", dictionary text "i" with a dictionary of "u".
 */

SW_BEGIN_DECLS

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};

struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

#endif

/*
 * Exports the batch's rows (compacting a selection first). The arrays borrow the batch: `done` is
 * called with `context` when the consumer releases the array, on whatever thread that is; until
 * then the batch must not change. 0 or -errno.
 */
SW_API SW_MUST_CHECK int sw_batch_export_arrow(struct sw_batch *batch, struct ArrowSchema *schema,
	struct ArrowArray *array, void (*done)(void *context, struct sw_batch *batch),
	void *context);

/*
 * Imports a struct array as a batch that points into it; takes the array (moves it: array->release
 * becomes null) and releases it when the batch is destroyed. schema->release is left to the caller.
 * Only what does not lie as batch.h says (slices, mostly) is copied. The batch is for reading: its
 * columns may not be changed or compacted, since they are the array's; a selection is fine.
 * `wanted` names the columns and types to find. -EINVAL: a column is missing, of another type, or
 * has nulls; more than SW_BATCH_ROWS_MAX rows.
 */
SW_API SW_MUST_CHECK int sw_batch_import_arrow(const struct sw_schema *wanted,
	const struct ArrowSchema *schema, struct ArrowArray *array, struct sw_batch **batch,
	struct sw_error *error);

SW_END_DECLS

#endif

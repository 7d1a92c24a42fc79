/* SPDX-License-Identifier: MIT */
/* What arrow_pyarrow.py loads: a batch to export, and an import that tells what it got. */

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runtime/arrow.h"

SW_BEGIN_DECLS
SW_API int helper_export(uint32_t rows, struct ArrowSchema *schema, struct ArrowArray *array);
SW_API const void *helper_data(uint32_t column);
SW_API int helper_released(void);
SW_API int helper_import(
	const struct ArrowSchema *schema, struct ArrowArray *array, char *text, size_t size);
SW_END_DECLS

static const int32_t city_offsets[] = { 0, 4, 10 };
static const struct sw_dictionary cities = { 2, city_offsets, "BonnBoston" };

static const struct sw_schema table = {
	.columns = 6,
	.fields = {
		{ .name = "id", .type = SW_INT64 },
		{ .name = "kind", .type = SW_INT32 },
		{ .name = "at", .type = SW_TIME_MS },
		{ .name = "price", .type = SW_DECIMAL3 },
		{ .name = "text", .type = SW_TEXT },
		{ .name = "city", .type = SW_TEXT, .dictionary = &cities },
	},
};

static const struct sw_batch *exported;
static atomic_int released; /* batches that the consumer gave back */

static void give_back(void *context, struct sw_batch *batch)
{
	(void)context;
	sw_batch_destroy(batch);
	/* Relaxed: a count. */
	atomic_fetch_add_explicit(&released, 1, memory_order_relaxed);
}

int helper_export(uint32_t rows, struct ArrowSchema *schema, struct ArrowArray *array)
{
	struct sw_batch *batch = sw_batch_create(&table, rows ? rows : 1, 0);
	int rc;

	if (!batch)
		return -ENOMEM;
	for (uint32_t row = 0; row < rows; row++) {
		char text[16];
		int size = snprintf(text, sizeof(text), "%.*s", (int)(row % 10), "abcdefghij");

		((int64_t *)batch->columns[0].data)[row] = ((int64_t)1 << 40) + row;
		((int32_t *)batch->columns[1].data)[row] = -(int32_t)row;
		((int64_t *)batch->columns[2].data)[row] = 1700000000000 + row;
		((int64_t *)batch->columns[3].data)[row] = 908 * row;
		if (!sw_column_append_text(&batch->columns[4], row, text, (uint32_t)size))
			break;
		((int32_t *)batch->columns[5].data)[row] = (int32_t)(row % 2);
		batch->rows++;
	}
	exported = batch;
	rc = sw_batch_export_arrow(batch, schema, array, give_back, NULL);
	if (rc)
		sw_batch_destroy(batch);
	return rc;
}

/* Where a column of the batch exported last lies; it must not have been released. */
const void *helper_data(uint32_t column)
{
	return exported->columns[column].data;
}

int helper_released(void)
{
	return atomic_load_explicit(&released, memory_order_relaxed);
}

static void print_row(FILE *out, const struct sw_batch *batch, uint32_t row)
{
	struct sw_text text = sw_column_text(&batch->columns[4], row);
	struct sw_text city = sw_column_text(&batch->columns[5], row);

	for (unsigned i = 0; i < 4; i++)
		fprintf(out, "%lld,", (long long)sw_column_int64(&batch->columns[i], row));
	fprintf(out, "%.*s,%.*s\n", (int)text.size, text.bytes, (int)city.size, city.bytes);
}

/* Rows as lines into text, or the error's text. Returns rows or -errno. */
int helper_import(
	const struct ArrowSchema *schema, struct ArrowArray *array, char *text, size_t size)
{
	struct sw_batch *batch;
	struct sw_error error;
	FILE *out;
	int rc = sw_batch_import_arrow(&table, schema, array, &batch, &error);

	if (rc) {
		snprintf(text, size, "%s", error.text);
		return rc;
	}
	rc = (int)batch->rows;
	text[0] = '\0';
	out = fmemopen(text, size, "w");
	for (uint32_t row = 0; out && row < batch->rows; row++)
		print_row(out, batch, row);
	if (!out || fclose(out))
		rc = -EIO;
	sw_batch_destroy(batch);
	return rc;
}

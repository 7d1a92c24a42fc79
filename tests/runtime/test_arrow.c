/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "runtime/arrow.h"

static const int32_t city_offsets[] = { 0, 4, 10 };
static const struct sw_dictionary cities = { 2, city_offsets, "BonnBoston" };

static const struct sw_schema schema = {
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

#define ROWS 9

static struct sw_batch *make_batch(void)
{
	struct sw_batch *batch = sw_batch_create(&schema, ROWS, 0);

	assert_non_null(batch);
	for (uint32_t row = 0; row < ROWS; row++) {
		((int64_t *)batch->columns[0].data)[row] = 100 + row;
		((int32_t *)batch->columns[1].data)[row] = -(int32_t)row;
		((int64_t *)batch->columns[2].data)[row] = 1700000000000 + row;
		((int64_t *)batch->columns[3].data)[row] = 908 * row;
		assert_true(sw_column_append_text(&batch->columns[4], row, "abcdefghij", row));
		((int32_t *)batch->columns[5].data)[row] = (int32_t)(row % 2);
	}
	batch->rows = ROWS;
	return batch;
}

static void check_row(const struct sw_batch *batch, uint32_t row, uint32_t number)
{
	struct sw_text text = sw_column_text(&batch->columns[4], row);
	struct sw_text city = sw_column_text(&batch->columns[5], row);

	assert_int_equal(sw_column_int64(&batch->columns[0], row), 100 + number);
	assert_int_equal(sw_column_int64(&batch->columns[1], row), -(int64_t)number);
	assert_int_equal(sw_column_int64(&batch->columns[2], row), 1700000000000 + number);
	assert_int_equal(sw_column_int64(&batch->columns[3], row), 908 * number);
	assert_int_equal(text.size, number);
	assert_memory_equal(text.bytes, "abcdefghij", number);
	assert_int_equal(city.size, number % 2 ? 6 : 4);
	assert_memory_equal(city.bytes, number % 2 ? "Boston" : "Bonn", city.size);
}

static void count_done(void *context, struct sw_batch *batch)
{
	(void)batch;
	++*(int *)context;
}

static void test_export(void **state)
{
	static const char *const formats[] = { "l", "i", "tsm:UTC", "l", "u", "i" };
	static const int32_t scale_head[] = { 1, 5 };
	struct sw_batch *batch = make_batch();
	struct ArrowSchema out;
	struct ArrowArray array;
	int done = 0;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, count_done, &done), 0);
	assert_string_equal(out.format, "+s");
	assert_int_equal(out.n_children, 6);
	assert_int_equal(array.n_children, 6);
	assert_int_equal(array.length, ROWS);
	for (unsigned i = 0; i < 6; i++) {
		assert_string_equal(out.children[i]->format, formats[i]);
		assert_string_equal(out.children[i]->name, schema.fields[i].name);
		assert_int_equal(out.children[i]->flags, 0);
		assert_int_equal(array.children[i]->length, ROWS);
		assert_int_equal(array.children[i]->null_count, 0);
		assert_null(array.children[i]->buffers[0]);
		assert_int_equal(array.children[i]->n_buffers, i == 4 ? 3 : 2);
	}
	/* No copies. */
	assert_ptr_equal(array.children[0]->buffers[1], batch->columns[0].data);
	assert_ptr_equal(array.children[4]->buffers[1], batch->columns[4].offsets);
	assert_ptr_equal(array.children[4]->buffers[2], batch->columns[4].data);
	assert_ptr_equal(array.children[5]->dictionary->buffers[2], cities.bytes);
	assert_int_equal(array.children[5]->dictionary->length, 2);
	assert_string_equal(out.children[5]->dictionary->format, "u");
	assert_null(out.children[0]->metadata);
	assert_memory_equal(out.children[3]->metadata, scale_head, 8);
	assert_memory_equal(out.children[3]->metadata + 8, "scale", 5);
	out.release(&out);
	assert_null(out.release);
	assert_int_equal(done, 0);
	array.release(&array);
	assert_null(array.release);
	assert_int_equal(done, 1);
	sw_batch_destroy(batch);
}

/* Children may be moved out and live longer than their parent. */
static void test_moved_children(void **state)
{
	struct sw_batch *batch = make_batch();
	struct ArrowSchema out, out_child;
	struct ArrowArray array, child, dictionary;
	int done = 0;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, count_done, &done), 0);
	out_child = *out.children[3];
	out.children[3]->release = NULL;
	out.release(&out);
	assert_string_equal(out_child.name, "price");
	out_child.release(&out_child);

	child = *array.children[5];
	array.children[5]->release = NULL;
	dictionary = *child.dictionary;
	child.dictionary->release = NULL;
	array.release(&array);
	assert_int_equal(done, 0);
	assert_int_equal(((const int32_t *)child.buffers[1])[3], 1);
	child.release(&child);
	assert_int_equal(done, 0);
	assert_memory_equal(dictionary.buffers[2], "Bonn", 4);
	dictionary.release(&dictionary);
	assert_int_equal(done, 1);
	sw_batch_destroy(batch);
}

static void test_export_compacts(void **state)
{
	struct sw_batch *batch = make_batch();
	struct ArrowSchema out;
	struct ArrowArray array;

	(void)state;
	batch->selected = batch->selection_space;
	batch->selected[0] = 2;
	batch->selected[1] = 7;
	batch->selected_rows = 2;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, NULL, NULL), 0);
	assert_int_equal(array.length, 2);
	assert_int_equal(((const int64_t *)array.children[0]->buffers[1])[1], 107);
	out.release(&out);
	array.release(&array);
	sw_batch_destroy(batch);
}

static void test_there_and_back(void **state)
{
	struct sw_batch *batch = make_batch(), *back;
	struct ArrowSchema out;
	struct ArrowArray array;
	struct sw_error error;
	int done = 0;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, count_done, &done), 0);
	assert_int_equal(sw_batch_import_arrow(&schema, &out, &array, &back, &error), 0);
	out.release(&out);
	assert_null(array.release);
	assert_int_equal(back->rows, ROWS);
	assert_ptr_equal(back->columns[0].data, batch->columns[0].data);
	assert_ptr_equal(back->columns[4].data, batch->columns[4].data);
	assert_true(back->time_min_ms > back->time_max_ms);
	for (uint32_t row = 0; row < ROWS; row++)
		check_row(back, row, row);
	assert_int_equal(done, 0);
	sw_batch_destroy(back);
	assert_int_equal(done, 1);
	sw_batch_destroy(batch);
}

/* A slice lies otherwise than a batch's columns must; the values are the same. Offsets of the
 * parent and of the children add up. */
static void test_slice(void **state)
{
	struct sw_batch *batch = make_batch(), *back;
	struct ArrowSchema out;
	struct ArrowArray array;
	struct sw_error error;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, NULL, NULL), 0);
	array.offset = 1;
	array.length = 5;
	for (unsigned i = 0; i < 6; i++) {
		array.children[i]->offset = 2;
		array.children[i]->length = ROWS - 2;
	}
	assert_int_equal(sw_batch_import_arrow(&schema, &out, &array, &back, &error), 0);
	out.release(&out);
	assert_int_equal(back->rows, 5);
	assert_int_equal(back->columns[4].offsets[0], 0);
	for (unsigned i = 0; i < 6; i++)
		if (!back->columns[i].offsets)
			assert_int_equal((uintptr_t)back->columns[i].data % 64, 0);
	for (uint32_t row = 0; row < 5; row++)
		check_row(back, row, row + 3);
	sw_batch_destroy(back);
	sw_batch_destroy(batch);
}

/* Columns are found by name, in any order; others may be there. */
static void test_wanted_columns_only(void **state)
{
	static const struct sw_schema wanted = {
		.columns = 2,
		.fields = { { .name = "text", .type = SW_TEXT },
			{ .name = "id", .type = SW_INT64 } },
	};
	struct sw_batch *batch = make_batch(), *back;
	struct ArrowSchema out;
	struct ArrowArray array;
	struct sw_error error;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, NULL, NULL), 0);
	assert_int_equal(sw_batch_import_arrow(&wanted, &out, &array, &back, &error), 0);
	out.release(&out);
	assert_ptr_equal(back->schema, &wanted);
	assert_int_equal(sw_column_text(&back->columns[0], 4).size, 4);
	assert_int_equal(sw_column_int64(&back->columns[1], 4), 104);
	sw_batch_destroy(back);
	sw_batch_destroy(batch);
}

static void refuse(void (*spoil)(struct ArrowSchema *, struct ArrowArray *), const char *text)
{
	struct sw_batch *batch = make_batch(), *back = (void *)1;
	struct ArrowSchema out;
	struct ArrowArray array;
	struct sw_error error = { .text = "" };
	int done = 0;

	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, count_done, &done), 0);
	spoil(&out, &array);
	assert_int_equal(sw_batch_import_arrow(&schema, &out, &array, &back, &error), -EINVAL);
	assert_null(back);
	if (!strstr(error.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, error.text);
	/* It is still the caller's. */
	assert_non_null(array.release);
	array.release(&array);
	assert_int_equal(done, 1);
	out.release(&out);
	sw_batch_destroy(batch);
}

static void spoil_name(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)array;
	out->children[3]->name = "prize";
}

static void spoil_type(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)array;
	out->children[1]->format = "l";
}

static void spoil_large_text(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)array;
	out->children[4]->format = "U";
}

static void spoil_codes(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)array;
	out->children[5]->format = "c";
}

static const uint8_t validity[] = { 0xff, 0xfe };

static void spoil_nulls(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)out;
	array->children[2]->buffers[0] = validity; /* value 8 is null */
	array->children[2]->null_count = -1;
}

static void spoil_rows(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)out;
	array->length = SW_BATCH_ROWS_MAX + 1;
}

static void spoil_length(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)out;
	array->children[0]->length = ROWS - 1;
}

static void spoil_root(struct ArrowSchema *out, struct ArrowArray *array)
{
	(void)array;
	out->format = "l";
}

static void test_refused(void **state)
{
	(void)state;
	refuse(spoil_name, "price: not in the record batch");
	refuse(spoil_type, "kind: its format is \"l\", int32 is needed");
	refuse(spoil_large_text, "text: its format is \"U\"");
	refuse(spoil_codes, "city: its format is \"c\" with a dictionary");
	refuse(spoil_nulls, "at: it has nulls");
	refuse(spoil_rows, "at most 65536");
	refuse(spoil_length, "id: it has");
	refuse(spoil_root, "\"+s\" (struct) is needed");
}

/* A validity buffer in which nothing is null is fine. */
static void test_all_valid(void **state)
{
	struct sw_batch *batch = make_batch(), *back;
	struct ArrowSchema out;
	struct ArrowArray array;
	struct sw_error error;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, NULL, NULL), 0);
	array.children[2]->buffers[0] = validity;
	array.children[2]->null_count = -1;
	array.length = 8;
	assert_int_equal(sw_batch_import_arrow(&schema, &out, &array, &back, &error), 0);
	check_row(back, 7, 7);
	sw_batch_destroy(back);
	out.release(&out);
	sw_batch_destroy(batch);
}

static void test_empty(void **state)
{
	struct sw_batch *batch = sw_batch_create(&schema, 1, 0), *back;
	struct ArrowSchema out;
	struct ArrowArray array;
	struct sw_error error;

	(void)state;
	assert_int_equal(sw_batch_export_arrow(batch, &out, &array, NULL, NULL), 0);
	array.children[4]->buffers[1] = NULL; /* allowed for no rows */
	array.children[4]->buffers[2] = NULL;
	array.children[0]->buffers[1] = NULL;
	assert_int_equal(sw_batch_import_arrow(&schema, &out, &array, &back, &error), 0);
	assert_int_equal(back->rows, 0);
	sw_batch_destroy(back);
	out.release(&out);
	sw_batch_destroy(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_export),
		cmocka_unit_test(test_moved_children),
		cmocka_unit_test(test_export_compacts),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_slice),
		cmocka_unit_test(test_wanted_columns_only),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_valid),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

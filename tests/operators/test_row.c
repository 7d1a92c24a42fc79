/* SPDX-License-Identifier: MIT */
#include "tests/operators/heap_fixture.h"
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "operators/row_store.h"
#include "operators/row_writer.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/random.h"

/* ---- Rows that are kept ---- */

static const int32_t word_offsets[] = { 0, 0, 3, 10 };
static const struct sw_dictionary words = { 3, word_offsets, "onetwotwo.." };

static const struct sw_schema kept = {
	.columns = 6,
	.fields = { { .name = "id", .type = SW_INT64 },
		{ .name = "plain", .type = SW_TEXT, .text_bytes = 40 },
		{ .name = "small", .type = SW_INT32 },
		{ .name = "word", .type = SW_TEXT, .dictionary = &words },
		{ .name = "other", .type = SW_TEXT, .text_bytes = 40 },
		{ .name = "time", .type = SW_TIME_MS } },
};

static void fill(struct sw_batch *batch, uint64_t *random)
{
	char bytes[100];

	for (uint32_t row = 0; row < batch->capacity; row++) {
		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)random_next(random);
		((int64_t *)batch->columns[0].data)[row] = (int64_t)random_next(random);
		assert_true(sw_column_append_text(
			&batch->columns[1], row, bytes, random_below(random, 30)));
		((int32_t *)batch->columns[2].data)[row] = (int32_t)random_next(random);
		((int32_t *)batch->columns[3].data)[row] = (int32_t)random_below(random, 3);
		assert_true(sw_column_append_text(
			&batch->columns[4], row, bytes + 50, random_below(random, 50)));
		((int64_t *)batch->columns[5].data)[row] = INT64_MIN + row;
		batch->rows++;
	}
}

static void check_text(struct sw_text is, struct sw_text should, bool same_bytes)
{
	assert_int_equal(is.size, should.size);
	assert_memory_equal(is.bytes, should.bytes, is.size);
	assert_int_equal(is.bytes == should.bytes, same_bytes);
}

static void check_row(const struct sw_row_layout *layout, const struct sw_row *row,
	const struct sw_batch *batch, uint32_t at)
{
	for (unsigned i = 0; i < batch->schema->columns; i++)
		if (batch->columns[i].type == SW_TEXT)
			check_text(sw_row_text(layout, row, i),
				sw_column_text(&batch->columns[i], at),
				batch->columns[i].dictionary != NULL);
		else
			assert_int_equal(sw_row_int64(layout, row, i),
				sw_column_int64(&batch->columns[i], at));
}

static void test_rows(void **state)
{
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	struct sw_batch *batch = sw_batch_create(&kept, 200, 200 * 60);
	struct sw_row_layout layout;
	struct sw_row *rows[200];
	uint64_t random = random_seed();

	(void)state;
	assert_non_null(batch);
	fill(batch, &random);
	sw_row_layout_init(&layout, &kept);
	for (unsigned round = 0; round < 20; round++) {
		for (uint32_t i = 0; i < 200; i++)
			assert_non_null(rows[i] = sw_row_copy(&layout, heap, batch, i));
		for (uint32_t i = 0; i < 200; i++)
			check_row(&layout, rows[i], batch, i);
		for (uint32_t i = 0; i < 200; i++)
			sw_row_free(heap, rows[i]);
	}
	sw_row_free(heap, NULL);
	assert_true(sw_heap_bytes(heap) < 60000);
	sw_batch_destroy(batch);
	sw_heap_destroy(heap);
}

static void test_rows_without_memory(void **state)
{
	struct sw_heap *heap = heap_create(10000);
	struct sw_batch *batch = sw_batch_create(&kept, 200, 200 * 60);
	struct sw_row_layout layout;
	uint64_t random = random_seed();
	uint32_t count = 0;

	(void)state;
	assert_non_null(batch);
	fill(batch, &random);
	sw_row_layout_init(&layout, &kept);
	while (count < 200 && sw_row_copy(&layout, heap, batch, count))
		count++;
	assert_in_range(count, 40, 150);
	sw_batch_destroy(batch);
	sw_heap_destroy(heap);
}

/* Rows come out in the order in which they went in; what was cleared is used again. */
static void test_store(void **state)
{
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	struct sw_batch *batch = sw_batch_create(&kept, 200, 200 * 60);
	struct sw_row_store store = { 0 };
	struct sw_row_layout layout;
	uint64_t random = random_seed();

	(void)state;
	assert_non_null(batch);
	fill(batch, &random);
	sw_row_layout_init(&layout, &kept);
	for (uint32_t rows = 1; rows < 3000; rows *= 3) {
		for (uint32_t i = 0; i < rows; i++)
			assert_true(sw_row_store_append(&store, heap, &layout, batch, i % 200));
		assert_int_equal(store.count, rows);
		for (uint32_t i = 0; i < rows; i++)
			check_row(&layout, store.rows[i], batch, i % 200);
		sw_row_store_clear(&store, heap);
		assert_int_equal(store.count, 0);
	}
	while (sw_row_store_append(&store, heap, &layout, batch, (uint32_t)(store.count % 200)))
		continue;
	assert_true(store.count > 3000);
	for (size_t i = 0; i < store.count; i++)
		check_row(&layout, store.rows[i], batch, i % 200);
	sw_batch_destroy(batch);
	sw_heap_destroy(heap);
}

/* ---- Rows that are written ---- */

static const struct sw_schema given = {
	.columns = 1,
	.fields = { { .name = "size", .type = SW_INT64 } },
};

static const struct sw_schema written = {
	.columns = 5,
	.changelog = true,
	.fields = { { .name = "number", .type = SW_TIME_MS },
		{ .name = "text", .type = SW_TEXT, .text_bytes = 16 },
		{ .name = "small", .type = SW_INT32 }, { .name = "double", .type = SW_INT64 },
		{ .name = "change", .type = SW_INT32 } },
};

/* Writes a row for each that comes: its number, as many bytes as the row says. What a row does
 * follows from its number, so that both rows of each update are there, and written at once. */
struct echo {
	int64_t number;
};

#define TEXT_MAX 100000
static char text[TEXT_MAX];

struct echo_row {
	union sw_value values[4];
	int64_t twice; /* the last of them */
};

static void make_row(const struct sw_batch *batch, uint32_t i, int64_t number, struct echo_row *row)
{
	int64_t size = sw_column_int64(&batch->columns[0], sw_batch_row(batch, i));

	row->twice = 2 * number;
	row->values[0].number = number;
	row->values[1].text = (struct sw_text){ text, (uint32_t)size };
	row->values[2].number = -number;
	row->values[3].number = row->twice;
}

/* Of the rows from the i-th on; how many. */
static uint32_t write_update(
	struct sw_row_writer *writer, const struct sw_batch *batch, uint32_t i, int64_t number)
{
	struct echo_row before, after;

	if (number % 4 != SW_CHANGE_UPDATE_BEFORE || i + 1 == sw_batch_count(batch))
		return 0;
	make_row(batch, i, number, &before);
	make_row(batch, i + 1, number + 1, &after);
	return sw_row_try_update(writer, 3, (struct sw_row_parts){ before.values, &before.twice },
		       (struct sw_row_parts){ after.values, &after.twice })
		       ? 2
		       : 0;
}

static int echo_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct echo *echo = state;
	struct sw_row_writer writer;
	uint32_t i = 0;
	int code = 0;

	(void)input;
	sw_row_writer_begin(&writer, self, 0, echo->number);
	while (i < sw_batch_count(batch) && !code) {
		uint32_t rows = write_update(&writer, batch, i, echo->number);
		struct echo_row row;

		if (rows == 0) {
			make_row(batch, i, echo->number, &row);
			code = sw_row_write(
				&writer, row.values, (enum sw_change)(echo->number % 4));
			rows = 1;
		}
		i += rows;
		echo->number += rows;
	}
	sw_row_writer_end(&writer);
	sw_release(self, batch);
	return code == -ECANCELED ? 0 : code;
}

static const struct sw_operator echo_operator = {
	.name = "echo",
	.state_bytes = sizeof(struct echo),
	.process = echo_process,
};

static void start(struct merge_run *run, sw_output_fn on_batch, void *context)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;

	options.name = "echo";
	options.op = &echo_operator;
	options.output_schemas[0] = &written;
	merge_start(run, 1, &given, &options, on_batch, context);
}

static const uint32_t sizes[] = { 0, 1, 17, 1000, 0, 300, 1025, 5, 700 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct echoed {
	int64_t rows;
	unsigned batches;
	int64_t last_watermark;
};

static void on_written(void *context, const struct sw_batch *batch)
{
	struct echoed *echoed = context;

	/* The number of the row that the operator began with. */
	assert_in_range(batch->watermark, echoed->last_watermark, echoed->rows);
	echoed->last_watermark = batch->watermark;
	for (uint32_t row = 0; row < batch->rows; row++, echoed->rows++) {
		struct sw_text is = sw_column_text(&batch->columns[1], row);

		assert_int_equal(sw_column_int64(&batch->columns[0], row), echoed->rows);
		assert_int_equal(is.size, sizes[echoed->rows % (int64_t)SIZES]);
		assert_memory_equal(is.bytes, text, is.size);
		assert_int_equal(sw_column_int64(&batch->columns[2], row), -echoed->rows);
		assert_int_equal(sw_column_int64(&batch->columns[3], row), 2 * echoed->rows);
		assert_int_equal(sw_column_int64(&batch->columns[4], row), echoed->rows % 4);
	}
	echoed->batches++;
}

/* Batches that are full of rows, and ones that are full of text. */
static void test_writer(void **state)
{
	struct echoed echoed = { 0 };
	struct merge_run run;
	int64_t rows = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	start(&run, on_written, &echoed);
	for (unsigned i = 0; i < 20; i++) {
		struct sw_batch *batch = merge_batch(&run);

		for (; batch->rows < batch->capacity; batch->rows++)
			((int64_t *)batch->columns[0].data)[batch->rows] =
				sizes[rows++ % (int64_t)SIZES];
		merge_push(&run, batch, SW_TIME_MIN);
	}
	merge_end(&run);
	assert_int_equal(echoed.rows, rows);
	assert_true(echoed.batches > 20);
	assert_true(echoed.last_watermark > rows - 129);
}

static void on_any(void *context, const struct sw_batch *batch)
{
	(void)context;
	(void)batch;
}

static void test_text_that_no_batch_holds(void **state)
{
	struct sw_error error;
	struct merge_run run;
	struct sw_batch *batch;

	(void)state;
	start(&run, on_any, NULL);
	batch = merge_batch(&run);
	((int64_t *)batch->columns[0].data)[0] = TEXT_MAX;
	batch->rows = 1;
	merge_push(&run, batch, SW_TIME_MIN);
	sw_input_finish(run.input);
	while (sw_graph_dispatch(run.graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(run.graph, -1, &error), -EMSGSIZE);
	assert_non_null(strstr(error.text, "too long for a batch"));
	sw_graph_destroy(run.graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_rows_without_memory),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_text_that_no_batch_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

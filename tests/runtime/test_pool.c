/* SPDX-License-Identifier: MIT */
/* Pools on one thread that plays all the slots. Several threads: test_pool_stress.c. */
#include "tests/runtime/cmocka_all.h"

#include <string.h>

#include "runtime/memory.h"
#include "runtime/pool.h"

static const struct sw_schema schema = {
	.columns = 3,
	.fields = {
		{ .name = "id", .type = SW_INT64 },
		{ .name = "text", .type = SW_TEXT, .text_bytes = 40 },
		{ .name = "kind", .type = SW_INT32 },
	},
};

static const struct sw_schema other_schema = {
	.columns = 1,
	.fields = { { .name = "kind", .type = SW_INT32 } },
};

static struct sw_pool_options options(uint32_t batches, uint32_t slots)
{
	return (struct sw_pool_options){
		.schema = &schema,
		.rows_max = 500,
		.batches = batches,
		.slots = slots,
		.owner_slot = slots - 1,
		.node = -1,
	};
}

static void test_get_until_out_and_put_back(void **state)
{
	struct sw_pool_options wanted = options(70, 3);
	struct sw_pool *pool = sw_pool_create(&wanted);
	struct sw_batch *batches[70];

	(void)state;
	assert_non_null(pool);
	assert_int_equal(sw_pool_batches(pool), 70);
	assert_true(sw_pool_bytes(pool) >= 70 * 500 * (8 + 40 + 4 + 4 + 2));
	assert_int_equal(sw_pool_home(pool), 70);
	for (unsigned i = 0; i < 70; i++) {
		batches[i] = sw_pool_get(pool);
		assert_non_null(batches[i]);
		for (unsigned k = 0; k < i; k++)
			assert_ptr_not_equal(batches[i], batches[k]);
		/* All of it is the batch's own. */
		memset(batches[i]->columns[0].data, (int)i, 500 * 8);
		memset(batches[i]->columns[1].data, (int)i, batches[i]->columns[1].text_capacity);
		memset(batches[i]->columns[2].data, (int)i, 500 * 4);
	}
	assert_null(sw_pool_get(pool));
	assert_int_equal(sw_pool_home(pool), 0);
	assert_false(sw_pool_ready(pool));
	for (unsigned i = 0; i < 70; i++) {
		assert_int_equal(((uint8_t *)batches[i]->columns[0].data)[3999], i);
		assert_int_equal(((uint8_t *)batches[i]->columns[1].data)[0], i);
		assert_int_equal(((uint8_t *)batches[i]->columns[2].data)[1999], i);
		sw_pool_put(batches[i], i % 3);
		assert_true(sw_pool_ready(pool));
	}
	assert_int_equal(sw_pool_home(pool), 70);
	for (unsigned i = 0; i < 70; i++)
		assert_non_null(sw_pool_get(pool));
	assert_null(sw_pool_get(pool));
	sw_pool_destroy(pool);
}

/* From wherever they come. */
static void test_last_that_came_home_is_next(void **state)
{
	struct sw_pool_options wanted = options(40, 2);
	struct sw_pool *pool = sw_pool_create(&wanted);
	struct sw_batch *batches[36];

	(void)state;
	assert_non_null(pool);
	for (unsigned i = 0; i < 36; i++)
		batches[i] = sw_pool_get(pool);
	for (unsigned i = 0; i < 36; i++)
		sw_pool_put(batches[i], 0);
	assert_int_equal(sw_pool_home(pool), 40);
	for (unsigned i = 36; i-- > 0;)
		assert_ptr_equal(sw_pool_get(pool), batches[i]);
	sw_pool_put(batches[7], 1);
	assert_int_equal(sw_pool_home(pool), 5);
	assert_ptr_equal(sw_pool_get(pool), batches[7]);
	sw_pool_destroy(pool);
}

static void test_comes_back_as_new(void **state)
{
	struct sw_pool_options wanted = options(1, 2);
	struct sw_pool *pool = sw_pool_create(&wanted);
	struct sw_batch *batch = sw_pool_get(pool);
	struct sw_column columns[3];

	(void)state;
	assert_int_equal(batch->columns[1].text_capacity, 500 * 40);
	memcpy(columns, batch->columns, sizeof(columns));
	batch->schema = &other_schema;
	batch->columns[0] = batch->columns[2];
	memset(&batch->columns[1], 0, sizeof(batch->columns[1]));
	columns[1].offsets[0] = 99;
	batch->rows = 7;
	batch->events = 7;
	batch->number = 7;
	batch->selected = batch->selection_space;
	batch->time_min_ms = batch->time_max_ms = 7;
	sw_pool_put(batch, 0);
	assert_ptr_equal(sw_pool_get(pool), batch);
	assert_ptr_equal(batch->schema, &schema);
	assert_memory_equal(batch->columns, columns, sizeof(columns));
	assert_int_equal(batch->columns[1].offsets[0], 0);
	assert_int_equal(batch->rows + batch->events + batch->number, 0);
	assert_int_equal(batch->capacity, 500);
	assert_null(batch->selected);
	assert_true(batch->time_min_ms > batch->time_max_ms);
	sw_pool_destroy(pool);
}

static void test_batch_without_a_pool(void **state)
{
	struct sw_batch *batch = sw_batch_create(&schema, 10, 0);

	(void)state;
	sw_pool_put(batch, 5); /* the leak checker sees whether it was freed */
}

static void test_impossible_sizes(void **state)
{
	struct sw_pool_options wanted = options(1, 1);
	size_t before = sw_memory_mapped_bytes();

	(void)state;
	wanted.batches = 0;
	assert_null(sw_pool_create(&wanted));
	wanted.batches = 1;
	wanted.rows_max = 0;
	assert_null(sw_pool_create(&wanted));
	wanted.rows_max = SW_BATCH_ROWS_MAX + 1;
	assert_null(sw_pool_create(&wanted));
	wanted.rows_max = SW_BATCH_ROWS_MAX;
	wanted.batches = 1u << 20;
	wanted.text_bytes = INT32_MAX;
	assert_null(sw_pool_create(&wanted));
	assert_int_equal(sw_memory_mapped_bytes(), before);
	sw_pool_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get_until_out_and_put_back),
		cmocka_unit_test(test_last_that_came_home_is_next),
		cmocka_unit_test(test_comes_back_as_new),
		cmocka_unit_test(test_batch_without_a_pool),
		cmocka_unit_test(test_impossible_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "runtime/batch.h"
#include "tests/runtime/random.h"

static const int32_t city_offsets[] = { 0, 4, 4, 10 };
static const struct sw_dictionary cities = { 3, city_offsets, "Bonnboston" };

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

/* Row `number` of a made-up table. */
static void text_of(uint32_t number, char *text)
{
	sprintf(text, "%.*s%u", (int)(number % 7), "abcdefgh", number);
	if (number % 5 == 0)
		text[0] = '\0';
}

static void add_row(struct sw_batch *batch, uint32_t number)
{
	uint32_t row = batch->rows;
	char text[32];

	text_of(number, text);
	((int64_t *)batch->columns[0].data)[row] = (int64_t)number - 3;
	((int32_t *)batch->columns[1].data)[row] = -(int32_t)number;
	((int64_t *)batch->columns[2].data)[row] = 1700000000000 + number;
	((int64_t *)batch->columns[3].data)[row] = number * 908;
	assert_true(sw_column_append_text(&batch->columns[4], row, text, (uint32_t)strlen(text)));
	((int32_t *)batch->columns[5].data)[row] = (int32_t)(number % 3);
	batch->rows++;
}

static void check_row(const struct sw_batch *batch, uint32_t row, uint32_t number)
{
	struct sw_text text = sw_column_text(&batch->columns[4], row);
	struct sw_text city = sw_column_text(&batch->columns[5], row);
	static const char *const names[] = { "Bonn", "", "boston" };
	char wanted[32];

	text_of(number, wanted);
	assert_int_equal(sw_column_int64(&batch->columns[0], row), (int64_t)number - 3);
	assert_int_equal(sw_column_int64(&batch->columns[1], row), -(int64_t)number);
	assert_int_equal(sw_column_int64(&batch->columns[2], row), 1700000000000 + number);
	assert_int_equal(sw_column_int64(&batch->columns[3], row), number * 908);
	assert_int_equal(text.size, strlen(wanted));
	assert_memory_equal(text.bytes, wanted, text.size);
	assert_int_equal(city.size, strlen(names[number % 3]));
	assert_memory_equal(city.bytes, names[number % 3], city.size);
}

static void test_schema(void **state)
{
	struct sw_schema other = schema;

	(void)state;
	assert_int_equal(sw_schema_find(&schema, "price"), 3);
	assert_int_equal(sw_schema_find(&schema, "Price"), -ENOENT);
	assert_true(sw_schema_equal(&schema, &other));
	other.fields[2].type = SW_INT64;
	assert_false(sw_schema_equal(&schema, &other));
	other = schema;
	other.fields[0].name = "no";
	assert_false(sw_schema_equal(&schema, &other));
	other = schema;
	other.columns--;
	assert_false(sw_schema_equal(&schema, &other));
	assert_int_equal(sw_type_width(SW_INT64), 8);
	assert_int_equal(sw_type_width(SW_TIME_MS), 8);
	assert_int_equal(sw_type_width(SW_DECIMAL3), 8);
	assert_int_equal(sw_type_width(SW_INT32), 4);
	assert_int_equal(sw_type_width(SW_TEXT), 4);
}

/* Every byte of every column can be written without hitting another column. */
static void fill_whole_column(struct sw_batch *batch, uint32_t column, uint8_t byte)
{
	struct sw_column *c = &batch->columns[column];

	assert_int_equal((uintptr_t)c->data % 64, 0);
	if (c->offsets) {
		memset(c->data, byte, c->text_capacity + 64);
		memset(c->offsets, byte, (batch->capacity + 1) * 4 + 64);
	} else {
		memset(c->data, byte, batch->capacity * sw_type_width(c->type) + 64);
	}
}

static void check_whole_column(const struct sw_batch *batch, uint32_t column, uint8_t byte)
{
	const struct sw_column *c = &batch->columns[column];
	const uint8_t *bytes = c->data;
	size_t size = c->offsets ? c->text_capacity : batch->capacity * sw_type_width(c->type);

	for (size_t i = 0; i < size + 64; i++)
		assert_int_equal(bytes[i], byte);
	bytes = (const uint8_t *)c->offsets;
	for (size_t i = 0; bytes && i < (batch->capacity + 1) * 4 + 64; i++)
		assert_int_equal(bytes[i], byte);
}

static void test_layout(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 63, 64, 1000, 1024, SW_BATCH_ROWS_MAX };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sw_batch *batch = sw_batch_create(&schema, sizes[i], 0);

		assert_non_null(batch);
		assert_int_equal(batch->capacity, sizes[i]);
		assert_int_equal(batch->rows, 0);
		assert_true(batch->time_min_ms > batch->time_max_ms);
		assert_true(batch->columns[4].text_capacity >= 4096);
		assert_true(batch->columns[4].text_capacity >= sizes[i] * 16);
		memset(batch->selection_space, 0xee, sizes[i] * sizeof(uint16_t));
		for (uint32_t c = 0; c < 6; c++)
			fill_whole_column(batch, c, (uint8_t)(c + 1));
		for (uint32_t c = 0; c < 6; c++)
			check_whole_column(batch, c, (uint8_t)(c + 1));
		for (uint32_t row = 0; row < sizes[i]; row++)
			assert_int_equal(batch->selection_space[row], 0xeeee);
		assert_ptr_equal(batch->schema, &schema);
		sw_batch_reset(batch);
		assert_int_equal(batch->columns[4].offsets[0], 0);
		sw_batch_destroy(batch);
	}
	assert_null(sw_batch_create(&schema, 0, 0));
	assert_null(sw_batch_create(&schema, SW_BATCH_ROWS_MAX + 1, 0));
	sw_batch_destroy(NULL);
}

static void test_text_that_does_not_fit(void **state)
{
	struct sw_batch *batch = sw_batch_create(&schema, 8, 10);
	struct sw_column *column = &batch->columns[4];

	(void)state;
	assert_int_equal(column->text_capacity, 10);
	assert_true(sw_column_append_text(column, 0, "123456", 6));
	assert_false(sw_column_append_text(column, 1, "12345", 5));
	assert_true(sw_column_append_text(column, 1, "1234", 4));
	assert_true(sw_column_append_text(column, 2, "", 0));
	assert_false(sw_column_append_text(column, 3, "1", 1));
	assert_int_equal(column->offsets[3], 10);
	assert_memory_equal(column->data, "1234561234", 10);
	sw_batch_destroy(batch);
}

static void test_append_row(void **state)
{
	struct sw_batch *from = sw_batch_create(&schema, 100, 0);
	struct sw_batch *to = sw_batch_create(&schema, 3, 8);

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		add_row(from, i);
	assert_true(sw_batch_append_row(to, from, 3));   /* "abc3" */
	assert_false(sw_batch_append_row(to, from, 13)); /* "abcdef13" does not fit */
	assert_int_equal(to->rows, 1);
	check_row(to, 0, 3);
	assert_true(sw_batch_append_row(to, from, 10)); /* "" */
	assert_true(sw_batch_append_row(to, from, 0));
	assert_false(sw_batch_append_row(to, from, 5)); /* no row left */
	check_row(to, 0, 3);
	check_row(to, 1, 10);
	check_row(to, 2, 0);
	sw_batch_destroy(to);
	sw_batch_destroy(from);
}

static void test_append_makes_dictionary_text_plain(void **state)
{
	struct sw_schema plain = schema;
	struct sw_batch *from = sw_batch_create(&schema, 10, 0);
	struct sw_batch *to;

	(void)state;
	plain.fields[5].dictionary = NULL;
	to = sw_batch_create(&plain, 10, 0);
	for (uint32_t i = 0; i < 10; i++) {
		add_row(from, i);
		assert_true(sw_batch_append_row(to, from, i));
	}
	for (uint32_t i = 0; i < 10; i++)
		check_row(to, i, i);
	/* Text does not become codes. */
	from->rows = 0;
	assert_false(sw_batch_append_row(from, to, 0));
	assert_int_equal(from->rows, 0);
	sw_batch_destroy(to);
	sw_batch_destroy(from);
}

static void test_adopt_dictionary(void **state)
{
	static const int32_t offsets[] = { 0, 3, 6 };
	static const struct sw_dictionary numbers = { 2, offsets, "onetwo" };
	static const struct sw_schema texts = {
		.columns = 2,
		.fields = { { .name = "number", .type = SW_INT64 },
			{ .name = "text", .type = SW_TEXT } },
	};
	struct sw_batch *batch = sw_batch_create(&texts, 4, 16), *none;
	struct sw_text text;

	(void)state;
	none = sw_batch_create(&texts, 4, 15);
	assert_non_null(batch);
	assert_non_null(none);
	assert_false(sw_batch_adopt_dictionary(none, 1, &numbers));
	assert_non_null(none->columns[1].offsets);
	assert_null(none->columns[1].dictionary);
	assert_false(sw_batch_adopt_dictionary(batch, 0, &numbers));
	assert_true(sw_batch_adopt_dictionary(batch, 1, &numbers));
	((int32_t *)batch->columns[1].data)[3] = 1;
	text = sw_column_text(&batch->columns[1], 3);
	assert_int_equal(text.size, 3);
	assert_memory_equal(text.bytes, "two", 3);
	sw_batch_destroy(none);
	sw_batch_destroy(batch);
}

static void test_compact(void **state)
{
	uint64_t random = random_seed();

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		uint32_t rows = 1 + random_below(&random, 200);
		uint32_t share = random_below(&random, 101);
		struct sw_batch *batch = sw_batch_create(&schema, 200, 0);
		uint32_t kept[200], count = 0;

		for (uint32_t i = 0; i < rows; i++) {
			add_row(batch, i);
			if (random_below(&random, 100) < share) {
				batch->selection_space[count] = (uint16_t)i;
				kept[count++] = i;
			}
		}
		assert_int_equal(sw_batch_count(batch), rows);
		batch->selected = batch->selection_space;
		batch->selected_rows = count;
		assert_int_equal(sw_batch_count(batch), count);
		for (uint32_t i = 0; i < count; i++)
			check_row(batch, sw_batch_row(batch, i), kept[i]);
		sw_batch_compact(batch);
		assert_null(batch->selected);
		assert_int_equal(batch->rows, count);
		assert_int_equal(batch->columns[4].offsets[0], 0);
		for (uint32_t i = 0; i < count; i++)
			check_row(batch, i, kept[i]);
		sw_batch_compact(batch);
		assert_int_equal(batch->rows, count);
		if (count < 200)
			add_row(batch, 77);
		sw_batch_destroy(batch);
	}
}

static void test_reset_and_meta(void **state)
{
	struct sw_batch *a = sw_batch_create(&schema, 4, 0);
	struct sw_batch *b = sw_batch_create(&schema, 4, 0);

	(void)state;
	add_row(a, 1);
	a->selected = a->selection_space;
	a->number = 9;
	a->events = 8;
	a->arrival_ms = 7;
	a->intended_ns = 6;
	a->time_min_ms = 4;
	a->time_max_ms = 5;
	sw_batch_copy_meta(b, a);
	assert_int_equal(b->number, 9);
	assert_int_equal(b->events, 8);
	assert_int_equal(b->arrival_ms, 7);
	assert_int_equal(b->intended_ns, 6);
	assert_int_equal(b->time_min_ms, 4);
	assert_int_equal(b->time_max_ms, 5);
	assert_int_equal(b->rows, 0);
	assert_null(b->selected);
	sw_batch_reset(a);
	assert_int_equal(a->rows, 0);
	assert_null(a->selected);
	assert_int_equal(a->number + a->events + a->arrival_ms + a->intended_ns, 0);
	assert_true(a->time_min_ms > a->time_max_ms);
	add_row(a, 2);
	check_row(a, 0, 2);
	sw_batch_destroy(a);
	sw_batch_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_text_that_does_not_fit),
		cmocka_unit_test(test_append_row),
		cmocka_unit_test(test_append_makes_dictionary_text_plain),
		cmocka_unit_test(test_adopt_dictionary),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_reset_and_meta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

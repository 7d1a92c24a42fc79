/* SPDX-License-Identifier: MIT */

/* Side tables and the join to them, against a list that is searched from beginning to end. */

#include "operators/lookup_join.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 3000
#define TEXT_MOST   20
#define ROWS_MAX    5000

static uint64_t seed;

struct entry {
	int64_t key;
	uint32_t size;
	char text[TEXT_MOST];
};

struct model {
	struct sw_side_table *table;
	struct entry entries[ENTRIES_MAX];
	uint32_t entry_count;
	/* Of each input row, by its number in the column "row". */
	int64_t keys[ROWS_MAX];
	bool counts[ROWS_MAX]; /* not hidden by a selection */
	uint32_t given[ROWS_MAX];
	uint32_t row_count;
	uint64_t given_count;
};

static int64_t random_key(uint64_t *state)
{
	static const int64_t odd[] = { INT64_MIN, INT64_MAX, 0, -1, (int64_t)1 << 40 };

	if (random_below(state, 10) == 0)
		return odd[random_below(state, 5)];
	return (int64_t)random_below(state, 400) - 200;
}

static void make_table(struct model *model, uint64_t *state, uint32_t entries)
{
	model->table = sw_side_table_create();
	assert_non_null(model->table);
	for (uint32_t i = 0; i < entries; i++) {
		struct entry *entry = &model->entries[i];

		entry->key = random_key(state);
		entry->size = random_below(state, TEXT_MOST + 1);
		for (uint32_t j = 0; j < entry->size; j++)
			entry->text[j] = (char)random_next(state);
		assert_int_equal(sw_side_table_add(model->table, entry->key,
					 (struct sw_text){ entry->text, entry->size }),
			0);
	}
	model->entry_count = entries;
	assert_int_equal(sw_side_table_seal(model->table), 0);
}

/* The n-th entry of a key, as added; null: there are fewer. */
static const struct entry *entry_of(const struct model *model, int64_t key, uint32_t n)
{
	for (uint32_t i = 0; i < model->entry_count; i++)
		if (model->entries[i].key == key && n-- == 0)
			return &model->entries[i];
	return NULL;
}

static void check_value(const struct model *model, int64_t key, uint32_t n, struct sw_text text)
{
	const struct entry *entry = entry_of(model, key, n);

	assert_non_null(entry);
	assert_int_equal(text.size, entry->size);
	assert_memory_equal(text.bytes, entry->text, text.size);
}

static void tables_are_right(void **unused)
{
	static const uint32_t sizes[] = { 0, 1, 31, 32, 33, 500, ENTRIES_MAX };
	struct model *model = calloc(1, sizeof(*model));
	uint64_t state = seed;

	(void)unused;
	assert_non_null(model);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct sw_dictionary *values;

		make_table(model, &state, sizes[i]);
		values = sw_side_table_values(model->table);
		assert_int_equal(values->entries, sizes[i]);
		assert_true(sw_side_table_bytes(model->table) > 0);
		for (int look = 0; look < 500; look++) {
			int64_t key = random_key(&state);
			struct sw_side_rows rows = sw_side_table_find(model->table, key);

			assert_null(entry_of(model, key, rows.count));
			for (uint32_t n = 0; n < rows.count; n++) {
				const int32_t *offsets = values->offsets + rows.first + n;

				check_value(model, key, n,
					(struct sw_text){ values->bytes + offsets[0],
						(uint32_t)(offsets[1] - offsets[0]) });
			}
		}
		sw_side_table_destroy(model->table);
	}
	free(model);
}

static void values_may_be_empty(void **unused)
{
	struct sw_side_table *table = sw_side_table_create();

	(void)unused;
	assert_non_null(table);
	assert_int_equal(sw_side_table_add(table, 1, (struct sw_text){ "", 0 }), 0);
	assert_int_equal(sw_side_table_add(table, 2, (struct sw_text){ "", 0 }), 0);
	assert_int_equal(sw_side_table_seal(table), 0);
	assert_int_equal(sw_side_table_find(table, 2).count, 1);
	assert_int_equal(sw_side_table_values(table)->offsets[2], 0);
	sw_side_table_destroy(table);
}

static void tables_have_limits(void **unused)
{
	struct sw_side_table *table = sw_side_table_create();
	struct sw_text value = { "x", 1 }, vast = { "x", INT32_MAX };

	(void)unused;
	assert_non_null(table);
	assert_int_equal(sw_side_table_add(table, 1, value), 0);
	assert_int_equal(sw_side_table_add(table, 1, vast), -E2BIG);
	for (uint32_t i = 1; i < SW_SIDE_ROWS_MAX; i++)
		if (sw_side_table_add(table, i, (struct sw_text){ "", 0 }))
			fail();
	assert_int_equal(sw_side_table_add(table, 1, value), -E2BIG);
	sw_side_table_destroy(table);
	sw_side_table_destroy(NULL);
}

/* ---- The join ---- */

static const struct sw_schema input_schema = {
	.columns = 3,
	.fields = { { .name = "row", .type = SW_INT64 }, { .name = "key", .type = SW_INT64 },
		{ .name = "time", .type = SW_TIME_MS } },
};

static void take_rows(void *context, const struct sw_batch *batch)
{
	struct model *model = context;

	assert_int_equal(batch->schema->columns, 3);
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t at = sw_batch_row(batch, i);
		int64_t row = sw_column_int64(&batch->columns[0], at);

		assert_in_range(row, 0, model->row_count - 1);
		assert_true(model->counts[row]);
		assert_int_equal(sw_column_int64(&batch->columns[1], at), row * 3);
		check_value(model, model->keys[row], model->given[row]++,
			sw_column_text(&batch->columns[2], at));
		model->given_count++;
	}
}

static void push_rows(struct model *model, struct merge_run *run, uint64_t *state)
{
	struct sw_batch *batch = merge_batch(run);
	uint32_t rows = random_below(state, batch->capacity + 1);

	if (random_below(state, 2))
		batch->selected = batch->selection_space;
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = model->row_count++;

		model->keys[row] = random_key(state);
		((int64_t *)batch->columns[0].data)[i] = row;
		((int64_t *)batch->columns[1].data)[i] = model->keys[row];
		((int64_t *)batch->columns[2].data)[i] = (int64_t)row * 3;
		model->counts[row] = !batch->selected || random_below(state, 2);
		if (batch->selected && model->counts[row])
			batch->selected[batch->selected_rows++] = (uint16_t)i;
	}
	batch->rows = rows;
	merge_push(run, batch, 0);
}

static void run_join(unsigned workers, uint32_t entries, uint64_t *state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;
	struct sw_lookup_join_config config = { .key_column = 1 };
	struct sw_schema result = {
		.columns = 3,
		.fields = { { .name = "row", .type = SW_INT64 },
			{ .name = "time", .type = SW_TIME_MS },
			{ .name = "value", .type = SW_TEXT } },
	};
	struct merge_run run;

	assert_non_null(model);
	make_table(model, state, entries);
	result.fields[2].dictionary = sw_side_table_values(model->table);
	config.table = model->table;
	stage.name = "join";
	stage.op = &sw_lookup_join;
	stage.config = &config;
	stage.output_schemas[0] = &result;
	merge_start(&run, workers, &input_schema, &stage, take_rows, model);
	while (model->row_count + 64 < ROWS_MAX)
		push_rows(model, &run, state);
	merge_end(&run);
	for (uint32_t row = 0; row < model->row_count; row++)
		if (model->counts[row])
			assert_null(entry_of(model, model->keys[row], model->given[row]));
	assert_true(entries == 0 || model->given_count > 0);
	sw_side_table_destroy(model->table);
	free(model);
}

static void joins_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	/* From no entry to many of a key: more rows than a batch holds. */
	run_join(1, 0, &state);
	run_join(2, 60, &state);
	run_join(3, ENTRIES_MAX, &state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_right),
		cmocka_unit_test(values_may_be_empty),
		cmocka_unit_test(tables_have_limits),
		cmocka_unit_test(joins_are_right),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

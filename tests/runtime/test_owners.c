/* SPDX-License-Identifier: MIT */
/* Rows by owner: all of them, once, in their order, by the key alone, on every path of the code. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/owners.h"
#include "tests/runtime/random.h"

#define ROWS_MAX 5000

enum { KEY_INT64, KEY_INT32, KEY_TEXT };

static const struct sw_schema schema = {
	.columns = 3,
	.fields = { { "long", SW_INT64, 0, NULL }, { "short", SW_INT32, 0, NULL },
		{ "text", SW_TEXT, 16, NULL } },
};

/* Keys of a small range, so that the same come often. Every third row is left out if `select`. */
static struct sw_batch *make_batch(uint64_t *random, uint32_t rows, bool select)
{
	struct sw_batch *batch = sw_batch_create(&schema, ROWS_MAX, 0);

	assert_non_null(batch);
	for (uint32_t i = 0; i < rows; i++) {
		int64_t key = (int64_t)(random_next(random) % 2001) - 1000;
		char text[32];

		((int64_t *)batch->columns[KEY_INT64].data)[i] = key * 1000000007;
		((int32_t *)batch->columns[KEY_INT32].data)[i] = (int32_t)key;
		assert_true(sw_column_append_text(&batch->columns[KEY_TEXT], i, text,
			(uint32_t)snprintf(text, sizeof(text), "key%lld", (long long)key)));
		if (i % 3)
			batch->selection_space[batch->selected_rows++] = (uint16_t)i;
	}
	batch->rows = rows;
	batch->selected = select ? batch->selection_space : NULL;
	if (!select)
		batch->selected_rows = 0;
	return batch;
}

/* Each row once, rising within its owner, equal keys together. */
static void check(const struct owned_rows *rows, const struct sw_batch *batch, unsigned owners)
{
	uint32_t count = sw_batch_count(batch);
	unsigned owner_of_key[2001];
	bool *seen = calloc(ROWS_MAX, sizeof(*seen));

	memset(owner_of_key, 0xFF, sizeof(owner_of_key));
	assert_int_equal(rows->start[0], 0);
	assert_int_equal(rows->start[owners], count);
	for (unsigned d = 0; d < owners; d++) {
		for (uint32_t i = rows->start[d]; i < rows->start[d + 1]; i++) {
			uint16_t row = rows->order[i];
			int32_t key = ((int32_t *)batch->columns[KEY_INT32].data)[row] + 1000;

			assert_true(i == rows->start[d] || rows->order[i - 1] < row);
			assert_false(seen[row]);
			seen[row] = true;
			if (owner_of_key[key] == UINT32_MAX)
				owner_of_key[key] = d;
			assert_int_equal(owner_of_key[key], d);
		}
	}
	for (uint32_t i = 0; i < count; i++)
		assert_true(seen[sw_batch_row(batch, i)]);
	free(seen);
}

static void test_every_row_has_one_owner(void **state)
{
	static const uint32_t sizes[] = { 1, 7, 8, 31, 32, 33, 1024, ROWS_MAX };
	static const unsigned owners[] = { 1, 2, 3, 6, 7, 16, 32, 33, 256 };
	uint64_t random = random_seed();

	(void)state;
	for (unsigned i = 0; i < 8 * 9 * 6; i++) {
		unsigned count = owners[i / 8 % 9], key = i / 72 % 3;
		struct sw_batch *batch = make_batch(&random, sizes[i % 8], i / 216);
		struct owned_rows rows[3] = { 0 };

		for (unsigned limit = OWNERS_PORTABLE; limit <= OWNERS_AVX512; limit++) {
			assert_int_equal(owned_rows_init(&rows[limit], ROWS_MAX, count), 0);
			owned_rows_limit(limit);
			owned_rows_find(&rows[limit], batch, key, NULL, count);
			check(&rows[limit], batch, count);
			assert_memory_equal(rows[limit].start, rows[OWNERS_PORTABLE].start,
				(count + 1) * sizeof(uint32_t));
			assert_memory_equal(rows[limit].order, rows[OWNERS_PORTABLE].order,
				sw_batch_count(batch) * sizeof(uint16_t));
		}
		for (unsigned limit = OWNERS_PORTABLE; limit <= OWNERS_AVX512; limit++)
			owned_rows_fini(&rows[limit]);
		sw_batch_destroy(batch);
	}
}

/* Codes go where their texts go, whether their hashes are known or not. */
static void test_codes_go_where_texts_go(void **state)
{
	static const int32_t offsets[] = { 0, 3, 3, 12, 33 };
	static const struct sw_dictionary words = {
		.entries = 4, .offsets = offsets, .bytes = "onetwenty-twothree hundred and three"
	};
	struct sw_batch *texts = sw_batch_create(&schema, ROWS_MAX, 0);
	struct sw_batch *codes = sw_batch_create(&schema, ROWS_MAX, 0);
	struct owned_rows rows[3] = { 0 };
	uint64_t random = random_seed();
	uint32_t hashes[4];

	(void)state;
	assert_non_null(texts);
	assert_non_null(codes);
	assert_true(sw_batch_adopt_dictionary(codes, KEY_TEXT, &words));
	for (uint32_t i = 0; i < ROWS_MAX; i++) {
		struct sw_text text;

		((int32_t *)codes->columns[KEY_TEXT].data)[i] = (int32_t)(random_next(&random) % 4);
		text = sw_column_text(&codes->columns[KEY_TEXT], i);
		assert_true(
			sw_column_append_text(&texts->columns[KEY_TEXT], i, text.bytes, text.size));
	}
	texts->rows = codes->rows = ROWS_MAX;
	for (uint32_t i = 0; i < 4; i++)
		hashes[i] = owned_text_hash((struct sw_text){
			words.bytes + offsets[i], (uint32_t)(offsets[i + 1] - offsets[i]) });
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(owned_rows_init(&rows[i], ROWS_MAX, 5), 0);
	owned_rows_find(&rows[0], texts, KEY_TEXT, NULL, 5);
	owned_rows_find(&rows[1], codes, KEY_TEXT, NULL, 5);
	owned_rows_find(&rows[2], codes, KEY_TEXT, hashes, 5);
	for (unsigned i = 1; i < 3; i++) {
		assert_memory_equal(rows[0].start, rows[i].start, 6 * sizeof(uint32_t));
		assert_memory_equal(rows[0].order, rows[i].order, ROWS_MAX * sizeof(uint16_t));
	}
	for (unsigned i = 0; i < 3; i++)
		owned_rows_fini(&rows[i]);
	sw_batch_destroy(texts);
	sw_batch_destroy(codes);
}

/* Of many keys each owner has about its share. */
static void test_shares_are_even(void **state)
{
	struct sw_batch *batch = sw_batch_create(&schema, ROWS_MAX, 0);
	struct owned_rows rows = { 0 };

	(void)state;
	assert_non_null(batch);
	assert_int_equal(owned_rows_init(&rows, ROWS_MAX, 4), 0);
	for (uint32_t i = 0; i < ROWS_MAX; i++)
		((int64_t *)batch->columns[KEY_INT64].data)[i] = 1000 + i;
	batch->rows = ROWS_MAX;
	owned_rows_find(&rows, batch, KEY_INT64, NULL, 4);
	for (unsigned d = 0; d < 4; d++)
		assert_in_range(rows.start[d + 1] - rows.start[d], ROWS_MAX / 5, ROWS_MAX / 3);
	owned_rows_fini(&rows);
	sw_batch_destroy(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_has_one_owner),
		cmocka_unit_test(test_codes_go_where_texts_go),
		cmocka_unit_test(test_shares_are_even),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

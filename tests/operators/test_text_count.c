/* SPDX-License-Identifier: MIT */

/* Texts are counted once each, however many there are and whichever instance they go to. */

#include "operators/text_count.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS 20000 /* enough for tables to grow several times */

static uint64_t seed;

static const struct sw_schema schema = {
	.columns = 2,
	.fields = { { .name = "text", .type = SW_TEXT, .text_bytes = 32 },
		{ .name = "count", .type = SW_INT64 } },
};

struct counts {
	int64_t expected[TEXTS], given[TEXTS];
	uint64_t twice, bad;
};

/* Text number k: of many lengths, 0 too. */
static uint32_t text_of(uint32_t k, char *text)
{
	uint32_t bytes = k == 0 ? 0 : (uint32_t)sprintf(text, "%x", k);

	for (; bytes > 0 && bytes < k % 30; bytes++)
		text[bytes] = '.';
	text[bytes] = '\0';
	return bytes;
}

static void take(void *context, const struct sw_batch *batch)
{
	struct counts *counts = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		struct sw_text text = sw_column_text(&batch->columns[0], row);
		char copy[64], expected[64];
		uint32_t k;

		assert_true(text.size < sizeof(copy));
		memcpy(copy, text.bytes, text.size);
		copy[text.size] = '\0';
		k = (uint32_t)strtoul(copy, NULL, 16);
		assert_true(k < TEXTS);
		counts->bad += text_of(k, expected) != text.size || strcmp(copy, expected) != 0;
		counts->twice += counts->given[k] != 0;
		counts->given[k] = ((int64_t *)batch->columns[1].data)[row];
	}
}

static void run_counts(unsigned workers, uint64_t *state)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct counts *counts = calloc(1, sizeof(*counts));
	struct merge_run run;

	assert_non_null(counts);
	merge.name = "count";
	merge.op = &sw_text_count;
	merge.output_schemas[0] = &schema;
	merge_start(&run, workers, &schema, &merge, take, counts);
	for (int round = 0; round < 600; round++) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t row = 0; row < rows; row++) {
			uint32_t k = random_below(state, random_below(state, 2) ? 10 : TEXTS);
			int64_t count = random_below(state, 4);
			char text[64];

			assert_true(sw_column_append_text(
				&batch->columns[0], row, text, text_of(k, text)));
			((int64_t *)batch->columns[1].data)[row] = count;
			counts->expected[k] += count;
			batch->rows++;
		}
		merge_push(&run, batch, round);
	}
	merge_end(&run);
	assert_int_equal(counts->bad, 0);
	assert_int_equal(counts->twice, 0);
	assert_memory_equal(counts->expected, counts->given, sizeof(counts->given));
	free(counts);
}

static void counts_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_counts(workers, &state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_right),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

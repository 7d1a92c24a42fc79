/* SPDX-License-Identifier: MIT */

/* Every path, every split and every choice of columns makes the same events. */

#include "nexmark/random_private.h"
#include "tests/nexmark/generator_fixture.h"
#include "tests/runtime/cmocka_all.h"

static void compare_paths(struct sw_nexmark_generator *generator, enum sw_nexmark_path path)
{
	const enum sw_nexmark_event type = any(2) ? SW_BID : (enum sw_nexmark_event)any(3);
	const uint32_t mask = any(2) ? all_columns[type] : 1 + (uint32_t)any(all_columns[type]);
	const uint64_t first = any(any(2) ? 3000 : 200000);
	const uint32_t count = 1 + (uint32_t)any(any(2) ? 40 : 1500);
	struct sw_schema schema, other_schema;
	struct sw_batch *batch, *other;

	get_schema(generator, type, mask, any(4) == 0, &schema);
	get_schema(generator, type, mask, any(4) == 0, &other_schema);
	assert_int_equal(sw_nexmark_generator_use(generator, SW_NEXMARK_PATH_PORTABLE), 0);
	batch = make_events(generator, type, mask, first, count, &schema);
	assert_int_equal(sw_nexmark_generator_use(generator, path), 0);
	other = make_events(generator, type, mask, first, count, &other_schema);
	assert_int_equal(batch->time_min_ms, other->time_min_ms);
	assert_int_equal(batch->time_max_ms, other->time_max_ms);
	assert_same(batch, 0, other);
	sw_batch_destroy(batch);
	sw_batch_destroy(other);
}

static void same_as_portable(enum sw_nexmark_path path)
{
	struct sw_nexmark_generator *generator = any_generator();

	if (sw_nexmark_generator_use(generator, path) != 0) {
		sw_nexmark_generator_destroy(generator);
		print_message("skipped: this processor has not got it\n");
		skip();
	}
	for (uint64_t round = 0; round < rounds; round++) {
		for (int i = 0; i < 8; i++)
			compare_paths(generator, path);
		sw_nexmark_generator_destroy(generator);
		generator = any_generator();
	}
	sw_nexmark_generator_destroy(generator);
}

static void avx2_makes_the_same(void **unused)
{
	(void)unused;
	same_as_portable(SW_NEXMARK_PATH_AVX2);
}

static void avx512_makes_the_same(void **unused)
{
	(void)unused;
	same_as_portable(SW_NEXMARK_PATH_AVX512);
}

/* An event whose second Random throws a draw away: it has a cold channel, by its third draw. */
static uint64_t channel_drawn_again(void)
{
	for (uint64_t id = 1000;; id++) {
		uint64_t state = random_seed(random_mix(id));

		if (id % 50 < 4 || random_below(&state, 2) > 0)
			continue;
		if (random_next31(&state) >= INT32_MAX / 10000 * 10000)
			return id;
	}
}

/* Text is placed by the sizes before it, so a row may not change its size afterwards. */
static void channels_drawn_again_as_text(void **unused)
{
	const uint64_t first = channel_drawn_again() - 100;
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *generator;
	struct sw_schema schema;

	(void)unused;
	options.num_events = 0;
	generator = create_generator(&options);
	get_schema(generator, SW_BID, SW_BID_ALL, true, &schema);
	for (int path = SW_NEXMARK_PATH_AVX2; path <= SW_NEXMARK_PATH_AVX512; path++) {
		struct sw_batch *batch, *other;

		assert_int_equal(sw_nexmark_generator_use(generator, SW_NEXMARK_PATH_PORTABLE), 0);
		batch = make_events(generator, SW_BID, SW_BID_ALL, first, 200, &schema);
		if (sw_nexmark_generator_use(generator, (enum sw_nexmark_path)path) == 0) {
			other = make_events(generator, SW_BID, SW_BID_ALL, first, 200, &schema);
			assert_same(batch, 0, other);
			sw_batch_destroy(other);
		}
		sw_batch_destroy(batch);
	}
	sw_nexmark_generator_destroy(generator);
}

static void any_split_makes_the_same(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < rounds; round++) {
		struct sw_nexmark_generator *generator = any_generator();
		const enum sw_nexmark_event type = (enum sw_nexmark_event)any(3);
		const uint32_t mask = all_columns[type], count = 1 + (uint32_t)any(5000);
		const uint64_t first = any(100000);
		struct sw_schema schema;
		struct sw_batch *whole, *part;
		uint32_t row = 0, step;

		get_schema(generator, type, mask, false, &schema);
		whole = make_events(generator, type, mask, first, count, &schema);
		for (uint32_t at = 0; at < count; at += step) {
			step = 1 + (uint32_t)any(700);
			if (step > count - at)
				step = count - at;
			part = make_events(generator, type, mask, first + at, step, &schema);
			assert_same(whole, row, part);
			row += part->rows;
			sw_batch_destroy(part);
		}
		assert_int_equal(row, whole->rows);
		sw_batch_destroy(whole);
		sw_nexmark_generator_destroy(generator);
	}
}

static void fewer_columns_are_the_same_columns(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < rounds; round++) {
		struct sw_nexmark_generator *generator = any_generator();
		const enum sw_nexmark_event type = (enum sw_nexmark_event)any(3);
		const uint64_t first = any(100000);
		struct sw_schema schema, one;
		struct sw_batch *whole, *part;

		get_schema(generator, type, all_columns[type], any(2), &schema);
		whole = make_events(generator, type, all_columns[type], first, 500, &schema);
		for (uint32_t c = 0; c < schema.columns; c++) {
			struct sw_batch view = *whole;

			get_schema(generator, type, 1u << c, false, &one);
			assert_string_equal(one.fields[0].name, schema.fields[c].name);
			part = make_events(generator, type, 1u << c, first, 500, &one);
			view.schema = &one;
			view.columns[0] = whole->columns[c];
			assert_same(&view, 0, part);
			sw_batch_destroy(part);
		}
		sw_batch_destroy(whole);
		sw_nexmark_generator_destroy(generator);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(avx2_makes_the_same),
		cmocka_unit_test(avx512_makes_the_same),
		cmocka_unit_test(channels_drawn_again_as_text),
		cmocka_unit_test(any_split_makes_the_same),
		cmocka_unit_test(fewer_columns_are_the_same_columns),
	};

	begin_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */

/* What the generator makes when it is asked: merged streams, batches, schemas, the end. */

#include <errno.h>

#include "tests/nexmark/generator_fixture.h"
#include "tests/runtime/cmocka_all.h"

static void merged_generators_come_by_turns(void **unused)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *merged, *part;
	struct sw_schema schema;
	uint32_t made[3] = { 0 };

	(void)unused;
	options.num_events = 3004;
	options.num_event_generators = 3;
	merged = create_generator(&options);
	assert_int_equal(sw_nexmark_events(merged), 3004);
	assert_int_equal(sw_nexmark_generator_schema(merged, SW_BID, SW_BID_ALL - 1, &schema), 0);
	for (uint64_t event = 0; event < 3004; event++) {
		const uint32_t turn = event < 3003 ? (uint32_t)(event % 3) : 2;
		struct sw_batch *one =
			make_events(merged, SW_BID, SW_BID_ALL - 1, event, 1, &schema);
		struct sw_batch *other;

		options.generator = turn;
		part = create_generator(&options);
		assert_int_equal(sw_nexmark_events(part), turn < 2 ? 1001 : 1002);
		other = make_events(part, SW_BID, SW_BID_ALL - 1, made[turn]++, 1, &schema);
		assert_int_equal(one->rows, other->rows);
		assert_same(one, 0, other);
		sw_batch_destroy(one);
		sw_batch_destroy(other);
		sw_nexmark_generator_destroy(part);
		event += event < 2900 ? 2 * 3 * any(8) : 0;
		for (uint32_t j = 0; j < 3; j++)
			made[j] = (uint32_t)((event + 3 - j) / 3);
		if (event >= 3003)
			made[2] = 1001;
	}
	sw_nexmark_generator_destroy(merged);
}

static void a_batch_that_is_too_small_is_refused(void **unused)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *generator = create_generator(&options);
	struct sw_schema schema;
	struct sw_batch *batch;

	(void)unused;
	assert_int_equal(sw_nexmark_generator_schema(generator, SW_BID, SW_BID_ALL, &schema), 0);
	batch = sw_batch_create(&schema, 45, 0);
	assert_int_equal(sw_nexmark_generate(generator, SW_BID, SW_BID_ALL, 0, 50, batch), -ENOSPC);
	assert_int_equal(batch->rows, 0);
	assert_int_equal(sw_nexmark_generate(generator, SW_BID, SW_BID_ALL, 0, 49, batch), 0);
	assert_int_equal(batch->rows, 45);
	assert_int_equal(
		sw_nexmark_generate(generator, SW_BID, SW_BID_PRICE, 0, 10, batch), -EINVAL);
	assert_int_equal(
		sw_nexmark_generate(generator, SW_PERSON, SW_PERSON_ALL, 0, 10, batch), -EINVAL);
	sw_batch_destroy(batch);
	assert_int_equal(sw_nexmark_generator_schema(generator, SW_BID, SW_BID_EXTRA, &schema), 0);
	batch = sw_batch_create(&schema, 46, 46 * 81 - 1);
	assert_int_equal(
		sw_nexmark_generate(generator, SW_BID, SW_BID_EXTRA, 0, 50, batch), -ENOSPC);
	sw_batch_destroy(batch);
	sw_nexmark_generator_destroy(generator);
}

static void schemas_are_the_masks(void **unused)
{
	struct sw_schema schema;

	(void)unused;
	assert_int_equal(sw_nexmark_schema(SW_BID, SW_BID_PRICE | SW_BID_EXTRA, NULL, &schema), 0);
	assert_int_equal(schema.columns, 2);
	assert_string_equal(schema.fields[0].name, "price");
	assert_string_equal(schema.fields[1].name, "extra");
	assert_int_equal(schema.fields[1].text_bytes, 81);
	assert_int_equal(sw_nexmark_schema(SW_BID, 0, NULL, &schema), -EINVAL);
	assert_int_equal(sw_nexmark_schema(SW_BID, 1 << 8, NULL, &schema), -EINVAL);
	assert_int_equal(sw_nexmark_schema((enum sw_nexmark_event)3, 1, NULL, &schema), -EINVAL);
	assert_string_equal(sw_nexmark_event_name(SW_AUCTION), "auction");
	assert_null(sw_nexmark_event_name((enum sw_nexmark_event)3));
}

static void nothing_is_made_past_the_end(void **unused)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *generator;
	struct sw_schema schema;
	struct sw_batch *batch;

	(void)unused;
	options.num_events = 60;
	generator = create_generator(&options);
	assert_int_equal(sw_nexmark_generator_schema(generator, SW_BID, SW_BID_ALL, &schema), 0);
	batch = make_events(generator, SW_BID, SW_BID_ALL, 40, 100, &schema);
	assert_int_equal(batch->rows, 16);
	assert_int_equal(sw_nexmark_generate(generator, SW_BID, SW_BID_ALL, 60, 100, batch), 0);
	assert_int_equal(batch->rows, 0);
	assert_int_equal(sw_nexmark_count(generator, SW_BID, 1000, 100), 0);
	sw_batch_destroy(batch);
	sw_nexmark_generator_destroy(generator);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merged_generators_come_by_turns),
		cmocka_unit_test(a_batch_that_is_too_small_is_refused),
		cmocka_unit_test(schemas_are_the_masks),
		cmocka_unit_test(nothing_is_made_past_the_end),
	};

	begin_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

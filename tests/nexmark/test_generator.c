/* SPDX-License-Identifier: MIT */

/*
 * The paths against each other, and what holds for every stream. Argument 1: rounds of the random
 * tests, argument 2: their seed.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "nexmark/generator.h"
#include "nexmark/random_private.h"

static const uint32_t all[SW_NEXMARK_EVENTS] = { SW_PERSON_ALL, SW_AUCTION_ALL, SW_BID_ALL };
static uint64_t rounds = 40, random_state;

static uint64_t any(uint64_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (random_state >> 33) % below;
}

static int64_t pick(const int64_t *choices, size_t count)
{
	return choices[any(count)];
}

#define PICK(...)                              \
	pick((const int64_t[]){ __VA_ARGS__ }, \
		sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

/* Options of all kinds, near what is usual and far from it. */
static struct sw_nexmark_options any_options(void)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;

	options.num_events = PICK(0, 1000, 100000, 100000000);
	options.num_event_generators = PICK(1, 1, 1, 2, 7);
	options.generator = any(3) == 0 ? (int64_t)any((uint64_t)options.num_event_generators) : -1;
	options.rate_shape = any(2) ? SW_RATE_SINE : SW_RATE_SQUARE;
	options.first_event_rate = PICK(7, 1000, 10000, 999999, 1000000, 7777777, 1000000000);
	options.next_event_rate = any(2) ? options.first_event_rate : PICK(10, 3000, 2000000);
	options.rate_unit = any(4) ? SW_RATE_PER_SECOND : SW_RATE_PER_MINUTE;
	options.rate_period_sec = PICK(100, 600, 1234);
	options.avg_person_byte_size = PICK(0, 60, 100, 200, 1000);
	options.avg_auction_byte_size = PICK(0, 100, 200, 500, 3000);
	options.avg_bid_byte_size = PICK(0, 31, 32, 33, 34, 35, 40, 64, 100, 100, 137, 1000);
	options.hot_auction_ratio = PICK(1, 2, 2, 3, 100, INT32_MAX);
	options.hot_sellers_ratio = PICK(1, 2, 4, 5, 20);
	options.hot_bidders_ratio = PICK(1, 4, 4, 7, 64, (1 << 30) + 1);
	options.num_in_flight_auctions = PICK(0, 5, 53, 100, 100, 1000, 1000000000);
	options.num_active_people = PICK(0, 6, 50, 1000, 1000, 1014, 1000000);
	options.out_of_order_group_size = PICK(1, 1, 1, 3, 50, 953, 1000, 100000);
	options.watermark_holdback_sec = PICK(0, 0, 5);
	options.occasional_delay_sec = PICK(1, 3, 2000000);
	options.prob_delayed_event = any(6) == 0 ? (double)any(101) / 100 : 0;
	options.first_event_id = PICK(0, 0, 999, 1000000000, INT64_C(1) << 45,
		(INT64_C(1) << 46) - 500, (INT64_C(1) << 48) - 77, INT64_C(1) << 52);
	options.first_event_number = PICK(0, 0, 12345, 1000000000);
	options.base_time = PICK(0, 1436918400000, -1000000);
	if (any(4) == 0) {
		options.person_proportion = PICK(0, 1, 2, 10);
		options.auction_proportion = PICK(0, 1, 3, 30);
		options.bid_proportion = PICK(1, 46, 7, 500);
	}
	options.double_person_offset = any(4) == 0;
	return options;
}

static struct sw_nexmark_generator *create(const struct sw_nexmark_options *options)
{
	struct sw_nexmark_generator *generator;
	struct sw_error error = { 0 };

	if (sw_nexmark_generator_create(options, &generator, &error) != 0)
		fail_msg("%s", error.text);
	return generator;
}

/* A generator whose options can be had: some of the wild ones do not fit together. */
static struct sw_nexmark_generator *create_any(void)
{
	struct sw_nexmark_options options;

	do
		options = any_options();
	while (sw_nexmark_options_check(&options, NULL) != 0);
	return create(&options);
}

/* Exactly as many rows, and for text what the schema says, so that an overflow is one. */
static struct sw_batch *make(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint32_t mask, uint64_t first, uint32_t count,
	struct sw_schema *schema)
{
	const uint32_t rows = sw_nexmark_count(generator, type, first, count);
	struct sw_batch *batch;

	assert_true(rows <= count);
	batch = sw_batch_create(schema, rows > 0 ? rows : 1, 0);
	assert_non_null(batch);
	assert_int_equal(sw_nexmark_generate(generator, type, mask, first, count, batch), 0);
	assert_int_equal(batch->rows, rows);
	return batch;
}

static void assert_same(const struct sw_batch *a, uint32_t from, const struct sw_batch *b)
{
	assert_int_equal(a->schema->columns, b->schema->columns);
	for (uint32_t c = 0; c < b->schema->columns; c++)
		for (uint32_t row = 0; row < b->rows; row++) {
			const struct sw_column *x = &a->columns[c], *y = &b->columns[c];

			if (x->type != SW_TEXT) {
				if (sw_column_int64(x, from + row) != sw_column_int64(y, row))
					fail_msg("%s of row %u: %lld, %lld",
						b->schema->fields[c].name, row,
						(long long)sw_column_int64(x, from + row),
						(long long)sw_column_int64(y, row));
			} else {
				const struct sw_text s = sw_column_text(x, from + row);
				const struct sw_text t = sw_column_text(y, row);

				if (s.size != t.size || memcmp(s.bytes, t.bytes, s.size) != 0)
					fail_msg("%s of row %u: %.*s, %.*s",
						b->schema->fields[c].name, row, (int)s.size,
						s.bytes, (int)t.size, t.bytes);
			}
		}
}

static void get_schema(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	uint32_t mask, bool plain, struct sw_schema *schema)
{
	if (plain)
		assert_int_equal(sw_nexmark_schema(type, mask,
					 sw_nexmark_generator_options(generator), schema),
			0);
	else
		assert_int_equal(sw_nexmark_generator_schema(generator, type, mask, schema), 0);
}

static void compare_paths(struct sw_nexmark_generator *generator, enum sw_nexmark_path path)
{
	const enum sw_nexmark_event type = any(2) ? SW_BID : (enum sw_nexmark_event)any(3);
	const uint32_t mask = any(2) ? all[type] : 1 + (uint32_t)any(all[type]);
	const uint64_t first = any(any(2) ? 3000 : 200000);
	const uint32_t count = 1 + (uint32_t)any(any(2) ? 40 : 1500);
	struct sw_schema schema, other_schema;
	struct sw_batch *batch, *other;

	get_schema(generator, type, mask, any(4) == 0, &schema);
	get_schema(generator, type, mask, any(4) == 0, &other_schema);
	assert_int_equal(sw_nexmark_generator_use(generator, SW_NEXMARK_PATH_PORTABLE), 0);
	batch = make(generator, type, mask, first, count, &schema);
	assert_int_equal(sw_nexmark_generator_use(generator, path), 0);
	other = make(generator, type, mask, first, count, &other_schema);
	assert_int_equal(batch->time_min_ms, other->time_min_ms);
	assert_int_equal(batch->time_max_ms, other->time_max_ms);
	assert_same(batch, 0, other);
	sw_batch_destroy(batch);
	sw_batch_destroy(other);
}

static void same_as_portable(enum sw_nexmark_path path)
{
	struct sw_nexmark_generator *generator = create_any();

	if (sw_nexmark_generator_use(generator, path) != 0) {
		sw_nexmark_generator_destroy(generator);
		print_message("skipped: this processor has not got it\n");
		skip();
	}
	for (uint64_t round = 0; round < rounds; round++) {
		for (int i = 0; i < 8; i++)
			compare_paths(generator, path);
		sw_nexmark_generator_destroy(generator);
		generator = create_any();
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
	generator = create(&options);
	get_schema(generator, SW_BID, SW_BID_ALL, true, &schema);
	for (int path = SW_NEXMARK_PATH_AVX2; path <= SW_NEXMARK_PATH_AVX512; path++) {
		struct sw_batch *batch, *other;

		assert_int_equal(sw_nexmark_generator_use(generator, SW_NEXMARK_PATH_PORTABLE), 0);
		batch = make(generator, SW_BID, SW_BID_ALL, first, 200, &schema);
		if (sw_nexmark_generator_use(generator, (enum sw_nexmark_path)path) == 0) {
			other = make(generator, SW_BID, SW_BID_ALL, first, 200, &schema);
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
		struct sw_nexmark_generator *generator = create_any();
		const enum sw_nexmark_event type = (enum sw_nexmark_event)any(3);
		const uint32_t mask = all[type], count = 1 + (uint32_t)any(5000);
		const uint64_t first = any(100000);
		struct sw_schema schema;
		struct sw_batch *whole, *part;
		uint32_t row = 0, step;

		get_schema(generator, type, mask, false, &schema);
		whole = make(generator, type, mask, first, count, &schema);
		for (uint32_t at = 0; at < count; at += step) {
			step = 1 + (uint32_t)any(700);
			if (step > count - at)
				step = count - at;
			part = make(generator, type, mask, first + at, step, &schema);
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
		struct sw_nexmark_generator *generator = create_any();
		const enum sw_nexmark_event type = (enum sw_nexmark_event)any(3);
		const uint64_t first = any(100000);
		struct sw_schema schema, one;
		struct sw_batch *whole, *part;

		get_schema(generator, type, all[type], any(2), &schema);
		whole = make(generator, type, all[type], first, 500, &schema);
		for (uint32_t c = 0; c < schema.columns; c++) {
			struct sw_batch view = *whole;

			get_schema(generator, type, 1u << c, false, &one);
			assert_string_equal(one.fields[0].name, schema.fields[c].name);
			part = make(generator, type, 1u << c, first, 500, &one);
			view.schema = &one;
			view.columns[0] = whole->columns[c];
			assert_same(&view, 0, part);
			sw_batch_destroy(part);
		}
		sw_batch_destroy(whole);
		sw_nexmark_generator_destroy(generator);
	}
}

/* No event is before the watermark of any event up to it; ranges are what is in them. */
static void watermarks_hold(void **unused)
{
	static const uint32_t times[] = { SW_PERSON_TIME, SW_AUCTION_TIME, SW_BID_TIME };

	(void)unused;
	for (uint64_t round = 0; round < rounds; round++) {
		struct sw_nexmark_generator *generator = create_any();
		const uint64_t events = sw_nexmark_events(generator);
		int64_t last = SW_TIME_MIN;

		for (uint64_t event = 0; event < 3000; event++) {
			const int64_t watermark = sw_nexmark_watermark(generator, event);

			assert_true(watermark >= last);
			last = watermark;
			assert_int_equal(watermark == SW_TIME_END, events > 0 && event >= events);
			if (any(20) > 0)
				continue;
			for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
				struct sw_schema schema;
				struct sw_batch *batch;

				get_schema(generator, (enum sw_nexmark_event)type, times[type],
					false, &schema);
				batch = make(generator, (enum sw_nexmark_event)type, times[type],
					event, 2500, &schema);
				for (uint32_t row = 0; row < batch->rows; row++) {
					const int64_t ms = sw_column_int64(&batch->columns[0], row);

					assert_true(ms >= watermark);
					assert_in_range(ms - batch->time_min_ms, 0,
						batch->time_max_ms - batch->time_min_ms);
				}
				sw_batch_destroy(batch);
			}
		}
		sw_nexmark_generator_destroy(generator);
	}
}

static void what_is_due_rises_with_time(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < rounds; round++) {
		struct sw_nexmark_generator *generator = create_any();
		const uint64_t events = sw_nexmark_events(generator);
		const uint64_t due = sw_nexmark_due_ns(generator, any(3000));
		uint64_t last = 0;

		assert_int_equal(sw_nexmark_due_ns(generator, 0), 0);
		for (uint64_t event = 0; event < 3000; event++) {
			const uint64_t ns = sw_nexmark_due_ns(generator, event);

			assert_true(ns >= last);
			last = ns;
		}
		for (int i = 0; i < 30; i++) {
			const uint64_t ns =
				i < 10 ? due + (uint64_t)i - 5 : any(1u << 31) << any(12);
			const uint64_t count = sw_nexmark_events_due(generator, ns);

			if (due < 5)
				continue;
			assert_true(count > 0);
			assert_true(sw_nexmark_due_ns(generator, count - 1) <= ns);
			if (events == 0 || count < events)
				assert_true(sw_nexmark_due_ns(generator, count) > ns);
			else
				assert_int_equal(count, events);
		}
		sw_nexmark_generator_destroy(generator);
	}
}

static struct sw_batch *all_bids(const struct sw_nexmark_generator *generator, uint32_t count)
{
	static struct sw_schema schema;

	assert_int_equal(sw_nexmark_generator_schema(generator, SW_BID, SW_BID_ALL, &schema), 0);
	return make(generator, SW_BID, SW_BID_ALL, 0, count, &schema);
}

static int by_content(const void *a, const void *b)
{
	return memcmp(a, b, 4 * sizeof(int64_t));
}

/* Time, auction, bidder and price of every row, in an order of their own. */
static int64_t (*sorted_content(const struct sw_batch *batch))[4]
{
	static const unsigned columns[4] = { 6, 1, 2, 3 };
	int64_t(*content)[4] = calloc(batch->rows, sizeof(*content));

	assert_non_null(content);
	for (uint32_t row = 0; row < batch->rows; row++)
		for (unsigned c = 0; c < 4; c++)
			content[row][c] = sw_column_int64(&batch->columns[columns[c]], row);
	qsort(content, batch->rows, sizeof(*content), by_content);
	return content;
}

/* Events held back are the same events, only later; none is lost, and seq follows the emission. */
static void delayed_events_are_only_later(void **unused)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *generator, *delaying;
	struct sw_batch *batch, *delayed;
	int64_t(*same)[4], (*moved)[4];
	int64_t most = 0;
	uint32_t late = 0;

	(void)unused;
	options.num_events = 20001;
	generator = create(&options);
	options.prob_delayed_event = 0.1;
	delaying = create(&options);
	batch = all_bids(generator, 20001);
	delayed = all_bids(delaying, 20001);
	assert_int_equal(batch->rows, delayed->rows);
	for (uint32_t row = 0; row < batch->rows; row++) {
		const int64_t time = sw_column_int64(&delayed->columns[6], row);

		late += time < most;
		most = time > most ? time : most;
		assert_true(row == 0 || sw_column_int64(&delayed->columns[0], row) >
						sw_column_int64(&delayed->columns[0], row - 1));
	}
	same = sorted_content(batch);
	moved = sorted_content(delayed);
	assert_memory_equal(same, moved, batch->rows * sizeof(*same));
	free(same);
	free(moved);
	assert_in_range(late, batch->rows / 10 - 300, batch->rows / 10 + 300);
	sw_batch_destroy(batch);
	sw_batch_destroy(delayed);
	sw_nexmark_generator_destroy(generator);
	sw_nexmark_generator_destroy(delaying);
}

static void merged_generators_come_by_turns(void **unused)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_generator *merged, *part;
	struct sw_schema schema;
	uint32_t made[3] = { 0 };

	(void)unused;
	options.num_events = 3004;
	options.num_event_generators = 3;
	merged = create(&options);
	assert_int_equal(sw_nexmark_events(merged), 3004);
	assert_int_equal(sw_nexmark_generator_schema(merged, SW_BID, SW_BID_ALL - 1, &schema), 0);
	for (uint64_t event = 0; event < 3004; event++) {
		const uint32_t turn = event < 3003 ? (uint32_t)(event % 3) : 2;
		struct sw_batch *one = make(merged, SW_BID, SW_BID_ALL - 1, event, 1, &schema);
		struct sw_batch *other;

		options.generator = turn;
		part = create(&options);
		assert_int_equal(sw_nexmark_events(part), turn < 2 ? 1001 : 1002);
		other = make(part, SW_BID, SW_BID_ALL - 1, made[turn]++, 1, &schema);
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
	struct sw_nexmark_generator *generator = create(&options);
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
	generator = create(&options);
	assert_int_equal(sw_nexmark_generator_schema(generator, SW_BID, SW_BID_ALL, &schema), 0);
	batch = make(generator, SW_BID, SW_BID_ALL, 40, 100, &schema);
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
		cmocka_unit_test(avx2_makes_the_same),
		cmocka_unit_test(avx512_makes_the_same),
		cmocka_unit_test(channels_drawn_again_as_text),
		cmocka_unit_test(any_split_makes_the_same),
		cmocka_unit_test(fewer_columns_are_the_same_columns),
		cmocka_unit_test(watermarks_hold),
		cmocka_unit_test(what_is_due_rises_with_time),
		cmocka_unit_test(delayed_events_are_only_later),
		cmocka_unit_test(merged_generators_come_by_turns),
		cmocka_unit_test(a_batch_that_is_too_small_is_refused),
		cmocka_unit_test(schemas_are_the_masks),
		cmocka_unit_test(nothing_is_made_past_the_end),
	};

	if (argc > 1)
		rounds = strtoull(argv[1], NULL, 10);
	random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
	print_message("rounds %llu, seed %llu\n", (unsigned long long)rounds,
		(unsigned long long)random_state);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

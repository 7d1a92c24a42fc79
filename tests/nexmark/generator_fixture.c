/* SPDX-License-Identifier: MIT */
#include "tests/nexmark/generator_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/runtime/cmocka_all.h"

const uint32_t all_columns[SW_NEXMARK_EVENTS] = { SW_PERSON_ALL, SW_AUCTION_ALL, SW_BID_ALL };
uint64_t rounds = SW_ASAN || SW_TSAN ? 10 : 40;

static uint64_t random_state;

void begin_rounds(int argc, char **argv)
{
	if (argc > 1)
		rounds = strtoull(argv[1], NULL, 10);
	random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
	print_message("rounds %llu, seed %llu\n", (unsigned long long)rounds,
		(unsigned long long)random_state);
}

uint64_t any(uint64_t below)
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

struct sw_nexmark_generator *create_generator(const struct sw_nexmark_options *options)
{
	struct sw_nexmark_generator *generator;
	struct sw_error error = { 0 };

	if (sw_nexmark_generator_create(options, &generator, &error) != 0)
		fail_msg("%s", error.text);
	return generator;
}

struct sw_nexmark_generator *any_generator(void)
{
	struct sw_nexmark_options options;

	/* Some of the wild ones do not fit together. */
	do
		options = any_options();
	while (sw_nexmark_options_check(&options, NULL) != 0);
	return create_generator(&options);
}

struct sw_batch *make_events(const struct sw_nexmark_generator *generator,
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

void assert_same(const struct sw_batch *a, uint32_t from, const struct sw_batch *b)
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

void get_schema(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	uint32_t mask, bool plain, struct sw_schema *schema)
{
	if (plain)
		assert_int_equal(sw_nexmark_schema(type, mask,
					 sw_nexmark_generator_options(generator), schema),
			0);
	else
		assert_int_equal(sw_nexmark_generator_schema(generator, type, mask, schema), 0);
}

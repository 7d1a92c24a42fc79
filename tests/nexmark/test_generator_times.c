/* SPDX-License-Identifier: MIT */

/* What holds for the times of every stream: watermarks, when events are due, and delays. */

#include <stdlib.h>
#include <string.h>

#include "tests/nexmark/generator_fixture.h"
#include "tests/runtime/cmocka_all.h"

/* No event is before the watermark of any event up to it; ranges are what is in them. */
static void watermarks_hold(void **unused)
{
	static const uint32_t times[] = { SW_PERSON_TIME, SW_AUCTION_TIME, SW_BID_TIME };

	(void)unused;
	for (uint64_t round = 0; round < rounds; round++) {
		struct sw_nexmark_generator *generator = any_generator();
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
				batch = make_events(generator, (enum sw_nexmark_event)type,
					times[type], event, 2500, &schema);
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
		struct sw_nexmark_generator *generator = any_generator();
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
	return make_events(generator, SW_BID, SW_BID_ALL, 0, count, &schema);
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
	generator = create_generator(&options);
	options.prob_delayed_event = 0.1;
	delaying = create_generator(&options);
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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watermarks_hold),
		cmocka_unit_test(what_is_due_rises_with_time),
		cmocka_unit_test(delayed_events_are_only_later),
	};

	begin_rounds(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

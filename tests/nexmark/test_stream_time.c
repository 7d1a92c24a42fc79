/* SPDX-License-Identifier: MIT */

/* Times against the definition, step by step, in the plainest form. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "nexmark/stream_time.h"

static struct sw_nexmark_options options;
static struct stream_time stream;

static int fresh(void **unused)
{
	(void)unused;
	options = (struct sw_nexmark_options)SW_NEXMARK_OPTIONS_INIT;
	options.base_time = 0;
	return 0;
}

static void init(void)
{
	struct sw_error error = { 0 };

	if (stream_time_init(&stream, &options, &error) != 0)
		fail_msg("%s", error.text);
}

static void one_rate_has_whole_microseconds(void **unused)
{
	(void)unused;
	options.first_event_rate = options.next_event_rate = 3000; /* 333.3 us, taken as 333 */
	init();
	assert_int_equal(stream_time_at(&stream, 0), 0);
	assert_int_equal(stream_time_at(&stream, 3), 0);
	assert_int_equal(stream_time_at(&stream, 4), 1);
	assert_int_equal(stream_time_at(&stream, 1000000), 333000);
	options.first_event_rate = options.next_event_rate = 666667; /* 1.5 us, taken as 1 */
	init();
	assert_int_equal(stream_time_at(&stream, 1000000), 1000);
	assert_false(stream.exact);
	options.num_event_generators = 4;
	init();
	assert_int_equal(stream_time_at(&stream, 1000000), 4000);
	options.base_time = -7;
	init();
	assert_int_equal(stream_time_at(&stream, 1000000), 3993);
}

static void fast_rates_are_exact(void **unused)
{
	(void)unused;
	options.first_event_rate = options.next_event_rate = 3000000;
	init();
	assert_true(stream.exact);
	assert_int_equal(stream_time_at(&stream, 2999), 0);
	assert_int_equal(stream_time_at(&stream, 3000), 1);
	assert_int_equal(stream_time_at(&stream, INT64_C(3000000000000)), 1000000000);
	/* One event a microsecond is Beam's yet. */
	options.first_event_rate = options.next_event_rate = 60000000;
	options.rate_unit = SW_RATE_PER_MINUTE;
	init();
	assert_false(stream.exact);
	assert_int_equal(stream_time_at(&stream, 1000000), 1000);
}

static void a_square_has_two_steps(void **unused)
{
	(void)unused;
	options.rate_shape = SW_RATE_SQUARE;
	options.first_event_rate = 10;
	options.next_event_rate = 1000;
	options.rate_period_sec = 3; /* two steps of two seconds */
	init();
	assert_int_equal(stream.steps, 2);
	assert_int_equal(stream_time_at(&stream, 19), 1900);
	assert_int_equal(stream_time_at(&stream, 20), 2000);
	assert_int_equal(stream_time_at(&stream, 2019), 3999);
	assert_int_equal(stream_time_at(&stream, 2020), 4000);
	assert_int_equal(stream_time_at(&stream, 2020 * 1000 + 21), 4000 * 1000 + 2001);
}

static void a_step_without_events_is_skipped(void **unused)
{
	(void)unused;
	options.rate_shape = SW_RATE_SQUARE;
	options.rate_unit = SW_RATE_PER_MINUTE;
	options.first_event_rate = 1; /* none fits in ten seconds */
	options.next_event_rate = 60;
	options.rate_period_sec = 20;
	init();
	assert_int_equal(stream_time_at(&stream, 0), 0);
	assert_int_equal(stream_time_at(&stream, 9), 9000);
	assert_int_equal(stream_time_at(&stream, 10), 10000);
	assert_int_equal(stream_time_at(&stream, 1000003), 1000003000);
}

/* The definition, by walking. */
static int64_t walked(uint64_t number)
{
	const uint64_t unit_us = options.rate_unit == SW_RATE_PER_MINUTE ? 60000000 : 1000000;
	const int steps = options.rate_shape == SW_RATE_SINE ? 10 : 2;
	const double first = (double)options.first_event_rate;
	const double next = (double)options.next_event_rate;
	const uint64_t step_us =
		(uint64_t)((options.rate_period_sec + steps - 1) / steps) * 1000000;
	uint64_t ms = 0;

	for (int j = 0;; j = (j + 1) % steps) {
		double rate = j == 0 ? first : next;
		uint64_t delay_us, events;

		if (steps == 10)
			rate = floor((first + next) / 2 +
				     (first - next) / 2 * cos(2 * M_PI * j / 10) + 0.5);
		delay_us = (unit_us + (uint64_t)rate / 2) / (uint64_t)rate *
			   (uint64_t)options.num_event_generators;
		events = step_us / delay_us;
		if (number < events)
			return (int64_t)(ms + number * delay_us / 1000);
		number -= events;
		ms += events * delay_us / 1000;
	}
}

static void any_shape_is_the_definitions(void **unused)
{
	const unsigned seed = (unsigned)time(NULL);
	uint64_t numbers[256];
	int64_t times[256];

	(void)unused;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 200; round++) {
		fresh(NULL);
		options.rate_shape = rand() % 2 ? SW_RATE_SINE : SW_RATE_SQUARE;
		options.rate_unit = rand() % 2 ? SW_RATE_PER_SECOND : SW_RATE_PER_MINUTE;
		options.first_event_rate = 60 + rand() % 2000;
		options.next_event_rate = options.first_event_rate + 1 + rand() % 2000;
		options.rate_period_sec = 40 + rand() % 100;
		options.num_event_generators = 1 + rand() % 3;
		init();
		for (int i = 0; i < 256; i++)
			numbers[i] = (uint64_t)(rand() % 200000);
		stream_time_fill(&stream, numbers, 256, times);
		for (int i = 0; i < 256; i++) {
			assert_int_equal(times[i], walked(numbers[i]));
			assert_int_equal(times[i], stream_time_at(&stream, numbers[i]));
		}
	}
}

static void nanoseconds_go_both_ways(void **unused)
{
	const unsigned seed = (unsigned)time(NULL);

	(void)unused;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 2000; round++) {
		uint64_t number, ns, other;

		fresh(NULL);
		options.rate_shape = rand() % 2 ? SW_RATE_SINE : SW_RATE_SQUARE;
		options.first_event_rate = 1 + rand() % (rand() % 2 ? 100 : 100000000);
		options.next_event_rate =
			rand() % 3 ? options.first_event_rate : 1 + rand() % 10000;
		options.rate_period_sec = 20 + rand() % 100;
		options.num_event_generators = 1 + rand() % 5;
		init();
		number = (uint64_t)rand() % 100000000;
		ns = stream_time_ns(&stream, number, 0);
		/* To the millisecond it is the event's time. */
		assert_int_equal(ns / 1000000, stream_time_at(&stream, number));
		assert_true(stream_time_ns(&stream, number + 1, 0) >= ns);
		assert_true(stream_time_number(&stream, ns) >= number);
		other = (uint64_t)rand() * 1000 + (uint64_t)rand();
		number = stream_time_number(&stream, other);
		assert_true(stream_time_ns(&stream, number, 0) <= other);
		assert_true(stream_time_ns(&stream, number + 1, 0) > other);
	}
}

static void nanoseconds_rise_over_the_end_of_a_step(void **unused)
{
	uint64_t last = 0;

	(void)unused;
	options.first_event_rate = 3333; /* 300 us, 3333 of which are no whole milliseconds */
	options.next_event_rate = 7000;
	options.rate_period_sec = 10;
	init();
	for (uint64_t number = 0; number < 200000; number++) {
		const uint64_t ns = stream_time_ns(&stream, number, 0);

		assert_true(ns >= last);
		assert_int_equal(ns / 1000000, stream_time_at(&stream, number));
		last = ns;
	}
}

static void what_does_not_fit_in_ns_is_never_due(void **unused)
{
	(void)unused;
	options.rate_unit = SW_RATE_PER_MINUTE;
	options.first_event_rate = options.next_event_rate = 1;
	init();
	assert_true(stream_time_ns(&stream, INT64_C(1) << 40, 0) == UINT64_MAX);
	assert_true(stream_time_number(&stream, UINT64_MAX) < UINT64_MAX / 60000000000 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_rate_has_whole_microseconds, fresh),
		cmocka_unit_test_setup(fast_rates_are_exact, fresh),
		cmocka_unit_test_setup(a_square_has_two_steps, fresh),
		cmocka_unit_test_setup(a_step_without_events_is_skipped, fresh),
		cmocka_unit_test_setup(any_shape_is_the_definitions, fresh),
		cmocka_unit_test_setup(nanoseconds_go_both_ways, fresh),
		cmocka_unit_test_setup(nanoseconds_rise_over_the_end_of_a_step, fresh),
		cmocka_unit_test_setup(what_does_not_fit_in_ns_is_never_due, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

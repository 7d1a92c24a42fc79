/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nexmark/generator.h"
#include "nexmark/options.h"

static struct sw_nexmark_options options;
static struct sw_error error;

static int fresh(void **unused)
{
	(void)unused;
	options = (struct sw_nexmark_options)SW_NEXMARK_OPTIONS_INIT;
	memset(&error, 0, sizeof(error));
	return 0;
}

static void defaults_are_what_the_table_says(void **unused)
{
	const struct sw_nexmark_option *option;
	char text[64];
	uint32_t i;

	(void)unused;
	for (i = 0; (option = sw_nexmark_option_at(i)) != NULL; i++) {
		assert_int_equal(
			sw_nexmark_options_get(&options, option->name, text, sizeof(text)), 0);
		assert_string_equal(text, option->default_text);
		assert_ptr_equal(sw_nexmark_option_find(option->name), option);
		assert_true(strlen(option->help) > 0);
	}
	assert_int_equal(i, 27);
	assert_int_equal(sw_nexmark_options_check(&options, &error), 0);
}

static void both_spellings_set(void **unused)
{
	(void)unused;
	assert_int_equal(sw_nexmark_options_set(&options, "first-event-rate", "123", &error), 0);
	assert_int_equal(options.first_event_rate, 123);
	assert_int_equal(sw_nexmark_options_set(&options, "firstEventRate", "456", &error), 0);
	assert_int_equal(options.first_event_rate, 456);
	assert_int_equal(sw_nexmark_options_set(&options, "rateShape", "SQUARE", &error), 0);
	assert_int_equal(options.rate_shape, SW_RATE_SQUARE);
	assert_int_equal(sw_nexmark_options_set(&options, "rate-unit", "per_minute", &error), 0);
	assert_int_equal(options.rate_unit, SW_RATE_PER_MINUTE);
	assert_int_equal(sw_nexmark_options_set(&options, "probDelayedEvent", "0.25", &error), 0);
	assert_true(options.prob_delayed_event == 0.25);
	assert_int_equal(sw_nexmark_options_set(&options, "double-person-offset", NULL, &error), 0);
	assert_true(options.double_person_offset);
	assert_int_equal(
		sw_nexmark_options_set(&options, "doublePersonOffset", "false", &error), 0);
	assert_false(options.double_person_offset);
}

static void what_is_set_is_what_is_got(void **unused)
{
	static const char *const set[][2] = { { "num-events", "4503599627370496" },
		{ "rate-shape", "SQUARE" }, { "rate-unit", "PER_MINUTE" },
		{ "prob-delayed-event", "0.125" }, { "double-person-offset", "true" },
		{ "base-time", "-5" } };
	char text[64];

	(void)unused;
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		assert_int_equal(sw_nexmark_options_set(&options, set[i][0], set[i][1], &error), 0);
		assert_int_equal(
			sw_nexmark_options_get(&options, set[i][0], text, sizeof(text)), 0);
		assert_string_equal(text, set[i][1]);
	}
	assert_int_equal(sw_nexmark_options_get(&options, "num-events", text, 5), -ENOSPC);
	assert_int_equal(sw_nexmark_options_get(&options, "nothing", text, 5), -ENOENT);
}

static void refuse(const char *name, const char *text, int code)
{
	const struct sw_nexmark_options before = options;

	error.text[0] = '\0';
	assert_int_equal(sw_nexmark_options_set(&options, name, text, &error), code);
	assert_int_equal(error.code, code);
	assert_memory_equal(&before, &options, sizeof(options));
	if (strstr(error.text, name) != error.text)
		fail_msg("'%s' does not name %s", error.text, name);
}

static void bad_values_are_named(void **unused)
{
	(void)unused;
	refuse("no-such-option", "1", -ENOENT);
	refuse("first-event-rate-with-a-name-that-is-far-too-long-to-be-one", "1", -ENOENT);
	refuse("num-events", "", -EINVAL);
	refuse("num-events", NULL, -EINVAL);
	refuse("num-events", "12x", -EINVAL);
	refuse("num-events", " 12", -EINVAL);
	refuse("num-events", "1e6", -EINVAL);
	refuse("num-events", "-1", -ERANGE);
	refuse("num-events", "99999999999999999999", -ERANGE);
	refuse("first-event-rate", "0", -ERANGE);
	refuse("next-event-rate", "-3", -ERANGE);
	refuse("hot-auction-ratio", "0", -ERANGE);
	refuse("hot-sellers-ratio", "0", -ERANGE);
	refuse("hot-bidders-ratio", "0", -ERANGE);
	refuse("out-of-order-group-size", "0", -ERANGE);
	refuse("avg-bid-byte-size", "-1", -ERANGE);
	refuse("avg-bid-byte-size", "16385", -ERANGE);
	refuse("num-event-generators", "0", -ERANGE);
	refuse("prob-delayed-event", "1.5", -ERANGE);
	refuse("prob-delayed-event", "nan", -EINVAL);
	refuse("prob-delayed-event", "often", -EINVAL);
	refuse("rate-shape", "COSINE", -EINVAL);
	refuse("rate-unit", "PER_HOUR", -EINVAL);
	refuse("double-person-offset", "maybe", -EINVAL);
}

static void refuse_all(int code, const char *name)
{
	error.text[0] = '\0';
	assert_int_equal(sw_nexmark_options_check(&options, &error), code);
	if (strstr(error.text, name) == NULL)
		fail_msg("'%s' does not name %s", error.text, name);
	fresh(NULL);
}

static void what_does_not_fit_together_is_refused(void **unused)
{
	(void)unused;
	options.size = 8;
	refuse_all(-EINVAL, "options");
	options.first_event_rate = 0;
	refuse_all(-ERANGE, "first-event-rate");
	options.prob_delayed_event = 2;
	refuse_all(-ERANGE, "prob-delayed-event");
	options.person_proportion = options.auction_proportion = options.bid_proportion = 0;
	refuse_all(-EINVAL, "proportion");
	options.generator = 1;
	refuse_all(-ERANGE, "generator");
	options.generator = 4;
	options.num_event_generators = 5;
	assert_int_equal(sw_nexmark_options_check(&options, &error), 0);
	/* Ten steps of one second each, and a minute between two events. */
	options.first_event_rate = 1;
	options.next_event_rate = 2;
	options.rate_unit = SW_RATE_PER_MINUTE;
	options.rate_period_sec = 10;
	refuse_all(-ERANGE, "rate-period-sec");
	/* 2^52 events, one a minute: beyond any clock. */
	options.num_events = INT64_C(1) << 52;
	options.num_event_generators = 1000000;
	options.first_event_rate = options.next_event_rate = 1;
	options.rate_unit = SW_RATE_PER_MINUTE;
	refuse_all(-ERANGE, "num-events");
}

static void zeros_that_mean_something_are_allowed(void **unused)
{
	(void)unused;
	options.num_events = 0;
	options.num_in_flight_auctions = options.num_active_people = 0;
	options.avg_person_byte_size = options.avg_auction_byte_size = 0;
	options.avg_bid_byte_size = 0;
	options.base_time = 0;
	assert_int_equal(sw_nexmark_options_check(&options, &error), 0);
}

/* A share of no events must not be taken for a stream without end. */
static void an_empty_share_is_refused(void **unused)
{
	struct sw_nexmark_generator *generator;

	(void)unused;
	options.num_events = 3;
	options.num_event_generators = 4;
	options.generator = 0;
	assert_int_equal(sw_nexmark_generator_create(&options, &generator, &error), -EINVAL);
	assert_non_null(strstr(error.text, "it has none"));
	options.generator = 3;
	assert_int_equal(sw_nexmark_generator_create(&options, &generator, &error), 0);
	assert_int_equal(sw_nexmark_events(generator), 3);
	sw_nexmark_generator_destroy(generator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults_are_what_the_table_says, fresh),
		cmocka_unit_test_setup(both_spellings_set, fresh),
		cmocka_unit_test_setup(what_is_set_is_what_is_got, fresh),
		cmocka_unit_test_setup(bad_values_are_named, fresh),
		cmocka_unit_test_setup(what_does_not_fit_together_is_refused, fresh),
		cmocka_unit_test_setup(zeros_that_mean_something_are_allowed, fresh),
		cmocka_unit_test_setup(an_empty_share_is_refused, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

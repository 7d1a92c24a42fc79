/* SPDX-License-Identifier: MIT */
/*
 * Environments that are started before they are needed: how many, how often, at what price. By a
 * clock of the test's own (io_stand.h).
 */
#include <string.h>

#include "tests/burst/io_stand.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#define SECOND 1000ull

static uint64_t seed;

static void environments_are_prewarmed(void **unused)
{
	struct stand *stand = stand_create(seed);
	struct sw_burst_stats stats;

	(void)unused;
	stand->options.prewarm = 7;
	stand_open(stand);
	stand_run(stand, 20 * SECOND, 0, 8);
	stats = stand_stats(stand);
	assert_int_equal(stats.prewarms, 7);
	assert_int_equal(stats.attempts, 7);
	assert_int_equal(stats.inflight_max, 7);
	assert_int_equal(atomic_load(&stand->fake.counts.empty), 7);
	assert_true(stats.usd > 7 * 0.0000002);
	stand_run(stand, SECOND, 100, 8);
	stand_drain(stand);
	assert_int_equal(stand->merged, 100);
	stand_close(stand);
}

static void prewarms_are_repeated_where_that_is_asked(void **unused)
{
	struct stand *stand = stand_create(seed);
	uint64_t requests;

	(void)unused;
	stand->options.prewarm = 5;
	stand->options.prewarm_every_s = 10;
	stand->options.max_invocations = 23;
	stand_open(stand);
	stand_run(stand, 35 * SECOND, 0, 8);
	assert_int_equal(stand_stats(stand).prewarms, 20);
	/* No cap is passed. */
	stand_run(stand, 30 * SECOND, 0, 8);
	assert_int_equal(stand_stats(stand).prewarms, 23);
	requests = atomic_load(&stand->fake.counts.requests);
	assert_int_equal(requests, 23);
	stand_close(stand);
}

/* They fail like all others: the breaker opens, nothing is sent again, and the budget counts. */
static void prewarms_may_fail(void **unused)
{
	for (int fault = FAKE_ERROR; fault <= FAKE_REFUSE; fault++) {
		struct stand *stand = stand_create(seed);

		(void)unused;
		stand->options.prewarm = 5;
		stand->options.deadline_ms = 500;
		stand->fake.options.shares[fault] = 1000;
		stand_open(stand);
		stand_run(stand, 3 * SECOND, 0, 8);
		assert_int_equal(stand_stats(stand).prewarms, 5);
		assert_int_equal(stand_stats(stand).attempts, 5);
		assert_int_equal(stand->io->busy, 0);
		stand_close(stand);
	}
}

static void prewarms_have_a_limit(void **unused)
{
	struct sw_burst_options options = SW_BURST_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct sw_burst *burst;

	(void)unused;
	options.policy = "none";
	options.max_inflight = 8;
	options.prewarm = 9;
	assert_int_not_equal(sw_burst_create(&options, &burst, &error), 0);
	assert_non_null(strstr(error.text, "prewarm: 9: more than may be in flight"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environments_are_prewarmed),
		cmocka_unit_test(prewarms_are_repeated_where_that_is_asked),
		cmocka_unit_test(prewarms_may_fail),
		cmocka_unit_test(prewarms_have_a_limit),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */

/* Against values of Java's own java.util.Random. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nexmark/random_private.h"

static void ints_are_javas(void **unused)
{
	uint64_t state = random_seed(42);

	(void)unused;
	assert_int_equal(random_int(&state), -1170105035);
	assert_int_equal(random_int(&state), 234785527);
	state = random_seed(0);
	assert_int_equal(random_int(&state), -1155484576);
	assert_int_equal(random_int(&state), -723955400);
}

static void bounded_ints_are_javas(void **unused)
{
	static const int32_t hundred[] = { 30, 63, 48, 84 };
	static const int32_t ten[] = { 0, 3, 8, 4 };
	uint64_t state = random_seed(42);

	(void)unused;
	for (int i = 0; i < 4; i++)
		assert_int_equal(random_below(&state, 100), hundred[i]);
	state = random_seed(42);
	for (int i = 0; i < 4; i++)
		assert_int_equal(random_below(&state, 10), ten[i]);
	/* A power of two takes the upper bits: nextInt(2) is the top one. */
	state = random_seed(42);
	assert_int_equal(random_below(&state, 2), 1);
}

static void doubles_are_javas(void **unused)
{
	uint64_t state = random_seed(42);

	(void)unused;
	assert_true((double)(int64_t)random_53(&state) * 0x1p-53 == 0.7275636800328681);
	assert_true((double)(int64_t)random_53(&state) * 0x1p-53 == 0.6832234717598454);
}

static void longs_are_javas(void **unused)
{
	uint64_t state = random_seed(42);

	(void)unused;
	assert_true(random_long(&state) == INT64_C(-5025562857975149833));
	assert_true(random_long(&state) == INT64_C(-5843495416241995736));
}

static void draws_that_do_not_fit_are_repeated(void **unused)
{
	const int32_t bound = (1 << 30) + 1; /* nearly half of all draws are thrown away */
	uint64_t state = random_seed(7), steps = state;
	int repeated = 0;

	(void)unused;
	for (int i = 0; i < 1000; i++) {
		const int32_t r = random_below(&state, bound);

		assert_in_range(r, 0, bound - 1);
		for (steps = random_step(steps); steps != state; steps = random_step(steps))
			repeated++;
		assert_int_equal(r, steps >> 17);
	}
	assert_in_range(repeated, 800, 1200);
}

static void seeds_lose_bits_above_48(void **unused)
{
	(void)unused;
	assert_true(random_seed(5) == random_seed(5 + (UINT64_C(1) << 48)));
	assert_true(random_seed(5) != random_seed(5 + (UINT64_C(1) << 47)));
}

static void bounds_of_a_long_use_longs(void **unused)
{
	uint64_t state = random_seed(42), other = random_seed(42);

	(void)unused;
	/* |-5025562857975149833 rem 2^31 - 1| */
	assert_true(random_long_below(&state, INT32_MAX) == 5025562857975149833 % INT32_MAX);
	assert_true(random_long_below(&other, 100) == 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ints_are_javas),
		cmocka_unit_test(bounded_ints_are_javas),
		cmocka_unit_test(doubles_are_javas),
		cmocka_unit_test(longs_are_javas),
		cmocka_unit_test(draws_that_do_not_fit_are_repeated),
		cmocka_unit_test(seeds_lose_bits_above_48),
		cmocka_unit_test(bounds_of_a_long_use_longs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

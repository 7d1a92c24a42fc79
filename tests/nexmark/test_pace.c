/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "nexmark/pace.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

static uint64_t seed;

static void steps_follow_each_other(void **unused)
{
	/* 2 events in 10 ns, a pause of 5 ns, 3 in 7 ns. */
	const struct sw_nexmark_pace pace = { 3, { { 10, 2 }, { 5, 0 }, { 7, 3 } } };
	const uint64_t due[] = { 0, 5, 15, 17, 19, 22, 27, 37 };

	(void)unused;
	assert_int_equal(sw_nexmark_pace_check(&pace, NULL), 0);
	for (uint64_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		assert_int_equal(sw_nexmark_pace_due_ns(&pace, i), due[i]);
		assert_int_equal(sw_nexmark_pace_events(&pace, due[i]), i + 1);
	}
	assert_int_equal(sw_nexmark_pace_events(&pace, 14), 2);
	assert_int_equal(sw_nexmark_pace_events(&pace, 21), 5);
}

/* Each is the other's inverse, whatever the steps. */
static void agrees_with_itself(void **unused)
{
	(void)unused;
	for (int round = 0; round < 2000; round++) {
		struct sw_nexmark_pace pace = { .steps = 1 + (uint32_t)random_below(&seed, 5) };
		uint64_t before = 0;

		for (uint32_t i = 0; i < pace.steps; i++) {
			pace.step[i].ns =
				1 + random_below(&seed, random_below(&seed, 2) ? 50 : 1000000000);
			pace.step[i].events =
				random_below(&seed, random_below(&seed, 2) ? 5 : 1000000);
		}
		pace.step[random_below(&seed, pace.steps)].events++;
		for (int i = 0; i < 100; i++) {
			const uint64_t event = random_below(&seed, i < 50 ? 20 : 1u << 30);
			const uint64_t ns = sw_nexmark_pace_due_ns(&pace, event);

			assert_true(sw_nexmark_pace_events(&pace, ns) > event);
			assert_true(ns == 0 || sw_nexmark_pace_events(&pace, ns - 1) <= event);
		}
		for (uint64_t event = 0; event < 50; event++) {
			const uint64_t ns = sw_nexmark_pace_due_ns(&pace, event);

			assert_true(ns >= before);
			before = ns;
		}
	}
}

static void never_overflows(void **unused)
{
	const struct sw_nexmark_pace slow = { 1, { { 3600000000000, 1 } } };
	const struct sw_nexmark_pace fast = { 1, { { 1, 1000000000 } } };

	(void)unused;
	assert_int_equal(sw_nexmark_pace_due_ns(&slow, UINT64_MAX), UINT64_MAX);
	assert_int_equal(sw_nexmark_pace_events(&fast, UINT64_MAX), UINT64_MAX);
	assert_int_equal(sw_nexmark_pace_events(&slow, UINT64_MAX), UINT64_MAX / 3600000000000 + 1);
}

static void bad_steps_are_named(void **unused)
{
	static const struct {
		struct sw_nexmark_pace pace;
		const char *text;
	} cases[] = {
		{ { 0, { { 1, 1 } } }, "pace: 0 steps (1 to 64)" },
		{ { 65, { { 1, 1 } } }, "pace: 65 steps (1 to 64)" },
		{ { 2, { { 1, 1 }, { 0, 1 } } }, "pace: step 1: 1 events in 0 ns" },
		{ { 1, { { 3600000000001, 1 } } }, "pace: step 0: 1 events in 3600000000001 ns" },
		{ { 1, { { 1, 1000000001 } } }, "pace: step 0: 1000000001 events" },
		{ { 2, { { 1, 0 }, { 1, 0 } } }, "pace: no step has an event" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sw_error error = { 0 };

		assert_int_equal(sw_nexmark_pace_check(&cases[i].pace, &error), -EINVAL);
		if (strncmp(error.text, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("%s", error.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_follow_each_other),
		cmocka_unit_test(agrees_with_itself),
		cmocka_unit_test(never_overflows),
		cmocka_unit_test(bad_steps_are_named),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

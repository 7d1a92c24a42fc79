/* SPDX-License-Identifier: MIT */

/* Days and minutes against the C library's calendar. */

#include "nexmark/days_private.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t seed;

static void check(int64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
	char text[SW_GROUP_TEXT_BYTES], expected[64];
	struct sw_text made;
	struct tm tm;
	int size;

	assert_non_null(gmtime_r(&seconds, &tm));
	size = snprintf(expected, sizeof(expected), "%s%04ld-%02d-%02d",
		tm.tm_year < -1900 ? "-" : "", labs(tm.tm_year + 1900L), tm.tm_mon + 1, tm.tm_mday);
	made = day_text(day_of(time_ms), text);
	assert_int_equal(made.size, size);
	assert_memory_equal(made.bytes, expected, made.size);
	size = snprintf(expected, sizeof(expected), "%02d:%02d", tm.tm_hour, tm.tm_min);
	made = minute_text(time_ms, text);
	assert_int_equal(made.size, size);
	assert_memory_equal(made.bytes, expected, made.size);
}

static void days_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	/* Each day of 800 years, its first instant and the one before. */
	for (int64_t day = -400 * 366; day < 400 * 366; day++) {
		check(day * DAY_MS);
		check(day * DAY_MS - 1);
	}
	/* As far as files' times go. */
	for (int i = 0; i < 100000; i++)
		check((int64_t)(random_next(&state) >> 10) - ((int64_t)1 << 53));
	check((int64_t)1 << 53);
	check(-((int64_t)1 << 53));
}

/* What a function may be handed does no harm. */
static void days_are_defined(void **unused)
{
	static const int64_t times[] = { INT64_MIN, INT64_MIN + 1, INT64_MAX };
	char text[SW_GROUP_TEXT_BYTES];

	(void)unused;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		assert_in_range(day_text(day_of(times[i]), text).size, 10, SW_GROUP_TEXT_BYTES);
		assert_int_equal(minute_text(times[i], text).size, 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_are_right),
		cmocka_unit_test(days_are_defined),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "runtime/api.h"
#include "runtime/clock.h"

static void test_sets_code_and_text(void **state)
{
	struct sw_error error;

	(void)state;
	assert_int_equal(sw_error_set(&error, -EINVAL, "ring %d: %s", 7, "too small"), -EINVAL);
	assert_int_equal(error.code, -EINVAL);
	assert_string_equal(error.text, "ring 7: too small");
}

static void test_without_detail(void **state)
{
	(void)state;
	errno = ENOENT;
	assert_int_equal(sw_error_set(NULL, -EIO, "nobody reads this"), -EIO);
	assert_int_equal(errno, ENOENT);
}

static void test_long_text_is_cut(void **state)
{
	struct sw_error error;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)sw_error_set(&error, -EIO, "%s", text);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
}

static void test_version(void **state)
{
	(void)state;
	assert_true(strspn(sw_version(), "0123456789.") == strlen(sw_version()));
	assert_true(strlen(sw_version()) >= 5);
}

static void test_burn_ends_after_its_time(void **state)
{
	uint64_t until = sw_now_ns() + 100000;

	(void)state;
	sw_burn_until(until);
	assert_true(sw_now_ns() >= until);
	sw_burn_until(0); /* in the past: returns */
	assert_true(sw_wall_ms() > 1600000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_code_and_text),
		cmocka_unit_test(test_without_detail),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_burn_ends_after_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

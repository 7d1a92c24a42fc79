/* SPDX-License-Identifier: MIT */

/* A changelog's fold against counts kept by hand, through growth and many removals. */

#include "operators/line_fold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#define LINES 5000

struct tally {
	unsigned counts[LINES];
	size_t lines;
};

static size_t spell(unsigned number, char line[64])
{
	/* Some are alike up to their last bytes, one is empty. */
	if (number == 0)
		return 0;
	return (size_t)snprintf(line, 64, "%0*u,\"x\ny\"", (int)(number % 17) + 1, number);
}

static int count_line(void *context, const char *line, size_t bytes)
{
	struct tally *tally = context;
	unsigned number = 0;
	char expected[64];

	if (bytes > 0)
		assert_int_equal(sscanf(line, "%u", &number), 1);
	assert_true(number < LINES);
	assert_int_equal(bytes, spell(number, expected));
	assert_memory_equal(line, expected, bytes);
	tally->counts[number]++;
	tally->lines++;
	return 0;
}

static void random_changes(void **unused)
{
	static struct tally expected, found;
	struct sw_line_fold fold = { 0 };
	uint64_t state = random_seed();
	char line[64] = "";

	(void)unused;
	assert_int_equal(sw_line_fold_remove(&fold, "", 0), -ENOENT);
	for (unsigned i = 0; i < 400000; i++) {
		/* Few lines live at a time, all of them some time. */
		unsigned number = (unsigned)((i / 100 + random_below(&state, 200)) % LINES);
		size_t bytes = spell(number, line);

		if (random_below(&state, 2) == 0) {
			assert_int_equal(sw_line_fold_add(&fold, line, bytes), 0);
			expected.counts[number]++;
			expected.lines++;
		} else if (expected.counts[number] == 0) {
			assert_int_equal(sw_line_fold_remove(&fold, line, bytes), -ENOENT);
		} else {
			assert_int_equal(sw_line_fold_remove(&fold, line, bytes), 0);
			expected.counts[number]--;
			expected.lines--;
		}
	}
	assert_int_equal(sw_line_fold_each(&fold, count_line, &found), 0);
	assert_memory_equal(&found, &expected, sizeof(found));
	sw_line_fold_fini(&fold);
}

/* What comes and goes for ever needs no more room than what is there at a time. */
static void constant_memory(void **unused)
{
	struct sw_line_fold fold = { 0 };
	size_t early = 0;
	char line[64];

	(void)unused;
	for (unsigned i = 0; i < 1000000; i++) {
		int size = snprintf(line, sizeof(line), "line %u", i);

		assert_int_equal(sw_line_fold_add(&fold, line, (size_t)size), 0);
		if (i >= 10) {
			size = snprintf(line, sizeof(line), "line %u", i - 10);
			assert_int_equal(sw_line_fold_remove(&fold, line, (size_t)size), 0);
		}
		if (i == 10000)
			early = sw_line_fold_bytes(&fold);
	}
	assert_true(sw_line_fold_bytes(&fold) <= 2 * early);
	sw_line_fold_fini(&fold);
}

static int stop(void *context, const char *line, size_t bytes)
{
	(void)line;
	(void)bytes;
	++*(int *)context;
	return -EIO;
}

static void each_stops(void **unused)
{
	struct sw_line_fold fold = { 0 };
	int calls = 0;

	(void)unused;
	for (int i = 0; i < 3; i++)
		assert_int_equal(sw_line_fold_add(&fold, "same", 4), 0);
	assert_int_equal(sw_line_fold_each(&fold, stop, &calls), -EIO);
	assert_int_equal(calls, 1);
	sw_line_fold_fini(&fold);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(constant_memory),
		cmocka_unit_test(each_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

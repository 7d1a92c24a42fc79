/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <math.h>

#include "runtime/histogram.h"
#include "tests/runtime/random.h"

struct fixture {
	struct sw_histogram *histogram;
	struct sw_histogram_snapshot *snapshot;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->histogram = sw_histogram_create(-1);
	fixture->snapshot = sw_histogram_snapshot_create();
	*state = fixture;
	return fixture->histogram && fixture->snapshot ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	sw_histogram_destroy(fixture->histogram);
	sw_histogram_snapshot_destroy(fixture->snapshot);
	free(fixture);
	return 0;
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	sw_histogram_snapshot_add(f->snapshot, f->histogram);
	assert_int_equal(sw_histogram_snapshot_count(f->snapshot), 0);
	assert_int_equal(sw_histogram_snapshot_quantile(f->snapshot, 0.5), 0);
	assert_int_equal(sw_histogram_snapshot_max(f->snapshot), 0);
	assert_true(sw_histogram_snapshot_mean(f->snapshot) == 0);
}

/* Any value alone comes back as itself (the maximum is exact), whatever its magnitude. */
static void test_one_value(void **state)
{
	struct fixture *f = *state;
	uint64_t random = random_seed();

	for (unsigned i = 0; i < 2000; i++) {
		uint64_t value = random_next(&random) >> (i % 64);
		struct sw_histogram *histogram = sw_histogram_create(-1);

		sw_histogram_record(histogram, value, 3);
		sw_histogram_snapshot_clear(f->snapshot);
		sw_histogram_snapshot_add(f->snapshot, histogram);
		assert_int_equal(sw_histogram_snapshot_count(f->snapshot), 3);
		assert_int_equal(sw_histogram_snapshot_max(f->snapshot), value);
		assert_int_equal(sw_histogram_snapshot_quantile(f->snapshot, 0), value);
		assert_int_equal(sw_histogram_snapshot_quantile(f->snapshot, 1), value);
		assert_true(fabs(sw_histogram_snapshot_mean(f->snapshot) - (double)value) <=
			    (double)value * 1e-9);
		sw_histogram_destroy(histogram);
	}
	sw_histogram_record(f->histogram, UINT64_MAX, 1);
	sw_histogram_snapshot_clear(f->snapshot);
	sw_histogram_snapshot_add(f->snapshot, f->histogram);
	assert_true(sw_histogram_snapshot_quantile(f->snapshot, 0.5) == UINT64_MAX);
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Quantiles of many values are right up to 1/64, and never too low. */
static void test_quantiles(void **state)
{
	static const double asked[] = { 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
	enum { COUNT = 20000 };
	static uint64_t values[COUNT];
	struct fixture *f = *state;
	uint64_t random = random_seed();

	for (unsigned i = 0; i < COUNT; i++) {
		values[i] = random_next(&random) >> (10 + random_below(&random, 50));
		sw_histogram_record(f->histogram, values[i], 1);
	}
	sw_histogram_record(f->histogram, 5, 0); /* nothing */
	qsort(values, COUNT, sizeof(values[0]), by_value);
	sw_histogram_snapshot_add(f->snapshot, f->histogram);
	assert_int_equal(sw_histogram_snapshot_count(f->snapshot), COUNT);
	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		uint64_t got = sw_histogram_snapshot_quantile(f->snapshot, asked[i]);
		uint64_t right = values[(unsigned)ceil(asked[i] * COUNT) - 1];

		assert_true(got >= right);
		assert_true((double)(got - right) <= (double)right / 64);
	}
	assert_int_equal(sw_histogram_snapshot_max(f->snapshot), values[COUNT - 1]);
}

static void test_sum_and_difference(void **state)
{
	struct fixture *f = *state;
	struct sw_histogram *other = sw_histogram_create(-1);
	struct sw_histogram_snapshot *earlier = sw_histogram_snapshot_create();

	sw_histogram_record(f->histogram, 1000000, 10);
	sw_histogram_record(other, 7, 5);
	sw_histogram_snapshot_add(earlier, f->histogram);
	sw_histogram_snapshot_add(earlier, other);
	assert_int_equal(sw_histogram_snapshot_count(earlier), 15);
	assert_int_equal(sw_histogram_snapshot_quantile(earlier, 0.3), 7);
	assert_int_equal(sw_histogram_snapshot_quantile(earlier, 0.4), 1000000);
	sw_histogram_record(other, 50, 30);
	sw_histogram_record(f->histogram, 60, 10);
	sw_histogram_snapshot_add(f->snapshot, f->histogram);
	sw_histogram_snapshot_add(f->snapshot, other);
	sw_histogram_snapshot_subtract(f->snapshot, earlier);
	assert_int_equal(sw_histogram_snapshot_count(f->snapshot), 40);
	assert_int_equal(sw_histogram_snapshot_max(f->snapshot), 60);
	assert_int_equal(sw_histogram_snapshot_quantile(f->snapshot, 0.5), 50);
	assert_int_equal(sw_histogram_snapshot_quantile(f->snapshot, 0.99), 60);
	assert_true(fabs(sw_histogram_snapshot_mean(f->snapshot) - 52.5) < 1e-6);
	sw_histogram_snapshot_destroy(earlier);
	sw_histogram_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quantiles, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sum_and_difference, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

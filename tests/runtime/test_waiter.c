/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "runtime/clock.h"
#include "runtime/waiter.h"

#define NS_PER_MS 1000000u

static void test_deadline(void **state)
{
	struct sw_waiter *waiter = sw_waiter_create();
	uint64_t deadline = sw_now_ns() + 20 * NS_PER_MS;

	(void)state;
	assert_non_null(waiter);
	sw_waiter_wait(waiter, sw_waiter_prepare(waiter), deadline);
	assert_true(sw_now_ns() >= deadline);
	/* In the past: returns. */
	sw_waiter_wait(waiter, sw_waiter_prepare(waiter), 1);
	sw_waiter_destroy(waiter);
	sw_waiter_destroy(NULL);
}

/* With no deadline at all: a test that hangs here is killed. */
static void test_notify_between_prepare_and_wait(void **state)
{
	struct sw_waiter *waiter = sw_waiter_create();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t value = sw_waiter_prepare(waiter);

		for (unsigned k = 0; k <= i % 3; k++)
			sw_waiter_notify(waiter);
		sw_waiter_wait(waiter, value, UINT64_MAX);
	}
	sw_waiter_destroy(waiter);
}

/* Nobody hears what came before prepare. */
static void test_notify_before_prepare(void **state)
{
	struct sw_waiter *waiter = sw_waiter_create();
	uint64_t deadline = sw_now_ns() + 5 * NS_PER_MS;

	(void)state;
	sw_waiter_notify(waiter);
	sw_waiter_wait(waiter, sw_waiter_prepare(waiter), deadline);
	assert_true(sw_now_ns() >= deadline);
	sw_waiter_destroy(waiter);
}

static void *sleep_once(void *waiter)
{
	sw_waiter_wait(waiter, sw_waiter_prepare(waiter), UINT64_MAX);
	return NULL;
}

static void test_wakes_a_sleeper(void **state)
{
	struct sw_waiter *waiter = sw_waiter_create();
	struct timespec limit;
	pthread_t sleeper;
	int rc;

	(void)state;
	errno = ENOENT;
	assert_int_equal(pthread_create(&sleeper, NULL, sleep_once, waiter), 0);
	do {
		/* Again, since the thread may not have prepared yet. */
		sw_waiter_notify(waiter);
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_nsec = (limit.tv_nsec + 1000000) % 1000000000;
		rc = pthread_timedjoin_np(sleeper, NULL, &limit);
	} while (rc == ETIMEDOUT);
	assert_int_equal(rc, 0);
	assert_int_equal(errno, ENOENT); /* it may be called in a signal handler */
	sw_waiter_destroy(waiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_notify_between_prepare_and_wait),
		cmocka_unit_test(test_notify_before_prepare),
		cmocka_unit_test(test_wakes_a_sleeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

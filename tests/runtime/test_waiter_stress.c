/* SPDX-License-Identifier: MIT */
/*
 * Lost wake-ups: two threads push into rings and notify, one pops and sleeps whenever both rings
 * are empty. Producers stop at random until the sleeper has had everything, so it sleeps all the
 * time. A sleep ends at a deadline far away only if a wake-up was lost; then there is work in a
 * ring, and the test fails.
 */
#include "tests/runtime/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/clock.h"
#include "runtime/ring.h"
#include "runtime/waiter.h"
#include "tests/runtime/moment.h"
#include "tests/runtime/random.h"

#define PRODUCERS 2
#define ITEMS     60000
#define FAR_NS    20000000000u

struct producer {
	struct sw_ring *ring;
	struct sw_waiter *waiter;
	uint64_t seed;
	uint64_t *values;                     /* ITEMS, plain memory */
	_Alignas(128) _Atomic uint64_t taken; /* consumer tells */
};

static void *produce(void *context)
{
	struct producer *producer = context;
	uint64_t random = producer->seed;
	uint32_t waits = 0;

	for (uint64_t i = 0; i < ITEMS; i++) {
		producer->values[i] = i + 1;
		while (!sw_ring_push(producer->ring, &producer->values[i]))
			wait_a_moment(&waits);
		sw_waiter_notify(producer->waiter);
		if (random_below(&random, 4) == 0) {
			/* Relaxed: only to let the consumer fall asleep. */
			while (atomic_load_explicit(&producer->taken, memory_order_relaxed) <= i)
				wait_a_moment(&waits);
			for (uint32_t spin = random_below(&random, 2000); spin > 0; spin--)
				sw_cpu_relax();
		}
	}
	return NULL;
}

static uint64_t take_all(struct producer *producers, uint64_t *next)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < PRODUCERS; i++) {
		uint64_t *value;

		while ((value = sw_ring_pop(producers[i].ring))) {
			assert_int_equal(*value, ++next[i]);
			atomic_store_explicit(&producers[i].taken, next[i], memory_order_relaxed);
			found++;
		}
	}
	return found;
}

static uint64_t consume(struct producer *producers, struct sw_waiter *waiter)
{
	uint64_t next[PRODUCERS] = { 0 };
	uint64_t total = 0, sleeps = 0;

	while (total < (uint64_t)PRODUCERS * ITEMS) {
		uint64_t deadline = sw_now_ns() + FAR_NS;
		uint32_t value = sw_waiter_prepare(waiter);
		uint64_t found = take_all(producers, next);

		total += found;
		if (found)
			continue;
		sw_waiter_wait(waiter, value, deadline);
		sleeps++;
		assert_true(sw_now_ns() < deadline);
	}
	return sleeps;
}

static void test_no_wake_up_is_lost(void **state)
{
	struct sw_waiter *waiter = sw_waiter_create();
	static struct producer producers[PRODUCERS];
	pthread_t threads[PRODUCERS];
	uint64_t seed = random_seed();
	uint64_t sleeps;

	(void)state;
	for (unsigned i = 0; i < PRODUCERS; i++) {
		producers[i].ring = sw_ring_create(4, -1);
		producers[i].waiter = waiter;
		producers[i].seed = random_next(&seed);
		producers[i].values = calloc(ITEMS, sizeof(uint64_t));
		assert_non_null(producers[i].values);
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	sleeps = consume(producers, waiter);
	printf("%llu sleeps\n", (unsigned long long)sleeps);
	assert_true(sleeps > 0);
	for (unsigned i = 0; i < PRODUCERS; i++) {
		pthread_join(threads[i], NULL);
		sw_ring_destroy(producers[i].ring);
		free(producers[i].values);
	}
	sw_waiter_destroy(waiter);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_wake_up_is_lost) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

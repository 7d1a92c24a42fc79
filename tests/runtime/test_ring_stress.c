/* SPDX-License-Identifier: MIT */
/*
 * Two threads on one ring, with a third that samples it. What is behind each pointer is written and
 * read without atomics, so a missing edge is a data race for ThreadSanitizer; order and count are
 * checked by the numbers. Tiny rings wrap all the time.
 */
#include "tests/runtime/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "runtime/ring.h"
#include "tests/runtime/moment.h"
#include "tests/runtime/random.h"

#define BURST_MAX 48

struct payload {
	uint64_t number;
	uint64_t check;
};

struct run {
	struct sw_ring *ring;
	struct sw_ring *home; /* payloads back to the producer */
	uint64_t items;
	uint64_t seed;
	_Alignas(128) _Atomic uint64_t watermark; /* number of items pushed, told after pushing */
	_Alignas(128) atomic_bool ended;
	struct payload *payloads;
	uint32_t payload_count;
	uint64_t sampled_wrong, samples;
};

static void *produce(void *context)
{
	struct run *run = context;
	uint64_t random = run->seed | 1, next = 0;
	uint32_t waits = 0;
	void *free_items[BURST_MAX], *batch[BURST_MAX];

	for (uint32_t i = 0; i < run->payload_count; i++)
		if (!sw_ring_push(run->home, &run->payloads[i]))
			abort();
	while (next < run->items) {
		uint32_t wanted = 1 + random_below(&random, BURST_MAX);
		uint32_t count, done = 0;

		if (wanted > run->items - next)
			wanted = (uint32_t)(run->items - next);
		count = sw_ring_pop_many(run->home, free_items, wanted);
		for (uint32_t i = 0; i < count; i++) {
			struct payload *payload = free_items[i];

			payload->number = next + i;
			payload->check = ~(next + i);
			batch[i] = payload;
		}
		if (count == 0)
			wait_a_moment(&waits);
		while (done < count) {
			uint32_t pushed =
				random_below(&random, 2)
					? sw_ring_push_many(run->ring, batch + done, count - done)
					: sw_ring_push(run->ring, batch[done]);

			done += pushed;
			if (!pushed)
				wait_a_moment(&waits);
		}
		next += count;
		/* Release: what was pushed counts once this is seen. */
		atomic_store_explicit(&run->watermark, next, memory_order_release);
	}
	return NULL;
}

static void *sample(void *context)
{
	struct run *run = context;
	uint32_t waits = 0;

	while (!atomic_load_explicit(&run->ended, memory_order_relaxed)) {
		run->sampled_wrong += sw_ring_fill(run->ring) > sw_ring_capacity(run->ring);
		run->samples++;
		wait_a_moment(&waits);
	}
	return NULL;
}

/* Returns whether the item was the expected one, intact. */
static bool take(struct run *run, void *item, uint64_t expected)
{
	struct payload *payload = item;
	bool right = payload->number == expected && payload->check == ~expected;

	payload->number = payload->check = 0;
	if (!sw_ring_push(run->home, payload))
		return false;
	return right;
}

/* What a watermark covers is counted as pushed, and what is counted can be popped. */
static uint64_t take_by_watermark(struct run *run, uint64_t next)
{
	uint64_t watermark = atomic_load_explicit(&run->watermark, memory_order_acquire);
	uint64_t pushed = sw_ring_pushed(run->ring);

	assert_true(pushed >= watermark);
	assert_int_equal(sw_ring_popped(run->ring), next);
	while (next < pushed) {
		void *item = sw_ring_pop(run->ring);

		assert_non_null(item);
		assert_true(take(run, item, next++));
	}
	return next;
}

static void consume(struct run *run)
{
	uint64_t random = (run->seed ^ 0x5555) | 1, next = 0;
	uint32_t waits = 0;
	void *items[BURST_MAX];

	while (next < run->items) {
		uint64_t before = next;
		uint32_t count;

		/* Three ways, each of which must do without the others' edges. */
		switch (random_below(&random, 3)) {
		case 0:
			next = take_by_watermark(run, next);
			break;
		case 1:
			items[0] = sw_ring_pop(run->ring);
			if (items[0])
				assert_true(take(run, items[0], next++));
			break;
		default:
			count = sw_ring_pop_many(
				run->ring, items, 1 + random_below(&random, BURST_MAX));
			for (uint32_t i = 0; i < count; i++)
				assert_true(take(run, items[i], next++));
		}
		if (next == before)
			wait_a_moment(&waits);
	}
	assert_null(sw_ring_pop(run->ring));
}

static void run_ring(uint32_t slots, uint64_t items)
{
	struct run run = { .items = items, .payload_count = 4 * slots };
	pthread_t producer, sampler;

	run.seed = random_seed();
	run.ring = sw_ring_create(slots, -1);
	run.home = sw_ring_create(4 * slots, -1);
	run.payloads = calloc(run.payload_count, sizeof(*run.payloads));
	assert_true(run.ring && run.home && run.payloads);
	assert_int_equal(pthread_create(&producer, NULL, produce, &run), 0);
	assert_int_equal(pthread_create(&sampler, NULL, sample, &run), 0);
	consume(&run);
	pthread_join(producer, NULL);
	atomic_store_explicit(&run.ended, true, memory_order_relaxed);
	pthread_join(sampler, NULL);
	assert_int_equal(run.sampled_wrong, 0);
	assert_true(run.samples > 0);
	assert_int_equal(sw_ring_pushed(run.ring), items);
	assert_int_equal(sw_ring_popped(run.ring), items);
	assert_int_equal(sw_ring_fill(run.ring), 0);
	free(run.payloads);
	sw_ring_destroy(run.home);
	sw_ring_destroy(run.ring);
}

static void test_two_slots(void **state)
{
	(void)state;
	run_ring(2, 60000);
}

static void test_four_slots(void **state)
{
	(void)state;
	run_ring(4, 100000);
}

static void test_sixty_four_slots(void **state)
{
	(void)state;
	run_ring(64, 500000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_slots),
		cmocka_unit_test(test_four_slots),
		cmocka_unit_test(test_sixty_four_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

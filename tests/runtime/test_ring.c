/* SPDX-License-Identifier: MIT */
/* The ring on one thread: against a model, and at its limits. Two threads: test_ring_stress.c. */
#include "tests/runtime/cmocka_all.h"

#include "runtime/ring.h"
#include "tests/runtime/random.h"

static void *item(uintptr_t number)
{
	return (void *)(number + 1);
}

static void test_sizes(void **state)
{
	static const uint32_t asked[] = { 0, 1, 2, 3, 5, 64, 65, SW_RING_SLOTS_MAX };
	static const uint32_t got[] = { 2, 2, 2, 4, 8, 64, 128, SW_RING_SLOTS_MAX };

	(void)state;
	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct sw_ring *ring = sw_ring_create(asked[i], -1);

		assert_non_null(ring);
		assert_int_equal(sw_ring_capacity(ring), got[i]);
		sw_ring_destroy(ring);
	}
	assert_null(sw_ring_create(SW_RING_SLOTS_MAX + 1, -1));
	sw_ring_destroy(NULL);
}

static void test_empty_and_full(void **state)
{
	struct sw_ring *ring = sw_ring_create(4, 0);
	void *items[8];

	(void)state;
	assert_null(sw_ring_pop(ring));
	assert_int_equal(sw_ring_pop_many(ring, items, 8), 0);
	for (uintptr_t i = 0; i < 4; i++) {
		assert_int_equal(sw_ring_fill(ring), i);
		assert_true(sw_ring_push(ring, item(i)));
	}
	assert_int_equal(sw_ring_fill(ring), 4);
	assert_false(sw_ring_push(ring, item(9)));
	items[0] = item(9);
	assert_int_equal(sw_ring_push_many(ring, items, 1), 0);
	assert_int_equal(sw_ring_pushed(ring), 4);
	assert_int_equal(sw_ring_popped(ring), 0);
	assert_ptr_equal(sw_ring_pop(ring), item(0));
	assert_int_equal(sw_ring_pop_many(ring, items, 8), 3);
	for (uintptr_t i = 0; i < 3; i++)
		assert_ptr_equal(items[i], item(i + 1));
	assert_int_equal(sw_ring_popped(ring), 4);
	assert_int_equal(sw_ring_fill(ring), 0);
	sw_ring_destroy(ring);
}

static void test_many_takes_what_fits(void **state)
{
	struct sw_ring *ring = sw_ring_create(8, -1);
	void *items[100], *out[100];

	(void)state;
	for (uintptr_t i = 0; i < 100; i++)
		items[i] = item(i);
	assert_int_equal(sw_ring_push_many(ring, items, 0), 0);
	assert_int_equal(sw_ring_push_many(ring, items, 3), 3);
	assert_int_equal(sw_ring_push_many(ring, items + 3, 97), 5);
	assert_int_equal(sw_ring_fill(ring), 8);
	assert_int_equal(sw_ring_pop_many(ring, out, 100), 8);
	for (uintptr_t i = 0; i < 8; i++)
		assert_ptr_equal(out[i], item(i));
	sw_ring_destroy(ring);
}

/* Any sequence of operations gives what a queue of numbers gives. */
static void test_random_against_model(void **state)
{
	uint64_t random = random_seed();

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		uint32_t capacity = 2u << random_below(&random, 6);
		struct sw_ring *ring = sw_ring_create(capacity, -1);
		uint64_t pushed = 0, popped = 0;
		void *items[200];

		for (unsigned step = 0; step < 1000; step++) {
			uint32_t count = random_below(&random, 200);
			uint32_t room = capacity - (uint32_t)(pushed - popped);
			uint32_t fill = (uint32_t)(pushed - popped);
			uint32_t done;

			switch (random_below(&random, 4)) {
			case 0:
				assert_int_equal(sw_ring_push(ring, item(pushed)), room > 0);
				pushed += room > 0;
				break;
			case 1:
				for (uint32_t i = 0; i < count; i++)
					items[i] = item(pushed + i);
				/* It may stop early, not late, and not at nothing. */
				done = sw_ring_push_many(ring, items, count);
				assert_true(done <= room && done <= count);
				assert_true(done > 0 || room == 0 || count == 0);
				assert_true(done == count || room < count);
				pushed += done;
				break;
			case 2:
				assert_ptr_equal(sw_ring_pop(ring), fill ? item(popped) : NULL);
				popped += fill > 0;
				break;
			default:
				done = sw_ring_pop_many(ring, items, count);
				assert_int_equal(done, fill < count ? fill : count);
				for (uint32_t i = 0; i < done; i++)
					assert_ptr_equal(items[i], item(popped + i));
				popped += done;
			}
			assert_int_equal(sw_ring_fill(ring), pushed - popped);
			assert_int_equal(sw_ring_pushed(ring), pushed);
			assert_int_equal(sw_ring_popped(ring), popped);
		}
		sw_ring_destroy(ring);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_empty_and_full),
		cmocka_unit_test(test_many_takes_what_fits),
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The owner fills batches and hands them to two threads, which check them, spoil them and send them
 * home: each by the ring of its slot. Everything in the batches is plain memory, so a missing edge
 * on the way out or home is a data race; a batch that is handed out twice is caught by its mark.
 */
#include "tests/runtime/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>

#include "runtime/pool.h"
#include "runtime/ring.h"
#include "tests/runtime/moment.h"
#include "tests/runtime/random.h"

#define CONSUMERS  2
#define BATCHES    5
#define ROWS       16
#define ROUNDS     150000
#define OWNER_SLOT 1
#define AT_HOME    (-1)

static const struct sw_schema schema = {
	.columns = 2,
	.fields = { { .name = "id", .type = SW_INT64 }, { .name = "text", .type = SW_TEXT } },
};

struct consumer {
	struct sw_ring *ring;
	uint32_t slot;
	uint64_t batches, wrong;
	_Alignas(128) atomic_bool *ended;
};

static void *consume(void *context)
{
	struct consumer *consumer = context;
	uint32_t waits = 0;

	for (;;) {
		/* Acquire, and before the look: an end that is seen has all batches before it. */
		bool ended = atomic_load_explicit(consumer->ended, memory_order_acquire);
		struct sw_batch *batch = sw_ring_pop(consumer->ring);

		if (!batch) {
			if (ended)
				return NULL;
			wait_a_moment(&waits);
			continue;
		}
		for (uint32_t row = 0; row < ROWS; row++) {
			int64_t *ids = batch->columns[0].data;

			consumer->wrong += ids[row] != (int64_t)(batch->number + row);
			ids[row] = AT_HOME;
		}
		consumer->wrong += sw_column_text(&batch->columns[1], 0).size != 5;
		consumer->batches++;
		batch->schema = NULL;
		batch->columns[1].offsets = NULL;
		batch->rows = 12345;
		sw_pool_put(batch, consumer->slot);
	}
}

static void fill(struct sw_batch *batch, uint64_t number)
{
	int64_t *ids = batch->columns[0].data;

	assert_int_equal(batch->rows, 0);
	assert_ptr_equal(batch->schema, &schema);
	for (uint32_t row = 0; row < ROWS; row++) {
		/* Nobody has it but us. */
		assert_true(ids[row] == AT_HOME);
		ids[row] = (int64_t)(number + row);
	}
	assert_true(sw_column_append_text(&batch->columns[1], 0, "hello", 5));
	batch->rows = 1;
	batch->number = number;
}

static void mark_home(struct sw_pool *pool)
{
	struct sw_batch *all[BATCHES];

	for (unsigned i = 0; i < BATCHES; i++) {
		all[i] = sw_pool_get(pool);
		for (uint32_t row = 0; row < ROWS; row++)
			((int64_t *)all[i]->columns[0].data)[row] = AT_HOME;
	}
	for (unsigned i = 0; i < BATCHES; i++)
		sw_pool_put(all[i], OWNER_SLOT);
}

static void produce(struct sw_pool *pool, struct consumer *consumers)
{
	uint64_t random = random_seed();
	uint32_t waits = 0;

	for (uint64_t round = 0; round < ROUNDS;) {
		struct sw_batch *batch = sw_pool_get(pool);

		if (!batch) {
			wait_a_moment(&waits);
			continue;
		}
		fill(batch, round * ROWS);
		if (random_below(&random, 8) == 0) {
			for (uint32_t row = 0; row < ROWS; row++)
				((int64_t *)batch->columns[0].data)[row] = AT_HOME;
			sw_pool_put(batch, OWNER_SLOT);
			continue;
		}
		while (!sw_ring_push(consumers[random_below(&random, CONSUMERS)].ring, batch))
			wait_a_moment(&waits);
		round++;
	}
}

static void test_owner_and_two_others(void **state)
{
	struct sw_pool_options options = { .schema = &schema,
		.rows_max = ROWS,
		.batches = BATCHES,
		.slots = CONSUMERS + 1,
		.owner_slot = OWNER_SLOT,
		.node = -1 };
	struct sw_pool *pool = sw_pool_create(&options);
	struct consumer consumers[CONSUMERS];
	pthread_t threads[CONSUMERS];
	atomic_bool ended = false;
	uint64_t batches = 0;

	(void)state;
	assert_non_null(pool);
	mark_home(pool);
	for (uint32_t i = 0; i < CONSUMERS; i++) {
		consumers[i] = (struct consumer){
			.ring = sw_ring_create(2, -1), .slot = i * 2, .ended = &ended
		};
		assert_int_equal(pthread_create(&threads[i], NULL, consume, &consumers[i]), 0);
	}
	produce(pool, consumers);
	atomic_store_explicit(&ended, true, memory_order_release);
	for (uint32_t i = 0; i < CONSUMERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(consumers[i].wrong, 0);
		batches += consumers[i].batches;
		sw_ring_destroy(consumers[i].ring);
	}
	assert_int_equal(batches, ROUNDS);
	assert_int_equal(sw_pool_home(pool), BATCHES);
	sw_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_owner_and_two_others) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

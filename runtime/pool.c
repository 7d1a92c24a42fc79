/* SPDX-License-Identifier: MIT */
/*
 * Batch pools.
 *
 * Purpose: a producer's batches, made once, near it, and coming home from wherever they end.
 *
 * Protocol: the owner gets; every other thread puts through the ring of its slot, the owner through
 * its free list. A slot's number belongs to one thread. Each ring holds all batches of the pool, so
 * a put cannot fail.
 *
 * Ordering: the rings' (R1 -> A1 of ring.c): what a thread did to a batch before it put it happens
 * before the owner's next use of it.
 *
 * Progress: put is wait-free; get looks at each slot's ring at most once.
 */

#include "runtime/pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "runtime/batch_private.h"
#include "runtime/ring.h"
#include "runtime/ring_private.h"

/* Enough to spread the cost of a look at a ring, few enough to stay on the stack. */
#define COLLECT_MAX 32

struct sw_pool {
	/* Written once, before the threads start. */
	_Alignas(SW_CACHE_LINE) const struct sw_schema *schema;
	uint32_t rows_max;
	uint32_t batches;
	uint32_t slots;
	uint32_t owner_slot;
	size_t text_bytes;
	size_t mapped_bytes;
	char *rings; /* slots of them, ring_bytes each */
	size_t ring_bytes;

	/* Owner. */
	_Alignas(SW_CACHE_LINE) struct sw_batch *free; /* by next; the last that came home first */
	uint32_t free_count;
	uint32_t cursor; /* slot whose ring is looked at next */
};

static_assert(offsetof(struct sw_pool, free) - offsetof(struct sw_pool, schema) >= SW_CACHE_LINE,
	"what every thread reads lies apart from what the owner writes");

static struct sw_ring *ring_of(const struct sw_pool *pool, uint32_t slot)
{
	return (struct sw_ring *)(void *)(pool->rings + slot * pool->ring_bytes);
}

static void push_free(struct sw_pool *pool, struct sw_batch *batch)
{
	batch->next = pool->free;
	pool->free = batch;
	pool->free_count++;
}

static void make_batches(struct sw_pool *pool, char *blocks, size_t block_bytes)
{
	/* The last first, so that the first is got first. */
	for (uint32_t i = pool->batches; i-- > 0;) {
		struct sw_batch *batch = (struct sw_batch *)(void *)(blocks + i * block_bytes);

		batch->pool = pool;
		batch->block = batch;
		batch->block_bytes = block_bytes;
		sw_batch_place(batch, pool->schema, pool->rows_max, pool->text_bytes);
		push_free(pool, batch);
	}
}

struct sw_pool *sw_pool_create(const struct sw_pool_options *options)
{
	size_t block_bytes =
		sw_batch_block_bytes(options->schema, options->rows_max, options->text_bytes);
	size_t ring_bytes = sw_ring_bytes(options->batches);
	size_t rings_bytes, blocks_bytes, bytes;
	struct sw_pool *pool;

	assert(options->owner_slot < options->slots);
	if (block_bytes == 0 || ring_bytes == 0 || options->batches == 0 ||
		__builtin_mul_overflow(ring_bytes, options->slots, &rings_bytes) ||
		__builtin_mul_overflow(block_bytes, options->batches, &blocks_bytes) ||
		__builtin_add_overflow(rings_bytes, blocks_bytes, &bytes) ||
		__builtin_add_overflow(bytes, sizeof(*pool), &bytes))
		return NULL;
	pool = sw_memory_map(bytes, options->node, options->huge_pages);
	if (!pool)
		return NULL;
	pool->schema = options->schema;
	pool->rows_max = options->rows_max;
	pool->batches = options->batches;
	pool->slots = options->slots;
	pool->owner_slot = options->owner_slot;
	pool->text_bytes = options->text_bytes;
	pool->mapped_bytes = bytes;
	pool->rings = (char *)(pool + 1);
	pool->ring_bytes = ring_bytes;
	for (uint32_t i = 0; i < pool->slots; i++)
		sw_ring_init(ring_of(pool, i), options->batches);
	make_batches(pool, pool->rings + rings_bytes, block_bytes);
	return pool;
}

void sw_pool_destroy(struct sw_pool *pool)
{
	if (pool)
		sw_memory_unmap(pool, pool->mapped_bytes);
}

/* Owner: takes what waits in one slot's ring, up to COLLECT_MAX. */
static uint32_t collect(struct sw_pool *pool, uint32_t slot)
{
	void *items[COLLECT_MAX];
	uint32_t count = sw_ring_pop_many(ring_of(pool, slot), items, COLLECT_MAX);

	for (uint32_t i = 0; i < count; i++)
		push_free(pool, items[i]);
	return count;
}

bool sw_pool_ready(struct sw_pool *pool)
{
	for (uint32_t i = 0; i < pool->slots && !pool->free; i++) {
		collect(pool, pool->cursor);
		pool->cursor = pool->cursor + 1 < pool->slots ? pool->cursor + 1 : 0;
	}
	return pool->free != NULL;
}

struct sw_batch *sw_pool_get(struct sw_pool *pool)
{
	struct sw_batch *batch;

	if (!sw_pool_ready(pool))
		return NULL;
	batch = pool->free;
	pool->free = batch->next;
	pool->free_count--;
	batch->next = NULL;
	sw_batch_place(batch, pool->schema, pool->rows_max, pool->text_bytes);
	return batch;
}

void sw_pool_put(struct sw_batch *batch, uint32_t slot)
{
	struct sw_pool *pool = batch->pool;
	bool pushed;

	if (!pool) {
		sw_batch_destroy(batch);
		return;
	}
	assert(slot < pool->slots);
	if (slot == pool->owner_slot) {
		push_free(pool, batch);
		return;
	}
	pushed = sw_ring_push(ring_of(pool, slot), batch);
	assert(pushed); /* the ring holds all batches there are */
	(void)pushed;
}

uint32_t sw_pool_batches(const struct sw_pool *pool)
{
	return pool->batches;
}

size_t sw_pool_bytes(const struct sw_pool *pool)
{
	return pool->mapped_bytes;
}

uint32_t sw_pool_home(struct sw_pool *pool)
{
	for (uint32_t i = 0; i < pool->slots; i++)
		while (collect(pool, i) == COLLECT_MAX)
			;
	return pool->free_count;
}

/* SPDX-License-Identifier: MIT */
/*
 * The single-producer single-consumer ring.
 *
 * Purpose: hand pointers from one thread to another with as little traffic between their caches as
 * there can be.
 *
 * Protocol: one thread pushes, one thread pops; any thread may ask for the fill. A slot that holds
 * null is free and belongs to the producer; a slot that holds an item belongs to the consumer. So
 * neither side reads the other's index to push or to pop: the slot that it looks at anyway says
 * whether there is room, or an item. The indices are still published, each on a line of its own
 * that only its writer touches in the steady state, for those who sample the fill.
 *
 * Ordering:
 *   R1 -> A1  an item in a slot, after what is behind it
 *   R2 -> A2  null in a slot; the consumer empties slots in their order, so an empty slot means
 * that all before it are empty, too R3 -> A3  the producer's index, after the items it counts R4 ->
 * A4  the consumer's index, after the slots it counts are empty From R3 and R4 follows: a producer
 * that sees fill < capacity will not fail to push, a consumer that sees fill > 0 will not fail to
 * pop.
 *
 * Progress: wait-free; many-operations take time linear in their count.
 *
 * Source: Giacomoni, Moseley, Vachharajani, "FastForward for efficient pipeline parallelism: a
 * cache-optimized concurrent lock-free queue" (PPoPP 2008), with indices for samplers and
 * publication of a run of items by its first one.
 */

#include "runtime/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

#include "runtime/memory.h"
#include "runtime/ring_private.h"

struct sw_ring {
	/* Written once, before the threads start. */
	_Alignas(SW_CACHE_LINE) uint64_t mask;
	size_t mapped_bytes;

	/* Producer writes; samplers, and the consumer when it looks for a watermark, read. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t pushed;

	/* Consumer writes; samplers read. */
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t popped;

	/* Both write, in turns. */
	_Alignas(SW_CACHE_LINE) _Atomic(void *) slots[];
};

static_assert(offsetof(struct sw_ring, pushed) - offsetof(struct sw_ring, mask) >= SW_CACHE_LINE,
	"what both sides read lies apart from what the producer writes");
static_assert(offsetof(struct sw_ring, popped) - offsetof(struct sw_ring, pushed) >= SW_CACHE_LINE,
	"the sides' indices lie on lines of their own");
static_assert(offsetof(struct sw_ring, slots) - offsetof(struct sw_ring, popped) >= SW_CACHE_LINE,
	"the slots lie apart from the indices");
static_assert(sizeof(_Atomic(void *)) == sizeof(void *), "a zeroed slot is an empty slot");

static uint32_t slots_rounded(uint32_t slots)
{
	uint32_t power = 2;

	while (power < slots)
		power *= 2;
	return power;
}

size_t sw_ring_bytes(uint32_t slots)
{
	size_t bytes;

	if (slots > SW_RING_SLOTS_MAX)
		return 0;
	bytes = sizeof(struct sw_ring) + slots_rounded(slots) * sizeof(void *);
	return (bytes + SW_CACHE_LINE - 1) / SW_CACHE_LINE * SW_CACHE_LINE;
}

struct sw_ring *sw_ring_init(void *memory, uint32_t slots)
{
	struct sw_ring *ring = memory;

	/* Zeroed memory is an empty ring: null slots, indices at 0. */
	ring->mask = slots_rounded(slots) - 1;
	return ring;
}

struct sw_ring *sw_ring_create(uint32_t slots, int node)
{
	size_t bytes = sw_ring_bytes(slots);
	struct sw_ring *ring;
	void *memory;

	if (bytes == 0)
		return NULL;
	memory = sw_memory_map(bytes, node, SW_HUGE_PAGES_AUTO);
	if (!memory)
		return NULL;
	ring = sw_ring_init(memory, slots);
	ring->mapped_bytes = bytes;
	return ring;
}

void sw_ring_destroy(struct sw_ring *ring)
{
	if (ring)
		sw_memory_unmap(ring, ring->mapped_bytes);
}

bool sw_ring_push(struct sw_ring *ring, void *item)
{
	/* Relaxed: the producer's own index. */
	uint64_t pushed = atomic_load_explicit(&ring->pushed, memory_order_relaxed);
	_Atomic(void *) *slot = &ring->slots[pushed & ring->mask];

	assert(item);
	/* A2 <- R2 (sw_ring_pop): the consumer is done with the slot. */
	if (atomic_load_explicit(slot, memory_order_acquire))
		return false;
	/* R1 -> A1 (sw_ring_pop): publishes what is behind the item. */
	atomic_store_explicit(slot, item, memory_order_release);
	/* R3 -> A3 (sw_ring_pushed, sw_ring_fill): publishes the item in its slot. */
	atomic_store_explicit(&ring->pushed, pushed + 1, memory_order_release);
	return true;
}

/* Producer: how many of the `count` slots from `pushed` on are empty. */
static uint32_t room_from(const struct sw_ring *ring, uint64_t pushed, uint32_t count)
{
	uint32_t room = count;

	if (room > ring->mask + 1)
		room = (uint32_t)ring->mask + 1;
	/* A2 <- R2 (take): slots become empty in their order, so the last one answers for all; when
	 * it is taken, nearer ones are asked. */
	while (room > 0 && atomic_load_explicit(&ring->slots[(pushed + room - 1) & ring->mask],
				   memory_order_acquire))
		room = room > 8 ? room / 2 : room - 1;
	return room;
}

uint32_t sw_ring_push_many(struct sw_ring *ring, void *const *items, uint32_t count)
{
	/* Relaxed: the producer's own index. */
	uint64_t pushed = atomic_load_explicit(&ring->pushed, memory_order_relaxed);
	uint32_t room = room_from(ring, pushed, count);

	if (room == 0)
		return 0;
	/* From the last to the first: the consumer waits at the first, so it takes the lines once,
	 * when all items are in them. R1 -> A1 (sw_ring_pop). */
	for (uint32_t i = room; i-- > 0;) {
		assert(items[i]);
		atomic_store_explicit(
			&ring->slots[(pushed + i) & ring->mask], items[i], memory_order_release);
	}
	/* R3 -> A3 (sw_ring_pushed, sw_ring_fill). */
	atomic_store_explicit(&ring->pushed, pushed + room, memory_order_release);
	return room;
}

void *sw_ring_pop(struct sw_ring *ring)
{
	/* Relaxed: the consumer's own index. */
	uint64_t popped = atomic_load_explicit(&ring->popped, memory_order_relaxed);
	_Atomic(void *) *slot = &ring->slots[popped & ring->mask];
	/* A1 <- R1 (sw_ring_push): sees what is behind the item. */
	void *item = atomic_load_explicit(slot, memory_order_acquire);

	if (!item)
		return NULL;
	/* R2 -> A2 (sw_ring_push): gives the slot back. */
	atomic_store_explicit(slot, NULL, memory_order_release);
	/* R4 -> A4 (sw_ring_fill): the slot is empty before it counts as popped. */
	atomic_store_explicit(&ring->popped, popped + 1, memory_order_release);
	return item;
}

uint32_t sw_ring_pop_many(struct sw_ring *ring, void **items, uint32_t count)
{
	/* Relaxed: the consumer's own index. */
	uint64_t popped = atomic_load_explicit(&ring->popped, memory_order_relaxed);
	uint32_t taken = 0;

	while (taken < count) {
		/* A1 <- R1 (sw_ring_push). */
		items[taken] = atomic_load_explicit(
			&ring->slots[(popped + taken) & ring->mask], memory_order_acquire);
		if (!items[taken])
			break;
		/* R2 -> A2 (room_from): in their order. */
		atomic_store_explicit(
			&ring->slots[(popped + taken) & ring->mask], NULL, memory_order_release);
		taken++;
	}
	/* R4 -> A4 (sw_ring_fill). */
	if (taken)
		atomic_store_explicit(&ring->popped, popped + taken, memory_order_release);
	return taken;
}

uint32_t sw_ring_fill(const struct sw_ring *ring)
{
	/* A4 <- R4, A3 <- R3. The two are of different moments, hence the bounds: items may come
	 * between the loads, and be popped before they are counted as pushed. */
	uint64_t popped = atomic_load_explicit(&ring->popped, memory_order_acquire);
	uint64_t pushed = atomic_load_explicit(&ring->pushed, memory_order_acquire);

	if (pushed <= popped)
		return 0;
	if (pushed - popped > ring->mask)
		return (uint32_t)ring->mask + 1;
	return (uint32_t)(pushed - popped);
}

uint32_t sw_ring_capacity(const struct sw_ring *ring)
{
	return (uint32_t)ring->mask + 1;
}

uint64_t sw_ring_pushed(const struct sw_ring *ring)
{
	/* A3 <- R3 (sw_ring_push): what it counts can be popped. */
	return atomic_load_explicit(&ring->pushed, memory_order_acquire);
}

uint64_t sw_ring_popped(const struct sw_ring *ring)
{
	/* Relaxed: the consumer's own index. */
	return atomic_load_explicit(&ring->popped, memory_order_relaxed);
}

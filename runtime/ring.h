/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_RING_H
#define SW_RUNTIME_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/api.h"

/*
 * Bounded queue of pointers, one producer thread, one consumer thread, wait-free on both sides.
 * Opaque here because its atomics do not compile as C++; the protocol is in ring.c.
 */

SW_BEGIN_DECLS

struct sw_ring;

#define SW_RING_SLOTS_MAX (1u << 20)

/* slots: rounded up to a power of two, 2..SW_RING_SLOTS_MAX. node: NUMA node of its memory, -1:
 * any. Null when memory is out. */
SW_API struct sw_ring *sw_ring_create(uint32_t slots, int node);
SW_API void sw_ring_destroy(struct sw_ring *ring);

/* Producer. False: full. item is not null. */
SW_API bool sw_ring_push(struct sw_ring *ring, void *item);
/* Producer. Pushes up to count items, published at once; returns how many. */
SW_API uint32_t sw_ring_push_many(struct sw_ring *ring, void *const *items, uint32_t count);
/* Consumer. Null: empty. */
SW_API void *sw_ring_pop(struct sw_ring *ring);
/* Consumer. Pops up to count items; returns how many. */
SW_API uint32_t sw_ring_pop_many(struct sw_ring *ring, void **items, uint32_t count);

/* Any thread: a recent number of items, 0..capacity. */
SW_API uint32_t sw_ring_fill(const struct sw_ring *ring);
SW_API uint32_t sw_ring_capacity(const struct sw_ring *ring);

/*
 * Consumer: number of items ever pushed, as an acquire. Whatever the producer had pushed before
 * something this thread has acquired is counted. With sw_ring_popped it tells when that is drained.
 */
SW_API uint64_t sw_ring_pushed(const struct sw_ring *ring);
SW_API uint64_t sw_ring_popped(const struct sw_ring *ring); /* consumer */

SW_END_DECLS

#endif

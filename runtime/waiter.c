/* SPDX-License-Identifier: MIT */
/*
 * Where one thread sleeps.
 *
 * Purpose: a producer pays a fence and a look at a line that rarely changes when the sleeper is
 * awake, and a system call only when it sleeps.
 *
 * Protocol: one sleeper prepares, looks for work, waits. Any thread publishes work, then notifies.
 * `idle` says that the sleeper has prepared since the last notification; the notifier that takes it
 * back counts the event. The count itself, and the sleeping, are ck_ec's (several producers).
 *
 * Ordering: no wake-up is lost, because
 *   - F1 <-> F2: a notifier publishes and then reads `idle`; the sleeper writes `idle` and then
 *     looks. With a full fence between on both sides, one of them sees the other: the notifier sees
 *     `idle`, or the look finds the work.
 *   - R1 -> A1: the sleeper reads the count before it writes `idle`, and the notifier counts after
 *     it has taken `idle`; so that event is not in the value that the sleeper waits on.
 *   - a notifier that finds `idle` taken leaves the waking to the one who took it, who counts
 * after. tests/runtime/ring.pml is a model of this together with the ring.
 *
 * Progress: notify is lock-free; the rest belongs to the sleeper.
 *
 * Source: ck_ec.h of Concurrency Kit for the event count.
 */

#include "runtime/waiter.h"

#include <assert.h>
#include <ck_ec.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u

struct sw_waiter {
	/* Sleeper sets, notifiers clear; rarely, so notifiers usually have the line. */
	_Alignas(SW_CACHE_LINE) atomic_uint idle;
	/* Both: only when the sleeper is about to sleep. */
	_Alignas(SW_CACHE_LINE) struct ck_ec32 events;
};

static_assert(
	offsetof(struct sw_waiter, events) - offsetof(struct sw_waiter, idle) >= SW_CACHE_LINE,
	"looking at idle does not disturb the count");

static int now(const struct ck_ec_ops *ops, struct timespec *out)
{
	(void)ops;
	return clock_gettime(CLOCK_MONOTONIC, out);
}

static void futex_wait(const struct ck_ec_wait_state *state, const uint32_t *address,
	uint32_t expected, const struct timespec *deadline)
{
	(void)state;
	/* Returns early for any reason: the caller looks again. */
	syscall(SYS_futex, address, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline, NULL,
		FUTEX_BITSET_MATCH_ANY);
}

static void futex_wake(const struct ck_ec_ops *ops, const uint32_t *address)
{
	int saved = errno; /* notify may run in a signal handler */

	(void)ops;
	syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}

static const struct ck_ec_ops futex_ops = {
	.gettime = now,
	.wait32 = futex_wait,
	.wake32 = futex_wake,
};

static const struct ck_ec_mode several_producers = {
	.ops = &futex_ops,
	.single_producer = false,
};

/*
 * F1 <-> F2. ThreadSanitizer does not know fences; a read-modify-write of `idle` on both sides
 * orders them just as well, but takes the line away from the other notifiers.
 */
static void full_fence(struct sw_waiter *waiter)
{
#if SW_TSAN
	atomic_fetch_add_explicit(&waiter->idle, 0, memory_order_acq_rel);
#else
	(void)waiter;
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

struct sw_waiter *sw_waiter_create(void)
{
	struct sw_waiter *waiter = aligned_alloc(SW_CACHE_LINE, sizeof(*waiter));

	if (!waiter)
		return NULL;
	atomic_init(&waiter->idle, 0);
	ck_ec32_init(&waiter->events, 0);
	return waiter;
}

void sw_waiter_destroy(struct sw_waiter *waiter)
{
	free(waiter);
}

uint32_t sw_waiter_prepare(struct sw_waiter *waiter)
{
	uint32_t value = ck_ec32_value(&waiter->events);

	/* R1 -> A1 (sw_waiter_notify): who takes this counts after the value was read. */
	atomic_store_explicit(&waiter->idle, 1, memory_order_release);
	full_fence(waiter); /* F1 */
	return value;
}

void sw_waiter_wait(struct sw_waiter *waiter, uint32_t value, uint64_t deadline_ns)
{
	struct timespec deadline = {
		.tv_sec = (time_t)(deadline_ns / NS_PER_S),
		.tv_nsec = (long)(deadline_ns % NS_PER_S),
	};

	(void)ck_ec32_wait(&waiter->events, &several_producers, value,
		deadline_ns == UINT64_MAX ? NULL : &deadline);
}

void sw_waiter_notify(struct sw_waiter *waiter)
{
	full_fence(waiter); /* F2 */
	/* Relaxed: the fence orders it after what was published. */
	if (!atomic_load_explicit(&waiter->idle, memory_order_relaxed))
		return;
	/* A1 <- R1 (sw_waiter_prepare). */
	if (atomic_exchange_explicit(&waiter->idle, 0, memory_order_acq_rel))
		ck_ec32_inc(&waiter->events, &several_producers);
}

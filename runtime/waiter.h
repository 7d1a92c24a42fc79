/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_WAITER_H
#define SW_RUNTIME_WAITER_H

#include <stdint.h>

#include "runtime/api.h"

/*
 * Where one thread sleeps until others have something for it: an event count (ck_ec, several
 * producers). Use: value = prepare(); look for work; none: wait(value, ...). A notify between
 * prepare and wait makes wait return at once, so no wake-up is lost.
 */

SW_BEGIN_DECLS

struct sw_waiter;

SW_API struct sw_waiter *sw_waiter_create(void); /* null: memory is out */
SW_API void sw_waiter_destroy(struct sw_waiter *waiter);

/* Sleeper. */
SW_API uint32_t sw_waiter_prepare(struct sw_waiter *waiter);
/* Sleeper: returns when notified after prepare, or at deadline_ns (CLOCK_MONOTONIC). */
SW_API void sw_waiter_wait(struct sw_waiter *waiter, uint32_t value, uint64_t deadline_ns);
/* Any thread: a system call only when the sleeper sleeps. Pairs with prepare: what was published
 * before notify is seen by the look that follows. */
SW_API void sw_waiter_notify(struct sw_waiter *waiter);

SW_END_DECLS

#endif

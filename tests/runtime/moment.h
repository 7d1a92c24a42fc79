/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_RUNTIME_MOMENT_H
#define SW_TESTS_RUNTIME_MOMENT_H

/*
 * Waiting for another thread in a test. Not by sched_yield: beside other processes that compute, a
 * yield can give a whole time slice away, and tens of thousands of them take minutes.
 */

#include <stdint.h>
#include <time.h>

#include "runtime/clock.h"

#define MOMENT_SPINS 256u

/* waits: the caller's count of these, from 0. Mostly a spin; at times a sleep, after which the
 * scheduler lets this thread run soon. */
static inline void wait_a_moment(uint32_t *waits)
{
	const struct timespec nap = { .tv_nsec = 1000 };

	if (++*waits % MOMENT_SPINS)
		sw_cpu_relax();
	else
		nanosleep(&nap, NULL);
}

#endif

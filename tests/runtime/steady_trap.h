/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_RUNTIME_STEADY_TRAP_H
#define SW_TESTS_RUNTIME_STEADY_TRAP_H

#include <stdbool.h>

/*
 * Catches what a worker in its steady state must not do. System calls are caught by a seccomp
 * filter that the thread puts on itself: every call traps, is counted while the thread is watched,
 * and is then made from one instruction that the filter lets pass. Allocations and locks of the
 * library are caught by the linker's --wrap. Sleeping and waking (futex, sched_yield) count apart.
 */

struct steady_counts {
	_Atomic unsigned long allocations, locks, calls, sleeps;
	_Atomic long first_call; /* number of the first system call; -1: none */
};

/* By this thread, in the code that it runs. */
extern _Thread_local bool steady_watched;
extern _Atomic bool steady_over; /* nobody is watched any more, whatever they say */
extern struct steady_counts steady_counts;

/* All calls of this thread trap from now on. 0 or -errno. */
int steady_trap(void);
/* Nothing has been counted, and nobody's watch is over. */
void steady_reset(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_THREAD_PRIVATE_H
#define SW_BURST_THREAD_PRIVATE_H

#include <pthread.h>

/* Threads that work little, and for which others wait. */

/* With all signals blocked: they are the program's own threads' business. 0 or a negative errno. */
int burst_thread_start(pthread_t *thread, void *(*run)(void *), void *context);

/*
 * First thing in the thread: gives it a name of at most 15 bytes, and asks the scheduler for short
 * slices. With these it runs as soon as it wakes, also where others keep all processors busy: one
 * with slices like theirs would wait until theirs are over.
 */
void burst_thread_begin(const char *name);

#endif

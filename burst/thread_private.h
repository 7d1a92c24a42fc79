/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_THREAD_PRIVATE_H
#define SW_BURST_THREAD_PRIVATE_H

#include <pthread.h>

/* A thread of a name, of at most 15 bytes, for profiles; with all signals blocked: they are the
 * program's own threads' business. 0 or a negative errno. */
int burst_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *context);

#endif

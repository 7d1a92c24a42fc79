/* SPDX-License-Identifier: MIT */
#include "burst/thread_private.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000 /* the shortest that Linux gives */

/* The kernel's struct sched_attr in its first form: not every C library has it, and the kernel's
 * header may not be read beside <sched.h>. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

int burst_thread_start(pthread_t *thread, void *(*run)(void *), void *context)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

void burst_thread_begin(const char *name)
{
	struct attributes attributes;

	pthread_setname_np(pthread_self(), name);
	/* Whoever chose another class knows better. */
	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) ||
		attributes.policy != SCHED_OTHER)
		return;
	/* A hint: before Linux 6.12 nothing comes of it, and where it is refused neither. */
	attributes.runtime_ns = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded: a wall clock that is an hour ahead, right, an hour behind and right again, by
 * turns of some calls. What it was asked stands in the file that CLOCK_JUMP_LOG names.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { TURN_CALLS = 7 };

static _Atomic unsigned long calls;

static long offset_s(void)
{
	static const long offsets[] = { 3600, 0, -3600, 0 };
	/* Relaxed: any order of the callers is as good. */
	const unsigned long call = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);

	return offsets[call / TURN_CALLS % (sizeof(offsets) / sizeof(offsets[0]))];
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	const int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset_s();
	return rc;
}

time_t time(time_t *to)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (to)
		*to = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	to->tv_sec = now.tv_sec;
	to->tv_usec = now.tv_nsec / 1000;
	return 0;
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("CLOCK_JUMP_LOG");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%lu\n", atomic_load_explicit(&calls, memory_order_relaxed));
	fclose(file);
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_CLOCK_H
#define SW_RUNTIME_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "runtime/api.h"

SW_BEGIN_DECLS

/* CLOCK_MONOTONIC in ns (vDSO: no system call). */
static inline uint64_t sw_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* CLOCK_REALTIME in ms. */
static inline int64_t sw_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Hint to the core that this is a spin loop. */
static inline void sw_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Burns the calling thread until sw_now_ns() >= until_ns. */
SW_API void sw_burn_until(uint64_t until_ns);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_RUNTIME_RANDOM_H
#define SW_TESTS_RUNTIME_RANDOM_H

/* Random numbers for tests: repeatable by SW_SEED in the environment, which is printed. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t random_seed(void)
{
	const char *given = getenv("SW_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	printf("SW_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed * 2654435769u + 1;
}

/* xorshift64*; state is not 0. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 2685821657736338717u;
}

/* 0 .. below - 1; of nothing 0 */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
	return below ? (uint32_t)((random_next(state) >> 32) % below) : 0;
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_RANDOM_PRIVATE_H
#define SW_NEXMARK_RANDOM_PRIVATE_H

#include <stdint.h>

/*
 * java.util.Random as its public specification describes it: a linear congruential generator of
 * 48 bits whose upper bits are handed out. States here keep the bits above 48 clear.
 */

#define RANDOM_MULTIPLIER UINT64_C(0x5DEECE66D)
#define RANDOM_ADDEND     UINT64_C(0xB)
#define RANDOM_MASK       ((UINT64_C(1) << 48) - 1)

static inline uint64_t random_seed(uint64_t seed)
{
	return (seed ^ RANDOM_MULTIPLIER) & RANDOM_MASK;
}

static inline uint64_t random_step(uint64_t state)
{
	return (state * RANDOM_MULTIPLIER + RANDOM_ADDEND) & RANDOM_MASK;
}

static inline uint32_t random_next31(uint64_t *state)
{
	*state = random_step(*state);
	return (uint32_t)(*state >> 17);
}

/* nextInt() */
static inline int32_t random_int(uint64_t *state)
{
	*state = random_step(*state);
	return (int32_t)(uint32_t)(*state >> 16);
}

/* nextInt(bound), bound >= 1 */
static inline int32_t random_below(uint64_t *state, int32_t bound)
{
	const uint32_t n = (uint32_t)bound;
	uint32_t u = random_next31(state), r;

	if ((n & (n - 1)) == 0)
		return (int32_t)(((uint64_t)n * u) >> 31);
	/* A draw from the last, incomplete run of n values is thrown away. */
	while (r = u % n, u - r + (n - 1) > INT32_MAX)
		u = random_next31(state);
	return (int32_t)r;
}

/* nextLong() */
static inline int64_t random_long(uint64_t *state)
{
	const uint64_t high = (uint64_t)(int64_t)random_int(state) << 32;

	return (int64_t)(high + (uint64_t)(int64_t)random_int(state));
}

/* Beam's nextLong(n): an int when n is one, else the absolute remainder of a long. */
static inline int64_t random_long_below(uint64_t *state, int64_t bound)
{
	int64_t r;

	if (bound < INT32_MAX)
		return random_below(state, (int32_t)bound);
	r = random_long(state) % bound;
	return r < 0 ? -r : r;
}

/* nextDouble(), as the 53 bits that are to be multiplied by 2^-53 */
static inline uint64_t random_53(uint64_t *state)
{
	const uint64_t high = random_step(*state);

	*state = random_step(high);
	return (high >> 22 << 27) + (*state >> 21);
}

/* Seed of an event's second Random, for what Beam does not have: SplitMix64's finaliser. */
static inline uint64_t random_mix(uint64_t id)
{
	id = (id ^ id >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	id = (id ^ id >> 27) * UINT64_C(0x94D049BB133111EB);
	return id ^ id >> 31;
}

#endif

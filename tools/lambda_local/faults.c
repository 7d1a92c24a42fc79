/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/faults.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Draws have 63 bits, so that a share of 1 is below 2^64. */
#define DRAW_END 9223372036854775808.0

static const char *const names[LL_FAULTS] = {
	[LL_FAULT_NONE] = "none",
	[LL_FAULT_ERROR] = "error",
	[LL_FAULT_TIMEOUT] = "timeout",
	[LL_FAULT_TRUNCATE] = "truncate",
	[LL_FAULT_CORRUPT] = "corrupt",
	[LL_FAULT_KILL] = "kill",
	[LL_FAULT_RESET] = "reset",
	[LL_FAULT_THROTTLE] = "throttle",
	[LL_FAULT_DUPLICATE] = "duplicate",
	[LL_FAULT_SLOW] = "slow",
};

static int find(const char *name, size_t size)
{
	for (int i = LL_FAULT_ERROR; i < LL_FAULTS; i++) {
		if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
			return i;
	}
	return -1;
}

/* Reads one "kind:share" at *spec and moves past it and the comma. */
static int parse_one(double share[LL_FAULTS], const char **spec, struct sw_error *error)
{
	size_t size = strcspn(*spec, ",");
	const char *colon = memchr(*spec, ':', size);
	size_t name_size = colon ? (size_t)(colon - *spec) : size;
	int kind = find(*spec, name_size);
	char *end;

	if (kind < 0)
		return sw_error_set(error, -EINVAL,
			"--faults: %.*s: not a kind of fault (error, timeout, truncate, corrupt, "
			"kill, "
			"reset, throttle, duplicate, slow)",
			(int)name_size, *spec);
	if (colon)
		share[kind] = strtod(colon + 1, &end);
	if (!colon || end == colon + 1 || end != *spec + size)
		return sw_error_set(error, -EINVAL, "--faults: %.*s: not kind:share (e.g. %s:0.02)",
			(int)size, *spec, names[kind]);
	if (!(share[kind] >= 0 && share[kind] <= 1))
		return sw_error_set(error, -EINVAL, "--faults: %.*s: share out of range (0 to 1)",
			(int)size, *spec);
	*spec += size;
	if (**spec == ',')
		++*spec;
	return 0;
}

int ll_faults_parse(struct ll_fault_plan *plan, const char *spec, struct sw_error *error)
{
	double share[LL_FAULTS] = { 0 };
	double sum = 0;

	while (*spec) {
		int ret = parse_one(share, &spec, error);

		if (ret)
			return ret;
	}
	for (int i = LL_FAULT_NONE; i < LL_FAULTS; i++) {
		sum += share[i];
		plan->below[i] = (uint64_t)(sum * DRAW_END);
	}
	/* Ten shares of 0.1 may add up to a little more than 1. */
	if (sum > 1.000001)
		return sw_error_set(
			error, -EINVAL, "--faults: the shares add up to %g (at most 1)", sum);
	return 0;
}

uint64_t ll_faults_bits(uint64_t seed, uint64_t number)
{
	/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
	uint64_t bits = seed + (number + 1) * 0x9e3779b97f4a7c15u;

	bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
	bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
	return bits ^ (bits >> 31);
}

enum ll_fault ll_faults_draw(const struct ll_fault_plan *plan, uint64_t seed, uint64_t number)
{
	uint64_t draw = ll_faults_bits(seed, number) >> 1;

	for (int i = LL_FAULT_ERROR; i < LL_FAULTS; i++) {
		if (draw < plan->below[i])
			return (enum ll_fault)i;
	}
	return LL_FAULT_NONE;
}

/* SPDX-License-Identifier: MIT */
#include "nexmark/pace.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#define STEP_NS_MAX     (3600 * UINT64_C(1000000000))
#define STEP_EVENTS_MAX UINT64_C(1000000000)

typedef unsigned __int128 u128;

static uint64_t round_events(const struct sw_nexmark_pace *pace)
{
	uint64_t events = 0;

	for (uint32_t i = 0; i < pace->steps; i++)
		events += pace->step[i].events;
	return events;
}

static uint64_t round_ns(const struct sw_nexmark_pace *pace)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < pace->steps; i++)
		ns += pace->step[i].ns;
	return ns;
}

int sw_nexmark_pace_check(const struct sw_nexmark_pace *pace, struct sw_error *error)
{
	if (pace->steps == 0 || pace->steps > SW_PACE_STEPS_MAX)
		return sw_error_set(error, -EINVAL, "pace: %" PRIu32 " steps (1 to %d)",
			pace->steps, SW_PACE_STEPS_MAX);
	for (uint32_t i = 0; i < pace->steps; i++)
		if (pace->step[i].ns == 0 || pace->step[i].ns > STEP_NS_MAX ||
			pace->step[i].events > STEP_EVENTS_MAX)
			return sw_error_set(error, -EINVAL,
				"pace: step %" PRIu32 ": %" PRIu64 " events in %" PRIu64
				" ns (at most %" PRIu64 " events, in 1 to %" PRIu64 " ns)",
				i, pace->step[i].events, pace->step[i].ns, STEP_EVENTS_MAX,
				STEP_NS_MAX);
	if (round_events(pace) == 0)
		return sw_error_set(error, -EINVAL, "pace: no step has an event (one must)");
	return 0;
}

uint64_t sw_nexmark_pace_due_ns(const struct sw_nexmark_pace *pace, uint64_t event)
{
	const uint64_t all = round_events(pace);
	uint64_t rest;
	uint32_t i = 0;
	u128 ns;

	assert(all > 0);
	ns = (u128)(event / all) * round_ns(pace);
	rest = event % all;
	for (; rest >= pace->step[i].events; i++) {
		rest -= pace->step[i].events;
		ns += pace->step[i].ns;
	}
	ns += (u128)rest * pace->step[i].ns / pace->step[i].events;
	return ns < UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

uint64_t sw_nexmark_pace_events(const struct sw_nexmark_pace *pace, uint64_t ns)
{
	const uint64_t all = round_ns(pace);
	uint64_t rest, within;
	uint32_t i = 0;
	u128 events;

	assert(all > 0);
	events = (u128)(ns / all) * round_events(pace);
	rest = ns % all;
	for (; rest >= pace->step[i].ns; i++) {
		rest -= pace->step[i].ns;
		events += pace->step[i].events;
	}
	/* Event k is due at floor(k * ns / events): as many as have k * ns < (rest + 1) * events.
	 */
	within = (uint64_t)(((u128)(rest + 1) * pace->step[i].events + pace->step[i].ns - 1) /
			    pace->step[i].ns);
	events += within < pace->step[i].events ? within : pace->step[i].events;
	return events < UINT64_MAX ? (uint64_t)events : UINT64_MAX;
}

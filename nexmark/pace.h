/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_PACE_H
#define SW_NEXMARK_PACE_H

#include <stdint.h>

#include "runtime/api.h"

/*
 * When a paced source makes its events, apart from their event times: steps of a constant rate,
 * one after the other and from the first again. For spikes that the stream's own rates, which last
 * whole seconds, cannot have. Never changes during a run; any thread.
 */

SW_BEGIN_DECLS

#define SW_PACE_STEPS_MAX 64

struct sw_nexmark_pace {
	uint32_t steps;
	struct {
		uint64_t ns;     /* how long it lasts, 1 to an hour */
		uint64_t events; /* evenly in that time; 0: a pause; at most a thousand million */
	} step[SW_PACE_STEPS_MAX];
};

/* 0, or -EINVAL with a message: steps, their times, and at least one event. */
SW_API SW_MUST_CHECK int sw_nexmark_pace_check(
	const struct sw_nexmark_pace *pace, struct sw_error *error);

/* When an event is due, in ns since the start; never falls. UINT64_MAX when that does not fit. */
SW_API uint64_t sw_nexmark_pace_due_ns(const struct sw_nexmark_pace *pace, uint64_t event);

/* How many events are due ns after the start: those with sw_nexmark_pace_due_ns <= ns. */
SW_API uint64_t sw_nexmark_pace_events(const struct sw_nexmark_pace *pace, uint64_t ns);

SW_END_DECLS

#endif

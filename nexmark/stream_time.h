/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_STREAM_TIME_H
#define SW_NEXMARK_STREAM_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "nexmark/options.h"
#include "runtime/api.h"

/*
 * Event time as a function of an event's number on its timeline, and the same with nanoseconds for
 * paced runs. Immutable after init; any thread. Private to the generator.
 */

#define STREAM_STEPS_MAX 10

/* Event r of a step is floor(r * step_num / step_den) ms after the step's start. */
struct stream_step {
	uint64_t events; /* events a step holds; of a single step: no end */
	uint64_t num, den;
	uint64_t ms; /* how long it lasts */
};

struct stream_time {
	int64_t base_ms;
	uint64_t generators; /* timelines by turns, for ns within a delay */
	uint32_t steps;
	bool exact; /* a step is above one event a microsecond */
	uint64_t epoch_events, epoch_ms;
	struct stream_step step[STREAM_STEPS_MAX];
};

/* A run of numbers whose times are start_ms + floor((number - first) * num / den). */
struct stream_segment {
	uint64_t first, end;
	int64_t start_ms, end_ms; /* no time here is after end_ms, none behind it before */
	uint64_t num, den;
};

SW_BEGIN_DECLS

/* 0; -ERANGE when no step has an event, or the last time does not fit. Options are in range. */
SW_MUST_CHECK int stream_time_init(
	struct stream_time *time, const struct sw_nexmark_options *options, struct sw_error *error);

/* The segment that holds number. */
void stream_time_locate(
	const struct stream_time *time, uint64_t number, struct stream_segment *segment);

/* Time of a number, in ms since 1970. */
int64_t stream_time_at(const struct stream_time *time, uint64_t number);

/* Times of rows numbers, in ms; fast when they lie close together. */
void stream_time_fill(
	const struct stream_time *time, const uint64_t *numbers, uint32_t rows, int64_t *times_ms);

/* ns from base to the turn-th of the events that have this number, one on each timeline;
 * UINT64_MAX when that does not fit. */
uint64_t stream_time_ns(const struct stream_time *time, uint64_t number, uint64_t turn);

/* The greatest number whose stream_time_ns(number, 0) <= ns. */
uint64_t stream_time_number(const struct stream_time *time, uint64_t ns);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#include "nexmark/generator_private.h"

/* Watermarks, and when events are due in a paced run. */

int64_t sw_nexmark_watermark(const struct sw_nexmark_generator *generator, uint64_t event)
{
	uint64_t number;

	if (generator->events > 0 && event >= generator->events)
		return SW_TIME_END;
	/* Events held back stay within their block, so the block's first one bounds them. */
	if (generator->delay_threshold > 0)
		event -= event % DELAY_BLOCK;
	number = generator_number(generator, event);
	number -= number % generator->shuffle;
	return stream_time_at(&generator->time, number) -
	       generator->options.watermark_holdback_sec * 1000;
}

uint64_t sw_nexmark_due_ns(const struct sw_nexmark_generator *generator, uint64_t event)
{
	const uint64_t turns = generator->turns;
	const bool by_turns = generator->events == 0 || event < generator->share * turns;

	return stream_time_ns(&generator->time, generator_number(generator, event),
		       by_turns ? event % turns : 0) -
	       generator->start_ns;
}

uint64_t sw_nexmark_events_due(const struct sw_nexmark_generator *generator, uint64_t ns)
{
	const uint64_t first = (uint64_t)generator->options.first_event_number;
	uint64_t at, numbers, due, low = 0, high = generator->turns;

	if (__builtin_add_overflow(ns, generator->start_ns, &at))
		at = UINT64_MAX;
	numbers = stream_time_number(&generator->time, at) - first;
	if (generator->events > 0 && numbers >= generator->share && generator->turns > 1) {
		due = generator->share * (generator->turns - 1) + numbers + 1;
		return due < generator->events ? due : generator->events;
	}
	/* Of the events with this number, so many turns are due: at least one. */
	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;

		if (stream_time_ns(&generator->time, first + numbers, middle) <= at)
			low = middle;
		else
			high = middle;
	}
	due = numbers * generator->turns + low + 1;
	return generator->events > 0 && due > generator->events ? generator->events : due;
}

/* SPDX-License-Identifier: MIT */
#include "nexmark/stream_time.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#define US_PER_SECOND UINT64_C(1000000)
#define NS_PER_MS     UINT64_C(1000000)
/* An endless stream's times are checked up to here. */
#define ENDLESS_EVENTS (INT64_C(1) << 40)
#define TIME_MAX_MS    (INT64_C(1) << 60)

typedef unsigned __int128 u128;

/* floor(count * num / den) */
static uint64_t scaled(uint64_t count, uint64_t num, uint64_t den)
{
	uint64_t product;

	if (!__builtin_mul_overflow(count, num, &product))
		return product / den;
	return (uint64_t)((u128)count * num / den);
}

/* The rate of a step: Beam's delay in whole microseconds while those can tell rates apart. */
static void set_rate(struct stream_time *time, struct stream_step *step, uint64_t rate,
	uint64_t unit_us, uint64_t generators)
{
	if (rate <= unit_us) {
		step->num = (unit_us + rate / 2) / rate * generators;
		step->den = 1000;
	} else {
		step->num = unit_us * generators;
		step->den = rate * 1000;
		time->exact = true;
	}
}

static void set_steps(struct stream_time *time, const struct sw_nexmark_options *options)
{
	const bool sine = options->rate_shape == SW_RATE_SINE;
	const uint64_t unit_us =
		options->rate_unit == SW_RATE_PER_MINUTE ? 60 * US_PER_SECOND : US_PER_SECOND;
	const double first = (double)options->first_event_rate;
	const double next = (double)options->next_event_rate;
	const uint64_t generators = (uint64_t)options->num_event_generators;
	uint64_t step_us, rate;

	if (options->first_event_rate == options->next_event_rate) {
		time->steps = 1;
		time->step[0].events = UINT64_MAX;
		set_rate(time, &time->step[0], (uint64_t)options->first_event_rate, unit_us,
			generators);
		return;
	}
	time->steps = sine ? 10 : 2;
	step_us = ((uint64_t)options->rate_period_sec + time->steps - 1) / time->steps *
		  US_PER_SECOND;
	for (uint32_t j = 0; j < time->steps; j++) {
		struct stream_step *step = &time->step[j];
		/* The addition of a half and the floor are Java's rounding. */
		const double wave =
			(first + next) / 2.0 + (first - next) / 2.0 * cos(2.0 * M_PI * j / 10.0);

		rate = sine ? (uint64_t)floor(wave + 0.5) : (uint64_t)(j == 0 ? first : next);
		set_rate(time, step, rate, unit_us, generators);
		/* num / den is the delay in ms. */
		step->events = (uint64_t)((u128)step_us * step->den / ((u128)step->num * 1000));
		step->ms = scaled(step->events, step->num, step->den);
		time->epoch_events += step->events;
		time->epoch_ms += step->ms;
	}
}

/* Of a number with all its factors, in 128 bits: only to see whether it fits. */
static bool fits(const struct stream_time *time, u128 number)
{
	u128 ms;

	if (time->steps == 1)
		ms = number * time->step[0].num / time->step[0].den;
	else
		ms = (number / time->epoch_events + 1) * time->epoch_ms;
	return ms < (u128)TIME_MAX_MS;
}

int stream_time_init(
	struct stream_time *time, const struct sw_nexmark_options *options, struct sw_error *error)
{
	const int64_t events = options->num_events > 0 ? options->num_events : ENDLESS_EVENTS;
	const int64_t group =
		options->person_proportion + options->auction_proportion + options->bid_proportion;
	u128 last = (u128)options->first_event_number + (u128)events;

	*time = (struct stream_time){ .base_ms = options->base_time,
		.generators =
			options->generator < 0 ? (uint64_t)options->num_event_generators : 1 };
	set_steps(time, options);
	if (time->steps > 1 && time->epoch_events == 0)
		return sw_error_set(error, -ERANGE,
			"rate-period-sec: %" PRId64
			" s hold no event at these rates (take a longer period)",
			options->rate_period_sec);
	/* An auction's horizon looks ahead. */
	last += (u128)options->num_in_flight_auctions * (u128)group;
	last += (u128)options->out_of_order_group_size;
	if (!fits(time, last))
		return sw_error_set(error, -ERANGE,
			"num-events: the time of the last event does not fit (fewer events or a "
			"higher rate)");
	return 0;
}

void stream_time_locate(
	const struct stream_time *time, uint64_t number, struct stream_segment *segment)
{
	uint64_t epoch, rest;
	uint32_t j = 0;

	segment->first = 0;
	segment->start_ms = time->base_ms;
	if (time->steps > 1) {
		epoch = number / time->epoch_events;
		rest = number % time->epoch_events;
		segment->first = number - rest;
		segment->start_ms += (int64_t)(epoch * time->epoch_ms);
		for (; rest >= time->step[j].events; j++) {
			rest -= time->step[j].events;
			segment->first += time->step[j].events;
			segment->start_ms += (int64_t)time->step[j].ms;
		}
	}
	segment->num = time->step[j].num;
	segment->den = time->step[j].den;
	segment->end = UINT64_MAX;
	segment->end_ms = INT64_MAX;
	if (time->steps > 1) {
		segment->end = segment->first + time->step[j].events;
		segment->end_ms = segment->start_ms + (int64_t)time->step[j].ms;
	}
}

static int64_t segment_at(const struct stream_segment *segment, uint64_t number)
{
	return segment->start_ms +
	       (int64_t)scaled(number - segment->first, segment->num, segment->den);
}

int64_t stream_time_at(const struct stream_time *time, uint64_t number)
{
	struct stream_segment segment;

	stream_time_locate(time, number, &segment);
	return segment_at(&segment, number);
}

void stream_time_fill(
	const struct stream_time *time, const uint64_t *numbers, uint32_t rows, int64_t *times_ms)
{
	struct stream_segment segment = { 0 };

	for (uint32_t i = 0; i < rows; i++) {
		if (numbers[i] < segment.first || numbers[i] >= segment.end)
			stream_time_locate(time, numbers[i], &segment);
		times_ms[i] = segment_at(&segment, numbers[i]);
	}
}

uint64_t stream_time_ns(const struct stream_time *time, uint64_t number, uint64_t turn)
{
	struct stream_segment segment;
	u128 ns;

	stream_time_locate(time, number, &segment);
	ns = ((u128)(number - segment.first) * time->generators + turn) * segment.num * NS_PER_MS /
	     ((u128)segment.den * time->generators);
	ns += (u128)(uint64_t)(segment.start_ms - time->base_ms) * NS_PER_MS;
	/* A step lasts whole milliseconds and the next one begins on time. */
	if (time->steps > 1 && ns > (u128)(uint64_t)(segment.end_ms - time->base_ms) * NS_PER_MS)
		ns = (u128)(uint64_t)(segment.end_ms - time->base_ms) * NS_PER_MS;
	return ns < UINT64_MAX ? (uint64_t)ns : UINT64_MAX;
}

uint64_t stream_time_number(const struct stream_time *time, uint64_t ns)
{
	uint64_t number = 0, rest, within;
	uint32_t j = 0;

	if (ns == UINT64_MAX)
		ns--; /* what is later than can be told is never due */
	rest = ns;
	if (time->steps > 1) {
		const uint64_t epoch_ns = time->epoch_ms * NS_PER_MS;

		if (epoch_ns > 0) {
			number = rest / epoch_ns * time->epoch_events;
			rest %= epoch_ns;
		}
		while (j + 1 < time->steps && rest >= time->step[j].ms * NS_PER_MS) {
			rest -= time->step[j].ms * NS_PER_MS;
			number += time->step[j++].events;
		}
	}
	/* A start in the right step; rounding can be off by an event either way. */
	within = (uint64_t)((u128)rest * time->step[j].den / ((u128)time->step[j].num * NS_PER_MS));
	if (time->steps > 1 && within > time->step[j].events)
		within = time->step[j].events;
	number += within;
	while (stream_time_ns(time, number + 1, 0) <= ns)
		number++;
	while (number > 0 && stream_time_ns(time, number, 0) > ns)
		number--;
	return number;
}

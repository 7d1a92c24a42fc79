/* SPDX-License-Identifier: MIT */
#include "nexmark/generator_private.h"
#include "nexmark/random_private.h"

/* Beam's multiplier of positions within an out-of-order group. */
#define SHUFFLE 953

/* Which timeline an event is on, and its number there from 0. */
static uint64_t timeline(
	const struct sw_nexmark_generator *generator, uint64_t event, uint64_t *turn)
{
	const uint64_t turns = generator->turns;

	if (turns == 1) {
		*turn = 0;
		return event;
	}
	if (generator->events == 0 || event < generator->share * turns) {
		*turn = event % turns;
		return event / turns;
	}
	/* The last one has what the division left over. */
	*turn = turns - 1;
	return event - generator->share * (turns - 1);
}

uint64_t generator_number(const struct sw_nexmark_generator *generator, uint64_t event)
{
	uint64_t turn;

	return (uint64_t)generator->options.first_event_number + timeline(generator, event, &turn);
}

struct place generator_place(const struct sw_nexmark_generator *generator, uint64_t event)
{
	const uint64_t g = generator->shuffle;
	uint64_t turn, number, within;
	struct place place;

	number =
		(uint64_t)generator->options.first_event_number + timeline(generator, event, &turn);
	if (g > 1) {
		within = number % g;
		number += within * SHUFFLE % g - within;
	}
	place.number = number;
	place.id = generator->id + turn * generator->share + number;
	return place;
}

/*
 * How long the event is held back, in ms; 0: not at all. Drawn from the second Random, after the
 * two draws of a bid's channel, whatever the event's kind.
 */
static uint64_t delay_ms(const struct sw_nexmark_generator *generator, uint64_t id)
{
	uint64_t state = random_seed(random_mix(id));

	state = random_step(random_step(state));
	if (random_53(&state) >= generator->delay_threshold)
		return 0;
	return (uint64_t)random_long_below(&state, generator->options.occasional_delay_sec * 1000) +
	       1;
}

struct held {
	int64_t release_ms;
	uint16_t position;
};

static bool later(struct held a, struct held b)
{
	if (a.release_ms != b.release_ms)
		return a.release_ms > b.release_ms;
	return a.position > b.position;
}

/* Shell's sort: no memory, and good enough for a few thousand at most. */
static void sort(struct held *held, uint32_t count)
{
	static const uint32_t gaps[] = { 1750, 701, 301, 132, 57, 23, 10, 4, 1 };

	for (uint32_t g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++)
		for (uint32_t i = gaps[g]; i < count; i++) {
			const struct held moving = held[i];
			uint32_t j = i;

			for (; j >= gaps[g] && later(held[j - gaps[g]], moving); j -= gaps[g])
				held[j] = held[j - gaps[g]];
			held[j] = moving;
		}
}

/*
 * The order in which a block's events come out: an event held back waits until the stream's time
 * has passed its own by the delay, or the block ends.
 */
static void order_block(
	const struct sw_nexmark_generator *generator, struct cursor *cursor, uint64_t block)
{
	const uint64_t first = block * DELAY_BLOCK;
	struct held held[DELAY_BLOCK];
	uint16_t punctual[DELAY_BLOCK];
	uint32_t size = DELAY_BLOCK, helds = 0, punctuals = 0, next = 0, used = 0;

	if (generator->events > 0 && generator->events - first < size)
		size = (uint32_t)(generator->events - first);
	for (uint32_t i = 0; i < size; i++) {
		const struct place place = generator_place(generator, first + i);
		const uint64_t delay = delay_ms(generator, place.id);

		if (delay == 0) {
			punctual[punctuals++] = (uint16_t)i;
			continue;
		}
		held[helds].release_ms =
			stream_time_at(&generator->time, place.number) + (int64_t)delay;
		held[helds++].position = (uint16_t)i;
	}
	sort(held, helds);
	for (uint32_t i = 0; i < punctuals; i++) {
		const int64_t now = stream_time_at(
			&generator->time, generator_number(generator, first + punctual[i]));

		while (next < helds && held[next].release_ms <= now)
			cursor->order[used++] = held[next++].position;
		cursor->order[used++] = punctual[i];
	}
	while (next < helds)
		cursor->order[used++] = held[next++].position;
	cursor->block = block;
	cursor->valid = true;
}

static uint64_t emitted(
	const struct sw_nexmark_generator *generator, struct cursor *cursor, uint64_t event)
{
	const uint64_t block = event / DELAY_BLOCK;

	if (generator->delay_threshold == 0)
		return event;
	if (!cursor->valid || cursor->block != block)
		order_block(generator, cursor, block);
	return block * DELAY_BLOCK + cursor->order[event % DELAY_BLOCK];
}

/* Ids rise by one: whole runs of a kind at once. */
static void simple_chunk(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	uint64_t *event, uint64_t end, uint32_t most, struct chunk *chunk)
{
	const uint64_t begin_offset = generator->begin[type], end_offset = generator->end[type];
	const uint64_t first = (uint64_t)generator->options.first_event_number;
	const uint64_t id0 = generator->id + first;
	uint64_t group = (id0 + *event) / generator->group;
	uint64_t offset = (id0 + *event) % generator->group;
	uint64_t at = *event;
	uint32_t rows = 0;

	while (rows < most && at < end) {
		uint64_t run;

		if (offset < begin_offset) {
			at += begin_offset - offset;
			offset = begin_offset;
			continue;
		}
		if (offset >= end_offset) {
			at += generator->group - offset;
			offset = 0;
			group++;
			continue;
		}
		run = end_offset - offset;
		if (run > end - at)
			run = end - at;
		if (run > most - rows)
			run = most - rows;
		for (uint64_t r = 0; r < run; r++) {
			chunk->id[rows + r] = id0 + at + r;
			chunk->number[rows + r] = first + at + r;
			chunk->group[rows + r] = group;
		}
		rows += (uint32_t)run;
		at += run;
		offset += run;
	}
	/* One timeline: what is shown and what gives the time are the same number. */
	for (uint32_t r = 0; r < rows; r++)
		chunk->seq[r] = chunk->number[r];
	chunk->rows = rows;
	*event = at < end ? at : end;
}

void generator_chunk(const struct sw_nexmark_generator *generator, struct cursor *cursor,
	enum sw_nexmark_event type, uint64_t *event, uint64_t end, uint32_t most,
	struct chunk *chunk)
{
	uint32_t rows = 0;

	if (generator->simple) {
		simple_chunk(generator, type, event, end, most, chunk);
		return;
	}
	for (; rows < most && *event < end; ++*event) {
		const struct place place =
			generator_place(generator, emitted(generator, cursor, *event));
		const uint64_t offset = place.id % generator->group;

		if (offset < generator->begin[type] || offset >= generator->end[type])
			continue;
		chunk->id[rows] = place.id;
		chunk->number[rows] = place.number;
		/* By the order of emission, also where an event is held back. */
		chunk->seq[rows] = (uint64_t)generator->options.first_event_number + *event;
		chunk->group[rows++] = place.id / generator->group;
	}
	chunk->rows = rows;
}

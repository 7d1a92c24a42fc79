/* SPDX-License-Identifier: MIT */

/*
 * The source that has made all its columns before the start, so that a run measures the query and
 * not the generator. A batch of the pool lends the columns of a chunk, nothing is copied; the
 * chunks live until the job is destroyed.
 */

#include "nexmark/source_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/generator.h"
#include "runtime/clock.h"

static int make_batch(const struct source_config *config, struct source_state *source,
	enum sw_nexmark_event type, uint32_t rows, struct replay_chunk *chunk,
	struct sw_error *error)
{
	uint64_t next = chunk->first, end = chunk->first + chunk->events;
	struct sw_batch *batch = sw_batch_create(config->schemas[type], rows ? rows : 1, 0);
	int code;

	chunk->batches[type] = batch;
	if (!batch)
		return sw_error_set(error, -ENOMEM,
			"replay: out of memory at event %llu of %llu (fewer --num-events, or no "
			"--replay)",
			(unsigned long long)chunk->first, (unsigned long long)source->total);
	code = generator_fill(config->generator, &source->cursor, type,
		config->plan->inputs[type].columns, &next, end, batch->capacity, batch);
	if (code)
		return sw_error_set(error, code, "replay: event %llu: %s", (unsigned long long)next,
			strerror(-code));
	return 0;
}

/* Makes the events from chunk->first on: as many as are claimed at once, or as many as fit. */
static int make_chunk(const struct source_config *config, struct source_state *source,
	struct replay_chunk *chunk, struct sw_error *error)
{
	uint64_t left = source->total - chunk->first;
	uint64_t end = chunk->first + (left < source->events ? left : source->events);
	uint32_t rows[SW_NEXMARK_EVENTS] = { 0 };
	int code = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
		if (source->rows[type] > 0)
			rows[type] = generator_count(config->generator, &source->cursor,
				(enum sw_nexmark_event)type, chunk->first, &end,
				source->rows[type]);
	chunk->events = (uint32_t)(end - chunk->first);
	for (int type = 0; type < SW_NEXMARK_EVENTS && !code; type++)
		if (source->rows[type] > 0)
			code = make_batch(config, source, (enum sw_nexmark_event)type, rows[type],
				chunk, error);
	return code;
}

/* A further chunk, all zero; null: memory is out. */
static struct replay_chunk *add_chunk(struct source_shared *shared, uint64_t *capacity)
{
	struct replay_chunk *chunk;

	if (!shared->chunks || shared->chunk_count == *capacity) {
		uint64_t more = *capacity ? 2 * *capacity : 64;
		struct replay_chunk *grown =
			reallocarray(shared->chunks, more, sizeof(struct replay_chunk));

		if (!grown)
			return NULL;
		shared->chunks = grown;
		*capacity = more;
	}
	chunk = &shared->chunks[shared->chunk_count++];
	*chunk = (struct replay_chunk){ .events = 0 };
	return chunk;
}

static bool stopped(const struct source_config *config)
{
	return config->stopped && config->stopped(config->stopped_context);
}

/* The first instance to be opened makes them all. */
static int replay_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct source_config *config = sw_instance_config(self);
	struct source_shared *shared = config->shared;
	struct source_state *source = state;
	uint64_t capacity = 0;
	int code = source_open(self, state, error);

	if (code || shared->chunks)
		return code;
	for (uint64_t first = 0; first < source->total && !code && !stopped(config);) {
		struct replay_chunk *chunk = add_chunk(shared, &capacity);

		if (!chunk)
			return sw_error_set(error, -ENOMEM, "replay: out of memory");
		chunk->first = first;
		code = make_chunk(config, source, chunk, error);
		first += chunk->events;
	}
	return code;
}

static void lend(struct sw_batch *batch, const struct sw_batch *chunk)
{
	batch->rows = chunk->rows;
	batch->time_min_ms = chunk->time_min_ms;
	batch->time_max_ms = chunk->time_max_ms;
	for (uint32_t c = 0; c < batch->schema->columns; c++) {
		const struct sw_dictionary *own = batch->columns[c].dictionary;

		batch->columns[c] = chunk->columns[c];
		batch->columns[c].dictionary = own;
	}
}

/* Batches that have the chunk's rows. False: cancelled. */
static bool lend_chunk(struct sw_instance *self, const struct replay_chunk *chunk,
	struct sw_batch *batches[SW_NEXMARK_EVENTS])
{
	const struct source_config *config = sw_instance_config(self);

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		if (!chunk->batches[type])
			continue;
		batches[type] = sw_batch_new(
			self, source_output(config->plan, (enum sw_nexmark_event)type));
		if (!batches[type])
			return false;
		lend(batches[type], chunk->batches[type]);
	}
	return true;
}

static enum sw_poll replay_poll(struct sw_instance *self, void *state)
{
	const struct source_config *config = sw_instance_config(self);
	struct sw_batch *batches[SW_NEXMARK_EVENTS] = { NULL };
	struct source_shared *shared = config->shared;
	struct source_state *source = state;
	const struct replay_chunk *chunk;
	struct claim claim;

	claim.number = atomic_fetch_add_explicit(&shared->next_batch, 1, memory_order_relaxed);
	if (claim.number >= shared->chunk_count)
		return SW_POLL_DONE;
	chunk = &shared->chunks[claim.number];
	claim.first = chunk->first;
	claim.events = chunk->events;
	claim.intended_ns = sw_now_ns();
	if (!lend_chunk(self, chunk, batches)) {
		for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
			if (batches[type])
				sw_release(self, batches[type]);
		return SW_POLL_DONE;
	}
	source_send(self, source, &claim, claim.events, batches);
	sw_instance_count_events(self, claim.events);
	source_raise(self, source, claim.first + claim.events);
	return SW_POLL_MADE;
}

const struct sw_operator source_replay = {
	.name = "replay",
	.state_bytes = sizeof(struct source_state),
	.open = replay_open,
	.poll = replay_poll,
};

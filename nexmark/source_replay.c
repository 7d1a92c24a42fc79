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

static int make_chunk(const struct source_config *config, struct source_state *source,
	uint64_t index, struct sw_error *error)
{
	struct source_shared *shared = config->shared;
	uint64_t first = index * source->rows;
	uint64_t left = source->total - first;
	uint32_t events = left < source->rows ? (uint32_t)left : source->rows;
	uint32_t bids = sw_nexmark_count(config->generator, SW_BID, first, events);
	struct sw_batch *chunk = sw_batch_create(config->schema, bids ? bids : 1, 0);
	int code;

	if (!chunk)
		return sw_error_set(error, -ENOMEM,
			"replay: out of memory at event %llu of %llu (fewer --num-events, or no "
			"--replay)",
			(unsigned long long)first, (unsigned long long)source->total);
	shared->chunks[shared->chunk_count++] = chunk;
	code = sw_nexmark_generate(
		config->generator, SW_BID, config->plan->bid_columns, first, events, chunk);
	if (code)
		return sw_error_set(error, code, "replay: event %llu: %s",
			(unsigned long long)first, strerror(-code));
	chunk->events = events;
	return 0;
}

/* The first instance to be opened makes them all. */
static int replay_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct source_config *config = sw_instance_config(self);
	struct source_shared *shared = config->shared;
	struct source_state *source = state;
	uint64_t chunks;
	int code = source_open(self, state, error);

	if (code || shared->chunks)
		return code;
	chunks = source->total / source->rows + (source->total % source->rows != 0);
	shared->chunks = calloc(chunks, sizeof(struct sw_batch *));
	if (!shared->chunks)
		return sw_error_set(error, -ENOMEM, "replay: out of memory");
	for (uint64_t i = 0; i < chunks && !code; i++)
		code = make_chunk(config, source, i, error);
	return code;
}

static void lend(struct sw_batch *batch, const struct sw_batch *chunk)
{
	batch->rows = chunk->rows;
	batch->time_min_ms = chunk->time_min_ms;
	batch->time_max_ms = chunk->time_max_ms;
	memcpy(batch->columns, chunk->columns, batch->schema->columns * sizeof(batch->columns[0]));
}

static enum sw_poll replay_poll(struct sw_instance *self, void *state)
{
	const struct source_config *config = sw_instance_config(self);
	struct source_shared *shared = config->shared;
	struct source_state *source = state;
	struct claim claim;
	struct sw_batch *batch;

	claim.number = atomic_fetch_add_explicit(&shared->next_batch, 1, memory_order_relaxed);
	if (claim.number >= shared->chunk_count)
		return SW_POLL_DONE;
	claim.first = claim.number * source->rows;
	claim.events = shared->chunks[claim.number]->events;
	batch = sw_batch_new(self, 0);
	if (!batch)
		return SW_POLL_DONE; /* cancelled */
	lend(batch, shared->chunks[claim.number]);
	source_send(self, source, &claim, sw_now_ns(), batch);
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

/* SPDX-License-Identifier: MIT */

/* The source that makes events as it goes: as fast as it can, or at the stream's own rates. */

#include "nexmark/source_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/generator.h"
#include "nexmark/pace.h"
#include "runtime/clock.h"

/* A paced source waits so long for a fuller batch. */
#define GATHER_NS 1000000u
/* Where batches may leave, a paced source's are no more work than this, for whatever comes after
 * one waits for it. What waits already is put into so many batches at most: larger ones get more
 * done with as many functions. */
#define WORK_NS         4000000u
#define BACKLOG_BATCHES 4u
/* Events that are claimed at once, at most: where few of them are read they make small batches. */
#define CLAIM_EVENTS_MAX (1u << 20)

struct source_shared *source_shared_create(void)
{
	struct source_shared *shared = aligned_alloc(SW_CACHE_LINE, sizeof(*shared));

	if (!shared)
		return NULL;
	atomic_init(&shared->next_event, 0);
	atomic_init(&shared->next_batch, 0);
	atomic_init(&shared->start_ns, 0);
	atomic_init(&shared->late_rows, 0);
	shared->chunks = NULL;
	shared->chunk_count = 0;
	return shared;
}

void source_shared_destroy(struct source_shared *shared)
{
	if (!shared)
		return;
	for (uint64_t i = 0; i < shared->chunk_count; i++)
		for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
			sw_batch_destroy(shared->chunks[i].batches[type]);
	free(shared->chunks);
	free(shared);
}

uint64_t source_late_rows(const struct source_shared *shared)
{
	/* Relaxed: a figure for people, final once the threads were joined. */
	return atomic_load_explicit(
		&((struct source_shared *)shared)->late_rows, memory_order_relaxed);
}

uint64_t source_row_text(const struct sw_schema *schema)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < schema->columns; i++)
		if (schema->fields[i].type == SW_TEXT)
			bytes += schema->fields[i].text_bytes;
	return bytes;
}

uint32_t source_batch_rows(const struct plan_input *input, uint32_t rows, uint64_t row_bytes)
{
	if (!input->kernel_rows)
		return rows;
	while (rows > 0 && input->kernel_rows(rows, rows * row_bytes) > SW_BATCH_ROWS_MAX)
		rows -= rows > 64 ? rows / 16 : 1;
	return rows;
}

/* So many events that the batch of the most frequent kind that is read is nearly full. */
static uint32_t claim_events(const struct source_config *config, const struct source_state *source)
{
	uint64_t events = CLAIM_EVENTS_MAX;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		uint64_t span;

		if (!config->plan->inputs[type].columns)
			continue;
		span = generator_span(
			config->generator, (enum sw_nexmark_event)type, source->rows[type]);
		if (span < events)
			events = span;
	}
	/* Nearly all events are bids. */
	if (config->plan->inputs[SW_BID].columns && source->rows[SW_BID] < events)
		events = source->rows[SW_BID];
	return (uint32_t)events;
}

int source_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct source_config *config = sw_instance_config(self);
	struct source_state *source = state;
	uint64_t total = sw_nexmark_events(config->generator);

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		const struct plan_input *input = &config->plan->inputs[type];
		const char *name = sw_nexmark_event_name((enum sw_nexmark_event)type);

		if (!input->columns)
			continue;
		source->rows[type] = source_batch_rows(
			input, config->rows[type], source_row_text(config->schemas[type]));
		if (source->rows[type] == 0)
			return sw_error_set(error, -E2BIG,
				"%s.extra: rows are too long for this query (give a smaller "
				"--avg-%s-byte-size)",
				name, name);
	}
	source->events = claim_events(config, source);
	source->total = total ? total : UINT64_MAX;
	source->last_arrival_ms = SW_TIME_MIN;
	return 0;
}

int64_t source_arrival_ms(const struct source_config *config, struct source_state *source)
{
	int64_t now_ms = config->clock_ms ? config->clock_ms(config->clock_context) : sw_wall_ms();

	/* The machine's clock may be set back; a window that was closed stays closed. */
	if (now_ms > source->last_arrival_ms)
		source->last_arrival_ms = now_ms;
	return source->last_arrival_ms;
}

void source_send(struct sw_instance *self, struct source_state *source, const struct claim *claim,
	uint32_t events, struct sw_batch *const batches[SW_NEXMARK_EVENTS])
{
	const struct source_config *config = sw_instance_config(self);
	int64_t arrival_ms = source_arrival_ms(config, source);
	uint64_t rows = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
		rows += batches[type] ? batches[type]->rows : 0;
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		struct sw_batch *batch = batches[type];

		if (!batch)
			continue;
		batch->number = claim->number;
		batch->intended_ns = claim->intended_ns;
		batch->arrival_ms = arrival_ms;
		/* What is left to the last one with rows is all that is left. */
		if (batch->rows > 0)
			batch->events = (uint32_t)(events * (uint64_t)batch->rows / rows);
		events -= batch->events;
		rows -= batch->rows;
		sw_emit(self, source_output(config->plan, (enum sw_nexmark_event)type), batch);
	}
}

void source_raise(struct sw_instance *self, struct source_state *source, uint64_t next)
{
	const struct source_config *config = sw_instance_config(self);

	if (config->plan->time_domain == TIME_OF_ARRIVAL)
		sw_instance_watermark(self, source->last_arrival_ms);
	else
		sw_instance_watermark(
			self, sw_nexmark_watermark(config->generator,
				      /* The end of time comes with the source's end. */
				      next < source->total ? next : source->total - 1));
}

/*
 * Makes the claim's events of a kind. *batch is the last of them; more than one there are only
 * where ids do not rise by one with each event, and those before have been sent, with as many of
 * *events as they have rows.
 */
static int make_kind(struct sw_instance *self, struct source_state *source,
	const struct claim *claim, enum sw_nexmark_event type, uint32_t *events,
	struct sw_batch **batch)
{
	const struct source_config *config = sw_instance_config(self);
	uint64_t next = claim->first, end = claim->first + claim->events;

	for (;;) {
		struct sw_batch *full[SW_NEXMARK_EVENTS] = { NULL };
		int code;

		*batch = sw_batch_new(self, source_output(config->plan, type));
		if (!*batch)
			return -ECANCELED;
		code = generator_fill(config->generator, &source->cursor, type,
			config->plan->inputs[type].columns, &next, end, source->rows[type], *batch);
		if (code)
			return sw_instance_fail(self, code, "generator: event %llu: %s",
				(unsigned long long)next, strerror(-code));
		if (next == end)
			return 0;
		full[type] = *batch;
		*events -= full[type]->rows;
		source_send(self, source, claim, full[type]->rows, full);
	}
}

/* Makes and sends what was claimed. */
static enum sw_poll make(
	struct sw_instance *self, struct source_state *source, const struct claim *claim)
{
	struct sw_batch *batches[SW_NEXMARK_EVENTS] = { NULL };
	uint32_t events = claim->events;
	int code = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS && !code; type++)
		if (source->rows[type] > 0)
			code = make_kind(self, source, claim, (enum sw_nexmark_event)type, &events,
				&batches[type]);
	if (code) {
		for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
			if (batches[type])
				sw_release(self, batches[type]);
		return code == -ECANCELED ? SW_POLL_DONE : SW_POLL_FAILED;
	}
	source_send(self, source, claim, events, batches);
	sw_instance_count_events(self, claim->events);
	source_raise(self, source, claim->first + claim->events);
	return SW_POLL_MADE;
}

static enum sw_poll poll_unpaced(struct sw_instance *self, struct source_state *source)
{
	const struct source_config *config = sw_instance_config(self);
	struct source_shared *shared = config->shared;
	struct claim claim = { .events = source->events };

	/* The end is looked for first, so that polls after it do not move the counter round. */
	if (atomic_load_explicit(&shared->next_event, memory_order_relaxed) >= source->total)
		return SW_POLL_DONE;
	claim.first = atomic_fetch_add_explicit(
		&shared->next_event, source->events, memory_order_relaxed);
	if (claim.first >= source->total)
		return SW_POLL_DONE;
	claim.number = claim.first / source->events;
	if (source->total - claim.first < claim.events)
		claim.events = (uint32_t)(source->total - claim.first);
	claim.intended_ns = sw_now_ns();
	return make(self, source, &claim);
}

static uint64_t due_ns(const struct source_config *config, uint64_t event)
{
	return config->pace ? sw_nexmark_pace_due_ns(config->pace, event)
			    : sw_nexmark_due_ns(config->generator, event);
}

static uint64_t events_due(const struct source_config *config, uint64_t since_ns)
{
	return config->pace ? sw_nexmark_pace_events(config->pace, since_ns)
			    : sw_nexmark_events_due(config->generator, since_ns);
}

static uint64_t schedule_start(struct source_shared *shared, uint64_t now_ns)
{
	uint64_t start_ns = atomic_load_explicit(&shared->start_ns, memory_order_relaxed);

	if (start_ns)
		return start_ns;
	if (atomic_compare_exchange_strong_explicit(&shared->start_ns, &start_ns, now_ns,
		    memory_order_relaxed, memory_order_relaxed))
		return now_ns;
	return start_ns;
}

/* Each instance answers for its share of what nobody has claimed yet. */
static void tell_backlog(struct sw_instance *self, uint64_t events, uint32_t batch_events)
{
	unsigned count = sw_instance_count(self);
	uint64_t share = events / count + (sw_instance_index(self) < events % count);

	sw_instance_backlog(self, share, share / batch_events);
}

/* Events of a batch, at most. */
static uint32_t paced_events(
	const struct sw_instance *self, const struct source_state *source, uint64_t waiting)
{
	const struct source_config *config = sw_instance_config(self);
	uint64_t most = source->events;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		uint32_t rows;
		uint64_t events;

		if (!config->plan->inputs[type].columns)
			continue;
		rows = sw_instance_rows_within(
			self, source_output(config->plan, (enum sw_nexmark_event)type), WORK_NS);
		if (rows >= source->rows[type])
			continue;
		events = generator_span(
			config->generator, (enum sw_nexmark_event)type, rows > 0 ? rows : 1);
		if (events < most)
			most = events;
	}
	if (most < waiting / BACKLOG_BATCHES)
		most = waiting / BACKLOG_BATCHES;
	return most < source->events ? (uint32_t)most : source->events;
}

/* Nothing is claimed: sleep until a batch is full or its oldest event has waited long enough. */
static enum sw_poll rest(struct sw_instance *self, struct source_state *source, uint64_t next,
	uint32_t most, uint64_t start_ns)
{
	const struct source_config *config = sw_instance_config(self);
	uint64_t full = next + most - 1;
	uint64_t when_ns = due_ns(config, next) + GATHER_NS;

	if (full < source->total) {
		uint64_t full_ns = due_ns(config, full);

		if (full_ns < when_ns)
			when_ns = full_ns;
	}
	/* Others have claimed all before `next`: this instance holds nobody's windows open. */
	source_arrival_ms(config, source);
	source_raise(self, source, next);
	sw_instance_wake_at(self, start_ns + when_ns);
	return SW_POLL_IDLE;
}

static enum sw_poll poll_paced(struct sw_instance *self, struct source_state *source)
{
	const struct source_config *config = sw_instance_config(self);
	struct source_shared *shared = config->shared;
	uint64_t now_ns = sw_now_ns(), start_ns = schedule_start(shared, now_ns);
	uint64_t since_ns = now_ns > start_ns ? now_ns - start_ns : 0;
	uint64_t due = events_due(config, since_ns);
	struct claim claim;

	if (due > source->total)
		due = source->total;
	claim.first = atomic_load_explicit(&shared->next_event, memory_order_relaxed);
	do {
		uint64_t waiting = due > claim.first ? due - claim.first : 0;
		uint32_t most = paced_events(self, source, waiting);

		if (claim.first >= source->total)
			return SW_POLL_DONE;
		tell_backlog(self, waiting, most);
		if (waiting == 0)
			return rest(self, source, claim.first, most, start_ns);
		if (waiting < most && due < source->total &&
			since_ns < due_ns(config, claim.first) + GATHER_NS)
			return rest(self, source, claim.first, most, start_ns);
		claim.events = waiting < most ? (uint32_t)waiting : most;
	} while (!atomic_compare_exchange_weak_explicit(&shared->next_event, &claim.first,
		claim.first + claim.events, memory_order_relaxed, memory_order_relaxed));
	/* What is in the batch is no backlog any more. */
	tell_backlog(self, due - claim.first - claim.events, claim.events);
	claim.number = atomic_fetch_add_explicit(&shared->next_batch, 1, memory_order_relaxed);
	claim.intended_ns = start_ns + due_ns(config, claim.first);
	return make(self, source, &claim);
}

static enum sw_poll generator_poll(struct sw_instance *self, void *state)
{
	const struct source_config *config = sw_instance_config(self);

	return config->rate_limited ? poll_paced(self, state) : poll_unpaced(self, state);
}

const struct sw_operator source_generator = {
	.name = "generator",
	.state_bytes = sizeof(struct source_state),
	.open = source_open,
	.poll = generator_poll,
};

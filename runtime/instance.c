/* SPDX-License-Identifier: MIT */
/* One instance's turn: what comes in over its links, its watermarks, and what operators may ask. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

#define BATCHES_A_TURN    8
#define WORK_A_TURN_NS    1000000u /* no further batch after so much */
#define PUT_OFF_BATCHES   16u      /* that came back go before what waits in the ring */
#define QUICK_TURN_NS     100000u /* after a turn that took less a source makes more than one batch */
#define QUICK_POLLS       4u
#define STATE_BYTES_LEAST (4u << 20) /* with less address space nothing is tried */

/* ---- Failures ---- */

void graph_fail(struct sw_graph *graph, int code, const char *text)
{
	int nobody = 0;

	/* The first one speaks. R-FAIL -> the acquire in sw_graph_wait: failure is written before
	 * the threads end, which the waiter sees by joining them. */
	if (atomic_compare_exchange_strong_explicit(
		    &graph->failing, &nobody, 1, memory_order_acq_rel, memory_order_relaxed)) {
		graph->failure.code = code;
		snprintf(graph->failure.text, sizeof(graph->failure.text), "%s", text);
	}
	sw_graph_cancel(graph);
}

int sw_instance_fail(struct sw_instance *self, int code, const char *format, ...)
{
	char text[sizeof(((struct sw_error *)0)->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	graph_fail(self->stage->graph, code, text);
	return code;
}

void instance_failed(struct sw_instance *self, int code)
{
	char text[200];

	snprintf(text, sizeof(text), "stage %s: %s", self->stage->name, strerror(-code));
	graph_fail(self->stage->graph, code, text);
}

/* ---- Batches and watermarks in ---- */

void instance_process(struct sw_instance *self, unsigned input, struct sw_batch *batch)
{
	uint64_t intended_ns = self->stage->measures_latency ? batch->intended_ns : 0;
	uint32_t rows = sw_batch_count(batch);
	int code;

	if (graph_cancelled(self->stage->graph)) {
		runner_put(self->runner, batch);
		return;
	}
	code = self->op->process(self, self->state, input, batch);
	if (code)
		instance_failed(self, code);
	if (intended_ns) {
		uint64_t now_ns = sw_now_ns();

		sw_histogram_record(self->runner->latency,
			now_ns > intended_ns ? now_ns - intended_ns : 0, rows);
	}
}

static int64_t link_watermark(const struct link *link)
{
	int64_t hold;

	if (!link->outlet || (link->near && !link->away))
		return link->applied;
	hold = link->outlet->ops->hold(link->outlet);
	return hold < link->applied ? hold : link->applied;
}

/* The lowest of the inputs that are not idle; TIME_IDLE: all are. */
static int64_t inputs_watermark(const struct sw_instance *self)
{
	int64_t watermark = SW_TIME_END;
	bool idle = false;

	for (unsigned i = 0; i < self->stage->inputs; i++) {
		for (unsigned j = 0; j < self->inputs[i].link_count; j++) {
			int64_t of_link = link_watermark(self->inputs[i].links[j]);

			idle |= of_link == TIME_IDLE;
			if (of_link < watermark && of_link != TIME_IDLE)
				watermark = of_link;
		}
	}
	/* Those that have ended wait for nobody, but the idle ones may have more. */
	return watermark == SW_TIME_END && idle ? TIME_IDLE : watermark;
}

bool instance_update_watermark(struct sw_instance *self)
{
	int64_t watermark = inputs_watermark(self);

	if (graph_cancelled(self->stage->graph))
		return false;
	if ((watermark == TIME_IDLE) != self->idle)
		instance_forward_idle(self, watermark == TIME_IDLE);
	if (watermark <= self->watermark_in || watermark == TIME_IDLE)
		return false;
	self->watermark_in = watermark;
	if (self->op->advance) {
		int code = self->op->advance(self, self->state, watermark);

		if (code) {
			instance_failed(self, code);
			return true;
		}
	}
	instance_forward(self, watermark);
	if (watermark == SW_TIME_END)
		self->ended = true;
	return true;
}

/* Loads the link's watermark, and notes up to where the ring must be drained before it holds. */
static void link_look(struct link *link)
{
	if (link->seen != link->applied)
		return; /* an earlier one is still to be reached */
	/* A-WM <- R-WM (link_forward in emit.c) */
	link->seen = atomic_load_explicit(&link->watermark, memory_order_acquire);
	if (link->seen != link->applied)
		link->target = sw_ring_pushed(link->ring);
}

/* What the batch is going to take, as far as is known. */
static uint64_t work_ns(const struct link *link, const struct sw_batch *batch)
{
	if (!link->site)
		return 0;
	return counter_get(&link->site->recent_row_cost) * sw_batch_count(batch) / COST_UNITS;
}

/* Takes in what came back; gives how many that were. The source gets a turn before it is too much,
 * to fill the room that this makes. */
static unsigned link_collect(struct sw_instance *self, struct link *link)
{
	const uint64_t until_ns = self->runner->now_ns + WORK_A_TURN_NS;
	struct sw_outlet_result result;
	unsigned collected = 0;

	while (link->outlet->ops->collect(link->outlet, &result)) {
		collected++;
		if (link->near)
			link->away--;
		self->current = link;
		kernel_adopt(self, link, &result);
		if (sw_now_ns() > until_ns)
			break;
	}
	return collected;
}

/*
 * What came back makes room for more to leave, so it comes first: a batch that is run here would
 * hold up several of those. Not for ever, for watermarks wait for the ring.
 */
static bool puts_off(struct link *link, unsigned collected)
{
	link->put_off += collected;
	if (collected > 0 && link->put_off < PUT_OFF_BATCHES)
		return true;
	link->put_off = 0;
	return false;
}

static bool link_turn(struct sw_instance *self, unsigned input, struct link *link)
{
	struct sw_batch *batch;
	uint64_t work = 0;
	unsigned collected, most;
	bool did;

	link_look(link);
	if (link->near && !link->waiting && !link->away) {
		link->applied = link->seen;
		return false;
	}
	collected = link->outlet ? link_collect(self, link) : 0;
	did = collected > 0;
	most = puts_off(link, collected) ? 0 : BATCHES_A_TURN;
	for (unsigned i = 0; i < most && work < WORK_A_TURN_NS; i++) {
		batch = sw_ring_pop(link->ring);
		if (!batch)
			break;
		did = true;
		work += work_ns(link, batch);
		self->current = link;
		if (link->near)
			link->waiting--;
		else
			dictionaries_take(self->runner, batch);
		instance_process(self, input, batch);
	}
	if (link->seen != link->applied && sw_ring_popped(link->ring) >= link->target)
		link->applied = link->seen;
	return did;
}

static bool room_below(struct sw_instance *self)
{
	for (unsigned i = 0; i < self->stage->outputs; i++)
		if (!output_writable(self, i))
			return false;
	return true;
}

static bool take_input(struct sw_instance *self)
{
	bool did = false;

	for (unsigned i = 0; i < self->stage->inputs; i++)
		for (unsigned j = 0; j < self->inputs[i].link_count; j++)
			if (self->inputs[i].links[j]->ring)
				did |= link_turn(self, i, self->inputs[i].links[j]);
	did |= instance_update_watermark(self);
	return did;
}

/* ---- Sources ---- */

static void source_end(struct sw_instance *self)
{
	sw_instance_backlog(self, 0, 0);
	self->ended = true;
	instance_forward(self, SW_TIME_END);
}

static bool source_poll(struct sw_instance *self)
{
	enum sw_poll poll = self->op->poll(self, self->state);
	int64_t watermark;

	if (poll == SW_POLL_FAILED) {
		instance_failed(self, -EIO);
		return false;
	}
	if (poll == SW_POLL_DONE) {
		source_end(self);
		return false;
	}
	watermark = atomic_load_explicit(&self->source_watermark, memory_order_relaxed);
	instance_forward(self, watermark);
	return poll == SW_POLL_MADE;
}

/* Another batch in the same turn? *until_ns: 0 after the first one. */
static bool source_goes_on(const struct sw_instance *self, unsigned polls, uint64_t *until_ns)
{
	/* A source that is behind its schedule goes on while there is room: what it has not made
	 * yet cannot be spilled. */
	if (counter_get(&self->backlog_events)) {
		uint64_t now_ns = sw_now_ns();

		if (!*until_ns)
			*until_ns = now_ns + WORK_A_TURN_NS;
		return polls < self->stage->graph->options.ring_slots && now_ns < *until_ns;
	}
	return polls < QUICK_POLLS && self->runner->turn_ns < QUICK_TURN_NS;
}

static bool source_turn(struct sw_instance *self)
{
	uint64_t until_ns = 0;
	unsigned polls = 0;

	if (graph_stopping(self->stage->graph)) {
		source_end(self);
		return true;
	}
	if (self->wake_at_ns > self->runner->now_ns)
		return false;
	self->wake_at_ns = 0;
	do {
		if (!room_below(self)) {
			self->blocked = true;
			break;
		}
		if (!source_poll(self))
			break;
		polls++;
	} while (!self->ended && source_goes_on(self, polls, &until_ns));
	return polls > 0 || self->ended;
}

bool instance_turn(struct sw_instance *self)
{
	self->blocked = false;
	if (self->ended)
		return false;
	if (!self->stage->inputs)
		return source_turn(self);
	if (self->stage->relays && graph_stopping(self->stage->graph))
		input_close(self->stage->relays);
	if (!room_below(self)) {
		self->blocked = true;
		return false;
	}
	return take_input(self);
}

/* ---- What operators may ask ---- */

const void *sw_instance_config(const struct sw_instance *self)
{
	return self->stage->config;
}

unsigned sw_instance_index(const struct sw_instance *self)
{
	return self->index;
}

unsigned sw_instance_count(const struct sw_instance *self)
{
	return self->stage->instance_count;
}

int sw_instance_node(const struct sw_instance *self)
{
	return self->runner->place.node;
}

uint32_t sw_instance_batch_rows(const struct sw_instance *self)
{
	return self->stage->graph->options.batch_rows;
}

bool sw_instance_stopped(const struct sw_instance *self)
{
	return graph_stopping(self->stage->graph);
}

void sw_instance_watermark(struct sw_instance *self, int64_t watermark)
{
	/* Relaxed: read by this thread, and by others as a figure. */
	atomic_store_explicit(&self->source_watermark, watermark, memory_order_relaxed);
}

void sw_instance_wake_at(struct sw_instance *self, uint64_t when_ns)
{
	self->wake_at_ns = when_ns;
}

void sw_instance_backlog(struct sw_instance *self, uint64_t events, uint64_t batches)
{
	/* Relaxed: hints, which need not be of the same moment. */
	atomic_store_explicit(&self->backlog_events, events, memory_order_relaxed);
	atomic_store_explicit(&self->backlog_batches, batches, memory_order_relaxed);
}

void sw_instance_count_events(struct sw_instance *self, uint64_t events)
{
	counter_add(&self->runner->events, events);
}

void sw_instance_count_late(struct sw_instance *self, uint64_t rows)
{
	counter_add(&self->late_rows, rows);
}

/* Adds to the graph's state, which may pass its limit by that. */
static int charge(struct sw_instance *self, size_t more)
{
	struct sw_graph *graph = self->stage->graph;
	uint64_t now, most;

	/* Relaxed: sums for a limit and a report; nothing is published by them. */
	now = atomic_fetch_add_explicit(&graph->state_bytes, more, memory_order_relaxed) + more;
	most = counter_get(&graph->state_bytes_max);
	while (now > most && !atomic_compare_exchange_weak_explicit(&graph->state_bytes_max, &most,
				     now, memory_order_relaxed, memory_order_relaxed))
		continue;
	if (now > graph->options.max_state_bytes)
		return sw_instance_fail(self, -ENOMEM,
			"stage %s: state of %llu bytes: over the limit of %llu (--max-state-bytes)",
			self->stage->name, (unsigned long long)now,
			(unsigned long long)graph->options.max_state_bytes);
	return 0;
}

int sw_instance_state_bytes(struct sw_instance *self, size_t bytes)
{
	size_t more = bytes - self->state_bytes; /* modulo 2^64 where it shrinks */

	self->state_bytes = bytes;
	return charge(self, more);
}

static int grow_heap(void *instance, size_t bytes)
{
	return charge(instance, bytes);
}

static struct sw_heap *reserve_heap(struct sw_instance *self, uint64_t state_bytes)
{
	const struct sw_graph_options *options = &self->stage->graph->options;
	/* One grant may be refused only after it was asked for: room for that as well. */
	struct sw_heap_options heap = { .reserve_bytes = state_bytes + (1u << 20),
		.node = self->runner->place.node,
		.huge_pages = options->huge_pages,
		.grow = grow_heap,
		.context = self };

	return sw_heap_create(&heap);
}

/*
 * There is not as much address space as the state may become: a kernel that does not overcommit
 * counts what is reserved, or the process is limited. Then less is, for all, and the limit goes
 * down to that. Of what can be had, a quarter: others need some, too. On the building thread,
 * before there are workers.
 */
static struct sw_heap *reserve_less(struct sw_instance *self)
{
	struct sw_graph *graph = self->stage->graph;
	uint64_t wanted = graph->options.max_state_bytes, less = wanted / 2;
	struct sw_heap *heap = NULL;

	while (!heap && less >= STATE_BYTES_LEAST) {
		heap = reserve_heap(self, less);
		less /= heap ? 4 : 2;
	}
	if (!heap)
		return NULL;
	sw_heap_destroy(heap);
	graph_warn(graph,
		"state: %llu bytes of address space were refused: it is limited to %llu "
		"(vm.overcommit_memory, ulimit -v; --max-state-bytes)",
		(unsigned long long)wanted, (unsigned long long)less);
	graph->options.max_state_bytes = less;
	return reserve_heap(self, less);
}

struct sw_heap *sw_instance_heap(struct sw_instance *self)
{
	struct sw_graph *graph = self->stage->graph;

	if (self->heap)
		return self->heap;
	self->heap = reserve_heap(self, graph->options.max_state_bytes);
	/* Relaxed: the building thread itself says that there are workers. */
	if (!self->heap &&
		atomic_load_explicit(&graph->phase, memory_order_relaxed) == PHASE_BUILDING)
		self->heap = reserve_less(self);
	return self->heap;
}

enum sw_state_mode sw_instance_state_mode(const struct sw_instance *self)
{
	return self->stage->graph->options.state;
}

/* SPDX-License-Identifier: MIT */
/*
 * How batches and watermarks leave an instance: by a direct call, over a ring, or over an outlet.
 * While an outlet takes nothing whatever waits, its ring need not keep anything, and the consumer,
 * where it is on the same thread, is called.
 *
 * A runner never just blocks on a full ring: it runs its stages further down meanwhile
 * (runner_wait_for_room). Ranks only grow down the call stack, so no instance is entered twice, and
 * the last stages never wait for anybody: there is always somebody who can go on.
 */

#include <assert.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

/* Watermarks wait this long, or for so many batches, for what is gathered to fill up. */
#define GATHER_NS      500000u
#define GATHER_BATCHES 16u

static uint64_t batch_bytes(const struct sw_batch *batch)
{
	uint64_t bytes = 0;

	for (uint32_t c = 0; c < batch->schema->columns; c++) {
		const struct sw_column *column = &batch->columns[c];

		if (column->offsets)
			bytes += (uint64_t)column->offsets[batch->rows] + 4u * batch->rows;
		else
			bytes += (uint64_t)batch->rows *
				 (column->dictionary ? 4 : sw_type_width(column->type));
	}
	return bytes;
}

static void count_sent(struct link *link, uint64_t rows, uint64_t bytes)
{
	counter_add(&link->batches, 1);
	counter_add(&link->rows, rows);
	counter_add(&link->bytes, bytes);
}

static enum sw_offer link_offer(struct link *link, struct sw_batch *batch, uint32_t fill)
{
	uint64_t backlog = counter_get(&link->from->backlog_batches);

	fill += backlog < UINT32_MAX / 2 ? (uint32_t)backlog : UINT32_MAX / 2;
	/* Relaxed: this thread alone writes the watermark. */
	return link->outlet->ops->offer(link->outlet, batch, fill,
		atomic_load_explicit(&link->watermark, memory_order_relaxed));
}

/* Runs the consumer, which has the same runner; no byte travels. */
static void link_call(struct link *link, struct sw_batch *batch)
{
	count_sent(link, sw_batch_count(batch), 0);
	link->to->current = link;
	instance_process(link->to, link->edge->input, batch);
}

/* As the outlet answered last, and it has not said otherwise since. */
static bool link_passes(const struct link *link)
{
	struct sw_outlet *outlet = link->outlet;

	if (!link->off || !__atomic_load_n(&outlet->off, __ATOMIC_RELAXED))
		return false;
	/* This thread alone adds. */
	__atomic_store_n(&outlet->passed, sw_outlet_passed(outlet) + 1, __ATOMIC_RELAXED);
	return true;
}

static uint32_t link_fill(const struct link *link)
{
	return link->near ? link->waiting : sw_ring_fill(link->ring);
}

static bool link_try_send(struct link *link, struct sw_batch *batch)
{
	const uint32_t fill = link->outlet ? link_fill(link) : 0;
	const bool may_pass = link->outlet && link->near && fill == 0;
	enum sw_offer offer = SW_OFFER_REFUSED;
	uint64_t rows, bytes;

	if (may_pass && link_passes(link)) {
		link_call(link, batch);
		return true;
	}
	/* What is sent may be gone at once. */
	rows = sw_batch_count(batch);
	bytes = batch_bytes(batch);
	if (link->outlet)
		offer = link_offer(link, batch, fill);
	link->off = offer == SW_OFFER_OFF;
	if (link->off && may_pass) {
		link_call(link, batch);
		return true;
	}
	if (offer != SW_OFFER_TAKEN && !sw_ring_push(link->ring, batch))
		return false;
	count_sent(link, rows, bytes);
	if (!link->near)
		runner_notify(link->to->runner);
	else if (offer == SW_OFFER_TAKEN)
		link->away++;
	else
		link->waiting++;
	return true;
}

void link_send(struct sw_instance *self, struct link *link, struct sw_batch *batch)
{
	if (!link->ring) {
		link_call(link, batch);
		return;
	}
	while (!link_try_send(link, batch)) {
		if (graph_cancelled(self->stage->graph)) {
			runner_put(self->runner, batch);
			return;
		}
		runner_wait_for_room(self->runner, self->stage->rank);
	}
}

/* In turns, passing over full rings; the next in turn when all are full. */
static struct link *next_in_turn(struct output *output)
{
	for (unsigned i = 0; i < output->link_count; i++) {
		struct link *link = output->links[(output->turn + i) % output->link_count];

		if (!link->ring || sw_ring_fill(link->ring) < sw_ring_capacity(link->ring)) {
			output->turn += i + 1;
			return link;
		}
	}
	return output->links[output->turn++ % output->link_count];
}

void sw_emit(struct sw_instance *self, unsigned index, struct sw_batch *batch)
{
	struct output *output = &self->outputs[index];

	if (!sw_batch_count(batch) || graph_cancelled(self->stage->graph))
		runner_put(self->runner, batch);
	else if (output->link_count == 1)
		link_send(self, output->links[0], batch);
	else if (output->edge->route == SW_ROUTE_FORWARD)
		link_send(self, next_in_turn(output), batch);
	else
		exchange_emit(self, output, batch);
}

struct sw_batch *sw_batch_new(struct sw_instance *self, unsigned index)
{
	struct sw_pool *pool = self->outputs[index].pool;
	struct sw_batch *batch;

	assert(pool);
	while (!(batch = sw_pool_get(pool))) {
		if (graph_cancelled(self->stage->graph))
			return NULL;
		/* What is gathered for others holds batches too. */
		if (!exchange_flush(self, &self->outputs[index]))
			runner_wait_for_room(self->runner, self->stage->rank);
	}
	return batch;
}

void sw_release(struct sw_instance *self, struct sw_batch *batch)
{
	runner_put(self->runner, batch);
}

/* Can the ring take one more? With an outlet a full ring is what the outlet is there for. */
static bool link_writable(const struct link *link)
{
	uint32_t fill;

	if (!link->ring)
		return true;
	fill = link_fill(link);
	return link->outlet ? fill < 2 || !link->outlet->ops->congested(link->outlet, fill)
			    : fill < sw_ring_capacity(link->ring);
}

bool output_writable(struct sw_instance *self, unsigned index)
{
	struct output *output = &self->outputs[index];

	if (output->pool && !sw_pool_ready(output->pool))
		return false;
	if (output->link_count > 1 && output->edge->route == SW_ROUTE_FORWARD) {
		for (unsigned i = 0; i < output->link_count; i++)
			if (link_writable(output->links[i]))
				return true;
		return false;
	}
	for (unsigned i = 0; i < output->link_count; i++)
		if (!link_writable(output->links[i]))
			return false;
	return true;
}

uint32_t sw_instance_rows_within(const struct sw_instance *self, unsigned index, uint64_t ns)
{
	const struct output *output = &self->outputs[index];
	uint64_t most = 0;

	for (unsigned i = 0; i < output->link_count; i++) {
		const struct sw_site *site = output->links[i]->site;
		uint64_t cost = site ? counter_get(&site->recent_row_cost) : 0;

		if (cost > most)
			most = cost;
	}
	return most && ns * COST_UNITS / most < UINT32_MAX ? (uint32_t)(ns * COST_UNITS / most)
							   : UINT32_MAX;
}

bool sw_writable(struct sw_instance *self, unsigned index)
{
	return output_writable(self, index);
}

/* ---- Watermarks ---- */

static void link_forward(struct link *link, int64_t watermark)
{
	if (!link->ring) {
		atomic_store_explicit(&link->watermark, watermark, memory_order_relaxed);
		link->applied = watermark;
		instance_update_watermark(link->to);
		return;
	}
	/* R-WM -> A-WM (link_look in instance.c): all batches before it were pushed or offered. */
	atomic_store_explicit(&link->watermark, watermark, memory_order_release);
	if (!link->near)
		runner_notify(link->to->runner);
}

static void forward_to_all(struct sw_instance *self, int64_t watermark)
{
	for (unsigned i = 0; i < self->stage->outputs; i++)
		for (unsigned j = 0; j < self->outputs[i].link_count; j++)
			link_forward(self->outputs[i].links[j], watermark);
}

static bool forward_due(struct sw_instance *self)
{
	int64_t watermark = self->watermark_due;
	bool sent = false;

	for (unsigned i = 0; i < self->stage->outputs; i++)
		sent |= exchange_flush(self, &self->outputs[i]);
	self->due_count = 0;
	if (watermark <= self->watermark_out)
		return sent;
	self->watermark_out = watermark;
	forward_to_all(self, watermark);
	return true;
}

void instance_forward(struct sw_instance *self, int64_t watermark)
{
	bool holds = false;

	if (watermark <= self->watermark_due)
		return;
	self->watermark_due = watermark;
	for (unsigned i = 0; i < self->stage->outputs; i++)
		holds |= self->outputs[i].holds;
	if (holds && watermark != SW_TIME_END) {
		if (!self->due_count++)
			self->due_since_ns = self->runner->now_ns;
		if (self->due_count < GATHER_BATCHES &&
			self->runner->now_ns - self->due_since_ns < GATHER_NS)
			return;
	}
	forward_due(self);
}

void instance_forward_idle(struct sw_instance *self, bool idle)
{
	self->idle = idle;
	if (idle)
		forward_due(self); /* what it holds is not to wait */
	forward_to_all(self, idle ? TIME_IDLE : self->watermark_out);
}

bool instance_flush(struct sw_instance *self)
{
	return forward_due(self);
}

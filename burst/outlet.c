/* SPDX-License-Identifier: MIT */
/*
 * Outlets: the workers' side of bursting.
 *
 * Protocol. One producer thread offers, one consumer thread collects and asks for the hold, the I/O
 * thread is between them. A slot goes round: idle ring (consumer -> producer), announced ring
 * (producer -> consumer, so that the consumer knows of every offer) and spill ring (producer ->
 * I/O), decided ring (I/O -> consumer), idle ring. The consumer keeps what is out in a list in the
 * order of the offers; its head has the hold.
 *
 * Ordering. The announcement is pushed before anything else of an offer can be seen: whoever has
 * acquired something newer from the producer, or the same slot from the I/O thread, finds it.
 * W1 -> W2 (io_wake, io.c) is a pair of read-modify-writes on io_asleep: either the I/O thread sees
 * the push when it looks a last time, or the producer sees that it sleeps.
 *
 * Progress. offer, collect and hold are wait-free, allocate nothing and take no lock; offer makes a
 * system call only to wake a sleeping I/O thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/burst_private.h"
#include "runtime/clock.h"

/* ---- Producer ---- */

static const struct decision *decision_of(struct outlet *outlet)
{
	/* P2 <- P1 (publish, controller.c). The reader is a QSBR reader: the runtime says when the
	 * worker holds nothing, and that is not in here. */
	const struct snapshot *snapshot =
		atomic_load_explicit(&outlet->burst->published, memory_order_acquire);

	return &snapshot->decisions[outlet->index];
}

/* May one more be out? */
static bool has_room(const struct outlet *outlet, const struct decision *decision)
{
	return sw_ring_fill(outlet->idle) + decision->outstanding_max > outlet->slot_count;
}

/*
 * Keeps track of episodes of pressure: one begins when the fill reaches the threshold, and is over
 * when the fill is below it and everything that left is back. True: this batch may leave.
 */
static bool above_threshold(
	struct outlet *outlet, const struct decision *decision, uint32_t fill, uint32_t rows)
{
	if (fill < decision->threshold && (uint64_t)fill * rows < decision->threshold_rows) {
		if (outlet->in_episode && sw_ring_fill(outlet->idle) == outlet->slot_count)
			outlet->in_episode = false;
		return false;
	}
	if (!outlet->in_episode) {
		outlet->in_episode = true;
		outlet->onset_ns = sw_now_ns();
	}
	return has_room(outlet, decision);
}

static enum sw_offer wanted(struct outlet *outlet, const struct sw_batch *batch, uint32_t fill)
{
	const struct decision *decision = decision_of(outlet);
	bool takes;

	switch (decision->mode) {
	case DECISION_SHARE:
		takes = policy_share_takes(decision->share, batch->number);
		break;
	case DECISION_THRESHOLD:
		takes = above_threshold(outlet, decision, fill, sw_batch_count(batch));
		break;
	default:
		outlet->in_episode = false;
		return SW_OFFER_OFF;
	}
	return takes ? SW_OFFER_TAKEN : SW_OFFER_REFUSED;
}

static bool is_closed(const struct outlet *outlet)
{
	return atomic_load_explicit(&outlet->burst->io_closed, memory_order_relaxed);
}

static bool congested(struct sw_outlet *base, uint32_t fill)
{
	struct outlet *outlet = (struct outlet *)base;
	const struct decision *decision = decision_of(outlet);

	return decision->mode == DECISION_THRESHOLD && fill >= decision->threshold &&
	       !is_closed(outlet) && !has_room(outlet, decision);
}

/* The same batch comes again while its ring is full. */
static enum sw_offer refuse(
	struct outlet *outlet, const struct sw_batch *batch, enum sw_offer answer)
{
	outlet->refused = batch;
	outlet->refused_number = batch->number;
	return answer;
}

static enum sw_offer offer(
	struct sw_outlet *base, struct sw_batch *batch, uint32_t fill, int64_t hold)
{
	struct outlet *outlet = (struct outlet *)base;
	struct ledger_slot *slot;
	enum sw_offer answer;

	if (sw_batch_count(batch) == 0)
		return SW_OFFER_REFUSED;
	if (outlet->refused != batch || outlet->refused_number != batch->number)
		burst_add(&outlet->eligible, 1);
	answer = is_closed(outlet) ? SW_OFFER_OFF : wanted(outlet, batch, fill);
	if (answer != SW_OFFER_TAKEN)
		return refuse(outlet, batch, answer);
	/* Room first: a slot that was taken cannot be handed back from this side. */
	if (sw_ring_fill(outlet->spill) == sw_ring_capacity(outlet->spill))
		return refuse(outlet, batch, SW_OFFER_REFUSED);
	slot = sw_ring_pop(outlet->idle);
	if (!slot)
		return refuse(outlet, batch, SW_OFFER_REFUSED);
	outlet->refused = NULL;
	slot->batch = batch;
	slot->hold = hold;
	slot->seq = (uint64_t)outlet->site.instance << 48 | outlet->next_seq++;
	slot->onset_ns = outlet->onset_ns;
	outlet->onset_ns = 0;
	burst_add(&outlet->spilled, 1);
	burst_add(&outlet->spilled_rows, sw_batch_count(batch));
	sw_ring_push(outlet->announced, slot);
	/* Announced first: the spill ring may still hold an entry of this slot from before it was
	 * taken back, by which the I/O thread can take it the moment it is queued. */
	ledger_queue(slot);
	sw_ring_push(outlet->spill, slot);
	io_wake(outlet->burst);
	return SW_OFFER_TAKEN;
}

/* ---- Consumer ---- */

static void learn_offers(struct outlet *outlet)
{
	struct ledger_slot *slot;

	while ((slot = sw_ring_pop(outlet->announced))) {
		slot->older = outlet->newest;
		slot->newer = NULL;
		slot->out = true;
		if (outlet->newest)
			outlet->newest->newer = slot;
		else
			outlet->oldest = slot;
		outlet->newest = slot;
	}
}

static void take_out(struct outlet *outlet, struct ledger_slot *slot)
{
	if (slot->older)
		slot->older->newer = slot->newer;
	else
		outlet->oldest = slot->newer;
	if (slot->newer)
		slot->newer->older = slot->older;
	else
		outlet->newest = slot->older;
	slot->out = false;
}

static void give_back(
	struct outlet *outlet, struct ledger_slot *slot, struct sw_outlet_result *result)
{
	const bool done = ledger_state(slot) == LEDGER_DONE;

	take_out(outlet, slot);
	result->original = slot->batch;
	result->answer = done ? slot->answer : NULL;
	burst_add(done ? &outlet->merged : &outlet->reclaimed, 1);
	slot->batch = NULL;
	slot->answer = NULL;
	ledger_free(slot);
	/* Holds all slots: cannot be full. */
	sw_ring_push(outlet->idle, slot);
}

/* Nothing has come back, and there is nothing else to do: the newest batch that has not been sent.
 */
static struct ledger_slot *steal(struct outlet *outlet)
{
	struct ledger_slot *slot = outlet->newest;

	if (!slot || ledger_state(slot) != LEDGER_QUEUED || !decision_of(outlet)->steal)
		return NULL;
	return ledger_reclaim(slot) ? slot : NULL;
}

static bool collect(struct sw_outlet *base, struct sw_outlet_result *result)
{
	struct outlet *outlet = (struct outlet *)base;
	struct ledger_slot *slot = sw_ring_pop(outlet->decided);

	learn_offers(outlet);
	if (slot && !slot->out) {
		burst_add(&outlet->doubled, 1);
		return false;
	}
	if (!slot)
		slot = steal(outlet);
	if (!slot)
		return false;
	give_back(outlet, slot, result);
	return true;
}

static int64_t hold(struct sw_outlet *base)
{
	struct outlet *outlet = (struct outlet *)base;

	learn_offers(outlet);
	return outlet->oldest ? outlet->oldest->hold : SW_TIME_END;
}

static const struct sw_outlet_ops outlet_ops = {
	.offer = offer,
	.congested = congested,
	.collect = collect,
	.hold = hold,
};

/* ---- Set-up ---- */

/* Answers that wait for their consumer; more of them wait with the I/O thread. */
#define ANSWERS_MAX 64u

/* Most bytes of an answer's body: Base64 of a frame, in JSON. */
static size_t body_max(const struct outlet *outlet)
{
	const struct sw_schema *schema = outlet->site.kernel->out;
	size_t bytes = 1024;

	for (uint32_t i = 0; i < schema->columns; i++) {
		bytes += 16 + (size_t)outlet->answer_rows * 8;
		if (schema->fields[i].type == SW_TEXT)
			bytes += outlet->answer_text_bytes;
	}
	return sw_base64_bytes(bytes) + 1024;
}

/* What the kernel can give for one batch: sizes the answers. */
static void size_answers(struct outlet *outlet)
{
	const struct sw_site_options *site = &outlet->site;
	uint32_t rows = site->batch_rows;
	size_t text_bytes = site->batch_text_bytes;

	if (site->kernel->limits)
		site->kernel->limits(site->config, rows, text_bytes, &rows, &text_bytes);
	/* Dictionary columns come back as plain text. */
	for (uint32_t i = 0; i < site->kernel->out->columns; i++) {
		const struct sw_field *field = &site->kernel->out->fields[i];
		const size_t resolved = (size_t)rows * (field->text_bytes ? field->text_bytes : 16);

		if (field->type == SW_TEXT && text_bytes < resolved)
			text_bytes = resolved;
	}
	outlet->answer_rows = rows < SW_BATCH_ROWS_MAX ? rows : SW_BATCH_ROWS_MAX;
	outlet->answer_text_bytes = text_bytes;
	outlet->answer_body_max = body_max(outlet);
}

static int make_rings(struct outlet *outlet)
{
	const uint32_t slots = outlet->slot_count;
	const int node = outlet->site.node;

	outlet->idle = sw_ring_create(slots, node);
	outlet->announced = sw_ring_create(slots, node);
	outlet->spill = sw_ring_create(slots * 2, node);
	outlet->decided = sw_ring_create(slots, node);
	if (!outlet->idle || !outlet->announced || !outlet->spill || !outlet->decided)
		return -ENOMEM;
	for (uint32_t i = 0; i < slots; i++)
		sw_ring_push(outlet->idle, &outlet->slots[i]);
	return 0;
}

static int make_answers(struct outlet *outlet)
{
	const struct sw_pool_options options = {
		.schema = outlet->site.kernel->out,
		.rows_max = outlet->answer_rows,
		.text_bytes = outlet->answer_text_bytes,
		.batches = outlet->slot_count < ANSWERS_MAX ? outlet->slot_count : ANSWERS_MAX,
		.slots = outlet->site.slots,
		.owner_slot = outlet->site.slot,
		.node = outlet->site.node,
	};

	outlet->answers = sw_pool_create(&options);
	return outlet->answers ? 0 : -ENOMEM;
}

int outlet_create(struct sw_burst *burst, const struct sw_site_options *site, struct outlet **made,
	struct sw_error *error)
{
	struct outlet *outlet = aligned_alloc(SW_CACHE_LINE, sizeof(*outlet));
	const uint32_t slots = site->batches_max > 0 ? site->batches_max : 1;

	if (!outlet)
		return sw_error_set(error, -ENOMEM, "outlet: %s: memory is out", site->edge_name);
	memset(outlet, 0, sizeof(*outlet));
	outlet->base.ops = &outlet_ops;
	outlet->burst = burst;
	outlet->site = *site;
	outlet->slot_count = slots;
	size_answers(outlet);
	outlet->slots = aligned_alloc(SW_CACHE_LINE, slots * sizeof(*outlet->slots));
	if (!outlet->slots)
		goto fail;
	memset(outlet->slots, 0, slots * sizeof(*outlet->slots));
	if (make_rings(outlet) || (burst->policy->offers && make_answers(outlet)))
		goto fail;
	*made = outlet;
	return 0;

fail:
	outlet_destroy(outlet);
	return sw_error_set(error, -ENOMEM, "outlet: %s: memory is out (%u batches of %u rows)",
		site->edge_name, slots, site->batch_rows);
}

void outlet_destroy(struct outlet *outlet)
{
	if (!outlet)
		return;
	sw_ring_destroy(outlet->idle);
	sw_ring_destroy(outlet->announced);
	sw_ring_destroy(outlet->spill);
	sw_ring_destroy(outlet->decided);
	sw_pool_destroy(outlet->answers);
	free(outlet->slots);
	free(outlet);
}

uint32_t outlet_outstanding(const struct outlet *outlet)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < outlet->slot_count; i++)
		count += ledger_state(&outlet->slots[i]) != LEDGER_FREE;
	return count;
}

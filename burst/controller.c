/* SPDX-License-Identifier: MIT */
/*
 * The controller: samples every site, learns what things cost, lets the policy decide, and
 * publishes the decisions to the producers.
 *
 * Protocol. The controller's thread alone writes here; producers and consumers read the published
 * snapshot between two of their quiescent states (QSBR), which the runtime announces.
 *
 * Ordering. P1 -> P2 (decision_of, outlet.c): the exchange publishes the snapshot's content. A
 * snapshot is filled again only after a grace period; ThreadSanitizer does not see the library's
 * fences, so it is told of that here, on the address of the provider, which the runtime's workers
 * name when they announce quiescence.
 *
 * Progress. Samples are relaxed loads; waiting for a grace period blocks only this thread, and
 * happens once in BURST_SNAPSHOTS / 2 changes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <urcu-qsbr.h>

#include "burst/controller_private.h"
#include "burst/thread_private.h"
#include "runtime/clock.h"

#if SW_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum {
	WHY_EVERY_MS = 20,
	/* With no pressure for so long, it is enough to look now and then: producers know from what
	 * fill on to act, and act by themselves. */
	CALM_AFTER_MS = 50,
	CALM_PERIOD_US = 5000,
	/* Where nothing may leave, only what things cost is to be watched. */
	OFF_PERIOD_US = 20000,
};

/* ---- Publishing ---- */

static void wait_for_readers(struct sw_burst *burst)
{
	urcu_qsbr_synchronize_rcu();
#if SW_TSAN
	__tsan_acquire(&burst->provider);
#else
	(void)burst;
#endif
}

static void publish(struct controller *controller)
{
	struct sw_burst *burst = controller->burst;
	struct snapshot *snapshot;

	/* The snapshots are used in turn. Between a snapshot's replacement and its reuse lies at
	 * least one of the two grace periods of a turn. */
	controller->current = (controller->current + 1) % BURST_SNAPSHOTS;
	if (controller->current % (BURST_SNAPSHOTS / 2) == 0)
		wait_for_readers(burst);
	snapshot = controller->snapshots[controller->current];
	memcpy(snapshot->decisions, controller->draft,
		burst->outlet_count * sizeof(struct decision));
	for (uint32_t i = 0; i < burst->outlet_count; i++)
		sw_outlet_set_off(
			&burst->outlets[i]->base, controller->draft[i].mode == DECISION_NEVER);
	/* P1 -> P2 (decision_of, outlet.c). */
	atomic_store_explicit(&burst->published, snapshot, memory_order_release);
}

/* Within an eighth: measured figures jitter. */
static bool is_near(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : b - a) <= b / 8;
}

static bool is_same(const struct decision *a, const struct decision *b)
{
	return a->mode == b->mode && a->share == b->share && is_near(a->threshold, b->threshold) &&
	       is_near(a->threshold_rows, b->threshold_rows) &&
	       is_near(a->outstanding_max, b->outstanding_max) && a->steal == b->steal;
}

static bool has_changed(const struct controller *controller)
{
	const struct snapshot *snapshot = controller->snapshots[controller->current];

	for (uint32_t i = 0; i < controller->burst->outlet_count; i++) {
		if (!is_same(&snapshot->decisions[i], &controller->draft[i]))
			return true;
	}
	return false;
}

/* ---- Deciding ---- */

static const char *unavailable(const struct sw_burst *burst)
{
	const struct io_counters *counters = &burst->counters;
	const uint64_t most = burst->options.max_invocations;

	if (most && burst_get(&counters->attempts) >= most)
		return "the invocations allowed are used up";
	if (burst_get(&counters->exhausted))
		return "the budget is used up";
	if (burst_get(&counters->breaker_open))
		return "the endpoint fails";
	return NULL;
}

static uint32_t queued(const struct sw_burst *burst)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < burst->outlet_count; i++)
		count += sw_ring_fill(burst->outlets[i]->spill);
	return count;
}

static void view_all(const struct controller *controller, struct policy_view *view)
{
	const struct sw_burst *burst = controller->burst;
	const struct io_counters *counters = &burst->counters;

	memset(view, 0, sizeof(*view));
	view->now_ns = sw_now_ns();
	view->inflight = (uint32_t)burst_get(&counters->inflight);
	view->window = (uint32_t)burst_get(&counters->window);
	view->queued = queued(burst);
	view->outlets = burst->outlet_count;
	view->unavailable = unavailable(burst);
	view->remote_p50_ns = (double)burst_get(&counters->remote_p50_ns);
	view->remote_p90_ns = (double)burst_get(&counters->remote_p90_ns);
}

static double backlog_batches(const struct controller *controller, uint32_t outlet)
{
	return (double)controller->samples[outlet].backlog_batches;
}

static void view_outlet(
	const struct controller *controller, uint32_t outlet, struct policy_view *view)
{
	const struct edge_knowledge *edge = &controller->edges[controller->edge_of[outlet]];
	const struct sw_site_sample *sample = &controller->samples[outlet];

	view->outlet = outlet;
	view->fill = sample->fill;
	view->capacity = sample->capacity;
	view->backlog_batches = backlog_batches(controller, outlet);
	view->slots = controller->burst->outlets[outlet]->slot_count;
	view->offered_rows = sample->offered_rows;
	view->local_rows = sample->local_rows;
	view->local_ns = sample->local_ns;
	view->local_ns_per_row = edge->local_ns_per_row;
	view->local_ns_per_batch = edge->local_ns_per_batch;
	view->rows_per_batch = edge->rows_per_batch;
	view->ship_ns_per_row = edge->ship_ns_per_row;
	view->shipped_batches = edge->ship_batches;
}

/* Drafts every outlet's decision. The first outlet of an edge speaks for it. */
static void decide(struct controller *controller)
{
	struct sw_burst *burst = controller->burst;
	const struct policy *policy = burst->policy;
	struct policy_view view;
	uint32_t told = 0;
	bool tell;

	view_all(controller, &view);
	tell = view.now_ns >= controller->why_at_ns;
	if (tell)
		controller->why_at_ns = view.now_ns + WHY_EVERY_MS * 1000000ull;
	for (uint32_t i = 0; i < burst->outlet_count; i++) {
		char why[BURST_WHY_BYTES] = "";

		view_outlet(controller, i, &view);
		memset(&controller->draft[i], 0, sizeof(controller->draft[i]));
		policy->decide(&burst->options, controller->states + i * policy->state_bytes, &view,
			&controller->draft[i], why, tell ? sizeof(why) : 0);
		if (tell && controller->edge_of[i] == told) {
			burst_set_why(burst, burst->outlets[i]->site.edge, why);
			told++;
		}
	}
}

static void sample(struct controller *controller)
{
	for (uint32_t i = 0; i < controller->burst->outlet_count; i++)
		sw_site_sample(controller->burst->outlets[i]->site.site, &controller->samples[i]);
}

/* Something waits, is away, or is not known yet though there are batches. */
static bool is_stirred(const struct controller *controller)
{
	const struct sw_burst *burst = controller->burst;

	if (burst_get(&burst->counters.inflight) > 0)
		return true;
	for (uint32_t i = 0; i < burst->outlet_count; i++) {
		const struct sw_site_sample *sample = &controller->samples[i];
		const struct decision *decision = &controller->draft[i];

		if (sw_ring_fill(burst->outlets[i]->spill) > 0)
			return true;
		if (controller->edges[controller->edge_of[i]].local_ns_per_row <= 0 &&
			sample->offered_batches > 0)
			return true;
		if (decision->mode == DECISION_THRESHOLD &&
			sample->fill + backlog_batches(controller, i) >= decision->threshold / 2.0)
			return true;
	}
	return false;
}

static bool is_off(const struct controller *controller)
{
	for (uint32_t i = 0; i < controller->burst->outlet_count; i++)
		if (controller->draft[i].mode != DECISION_NEVER)
			return false;
	return true;
}

static uint64_t period_of(struct controller *controller, uint64_t now_ns)
{
	uint64_t period_us = controller->burst->options.sample_us;

	if (is_stirred(controller)) {
		controller->stirred_ns = now_ns;
	} else if (now_ns - controller->stirred_ns > CALM_AFTER_MS * 1000000ull) {
		const uint64_t calm_us = is_off(controller) ? OFF_PERIOD_US : CALM_PERIOD_US;

		period_us = period_us > calm_us ? period_us : calm_us;
	}
	return period_us * 1000;
}

static void *controller_main(void *context)
{
	struct controller *controller = context;
	uint64_t period_ns = controller->burst->options.sample_us * 1000ull;
	uint64_t next_ns = sw_now_ns() + period_ns;

	controller->stirred_ns = sw_now_ns();
	for (;;) {
		const uint32_t value = sw_waiter_prepare(controller->waiter);
		uint64_t now_ns;

		/* A5 <- R5 (controller_stop). */
		if (atomic_load_explicit(&controller->stop, memory_order_acquire))
			return NULL;
		sw_waiter_wait(controller->waiter, value, next_ns);
		now_ns = sw_now_ns();
		sample(controller);
		controller_learn(controller);
		decide(controller);
		if (has_changed(controller))
			publish(controller);
		period_ns = period_of(controller, now_ns);
		next_ns += period_ns;
		if (next_ns < now_ns)
			next_ns = now_ns + period_ns;
	}
}

/* ---- Start and stop ---- */

static void controller_free(struct controller *controller)
{
	if (!controller)
		return;
	for (uint32_t i = 0; i < BURST_SNAPSHOTS; i++)
		free(controller->snapshots[i]);
	sw_waiter_destroy(controller->waiter);
	free(controller->edge_of);
	free(controller->samples);
	free(controller->states);
	free(controller->draft);
	free(controller);
}

/* Numbers the edges in the order in which their first outlets stand. */
static void number_edges(struct controller *controller)
{
	const struct sw_burst *burst = controller->burst;

	for (uint32_t i = 0; i < burst->outlet_count; i++) {
		const uint32_t edge = burst->outlets[i]->site.edge;
		uint32_t e = 0;

		while (e < controller->edge_count && controller->edges[e].edge != edge)
			e++;
		if (e == controller->edge_count)
			controller->edges[controller->edge_count++].edge = edge;
		controller->edge_of[i] = e;
	}
}

static bool controller_alloc(struct controller *controller)
{
	const struct sw_burst *burst = controller->burst;
	const size_t outlets = burst->outlet_count ? burst->outlet_count : 1;
	const size_t state_bytes = burst->policy->state_bytes ? burst->policy->state_bytes : 1;
	const size_t bytes = sizeof(struct snapshot) + outlets * sizeof(struct decision);

	controller->edge_of = calloc(outlets, sizeof(*controller->edge_of));
	controller->samples = calloc(outlets, sizeof(*controller->samples));
	controller->states = calloc(outlets, state_bytes);
	controller->draft = calloc(outlets, sizeof(*controller->draft));
	controller->waiter = sw_waiter_create();
	if (!controller->edge_of || !controller->samples || !controller->states ||
		!controller->draft || !controller->waiter)
		return false;
	for (uint32_t i = 0; i < BURST_SNAPSHOTS; i++) {
		controller->snapshots[i] = calloc(1, bytes);
		if (!controller->snapshots[i])
			return false;
	}
	return true;
}

int controller_prepare(struct sw_burst *burst, struct sw_error *error)
{
	struct controller *controller = calloc(1, sizeof(*controller));

	if (!controller)
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	controller->burst = burst;
	burst->controller = controller;
	if (!controller_alloc(controller))
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	number_edges(controller);
	decide(controller);
	publish(controller);
	return 0;
}

int controller_start(struct sw_burst *burst, struct sw_error *error)
{
	struct controller *controller = burst->controller;
	int rc;

	if (!burst->policy->samples || burst->outlet_count == 0)
		return 0;
	rc = burst_thread_start(&controller->thread, "sw-controller", controller_main, controller);
	if (rc)
		return sw_error_set(error, rc, "burst: the controller's thread does not start: %s",
			strerror(-rc));
	controller->started = true;
	return 0;
}

void controller_stop(struct sw_burst *burst)
{
	struct controller *controller = burst->controller;

	if (!controller)
		return;
	if (controller->started) {
		/* R5 -> A5 (controller_main). */
		atomic_store_explicit(&controller->stop, 1, memory_order_release);
		sw_waiter_notify(controller->waiter);
		pthread_join(controller->thread, NULL);
	}
	burst->controller = NULL;
	/* No worker runs any more: nobody reads it. */
	atomic_store_explicit(&burst->published, NULL, memory_order_relaxed);
	controller_free(controller);
}

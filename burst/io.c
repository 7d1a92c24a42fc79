/* SPDX-License-Identifier: MIT */
/*
 * The I/O thread: takes spilled batches from the outlets' rings, sends them, hands answers back.
 *
 * Protocol. It is the consumer of every spill ring, the producer of every decided ring and the
 * owner of every pool of answers; anyone may wake it. It sends only as much as its window allows:
 * what it cannot send stays QUEUED, where the consumer may take it back.
 *
 * Ordering. W1 -> W2: a producer pushes, then exchanges io_asleep; the thread exchanges io_asleep,
 * then looks at the rings. The exchanges of one variable have one order: if the producer's comes
 * later it reads "asleep" and wakes; if it comes earlier the thread's acquires the push.
 *
 * Progress. Blocking, as it should be: it sleeps in the transport's poll.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "burst/io_private.h"
#include "burst/thread_private.h"
#include "runtime/clock.h"

enum {
	SLEEP_LONGEST_MS = 1000,
	HEDGE_LOOK_MS = 5, /* how often slow requests are looked for */
	PROBE_LOOK_MS = 50,
	WARM_UP_LONGEST_MS = 3000,
	PROBE_LONGEST_MS = 1500, /* a probe that hangs holds up the next */
};

void io_wake(struct sw_burst *burst)
{
	/* W1 -> W2 (sleep_or_poll). */
	if (atomic_exchange_explicit(&burst->io_asleep, 0, memory_order_acq_rel)) {
		struct sw_transport *transport = burst->io->transport;

		transport->ops->wakeup(transport);
	}
}

/* ---- What it costs ---- */

static uint64_t cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Since then this thread has worked for the outlet's batches only, and for one that went this way.
 * Returns the time now. */
static uint64_t charge(struct outlet *outlet, bool bare, uint64_t since_ns)
{
	const uint64_t now_ns = cpu_now_ns();
	const enum way way = bare ? WAY_DIAL_BACK : WAY_INVOKE;

	burst_add(&outlet->cpu_ns, now_ns - since_ns);
	burst_add(&outlet->burst->counters.ways[way].cpu_ns, now_ns - since_ns);
	return now_ns;
}

/* ---- Taking ---- */

static bool rings_have_work(const struct sw_burst *burst)
{
	for (uint32_t i = 0; i < burst->outlet_count; i++) {
		if (sw_ring_fill(burst->outlets[i]->spill) > 0)
			return true;
	}
	return false;
}

/* The next slot that is still QUEUED, now ENCODING, from the outlets in turn. */
static struct ledger_slot *next_slot(struct io *io, struct outlet **from, uint64_t *generation)
{
	struct sw_burst *burst = io->burst;

	for (uint32_t tried = 0; tried < burst->outlet_count; tried++) {
		struct outlet *outlet = burst->outlets[io->turn++ % burst->outlet_count];
		struct ledger_slot *slot;

		while ((slot = sw_ring_pop(outlet->spill))) {
			if (ledger_begin_encode(slot, generation)) {
				*from = outlet;
				return slot;
			}
		}
	}
	return NULL;
}

static void give_back_unsent(struct outlet *outlet, struct ledger_slot *slot, uint64_t generation)
{
	if (!ledger_give_up(slot, generation))
		return;
	slot->answer = NULL;
	sw_ring_push(outlet->decided, slot);
	sw_site_notify(outlet->site.site);
}

static void take_new(struct io *io)
{
	const uint64_t now_ns = io_now(io);
	struct outlet *outlet = NULL;
	struct ledger_slot *slot;
	uint64_t generation = 0, cpu_ns = 0;

	if (rings_have_work(io->burst))
		visits_ask(io, now_ns);
	for (;;) {
		const bool usable = limits_usable(io, now_ns);

		if (usable && !limits_may_send(io))
			return;
		slot = next_slot(io, &outlet, &generation);
		if (!slot)
			return;
		if (usable) {
			struct request *request = request_take(io);

			request->outlet = outlet;
			request->slot = slot;
			request->generation = generation;
			if (cpu_ns == 0)
				cpu_ns = cpu_now_ns();
			request_begin(io, request);
			cpu_ns = charge(outlet, request->exchange.bare, cpu_ns);
			/* The first batch of a spike goes out now, with the next poll, not when as
			 * many as may fly have been encoded. */
			if (request->onset_ns)
				return;
		} else {
			give_back_unsent(outlet, slot, generation);
		}
	}
}

/* ---- Returning ---- */

static void end_exchanges(struct io *io)
{
	struct sw_exchange *exchange;
	struct outlet *outlet;
	uint64_t cpu_ns = io->flying + io->dialled > 0 ? cpu_now_ns() : 0;
	bool bare;

	while ((exchange = io->transport->ops->next(io->transport))) {
		if (exchange == &io->warm) {
			io->warming = false;
			if (exchange->outcome == SW_OUTCOME_ANSWER)
				limits_connected(io);
			else
				limits_not_connected(
					io, exchange->outcome, exchange->detail, io_now(io));
			continue;
		}
		if (visits_has(io, exchange)) {
			visits_ended(io, exchange);
			continue;
		}
		outlet = ((struct request *)exchange)->outlet;
		bare = exchange->bare;
		request_ended(io, (struct request *)exchange);
		cpu_ns = charge(outlet, bare, cpu_ns);
	}
}

/* Looks at requests that wait for something else than the transport. */
static void look_at_waiting(struct io *io)
{
	const uint64_t now_ns = io_now(io);

	if (io->busy == 0)
		return;
	for (uint32_t i = 0; i < io->request_count; i++) {
		struct request *request = &io->requests[i];

		switch (request->state) {
		case REQUEST_NO_ROOM:
			request_ended(io, request);
			break;
		case REQUEST_BACKOFF:
			if (!ledger_undecided(request->slot, request->generation))
				request_free(io, request);
			else if (request->due_ns <= now_ns && !limits_usable(io, now_ns))
				request_give_up(io, request);
			else if (request->due_ns <= now_ns && limits_may_go(io, now_ns) &&
				 !request_send(io, request))
				request_give_up(io, request);
			break;
		default:
			break;
		}
	}
	hedge_latest(io, now_ns);
}

/* ---- The loop ---- */

static uint32_t timeout_ms(struct io *io)
{
	if (io->no_room > 0)
		return 1;
	if (io->backing_off + io->dialled > 0 || io->flying > io->visiting)
		return HEDGE_LOOK_MS;
	return io->breaker_open ? PROBE_LOOK_MS : SLEEP_LONGEST_MS;
}

/* What is in the rings could be taken now. */
static bool can_take(struct io *io)
{
	const uint64_t now_ns = io_now(io);

	return !limits_usable(io, now_ns) || limits_may_send(io);
}

/* What moving bytes costs is of the way that they went; opening connections and the like is of
 * neither. */
static void poll_transport(struct io *io, uint32_t wait_ms)
{
	struct io_counters *counters = &io->burst->counters;
	const uint64_t dial_ns = burst_get(&counters->dial.cpu_ns);
	const bool invoked = io->flying > io->visiting, dialled = io->dialled > 0;
	const uint64_t begin_ns = cpu_now_ns();
	uint64_t sockets_ns, rest_ns;

	io->transport->ops->poll(io->transport, wait_ms);
	sockets_ns = burst_get(&counters->dial.cpu_ns) - dial_ns;
	rest_ns = cpu_now_ns() - begin_ns - sockets_ns;
	burst_add(&counters->ways[WAY_DIAL_BACK].cpu_ns, sockets_ns);
	if (invoked)
		burst_add(&counters->ways[WAY_INVOKE].cpu_ns, rest_ns);
	else if (dialled)
		burst_add(&counters->ways[WAY_DIAL_BACK].cpu_ns, rest_ns);
}

static void sleep_or_poll(struct io *io)
{
	struct sw_burst *burst = io->burst;
	uint32_t wait_ms = timeout_ms(io);

	/* W2 <- W1 (io_wake). */
	atomic_exchange_explicit(&burst->io_asleep, 1, memory_order_acq_rel);
	if ((can_take(io) && rings_have_work(burst)) ||
		atomic_load_explicit(&burst->io_stop, memory_order_acquire))
		wait_ms = 0;
	poll_transport(io, wait_ms);
	/* W2 <- W1 again: an exchange, so that no producer's is hidden behind a plain store. */
	atomic_exchange_explicit(&burst->io_asleep, 0, memory_order_acq_rel);
}

static void note_cpu(struct io *io)
{
	burst_set(&io->burst->counters.cpu_ns, cpu_now_ns());
}

static void warm_up(struct io *io)
{
	io->warm.warm_up = true;
	io->warm.deadline_ms = io->troubled ? PROBE_LONGEST_MS : WARM_UP_LONGEST_MS;
	if (io->warm.deadline_ms > io->burst->options.deadline_ms)
		io->warm.deadline_ms = io->burst->options.deadline_ms;
	io->warming = io->transport->ops->submit(io->transport, &io->warm) == 0;
	io->tried = io->tried || !io->warming;
}

void io_begin(struct io *io)
{
	limits_begin(io, io_now(io));
	warm_up(io);
}

void io_turn(struct io *io)
{
	sleep_or_poll(io);
	end_exchanges(io);
	look_at_waiting(io);
	prewarm_look(io, io_now(io));
	take_new(io);
	if (limits_probe_due(io, io_now(io)))
		warm_up(io);
	note_cpu(io);
}

void io_finish(struct io *io)
{
	for (uint32_t i = 0; i < io->request_count; i++) {
		if (io->requests[i].state == REQUEST_FLYING)
			request_cancel(io, &io->requests[i]);
	}
	visits_dismiss(io);
	note_cpu(io);
	if (io->warming)
		io->transport->ops->cancel(io->transport, &io->warm);
}

static void *io_main(void *context)
{
	struct io *io = context;

	io_begin(io);
	/* A3 <- R3 (io_stop). */
	while (!atomic_load_explicit(&io->burst->io_stop, memory_order_acquire))
		io_turn(io);
	io_finish(io);
	return NULL;
}

/* ---- Start and end ---- */

void io_close(struct io *io)
{
	if (!io)
		return;
	if (io->transport)
		io->transport->ops->close(io->transport);
	for (uint32_t i = 0; io->requests && i < io->request_count; i++) {
		free(io->requests[i].frame);
		free(io->requests[i].body);
		free(io->requests[i].exchange.answer);
	}
	visits_free(io);
	free(io->requests);
	free(io->warm.answer);
	hedge_end(io);
	free(io);
}

static int make_requests(struct io *io)
{
	const uint32_t most = io->burst->options.max_inflight;

	/* As many again wait for a second try or for room; then no new ones are taken. A function
	 * that dials back has two. */
	io->request_count = most * (io->transport->dialback ? 4 : 2);
	io->requests = calloc(io->request_count, sizeof(*io->requests));
	if (!io->requests)
		return -ENOMEM;
	for (uint32_t i = io->request_count; i-- > 0;) {
		io->requests[i].next = io->idle;
		io->idle = &io->requests[i];
	}
	if (!io->transport->dialback)
		return 0;
	return visits_make(io, most < IO_VISITS_MAX ? most : IO_VISITS_MAX);
}

int io_open(struct sw_burst *burst, struct io **made, struct sw_error *error)
{
	struct io *io = calloc(1, sizeof(*io));
	int rc;

	if (!io)
		return sw_error_set(error, -ENOMEM, "burst: memory is out");
	io->burst = burst;
	io->random = burst->job | 1;
	/* The controller may look before the thread has begun. */
	burst_set(&burst->counters.window, burst->options.max_inflight);
	atomic_store_explicit(&burst->io_stop, 0, memory_order_relaxed);
	atomic_store_explicit(&burst->io_asleep, 0, memory_order_relaxed);
	atomic_store_explicit(&burst->io_closed, 0, memory_order_relaxed);
	rc = burst_open_transport(burst, &io->transport, error);
	if (rc)
		goto fail;
	if (make_requests(io) || hedge_begin(io)) {
		rc = sw_error_set(error, -ENOMEM, "burst: memory is out");
		goto fail;
	}
	*made = io;
	return 0;

fail:
	io_close(io);
	return rc;
}

int io_start(struct sw_burst *burst, struct sw_error *error)
{
	int rc = io_open(burst, &burst->io, error);

	if (rc)
		return rc;
	rc = burst_thread_start(&burst->io->thread, "sw-burst-io", io_main, burst->io);
	if (rc) {
		sw_error_set(error, rc, "burst: the I/O thread does not start: %s", strerror(-rc));
		io_close(burst->io);
		burst->io = NULL;
	}
	return rc;
}

void io_stop(struct sw_burst *burst)
{
	struct io *io = burst->io;

	if (!io)
		return;
	/* R3 -> A3 (io_main). */
	atomic_store_explicit(&burst->io_stop, 1, memory_order_release);
	io->transport->ops->wakeup(io->transport);
	pthread_join(io->thread, NULL);
	burst->io = NULL;
	io_close(io);
}

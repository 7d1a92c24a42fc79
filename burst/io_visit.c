/* SPDX-License-Identifier: MIT */
/*
 * Visits: functions that are invoked to dial back. Each is one invocation, in the window, in the
 * caps and paid by how long it lasts, however many batches it works through. One more is invited
 * when batches wait and nobody who is there has room; at most as many again are on their way as
 * have come, so that few are called in vain. Who is not needed is let go by the transport.
 */
#include <errno.h>
#include <stdlib.h>

#include "burst/io_private.h"

#define MS_NS 1000000ull

enum {
	AWAITED_LEAST = 2, /* may be on their way when nobody is there */
	WAIT_FIRST_MS = 100,
	WAIT_LONGEST_MS = 15000,
	ANSWER_MAX = 4096, /* a summary that nobody reads, or an error */
	PLACE_WAIT_MS =
		2, /* that a batch waits for a function that is there; else it is invoked for */
	PARTING_MS = 250, /* at the end, for functions to say what they cost */
};

int visits_make(struct io *io, uint32_t count)
{
	io->visits = calloc(count, sizeof(*io->visits));
	if (!io->visits)
		return -ENOMEM;
	io->visit_count = count;
	for (uint32_t i = count; i-- > 0;) {
		io->visits[i].exchange.answer_max = ANSWER_MAX;
		io->visits[i].next = io->idle_visits;
		io->idle_visits = &io->visits[i];
	}
	return 0;
}

void visits_free(struct io *io)
{
	for (uint32_t i = 0; i < io->visit_count; i++)
		free(io->visits[i].exchange.answer);
	free(io->visits);
}

bool visits_has(const struct io *io, const struct sw_exchange *exchange)
{
	const struct visit *visit = (const struct visit *)exchange;

	return visit >= io->visits && visit < io->visits + io->visit_count;
}

bool visits_fail(const struct io *io, uint64_t now_ns)
{
	const struct dialback *dialback = io->transport->dialback;

	if (dialback_connected(dialback) == 0 || now_ns < io->invite_at_ns ||
		dialback_wait_ns(dialback) > PLACE_WAIT_MS * MS_NS)
		return true;
	/* As many as may be have come. */
	return !io->idle_visits && dialback_awaited(dialback) == 0;
}

static void count_flying(struct io *io, int change)
{
	struct io_counters *counters = &io->burst->counters;

	io->flying += (uint32_t)change;
	io->visiting += (uint32_t)change;
	burst_set(&counters->inflight, io->flying);
	if (io->flying > burst_get(&counters->inflight_max))
		burst_set(&counters->inflight_max, io->flying);
}

static void idle(struct io *io, struct visit *visit)
{
	visit->ticket = NULL;
	visit->next = io->idle_visits;
	io->idle_visits = visit;
}

static void invite(struct io *io, struct visit *visit)
{
	struct sw_exchange *exchange = &visit->exchange;
	struct dialback *dialback = io->transport->dialback;

	visit->ticket = dialback_invite(dialback);
	if (!visit->ticket)
		return;
	io->idle_visits = visit->next;
	exchange->body = visit->ticket->body;
	exchange->body_bytes = visit->ticket->body_bytes;
	exchange->deadline_ms = io->burst->options.dial_back_ms + IO_VISIT_GRACE_MS;
	if (io->transport->ops->submit(io->transport, exchange) != 0) {
		dialback_void(dialback, visit->ticket);
		idle(io, visit);
		return;
	}
	burst_add(&io->burst->counters.dial.invitations, 1);
	limits_put_aside(io, exchange);
	count_flying(io, 1);
}

void visits_ask(struct io *io, uint64_t now_ns)
{
	const struct dialback *dialback = io->transport->dialback;
	uint32_t most;

	if (!dialback || !io->tried || dialback_has_place(dialback) || now_ns < io->invite_at_ns ||
		!limits_usable(io, now_ns))
		return;
	most = dialback_connected(dialback);
	if (most < AWAITED_LEAST)
		most = AWAITED_LEAST;
	while (io->idle_visits && dialback_awaited(dialback) < most && limits_has_room(io) &&
		limits_affords(io, io->burst->options.dial_back_ms + IO_VISIT_GRACE_MS)) {
		const uint32_t before = io->visiting;

		invite(io, io->idle_visits);
		if (io->visiting == before)
			return;
	}
}

/* It came to nothing: the next one waits longer. */
static void note_failure(struct io *io, const struct sw_exchange *exchange, uint64_t now_ns)
{
	struct io_counters *counters = &io->burst->counters;

	switch (exchange->outcome) {
	case SW_OUTCOME_THROTTLED:
		burst_add(&counters->throttled, 1);
		break;
	case SW_OUTCOME_ANSWER:
	case SW_OUTCOME_FUNCTION:
		burst_add(&counters->function_errors, 1);
		break;
	case SW_OUTCOME_TIMEOUT:
		burst_add(&counters->timeouts, 1);
		break;
	default:
		burst_add(&counters->transport_errors, 1);
		break;
	}
	/* What the function itself did says nothing of the endpoint. */
	if (exchange->outcome == SW_OUTCOME_THROTTLED || exchange->outcome == SW_OUTCOME_NOT_RUN ||
		exchange->outcome == SW_OUTCOME_PERMANENT)
		limits_bad(io, exchange->outcome, exchange->detail, now_ns);
	else if (!io->told_uninvited)
		burst_log(io->burst, "dial-back: function %s: did not come: %s",
			io->burst->options.function,
			exchange->detail[0] ? exchange->detail : "it answered instead");
	if (exchange->outcome != SW_OUTCOME_THROTTLED)
		io->told_uninvited = true;
	io->invite_wait_ns = io->invite_wait_ns ? io->invite_wait_ns * 2 : WAIT_FIRST_MS * MS_NS;
	if (io->invite_wait_ns > WAIT_LONGEST_MS * MS_NS)
		io->invite_wait_ns = WAIT_LONGEST_MS * MS_NS;
	io->invite_at_ns = now_ns + io->invite_wait_ns;
}

void visits_ended(struct io *io, struct sw_exchange *exchange)
{
	struct visit *visit = (struct visit *)exchange;
	const struct dial_ticket *ticket = visit->ticket;
	const uint64_t now_ns = io_now(io);
	const uint64_t lasted_ns = exchange->sent_ns ? now_ns - exchange->sent_ns : 0;

	count_flying(io, -1);
	limits_pay(io, exchange, lasted_ns);
	burst_add(&io->burst->counters.cold_starts, exchange->cold);
	if (ticket->frames > 0 || (ticket->used && exchange->outcome == SW_OUTCOME_ANSWER))
		io->invite_wait_ns = 0;
	else if (!io->parting)
		note_failure(io, exchange, now_ns);
	dialback_void(io->transport->dialback, visit->ticket);
	idle(io, visit);
}

void visits_dismiss(struct io *io)
{
	const uint64_t until_ns = io_now(io) + PARTING_MS * MS_NS;
	const struct sw_transport_ops *ops = io->transport->ops;

	io->parting = true;
	if (io->visiting > 0)
		dialback_dismiss(io->transport->dialback);
	while (io->visiting > 0 && io_now(io) < until_ns) {
		struct sw_exchange *exchange;

		ops->poll(io->transport, 10);
		while ((exchange = ops->next(io->transport))) {
			if (visits_has(io, exchange))
				visits_ended(io, exchange);
			else if (exchange == &io->warm)
				io->warming = false;
		}
	}
	for (uint32_t i = 0; i < io->visit_count; i++) {
		struct visit *visit = &io->visits[i];

		if (!visit->ticket)
			continue;
		ops->cancel(io->transport, &visit->exchange);
		visit->exchange.outcome = SW_OUTCOME_BROKEN;
		visits_ended(io, &visit->exchange);
	}
}

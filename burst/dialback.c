/* SPDX-License-Identifier: MIT */
/*
 * The transport with dial-back: what is bare goes to functions that have connected to us, the rest
 * to the transport that it wraps. Sockets are looked at through one epoll descriptor, which the
 * wrapped transport's poll watches: one thread sleeps in one place.
 */
#include "burst/dialback_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS_NS 1000000ull

enum {
	EVENTS = 64,
	ACCEPTS = 16, /* in one turn */
	LOOK_MS = 20, /* how often time is looked at while anybody is connected */
	LOG_EVERY_MS = 1000,
	/* A function that takes more of the network's round trips than so for a frame gets one at a
	 * time: a second would wait there, where nobody else can take it. */
	LONG_TRIPS = 4,
};

static uint64_t now_ns(struct sw_transport *transport)
{
	struct dialback *dialback = transport->dialback;

	return dialback->inner->ops->now_ns(dialback->inner);
}

void dialback_tell(struct dialback *dialback, const char *format, ...)
{
	const uint64_t now = now_ns(&dialback->base);
	char text[256] = "dial-back: ";
	va_list arguments;

	if (!dialback->log ||
		(dialback->told_ns != 0 && now - dialback->told_ns < LOG_EVERY_MS * MS_NS))
		return;
	dialback->told_ns = now;
	va_start(arguments, format);
	vsnprintf(text + strlen(text), sizeof(text) - strlen(text), format, arguments);
	va_end(arguments);
	dialback->log(dialback->log_context, text);
}

/* ---- Who takes a frame ---- */

/* How many at once. */
static uint32_t depth(const struct dialback *dialback)
{
	return dialback->service_ns <= LONG_TRIPS * dialback->way_ns ? DIAL_DEPTH : 1;
}

static struct dial_connection *find_place(const struct dialback *dialback)
{
	struct dial_connection *connection = NULL;

	for (uint32_t load = 0; load < depth(dialback) && !connection; load++)
		connection = dial_first(&dialback->by_load[load]);
	return connection;
}

bool dialback_has_place(const struct dialback *dialback)
{
	return dialback && find_place(dialback);
}

uint32_t dialback_connected(const struct dialback *dialback)
{
	return dialback->connected;
}

uint32_t dialback_awaited(const struct dialback *dialback)
{
	return dialback->awaited;
}

uint64_t dialback_wait_ns(const struct dialback *dialback)
{
	return dialback->service_ns / (dialback->connected ? dialback->connected : 1);
}

/* ---- The table ---- */

static int submit(struct sw_transport *transport, struct sw_exchange *exchange)
{
	struct dialback *dialback = transport->dialback;
	struct dial_connection *connection;

	if (!exchange->bare)
		return dialback->inner->ops->submit(dialback->inner, exchange);
	connection = find_place(dialback);
	if (!connection)
		return -EAGAIN;
	exchange->answer_bytes = 0;
	exchange->sent_ns = 0;
	exchange->function_us = 0;
	exchange->cold = false;
	exchange->detail[0] = '\0';
	dial_give(connection, exchange);
	return 0;
}

void dialback_ended(struct dialback *dialback, struct sw_exchange *exchange)
{
	const uint32_t at = dialback->ended_at + dialback->ended_count++;

	exchange->handle = NULL;
	dialback->ended[at % dialback->ended_size] = exchange;
}

static struct sw_exchange *next(struct sw_transport *transport)
{
	struct dialback *dialback = transport->dialback;

	if (dialback->ended_count == 0)
		return dialback->inner->ops->next(dialback->inner);
	dialback->ended_count--;
	return dialback->ended[dialback->ended_at++ % dialback->ended_size];
}

/* Takes it out of those that have ended. */
static void forget_ended(struct dialback *dialback, const struct sw_exchange *exchange)
{
	const uint32_t count = dialback->ended_count;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct sw_exchange *at =
			dialback->ended[(dialback->ended_at + i) % dialback->ended_size];

		if (at != exchange)
			dialback->ended[(dialback->ended_at + kept++) % dialback->ended_size] = at;
	}
	dialback->ended_count = kept;
}

static void cancel(struct sw_transport *transport, struct sw_exchange *exchange)
{
	struct dialback *dialback = transport->dialback;

	if (!exchange->bare)
		dialback->inner->ops->cancel(dialback->inner, exchange);
	else if (exchange->handle)
		dial_withdraw(exchange->handle, exchange);
	else
		forget_ended(dialback, exchange);
}

static void wakeup(struct sw_transport *transport)
{
	struct dialback *dialback = transport->dialback;

	dialback->inner->ops->wakeup(dialback->inner);
}

/* ---- Sockets ---- */

static void accept_some(struct dialback *dialback)
{
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage address;
		socklen_t bytes = sizeof(address);
		char host[48] = "?", port[8] = "", peer[64];
		int fd = accept4(dialback->listener, (struct sockaddr *)&address, &bytes,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		getnameinfo((struct sockaddr *)&address, bytes, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
		snprintf(peer, sizeof(peer), "%s port %s", host, port);
		/* A function of ours says who it is at once: the oldest stranger is none. */
		if (dialback->stranger_count >= DIAL_STRANGERS_MAX)
			dial_close(dial_last(&dialback->strangers), SW_OUTCOME_BROKEN,
				"too many have not said who they are");
		dial_accept(dialback, fd, peer);
	}
}

static void look_at_sockets(struct dialback *dialback)
{
	struct epoll_event events[EVENTS];
	const int count = epoll_wait(dialback->epoll, events, EVENTS, 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			dial_ready(events[i].data.ptr);
		else
			accept_some(dialback);
	}
}

/* ---- Time ---- */

static void close_overdue(struct dial_link *list, uint64_t now)
{
	struct dial_link *link = list->next;

	while (link != list) {
		struct dial_connection *connection = (struct dial_connection *)link;

		link = link->next;
		if (connection->place_count > 0 && connection->places[0].due_ns < now)
			dial_close(connection, SW_OUTCOME_TIMEOUT, "no answer in time");
		else if (connection->place_count == 0 &&
			 connection->since_ns + DIAL_LEAVE_MS * MS_NS < now)
			dial_close(connection, SW_OUTCOME_BROKEN, "it did not go");
	}
}

static void look_at_time(struct dialback *dialback)
{
	const uint64_t now = now_ns(&dialback->base);
	struct dial_connection *oldest;

	if (now - dialback->looked_ns < LOOK_MS * MS_NS)
		return;
	dialback->looked_ns = now;
	while ((oldest = dial_last(&dialback->strangers)) &&
		oldest->since_ns + DIAL_HELLO_MS * MS_NS < now)
		dial_close(oldest, SW_OUTCOME_BROKEN, "it did not say in time who it is");
	for (uint32_t load = 1; load <= DIAL_DEPTH; load++)
		close_overdue(&dialback->by_load[load], now);
	close_overdue(&dialback->leaving, now);
	while ((oldest = dial_last(&dialback->by_load[0])) &&
		oldest->since_ns + DIAL_IDLE_MS * MS_NS < now)
		dial_say_goodbye(oldest);
}

static void free_dead(struct dialback *dialback)
{
	struct dial_connection *connection;

	while ((connection = dial_first(&dialback->dead)))
		dial_free(connection);
}

static uint64_t cpu_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void poll(struct sw_transport *transport, uint32_t timeout_ms)
{
	struct dialback *dialback = transport->dialback;
	const bool anybody = dialback->connected + dialback->stranger_count > 0 ||
			     dialback->leaving.next != &dialback->leaving;
	uint64_t cpu_ns;

	if (dialback->ended_count > 0)
		timeout_ms = 0;
	else if (anybody && timeout_ms > LOOK_MS)
		timeout_ms = LOOK_MS;
	dialback->inner->ops->poll(dialback->inner, timeout_ms);
	cpu_ns = cpu_now_ns();
	look_at_sockets(dialback);
	look_at_time(dialback);
	free_dead(dialback);
	burst_add(&dialback->counters->cpu_ns, cpu_now_ns() - cpu_ns);
}

/* ---- Begin and end ---- */

void dialback_dismiss(struct dialback *dialback)
{
	dialback->dismissed = true;
	for (uint32_t load = 0; load <= DIAL_DEPTH; load++) {
		struct dial_connection *connection;

		while ((connection = dial_first(&dialback->by_load[load])))
			dial_say_goodbye(connection);
	}
}

static void close_list(struct dial_link *list)
{
	struct dial_connection *connection;

	while ((connection = dial_first(list)))
		dial_close(connection, SW_OUTCOME_BROKEN, "the run has ended");
}

/* But for the wrapped transport. */
static void free_dialback(struct dialback *dialback)
{
	dialback->log = NULL;
	close_list(&dialback->strangers);
	close_list(&dialback->leaving);
	for (uint32_t load = 0; load <= DIAL_DEPTH; load++)
		close_list(&dialback->by_load[load]);
	free_dead(dialback);
	if (dialback->listener >= 0)
		close(dialback->listener);
	if (dialback->epoll >= 0)
		close(dialback->epoll);
	SSL_CTX_free(dialback->tls);
	dialback_tickets_destroy(dialback);
	free(dialback->ended);
	free(dialback);
}

static void close_dialback(struct sw_transport *transport)
{
	struct sw_transport *inner = transport->dialback->inner;

	inner->ops->watch(inner, -1);
	free_dialback(transport->dialback);
	inner->ops->close(inner);
}

static const struct sw_transport_ops dialback_ops = {
	.submit = submit,
	.cancel = cancel,
	.poll = poll,
	.next = next,
	.wakeup = wakeup,
	.now_ns = now_ns,
	.close = close_dialback,
};

static int make(struct dialback *dialback, const struct dialback_options *options)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	dialback->ended_size = options->connections_max * DIAL_DEPTH;
	dialback->ended = calloc(dialback->ended_size, sizeof(struct sw_exchange *));
	if (!dialback->ended || dialback_tickets_create(dialback, options->connections_max))
		return -ENOMEM;
	dialback->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (dialback->epoll < 0 ||
		epoll_ctl(dialback->epoll, EPOLL_CTL_ADD, dialback->listener, &event) != 0)
		return -errno;
	return 0;
}

int dialback_open(const struct dialback_options *options, struct sw_transport *inner,
	struct sw_transport **transport, struct sw_error *error)
{
	struct dialback *dialback = calloc(1, sizeof(*dialback));
	int rc;

	if (!dialback)
		return sw_error_set(error, -ENOMEM, "dial-back: memory is out");
	dialback->base = (struct sw_transport){ &dialback_ops, dialback };
	dialback->inner = inner;
	dialback->counters = options->counters;
	dialback->log = options->log;
	dialback->log_context = options->log_context;
	dialback->life_ms = options->life_ms;
	dialback->listener = dialback->epoll = -1;
	dial_list_init(&dialback->strangers);
	dial_list_init(&dialback->leaving);
	dial_list_init(&dialback->dead);
	for (uint32_t load = 0; load <= DIAL_DEPTH; load++)
		dial_list_init(&dialback->by_load[load]);
	rc = dialback_listen(dialback, options, error);
	if (rc)
		goto fail;
	rc = make(dialback, options);
	if (rc) {
		sw_error_set(error, rc, "dial-back: %s", strerror(-rc));
		goto fail;
	}
	inner->ops->watch(inner, dialback->epoll);
	*transport = &dialback->base;
	return 0;

fail:
	free_dialback(dialback);
	return rc;
}

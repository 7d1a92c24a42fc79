/* SPDX-License-Identifier: MIT */
#include "tests/burst/dial_hall.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/graph_fixture.h"
#include "tools/functions/c/dialback.h"

enum { VISITS_MAX = 1024, ENDED_MAX = 4096 };

struct hall_transport;

struct guest {
	struct hall_transport *transport;
	struct sw_exchange *exchange; /* null: cancelled */
	char *body;
	size_t bytes;
	uint32_t number;
	pthread_t thread;
};

struct hall_transport {
	struct sw_transport base;
	struct hall *hall;
	struct handler *handler; /* of what is invoked */
	int event, watched;

	pthread_mutex_t lock; /* of what is below */
	struct guest guests[VISITS_MAX];
	uint32_t guest_count;
	struct sw_exchange *ended[ENDED_MAX];
	uint32_t ended_count;
};

const struct sw_kernel *hall_find(const char *name)
{
	const struct sw_kernel *const kernels[] = { &triple_kernel, &partial_kernel };

	for (size_t i = 0; i < 2; i++) {
		if (strcmp(kernels[i]->name, name) == 0)
			return kernels[i];
	}
	return NULL;
}

int hall_visit(struct hall *hall, const char *body, size_t bytes)
{
	struct handler *handler = handler_create(hall->find);
	char answer[DIALBACK_ANSWER_BYTES];
	size_t answer_bytes;
	int rc;

	if (!handler)
		return -ENOMEM;
	rc = dialback_serve(handler, body, bytes, 0, answer, &answer_bytes);
	handler_destroy(handler);
	return rc;
}

static void wakeup(struct sw_transport *base)
{
	const uint64_t one = 1;

	if (write(((struct hall_transport *)base)->event, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void end(struct hall_transport *transport, struct sw_exchange *exchange)
{
	if (transport->ended_count == ENDED_MAX)
		abort();
	transport->ended[transport->ended_count++] = exchange;
}

static void *guest_main(void *context)
{
	struct guest *guest = context;
	struct hall_transport *transport = guest->transport;
	const uint64_t begin_ns = sw_now_ns();
	const int rc =
		transport->hall->visit(transport->hall, guest->body, guest->bytes, guest->number);

	pthread_mutex_lock(&transport->lock);
	if (guest->exchange) {
		guest->exchange->outcome = rc ? SW_OUTCOME_FUNCTION : SW_OUTCOME_ANSWER;
		guest->exchange->function_us = (sw_now_ns() - begin_ns) / 1000 + 1;
		if (rc)
			strcpy(guest->exchange->detail, "the visit failed");
		end(transport, guest->exchange);
	}
	guest->exchange = NULL;
	pthread_mutex_unlock(&transport->lock);
	wakeup(&transport->base);
	return NULL;
}

static void begin_visit(struct hall_transport *transport, struct sw_exchange *exchange)
{
	struct guest *guest;

	pthread_mutex_lock(&transport->lock);
	if (transport->guest_count == VISITS_MAX)
		abort();
	guest = &transport->guests[transport->guest_count++];
	*guest = (struct guest){ .transport = transport, .exchange = exchange };
	guest->body = malloc(exchange->body_bytes);
	guest->bytes = exchange->body_bytes;
	guest->number = atomic_fetch_add(&transport->hall->invited, 1);
	memcpy(guest->body, exchange->body, exchange->body_bytes);
	pthread_mutex_unlock(&transport->lock);
	if (pthread_create(&guest->thread, NULL, guest_main, guest) != 0)
		abort();
}

static void invoke(struct hall_transport *transport, struct sw_exchange *exchange)
{
	const char *answer;
	size_t bytes;
	const int rc = handler_run(
		transport->handler, exchange->body, exchange->body_bytes, &answer, &bytes);

	usleep(transport->hall->invoke_us);
	atomic_fetch_add(&transport->hall->invoked, 1);
	if (exchange->answer_capacity < bytes) {
		exchange->answer = realloc(exchange->answer, bytes);
		exchange->answer_capacity = bytes;
	}
	memcpy(exchange->answer, answer, bytes);
	exchange->answer_bytes = bytes;
	exchange->function_us = 100;
	exchange->outcome = rc ? SW_OUTCOME_FUNCTION : SW_OUTCOME_ANSWER;
}

static int submit(struct sw_transport *base, struct sw_exchange *exchange)
{
	struct hall_transport *transport = (struct hall_transport *)base;
	struct hall *hall = transport->hall;
	uint32_t at_once;

	exchange->outcome = SW_OUTCOME_ANSWER;
	exchange->detail[0] = '\0';
	exchange->sent_ns = sw_now_ns();
	exchange->cold = false;
	exchange->answer_bytes = 0;
	if (!exchange->warm_up) {
		at_once = atomic_fetch_add(&hall->at_once, 1) + 1;
		if (at_once > atomic_load(&hall->at_once_most))
			atomic_store(&hall->at_once_most, at_once);
		if (dialback_invited(exchange->body, exchange->body_bytes)) {
			begin_visit(transport, exchange);
			return 0;
		}
		invoke(transport, exchange);
	}
	pthread_mutex_lock(&transport->lock);
	end(transport, exchange);
	pthread_mutex_unlock(&transport->lock);
	wakeup(base);
	return 0;
}

static void cancel(struct sw_transport *base, struct sw_exchange *exchange)
{
	struct hall_transport *transport = (struct hall_transport *)base;

	pthread_mutex_lock(&transport->lock);
	for (uint32_t i = 0; i < transport->guest_count; i++) {
		if (transport->guests[i].exchange == exchange)
			transport->guests[i].exchange = NULL;
	}
	for (uint32_t i = 0; i < transport->ended_count; i++) {
		if (transport->ended[i] == exchange)
			transport->ended[i--] = transport->ended[--transport->ended_count];
	}
	pthread_mutex_unlock(&transport->lock);
	if (!exchange->warm_up)
		atomic_fetch_sub(&transport->hall->at_once, 1);
}

static void poll_hall(struct sw_transport *base, uint32_t timeout_ms)
{
	struct hall_transport *transport = (struct hall_transport *)base;
	struct pollfd pollers[] = { { .fd = transport->event, .events = POLLIN },
		{ .fd = transport->watched, .events = POLLIN } };
	uint64_t count;

	poll(pollers, 2, (int)timeout_ms);
	if (read(transport->event, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
}

static struct sw_exchange *next(struct sw_transport *base)
{
	struct hall_transport *transport = (struct hall_transport *)base;
	struct sw_exchange *exchange = NULL;

	pthread_mutex_lock(&transport->lock);
	if (transport->ended_count > 0)
		exchange = transport->ended[--transport->ended_count];
	pthread_mutex_unlock(&transport->lock);
	if (exchange && !exchange->warm_up)
		atomic_fetch_sub(&transport->hall->at_once, 1);
	return exchange;
}

static void watch(struct sw_transport *base, int fd)
{
	((struct hall_transport *)base)->watched = fd;
}

static uint64_t now_ns(struct sw_transport *base)
{
	_Atomic uint64_t *clock_ns = ((struct hall_transport *)base)->hall->clock_ns;

	return clock_ns ? atomic_load(clock_ns) : sw_now_ns();
}

static void close_hall(struct sw_transport *base)
{
	struct hall_transport *transport = (struct hall_transport *)base;

	for (uint32_t i = 0; i < transport->guest_count; i++) {
		pthread_join(transport->guests[i].thread, NULL);
		free(transport->guests[i].body);
	}
	pthread_mutex_destroy(&transport->lock);
	handler_destroy(transport->handler);
	close(transport->event);
	free(transport);
}

static const struct sw_transport_ops hall_ops = {
	.submit = submit,
	.cancel = cancel,
	.poll = poll_hall,
	.next = next,
	.wakeup = wakeup,
	.watch = watch,
	.now_ns = now_ns,
	.close = close_hall,
};

static int open_hall(void *context, struct sw_transport **made, struct sw_error *error)
{
	struct hall_transport *transport = calloc(1, sizeof(*transport));

	(void)error;
	assert_non_null(transport);
	transport->base.ops = &hall_ops;
	transport->hall = context;
	transport->handler = handler_create(transport->hall->find);
	assert_non_null(transport->handler);
	transport->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	transport->watched = -1;
	pthread_mutex_init(&transport->lock, NULL);
	*made = &transport->base;
	return 0;
}

struct transport_source hall_source(struct hall *hall)
{
	return (struct transport_source){ open_hall, hall };
}

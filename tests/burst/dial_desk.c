/* SPDX-License-Identifier: MIT */
#include "tests/burst/dial_desk.h"

#include <stdio.h>
#include <string.h>

#include "burst/wire_private.h"
#include "tests/runtime/cmocka_all.h"

#define MS_NS 1000000ull

enum { TURN_MS = 5 };

static void keep_log(void *context, const char *text)
{
	struct desk *desk = context;

	snprintf(desk->log, sizeof(desk->log), "%s", text);
}

void desk_open(struct desk *desk)
{
	struct dialback_options options = { .listen = "127.0.0.1:0",
		.connections_max = 4,
		.life_ms = DESK_LIFE_MS,
		.counters = &desk->counters,
		.log = keep_log,
		.log_context = desk };
	struct transport_source source = hall_source(&desk->hall);
	struct sw_transport *inner;
	struct sw_error error = { 0 };

	memset(desk, 0, sizeof(*desk));
	desk->hall.find = hall_find;
	desk->hall.clock_ns = &desk->clock_ns;
	desk->clock_ns = 3600 * 1000 * MS_NS;
	assert_int_equal(source.open(source.context, &inner, &error), 0);
	if (dialback_open(&options, inner, &desk->transport, &error))
		fail_msg("%s", error.text);
	desk->dialback = desk->transport->dialback;
	desk->ticket = dialback_invite(desk->dialback);
	assert_non_null(desk->ticket);
	assert_int_equal(dialback_awaited(desk->dialback), 1);
	guest_read(desk->ticket->body, desk->ticket->body_bytes, &desk->address);
}

void desk_close(struct desk *desk)
{
	desk->transport->ops->close(desk->transport);
}

void desk_turn(struct desk *desk)
{
	desk->transport->ops->poll(desk->transport, TURN_MS);
}

void desk_pass(struct desk *desk, uint64_t ms)
{
	atomic_fetch_add(&desk->clock_ns, ms * MS_NS);
}

void desk_dismiss(struct desk *desk)
{
	dialback_dismiss(desk->dialback);
	desk_turn(desk);
	desk_pass(desk, DIAL_LEAVE_MS + 100);
}

static void *other_side(void *context)
{
	struct desk *desk = context;

	desk->other(desk);
	atomic_store(&desk->done, 1);
	return NULL;
}

void desk_begin(struct desk *desk, void (*other)(struct desk *desk))
{
	desk->other = other;
	atomic_store(&desk->done, 0);
	assert_int_equal(pthread_create(&desk->thread, NULL, other_side, desk), 0);
}

void desk_finish(struct desk *desk)
{
	for (int i = 0; i < DESK_TURNS_MAX && !atomic_load(&desk->done); i++)
		desk_turn(desk);
	assert_true(atomic_load(&desk->done));
	pthread_join(desk->thread, NULL);
	for (int i = 0; i < 4; i++)
		desk_turn(desk);
}

void desk_wait_for(struct desk *desk, uint32_t connections)
{
	for (int i = 0; i < DESK_TURNS_MAX && dialback_connected(desk->dialback) != connections;
		i++)
		desk_turn(desk);
	assert_int_equal(dialback_connected(desk->dialback), connections);
}

void desk_exchange(struct sw_exchange *exchange, uint8_t *frame)
{
	memset(exchange, 0, sizeof(*exchange));
	for (int i = 0; i < GUEST_FRAME_BYTES; i++)
		frame[i] = (uint8_t)(i * 7);
	memcpy(frame, "SPLW", 4);
	put_u32(frame + 8, GUEST_FRAME_BYTES);
	exchange->body = (const char *)frame;
	exchange->body_bytes = GUEST_FRAME_BYTES;
	exchange->deadline_ms = 300;
	exchange->answer_max = DESK_ANSWER_MAX;
	exchange->bare = true;
}

struct sw_exchange *desk_next(struct desk *desk)
{
	struct sw_exchange *exchange;

	for (int i = 0; i < DESK_TURNS_MAX; i++) {
		exchange = desk->transport->ops->next(desk->transport);
		if (exchange)
			return exchange;
		desk_turn(desk);
	}
	fail_msg("nothing ended");
	return NULL;
}

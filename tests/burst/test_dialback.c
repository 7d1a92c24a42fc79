/* SPDX-License-Identifier: MIT */
/*
 * Dial-back: who is let in, and what follows from whatever a function that was let in does: one
 * connection at a time, by a clock of our own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/burst/dial_desk.h"
#include "tests/runtime/cmocka_all.h"

static void come_in(struct desk *desk)
{
	desk->rc = hall_visit(&desk->hall, desk->ticket->body, desk->ticket->body_bytes);
}

static void behave(struct desk *desk)
{
	guest_behave(&desk->address, (enum conduct)desk->how);
}

static void be_strange(struct desk *desk)
{
	guest_stranger(&desk->address, (enum stranger)desk->how);
}

static void begin(struct desk *desk, void (*other)(struct desk *desk), int how)
{
	desk->how = how;
	desk_begin(desk, other);
}

static void strangers_are_refused(void **unused)
{
	(void)unused;
	for (int how = 0; how < STRANGERS; how++) {
		struct desk desk;

		desk_open(&desk);
		begin(&desk, be_strange, how);
		if (how == SAYS_NOTHING) {
			for (int i = 0; i < DESK_TURNS_MAX && desk.dialback->stranger_count == 0;
				i++)
				desk_turn(&desk);
			desk_pass(&desk, DIAL_HELLO_MS - 100);
			desk_turn(&desk);
			assert_int_equal(desk.dialback->stranger_count, 1);
			desk_pass(&desk, 200);
		}
		desk_finish(&desk);
		if (burst_get(&desk.counters.refused) != 1)
			fail_msg("stranger %d was not refused", how);
		assert_int_equal(burst_get(&desk.counters.connections), 0);
		assert_int_equal(desk.dialback->stranger_count, 0);
		assert_non_null(strstr(desk.log, "refused: "));
		/* The invitation is as good as before. */
		assert_int_equal(dialback_awaited(desk.dialback), 1);
		begin(&desk, behave, ANSWERS);
		desk_wait_for(&desk, 1);
		desk_dismiss(&desk);
		desk_finish(&desk);
		desk_close(&desk);
	}
}

static void tokens_are_good_once(void **unused)
{
	struct desk desk;

	(void)unused;
	desk_open(&desk);
	begin(&desk, behave, NEVER_ANSWERS);
	desk_wait_for(&desk, 1);
	assert_int_equal(dialback_awaited(desk.dialback), 0);
	assert_true(desk.ticket->used);
	desk_dismiss(&desk);
	desk_finish(&desk);
	/* The same again. */
	begin(&desk, behave, NEVER_ANSWERS);
	desk_finish(&desk);
	assert_int_equal(burst_get(&desk.counters.connections), 1);
	assert_int_equal(burst_get(&desk.counters.refused), 1);
	assert_non_null(strstr(desk.log, "used before"));
	desk_close(&desk);
}

static void tokens_expire(void **unused)
{
	for (int voided = 0; voided < 2; voided++) {
		struct desk desk;

		(void)unused;
		desk_open(&desk);
		if (voided)
			dialback_void(desk.dialback, desk.ticket);
		else
			desk_pass(&desk, DESK_LIFE_MS);
		begin(&desk, behave, NEVER_ANSWERS);
		desk_finish(&desk);
		assert_int_equal(burst_get(&desk.counters.refused), 1);
		assert_int_equal(burst_get(&desk.counters.connections), 0);
		desk_close(&desk);
	}
}

/* A crowd that says nothing does not keep functions out. */
static void strangers_are_limited(void **unused)
{
	enum { CROWD = DIAL_STRANGERS_MAX + 10 };
	struct desk desk;
	int fds[CROWD];

	(void)unused;
	desk_open(&desk);
	for (int i = 0; i < CROWD; i++) {
		fds[i] = guest_plain_socket(&desk.address);
		desk_turn(&desk);
	}
	for (int i = 0; i < DESK_TURNS_MAX && burst_get(&desk.counters.refused) < 10; i++)
		desk_turn(&desk);
	assert_int_equal(desk.dialback->stranger_count, DIAL_STRANGERS_MAX);
	assert_int_equal(burst_get(&desk.counters.refused), 10);
	begin(&desk, behave, ANSWERS);
	desk_wait_for(&desk, 1);
	desk_dismiss(&desk);
	desk_finish(&desk);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	desk_close(&desk);
}

static enum sw_outcome expected_outcome(enum conduct how)
{
	switch (how) {
	case ANSWERS:
	case ANSWERS_AND_LEAVES:
		return SW_OUTCOME_ANSWER;
	case FAILS:
		return SW_OUTCOME_FUNCTION;
	case NEVER_ANSWERS:
		return SW_OUTCOME_TIMEOUT;
	default:
		return SW_OUTCOME_BROKEN;
	}
}

static void whatever_a_function_does_has_an_outcome(void **unused)
{
	(void)unused;
	for (int how = 0; how < CONDUCTS; how++) {
		struct sw_exchange exchange;
		uint8_t frame[GUEST_FRAME_BYTES];
		struct desk desk;

		desk_open(&desk);
		desk_exchange(&exchange, frame);
		assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), -EAGAIN);
		begin(&desk, behave, how);
		desk_wait_for(&desk, 1);
		assert_true(dialback_has_place(desk.dialback));
		assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), 0);
		if (how == NEVER_ANSWERS) {
			desk_pass(&desk, 200);
			desk_turn(&desk);
			assert_null(desk.transport->ops->next(desk.transport));
			desk_pass(&desk, 200);
		}
		assert_ptr_equal(desk_next(&desk), &exchange);
		if (exchange.outcome != expected_outcome(how))
			fail_msg("conduct %d: outcome %d: %s", how, exchange.outcome,
				exchange.detail);
		if (exchange.outcome == SW_OUTCOME_ANSWER) {
			assert_int_equal(exchange.answer_bytes, GUEST_FRAME_BYTES);
			assert_memory_equal(exchange.answer, frame, GUEST_FRAME_BYTES);
			assert_int_equal(desk.ticket->frames, 1);
		}
		if (how == FAILS)
			assert_string_equal(exchange.detail, "dial-back:  no");
		desk_dismiss(&desk);
		desk_finish(&desk);
		assert_int_equal(dialback_connected(desk.dialback), 0);
		assert_int_equal(burst_get(&desk.counters.refused), 0);
		assert_null(desk.transport->ops->next(desk.transport));
		free(exchange.answer);
		desk_close(&desk);
	}
}

static void what_is_cancelled_never_ends(void **unused)
{
	struct sw_exchange exchange;
	uint8_t frame[GUEST_FRAME_BYTES];
	struct desk desk;

	(void)unused;
	desk_open(&desk);
	desk_exchange(&exchange, frame);
	begin(&desk, behave, ANSWERS);
	desk_wait_for(&desk, 1);
	assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), 0);
	desk.transport->ops->cancel(desk.transport, &exchange);
	/* The answer comes, and is dropped. */
	for (int i = 0; i < DESK_TURNS_MAX && desk.ticket->frames == 0; i++)
		desk_turn(&desk);
	assert_int_equal(desk.ticket->frames, 1);
	assert_null(desk.transport->ops->next(desk.transport));
	assert_int_equal(dialback_connected(desk.dialback), 1);
	dialback_void(desk.dialback, desk.ticket);
	desk_finish(&desk);
	free(exchange.answer);
	desk_close(&desk);
}

/* The function in C: what it is asked for it cannot do, so it says why; then it is let go. */
static void idle_functions_are_let_go(void **unused)
{
	struct sw_exchange exchange;
	uint8_t frame[GUEST_FRAME_BYTES];
	struct desk desk;

	(void)unused;
	desk_open(&desk);
	desk_exchange(&exchange, frame);
	desk_begin(&desk, come_in);
	desk_wait_for(&desk, 1);
	assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), 0);
	assert_ptr_equal(desk_next(&desk), &exchange);
	assert_int_equal(exchange.outcome, SW_OUTCOME_FUNCTION);
	assert_non_null(strstr(exchange.detail, "Message"));
	desk_pass(&desk, DIAL_IDLE_MS - 50);
	desk_turn(&desk);
	assert_int_equal(dialback_connected(desk.dialback), 1);
	desk_pass(&desk, 100);
	desk_finish(&desk);
	assert_int_equal(desk.rc, 0);
	assert_int_equal(dialback_connected(desk.dialback), 0);
	desk_close(&desk);
}

static void functions_know_whom_they_talk_to(void **unused)
{
	static const char print[] = "\"certificate\":\"";
	struct desk desk;
	char *digit;

	(void)unused;
	desk_open(&desk);
	digit = strstr((char *)desk.ticket->body, print) + sizeof(print) - 1;
	*digit = *digit == '0' ? '1' : '0';
	desk_begin(&desk, come_in);
	desk_finish(&desk);
	assert_int_equal(desk.rc, -EPERM);
	assert_int_equal(burst_get(&desk.counters.refused), 1);
	assert_non_null(strstr(desk.log, "without a word"));
	desk_close(&desk);
}

static void bad_addresses_are_named(void **unused)
{
	static const struct {
		const char *listen, *advertise, *text;
	} cases[] = {
		{ "here", NULL, "dial-back: here: not HOST:PORT" },
		{ "127.0.0.1:65536", NULL, "dial-back: 127.0.0.1:65536: not HOST:PORT" },
		{ "::1:80", NULL, "dial-back: ::1:80: not HOST:PORT" },
		{ "192.0.2.1:0", NULL, "dial-back: 192.0.2.1:0: Cannot assign" },
		{ "0.0.0.0:0", NULL, "dial-back: 0.0.0.0:0: no address that functions" },
		{ "127.0.0.1:0", "a\"b:1", "dial-back-advertise: a\"b:1: not HOST:PORT" },
	};
	struct dial_counters counters = { 0 };

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dialback_options options = { .listen = cases[i].listen,
			.advertise = cases[i].advertise,
			.connections_max = 1,
			.life_ms = 1000,
			.counters = &counters };
		struct hall hall = { .find = hall_find };
		struct transport_source source = hall_source(&hall);
		struct sw_transport *inner, *transport;
		struct sw_error error = { 0 };

		assert_int_equal(source.open(source.context, &inner, &error), 0);
		assert_true(dialback_open(&options, inner, &transport, &error) < 0);
		if (strncmp(error.text, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("%s", error.text);
		inner->ops->close(inner);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(tokens_are_good_once),
		cmocka_unit_test(tokens_expire),
		cmocka_unit_test(strangers_are_limited),
		cmocka_unit_test(whatever_a_function_does_has_an_outcome),
		cmocka_unit_test(what_is_cancelled_never_ends),
		cmocka_unit_test(idle_functions_are_let_go),
		cmocka_unit_test(functions_know_whom_they_talk_to),
		cmocka_unit_test(bad_addresses_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

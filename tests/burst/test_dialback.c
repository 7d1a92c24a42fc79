/* SPDX-License-Identifier: MIT */
/*
 * Dial-back: who is let in, and what follows from whatever a function that was let in does. First
 * one connection at a time, by a clock of our own; then whole graphs, with functions of all kinds.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burst/wire_private.h"
#include "tests/burst/dial_guests.h"
#include "tests/burst/dial_hall.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/graph_fixture.h"
#include "tools/functions/c/handler.h"

#define MS_NS 1000000ull

enum {

	GRAPH_FRAME_MAX = 4096,
	ANSWER_MAX = 1000,
	TURN_MS = 5,
	TURNS_MAX = 4000,
	LIFE_MS = 60000
};

/* ---- One connection at a time ---- */

struct desk {
	struct hall hall;
	struct dial_counters counters;
	_Atomic uint64_t clock_ns;
	struct sw_transport *transport;
	struct dialback *dialback;
	struct dial_ticket *ticket;
	struct address address;
	char log[200];

	/* The other side's thread. */
	pthread_t thread;
	int how;
	bool honest, let_in;
	int rc;
	_Atomic int done;
};

static void keep_log(void *context, const char *text)
{
	struct desk *desk = context;

	snprintf(desk->log, sizeof(desk->log), "%s", text);
}

static const struct sw_kernel *find_kernel(const char *name)
{
	const struct sw_kernel *const kernels[] = { &triple_kernel, &partial_kernel };

	for (size_t i = 0; i < 2; i++) {
		if (strcmp(kernels[i]->name, name) == 0)
			return kernels[i];
	}
	return NULL;
}

static void open_desk(struct desk *desk)
{
	struct dialback_options options = { .listen = "127.0.0.1:0",
		.connections_max = 4,
		.life_ms = LIFE_MS,
		.counters = &desk->counters,
		.log = keep_log,
		.log_context = desk };
	struct transport_source source = hall_source(&desk->hall);
	struct sw_transport *inner;
	struct sw_error error = { 0 };

	memset(desk, 0, sizeof(*desk));
	desk->hall.find = find_kernel;
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

static void close_desk(struct desk *desk)
{
	desk->transport->ops->close(desk->transport);
}

static void turn(struct desk *desk)
{
	desk->transport->ops->poll(desk->transport, TURN_MS);
}

static void pass_time(struct desk *desk, uint64_t ms)
{
	atomic_fetch_add(&desk->clock_ns, ms * MS_NS);
}

/* These callers do not know a good-bye: they are cut off when the time for it is over. */
static void dismiss(struct desk *desk)
{
	dialback_dismiss(desk->dialback);
	turn(desk);
	pass_time(desk, DIAL_LEAVE_MS + 100);
}

static void *other_side(void *context)
{
	struct desk *desk = context;

	if (desk->honest)
		desk->rc = hall_visit(&desk->hall, desk->ticket->body, desk->ticket->body_bytes);
	else if (desk->let_in)
		guest_behave(&desk->address, desk->how);
	else
		guest_stranger(&desk->address, desk->how);
	atomic_store(&desk->done, 1);
	return NULL;
}

static void begin(struct desk *desk, bool let_in, int how)
{
	desk->let_in = let_in;
	desk->how = how;
	atomic_store(&desk->done, 0);
	assert_int_equal(pthread_create(&desk->thread, NULL, other_side, desk), 0);
}

static void finish(struct desk *desk)
{
	for (int i = 0; i < TURNS_MAX && !atomic_load(&desk->done); i++)
		turn(desk);
	assert_true(atomic_load(&desk->done));
	pthread_join(desk->thread, NULL);
	/* What it did at last. */
	for (int i = 0; i < 4; i++)
		turn(desk);
}

static void wait_until_connected(struct desk *desk, uint32_t count)
{
	for (int i = 0; i < TURNS_MAX && dialback_connected(desk->dialback) != count; i++)
		turn(desk);
	assert_int_equal(dialback_connected(desk->dialback), count);
}

static void strangers_are_refused(void **unused)
{
	(void)unused;
	for (int how = 0; how < STRANGERS; how++) {
		struct desk desk;

		open_desk(&desk);
		begin(&desk, false, how);
		if (how == SAYS_NOTHING) {
			for (int i = 0; i < TURNS_MAX && desk.dialback->stranger_count == 0; i++)
				turn(&desk);
			pass_time(&desk, DIAL_HELLO_MS - 100);
			turn(&desk);
			assert_int_equal(desk.dialback->stranger_count, 1);
			pass_time(&desk, 200);
		}
		finish(&desk);
		if (burst_get(&desk.counters.refused) != 1)
			fail_msg("stranger %d was not refused", how);
		assert_int_equal(burst_get(&desk.counters.connections), 0);
		assert_int_equal(desk.dialback->stranger_count, 0);
		assert_non_null(strstr(desk.log, "refused: "));
		/* The invitation is as good as before. */
		assert_int_equal(dialback_awaited(desk.dialback), 1);
		begin(&desk, true, ANSWERS);
		wait_until_connected(&desk, 1);
		dismiss(&desk);
		finish(&desk);
		close_desk(&desk);
	}
}

static void tokens_are_good_once(void **unused)
{
	struct desk desk;

	(void)unused;
	open_desk(&desk);
	begin(&desk, true, NEVER_ANSWERS);
	wait_until_connected(&desk, 1);
	assert_int_equal(dialback_awaited(desk.dialback), 0);
	assert_true(desk.ticket->used);
	dismiss(&desk);
	finish(&desk);
	/* The same again. */
	begin(&desk, true, NEVER_ANSWERS);
	finish(&desk);
	assert_int_equal(burst_get(&desk.counters.connections), 1);
	assert_int_equal(burst_get(&desk.counters.refused), 1);
	assert_non_null(strstr(desk.log, "used before"));
	close_desk(&desk);
}

static void tokens_expire(void **unused)
{
	for (int voided = 0; voided < 2; voided++) {
		struct desk desk;

		(void)unused;
		open_desk(&desk);
		if (voided)
			dialback_void(desk.dialback, desk.ticket);
		else
			pass_time(&desk, LIFE_MS);
		begin(&desk, true, NEVER_ANSWERS);
		finish(&desk);
		assert_int_equal(burst_get(&desk.counters.refused), 1);
		assert_int_equal(burst_get(&desk.counters.connections), 0);
		close_desk(&desk);
	}
}

/* A crowd that says nothing does not keep functions out. */
static void strangers_are_limited(void **unused)
{
	enum { CROWD = DIAL_STRANGERS_MAX + 10 };
	struct desk desk;
	int fds[CROWD];

	(void)unused;
	open_desk(&desk);
	for (int i = 0; i < CROWD; i++) {
		fds[i] = guest_plain_socket(&desk.address);
		turn(&desk);
	}
	for (int i = 0; i < TURNS_MAX && burst_get(&desk.counters.refused) < 10; i++)
		turn(&desk);
	assert_int_equal(desk.dialback->stranger_count, DIAL_STRANGERS_MAX);
	assert_int_equal(burst_get(&desk.counters.refused), 10);
	begin(&desk, true, ANSWERS);
	wait_until_connected(&desk, 1);
	dismiss(&desk);
	finish(&desk);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	close_desk(&desk);
}

static void make_exchange(struct sw_exchange *exchange, uint8_t *frame)
{
	memset(exchange, 0, sizeof(*exchange));
	for (int i = 0; i < GUEST_FRAME_BYTES; i++)
		frame[i] = (uint8_t)(i * 7);
	memcpy(frame, "SPLW", 4);
	put_u32(frame + 8, GUEST_FRAME_BYTES);
	exchange->body = (const char *)frame;
	exchange->body_bytes = GUEST_FRAME_BYTES;
	exchange->deadline_ms = 300;
	exchange->answer_max = ANSWER_MAX;
	exchange->bare = true;
}

static struct sw_exchange *next_ended(struct desk *desk)
{
	struct sw_exchange *exchange;

	for (int i = 0; i < TURNS_MAX; i++) {
		exchange = desk->transport->ops->next(desk->transport);
		if (exchange)
			return exchange;
		turn(desk);
	}
	fail_msg("nothing ended");
	return NULL;
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

		open_desk(&desk);
		make_exchange(&exchange, frame);
		assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), -EAGAIN);
		begin(&desk, true, how);
		wait_until_connected(&desk, 1);
		assert_true(dialback_has_place(desk.dialback));
		assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), 0);
		if (how == NEVER_ANSWERS) {
			pass_time(&desk, 200);
			turn(&desk);
			assert_null(desk.transport->ops->next(desk.transport));
			pass_time(&desk, 200);
		}
		assert_ptr_equal(next_ended(&desk), &exchange);
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
		dismiss(&desk);
		finish(&desk);
		assert_int_equal(dialback_connected(desk.dialback), 0);
		assert_int_equal(burst_get(&desk.counters.refused), 0);
		assert_null(desk.transport->ops->next(desk.transport));
		free(exchange.answer);
		close_desk(&desk);
	}
}

static void what_is_cancelled_never_ends(void **unused)
{
	struct sw_exchange exchange;
	uint8_t frame[GUEST_FRAME_BYTES];
	struct desk desk;

	(void)unused;
	open_desk(&desk);
	make_exchange(&exchange, frame);
	begin(&desk, true, ANSWERS);
	wait_until_connected(&desk, 1);
	assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), 0);
	desk.transport->ops->cancel(desk.transport, &exchange);
	/* The answer comes, and is dropped. */
	for (int i = 0; i < TURNS_MAX && desk.ticket->frames == 0; i++)
		turn(&desk);
	assert_int_equal(desk.ticket->frames, 1);
	assert_null(desk.transport->ops->next(desk.transport));
	assert_int_equal(dialback_connected(desk.dialback), 1);
	dialback_void(desk.dialback, desk.ticket);
	finish(&desk);
	free(exchange.answer);
	close_desk(&desk);
}

/* The function in C: what it is asked for it cannot do, so it says why; then it is let go. */
static void idle_functions_are_let_go(void **unused)
{
	struct sw_exchange exchange;
	uint8_t frame[GUEST_FRAME_BYTES];
	struct desk desk;

	(void)unused;
	open_desk(&desk);
	make_exchange(&exchange, frame);
	desk.honest = true;
	begin(&desk, true, 0);
	wait_until_connected(&desk, 1);
	assert_int_equal(desk.transport->ops->submit(desk.transport, &exchange), 0);
	assert_ptr_equal(next_ended(&desk), &exchange);
	assert_int_equal(exchange.outcome, SW_OUTCOME_FUNCTION);
	assert_non_null(strstr(exchange.detail, "Message"));
	pass_time(&desk, DIAL_IDLE_MS - 50);
	turn(&desk);
	assert_int_equal(dialback_connected(desk.dialback), 1);
	pass_time(&desk, 100);
	finish(&desk);
	assert_int_equal(desk.rc, 0);
	assert_int_equal(dialback_connected(desk.dialback), 0);
	close_desk(&desk);
}

static void functions_know_whom_they_talk_to(void **unused)
{
	static const char print[] = "\"certificate\":\"";
	struct desk desk;
	char *digit;

	(void)unused;
	open_desk(&desk);
	desk.honest = true;
	digit = strstr((char *)desk.ticket->body, print) + sizeof(print) - 1;
	*digit = *digit == '0' ? '1' : '0';
	begin(&desk, true, 0);
	finish(&desk);
	assert_int_equal(desk.rc, -EPERM);
	assert_int_equal(burst_get(&desk.counters.refused), 1);
	assert_non_null(strstr(desk.log, "without a word"));
	close_desk(&desk);
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
		struct hall hall = { .find = find_kernel };
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

/* ---- Whole graphs ---- */

struct run {
	struct hall hall;
	struct sw_burst_options options;
	struct sw_burst_stats stats;
	uint64_t numbers;
};

static void prepare(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->hall.find = find_kernel;
	run->options = (struct sw_burst_options)SW_BURST_OPTIONS_INIT;
	run->options.policy = "fixed";
	run->options.spill_share = 1;
	run->options.endpoint = "https://fake";
	run->options.dial_back = "127.0.0.1:0";
	run->options.max_inflight = 4;
	run->numbers = 64000;
}

static void execute(struct run *run)
{
	const struct transport_source source = hall_source(&run->hall);
	struct sw_graph_options graph = SW_GRAPH_OPTIONS_INIT;
	const struct sw_burst_stats *stats = &run->stats;
	struct fixture fixture;
	struct sw_burst *burst;
	struct sw_error error = { 0 };

	graph.workers = 2;
	graph.pin = "none";
	graph.batch_rows = 32;
	graph.ring_slots = 16;
	if (burst_create_with(&run->options, &source, &burst, &error))
		fail_msg("%s", error.text);
	graph.outlets = sw_burst_provider(burst);
	assert_int_equal(fixture_open(&fixture, &graph, run->numbers, true), 0);
	if (sw_graph_start(fixture.graph, &error))
		fail_msg("%s", error.text);
	if (sw_graph_wait(fixture.graph, 60000, &error))
		fail_msg("%s", error.text);
	fixture_check(&fixture, run->numbers);
	sw_burst_stats(burst, &run->stats);
	fixture_close(&fixture);
	sw_burst_destroy(burst);
	print_message("invited %llu came %llu refused %llu; by dial-back %llu by invocation %llu "
		      "reclaimed %llu; $%g\n",
		(unsigned long long)stats->invitations, (unsigned long long)stats->dial_connections,
		(unsigned long long)stats->dial_refused,
		(unsigned long long)stats->dial_back.batches,
		(unsigned long long)stats->invoke.batches,
		(unsigned long long)stats->batches_reclaimed, stats->usd);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->doubled, 0);
	assert_int_equal(stats->batches_spilled, stats->batches_merged + stats->batches_reclaimed);
	assert_int_equal(stats->batches_merged, stats->dial_back.batches + stats->invoke.batches);
	assert_int_equal(stats->invitations, atomic_load(&run->hall.invited));
	assert_int_equal(stats->invocations,
		atomic_load(&run->hall.invited) + atomic_load(&run->hall.invoked));
	assert_true(stats->inflight_max <= run->options.max_inflight);
	assert_true(atomic_load(&run->hall.at_once_most) <= run->options.max_inflight);
}

static int come(struct hall *hall, const char *body, size_t bytes, uint32_t number)
{
	(void)number;
	return hall_visit(hall, body, bytes);
}

static void functions_come_and_work(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.hall.visit = come;
	execute(&run);
	assert_true(run.stats.dial_back.batches > 500);
	assert_int_equal(run.stats.batches_reclaimed, 0);
	assert_int_equal(run.stats.dial_refused, 0);
	assert_true(run.stats.usd > 0);
}

static bool read_frame(struct dialback_link *link, uint8_t *frame, size_t *bytes)
{
	if (dialback_link_read(link, frame, DIAL_HEAD_BYTES) != 0 || memcmp(frame, "SPLW", 4) != 0)
		return false;
	*bytes = get_u32(frame + 8);
	if (*bytes < GUEST_FRAME_BYTES || *bytes > GRAPH_FRAME_MAX)
		abort();
	return dialback_link_read(link, frame + DIAL_HEAD_BYTES, *bytes - DIAL_HEAD_BYTES) == 0;
}

/* Good work, until it is trusted. */
static bool work_well(
	struct hall *hall, struct dialback_link *link, uint32_t frames, uint8_t *frame)
{
	struct handler *handler = handler_create(hall->find);
	const char *answer_frame;
	size_t bytes, answer_bytes;
	bool good = true;

	for (uint32_t i = 0; i < frames && good; i++) {
		good = read_frame(link, frame, &bytes) &&
		       handler_run_frame(handler, (const char *)frame, bytes, &answer_frame,
			       &answer_bytes) == 0 &&
		       dialback_link_write(link, answer_frame, answer_bytes) == 0;
	}
	handler_destroy(handler);
	return good && read_frame(link, frame, &bytes);
}

static void work_and_harm(struct hall *hall, const struct address *address, enum conduct how)
{
	struct dialback_link *link = guest_come_in(address);
	uint8_t frame[GRAPH_FRAME_MAX];

	if (link && work_well(hall, link, 20, frame)) {
		/* An answer of another length, with a CRC that is none: but for its key. */
		put_u32(frame + 8, GUEST_FRAME_BYTES);
		if (guest_answer(link, frame, how) == 0 && how > FAILS && how != ANSWERS_HALF) {
			guest_see_it_end(link);
			return;
		}
	}
	dialback_link_close(link);
}

/* A good one now and then, strangers, and those that do harm once they are trusted. */
static int come_or_harm(struct hall *hall, const char *body, size_t bytes, uint32_t number)
{
	struct address address;

	if (number % 16 == 15)
		return hall_visit(hall, body, bytes);
	guest_read(body, bytes, &address);
	/* Not those that wait for a clock to be set. */
	if (number % 16 == 14)
		guest_stranger(&address, (enum stranger)(number / 16 % SAYS_NOTHING));
	else
		work_and_harm(hall, &address, (enum conduct)(number % NEVER_ANSWERS));
	return 0;
}

static void hostile_functions_change_nothing(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.hall.visit = come_or_harm;
	run.options.retries = 20;
	/* So that there is time to come again. */
	run.hall.invoke_us = 500;
	execute(&run);
	assert_true(run.stats.dial_back.batches > 0);
	assert_true(run.stats.dial_connections > 10);
	assert_true(run.stats.transport_errors > 5);
	assert_true(run.stats.corrupt + run.stats.function_errors > 0);
}

static void invocations_are_capped(void **unused)
{
	static const uint64_t most[] = { 1, 3, 40 };

	(void)unused;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		struct run run;

		prepare(&run);
		run.hall.visit = come;
		run.options.max_invocations = most[i];
		run.options.max_inflight = 1 + (uint32_t)i;
		execute(&run);
		assert_true(run.stats.invocations <= most[i]);
		/* The first few may all go with batches that were there before anybody had come. */
		assert_true(most[i] < 40 || run.stats.invitations > 0);
	}
}

/* Half of an hour's budget pays for two and a half: never more than two at once, and what they
 * cost is within it. */
static void the_budget_holds(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.hall.visit = come;
	run.options.max_inflight = 64;
	run.options.budget_usd_per_hour = 5 * limits_dearest_visit_usd(&run.options);
	execute(&run);
	assert_true(run.stats.dial_back.batches > 0);
	assert_true(run.stats.invitations <= 2);
	assert_true(run.stats.usd <= run.options.budget_usd_per_hour / 2);
	run.options.budget_usd_per_hour = 1.99 * limits_dearest_visit_usd(&run.options);
	assert_int_equal(
		sw_burst_create(&run.options, &(struct sw_burst *){ NULL }, NULL), -EINVAL);
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
		cmocka_unit_test(functions_come_and_work),
		cmocka_unit_test(hostile_functions_change_nothing),
		cmocka_unit_test(invocations_are_capped),
		cmocka_unit_test(the_budget_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

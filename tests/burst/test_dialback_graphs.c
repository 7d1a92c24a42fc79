/* SPDX-License-Identifier: MIT */
/* Dial-back: whole graphs, with functions of all kinds; what is bounded by caps and by the budget.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burst/wire_private.h"
#include "tests/burst/dial_guests.h"
#include "tests/burst/dial_hall.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/graph_fixture.h"
#include "tools/functions/c/handler.h"

enum { GRAPH_FRAME_MAX = 4096 };

struct run {
	struct hall hall;
	struct sw_burst_options options;
	struct sw_burst_stats stats;
	uint64_t numbers;
};

static void prepare(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->hall.find = hall_find;
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
		cmocka_unit_test(functions_come_and_work),
		cmocka_unit_test(hostile_functions_change_nothing),
		cmocka_unit_test(invocations_are_capped),
		cmocka_unit_test(the_budget_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

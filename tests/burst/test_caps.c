/* SPDX-License-Identifier: MIT */
/*
 * What may never be exceeded, retries and hedges included: invocations at once, invocations in all,
 * dollars an hour. The fake endpoint counts for itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burst/io_private.h"
#include "tests/burst/fake_transport.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/graph_fixture.h"
#include "tests/runtime/random.h"

enum { NUMBERS = 64000, BATCHES = 2000 };

static uint64_t seed;

static const struct sw_kernel *const kernels[] = { &triple_kernel, &partial_kernel, NULL };

struct run {
	struct fake fake;
	struct sw_burst_options options;
	struct sw_burst_stats stats;
	int cancel_after_ms; /* 0: it runs to its end */
};

static void prepare(struct run *run)
{
	memset(run, 0, sizeof(*run));
	run->fake.options.kernels = kernels;
	run->fake.options.latency_us = 200;
	run->fake.options.slow_us = 5000;
	run->fake.options.seed = seed;
	run->options = (struct sw_burst_options)SW_BURST_OPTIONS_INIT;
	run->options.policy = "fixed";
	run->options.spill_share = 1;
	run->options.endpoint = "https://fake";
	run->options.seed = seed;
}

/* Everything that can go wrong does, often enough for retries and hedges. */
static void make_trouble(struct run *run)
{
	for (int fault = FAKE_ERROR; fault <= FAKE_REFUSE; fault++)
		run->fake.options.shares[fault] = 20;
}

static void execute(struct run *run)
{
	const struct transport_source source = fake_source(&run->fake);
	struct sw_graph_options graph = SW_GRAPH_OPTIONS_INIT;
	struct fixture fixture;
	struct sw_burst *burst;
	struct sw_error error = { 0 };
	int rc;

	graph.workers = 2;
	graph.pin = "none";
	graph.batch_rows = NUMBERS / BATCHES;
	graph.ring_slots = 16;
	if (burst_create_with(&run->options, &source, &burst, &error))
		fail_msg("%s", error.text);
	graph.outlets = sw_burst_provider(burst);
	assert_int_equal(fixture_open(&fixture, &graph, NUMBERS, true), 0);
	assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
	if (run->cancel_after_ms) {
		rc = sw_graph_wait(fixture.graph, run->cancel_after_ms, &error);
		sw_graph_cancel(fixture.graph);
		assert_int_equal(rc, -ETIMEDOUT);
		assert_int_equal(sw_graph_wait(fixture.graph, 20000, &error), -ECANCELED);
	} else {
		if (sw_graph_wait(fixture.graph, 60000, &error))
			fail_msg("%s", error.text);
		fixture_check(&fixture, NUMBERS);
	}
	sw_burst_stats(burst, &run->stats);
	fixture_close(&fixture);
	sw_burst_destroy(burst);
	assert_int_equal(run->stats.lost, 0);
	assert_int_equal(run->stats.doubled, 0);
	assert_int_equal(run->stats.attempts, atomic_load(&run->fake.counts.requests));
	assert_int_equal(run->stats.inflight_max, atomic_load(&run->fake.counts.flying_most));
	assert_true(run->stats.inflight_max <= run->options.max_inflight);
}

static void invocations_in_all_are_capped(void **unused)
{
	static const uint64_t most[] = { 1, 2, 7, 100, 1999 };

	(void)unused;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		struct run run;

		prepare(&run);
		make_trouble(&run);
		run.options.max_invocations = most[i];
		run.options.max_inflight = i % 2 ? 64 : 3;
		execute(&run);
		assert_true(run.stats.attempts <= most[i]);
		/* There is always more to send, but for a breaker that opens. */
		assert_true(run.stats.attempts == most[i] || most[i] == 1999);
		assert_true(run.stats.batches_merged <= most[i]);
	}
}

static void invocations_at_once_are_capped(void **unused)
{
	static const uint32_t most[] = { 1, 2, 16 };

	(void)unused;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		for (int trouble = 0; trouble < 2; trouble++) {
			struct run run;

			prepare(&run);
			run.options.max_inflight = most[i];
			if (trouble)
				make_trouble(&run);
			else
				run.fake.options.shares[FAKE_SLOW] = 30;
			execute(&run);
			assert_int_equal(run.stats.inflight_max, most[i]);
		}
	}
}

/* Half of an hour's budget pays for 20 invocations that last until their deadline. */
static double budget_for(const struct run *run, double invocations)
{
	return 2 * limits_dearest_usd(&run->options) * invocations;
}

/* Each costs as much as one can: 20 at once, then nothing. */
static void dear_functions_stay_within_the_budget(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.options.deadline_ms = 1000;
	run.fake.options.function_us = 1000000;
	run.options.budget_usd_per_hour = budget_for(&run, 20.5);
	execute(&run);
	assert_int_equal(run.stats.attempts, 20);
	assert_true(run.stats.inflight_max <= 20);
	assert_true(run.stats.usd <= run.options.budget_usd_per_hour / 2);
}

/* What broke or timed out may have gone on until the deadline, whatever is told. */
static void ambiguous_ends_count_in_full(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.options.deadline_ms = 1000;
	run.fake.options.cost_untold = true;
	run.fake.options.shares[FAKE_RESET] = 500;
	run.fake.options.shares[FAKE_TIMEOUT] = 500;
	run.options.budget_usd_per_hour = budget_for(&run, 20.5);
	execute(&run);
	assert_true(run.stats.attempts <= 20);
	assert_true(run.stats.usd <= run.options.budget_usd_per_hour / 2);
}

/* Put aside is only what flies: cheap functions go on, never more than 20 at once. */
static void cheap_functions_use_the_budget_well(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.options.deadline_ms = 1000;
	run.options.budget_usd_per_hour = budget_for(&run, 20.5);
	execute(&run);
	assert_true(run.stats.attempts > 1000);
	assert_true(run.stats.inflight_max <= 20);
	assert_true(run.stats.usd <= run.options.budget_usd_per_hour / 2);
}

static void what_does_not_run_costs_nothing(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.options.deadline_ms = 50;
	run.options.max_invocations = 200;
	run.options.budget_usd_per_hour = budget_for(&run, 10.5);
	run.fake.options.shares[FAKE_THROTTLE] = 1000;
	execute(&run);
	assert_true(run.stats.throttled > 10);
	assert_true(run.stats.usd == 0);
}

static void what_is_cut_off_is_paid(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run);
	run.fake.options.latency_us = 5000000;
	run.fake.options.cost_untold = true;
	run.cancel_after_ms = 50;
	execute(&run);
	assert_true(run.stats.attempts > 0);
	/* Requests, and some of the 50 ms of each. */
	assert_true(run.stats.usd > (double)run.stats.attempts * 0.0000002);
}

/* ---- Hours, by a clock of our own ---- */

enum { FLYING_MAX = 64, ENDS_MAX = 1 << 20, HOURS = 5 };

struct hours {
	struct sw_burst burst;
	struct io io;
	uint64_t flying_until[FLYING_MAX];
	uint32_t flying_us[FLYING_MAX];
	uint64_t end_ns[ENDS_MAX];
	double end_usd[ENDS_MAX];
	size_t ends;
};

static void end_due(struct hours *hours, uint64_t now_ns, double *usd)
{
	for (uint32_t i = 0; i < hours->io.flying; i++) {
		struct sw_exchange exchange = { .outcome = SW_OUTCOME_ANSWER,
			.sent_ns = 1,
			.deadline_ms = hours->burst.options.deadline_ms };
		double after;

		if (hours->flying_until[i] > now_ns)
			continue;
		exchange.function_us = hours->flying_us[i];
		limits_pay(&hours->io, &exchange, exchange.function_us * 1000);
		after = (double)burst_get(&hours->burst.counters.nano_usd) / 1e9;
		assert_true(hours->ends < ENDS_MAX);
		hours->end_ns[hours->ends] = now_ns;
		hours->end_usd[hours->ends++] = after - *usd;
		*usd = after;
		hours->io.flying--;
		hours->flying_until[i] = hours->flying_until[hours->io.flying];
		hours->flying_us[i--] = hours->flying_us[hours->io.flying];
	}
}

static void send_some(struct hours *hours, uint64_t *random, uint64_t now_ns)
{
	const struct sw_exchange exchange = { .deadline_ms = hours->burst.options.deadline_ms };
	uint32_t most = random_below(random, FLYING_MAX);

	while (hours->io.flying < most && limits_usable(&hours->io, now_ns) &&
		limits_has_room(&hours->io)) {
		const uint32_t us = 1000 + random_below(random, 9999000);

		limits_put_aside(&hours->io, &exchange);
		hours->flying_us[hours->io.flying] = us;
		hours->flying_until[hours->io.flying++] = now_ns + us * 1000ull;
	}
}

static void check_every_hour(const struct hours *hours)
{
	double most = 0, sum = 0;
	size_t from = 0;

	for (size_t i = 0; i < hours->ends; i++) {
		sum += hours->end_usd[i];
		while (hours->end_ns[i] - hours->end_ns[from] > 3600000000000ull)
			sum -= hours->end_usd[from++];
		if (sum > most)
			most = sum;
	}
	print_message("%zu invocations, dearest hour %g of %g dollars\n", hours->ends, most,
		hours->burst.options.budget_usd_per_hour);
	assert_true(most <= hours->burst.options.budget_usd_per_hour * (1 + 1e-9));
	assert_true(most > hours->burst.options.budget_usd_per_hour * 0.5);
}

static void no_hour_sees_more_than_the_budget(void **unused)
{
	struct hours *hours = calloc(1, sizeof(*hours));
	uint64_t random = seed;
	double usd = 0;

	(void)unused;
	assert_non_null(hours);
	hours->burst.options = (struct sw_burst_options)SW_BURST_OPTIONS_INIT;
	hours->burst.options.budget_usd_per_hour = 0.2;
	hours->io.burst = &hours->burst;
	hours->io.tried = true;
	limits_begin(&hours->io, 1000000000);
	/* Spikes of minutes between pauses of up to an hour. */
	for (uint64_t now_ns = 1000000000; now_ns < HOURS * 3600000000000ull;) {
		const uint64_t until_ns = now_ns + random_below(&random, 1800) * 1000000000ull;

		for (; now_ns < until_ns; now_ns += 100000000) {
			end_due(hours, now_ns, &usd);
			send_some(hours, &random, now_ns);
		}
		/* The thread looks now and then also where there is nothing to do. */
		for (uint32_t pause_s = random_below(&random, 3600); pause_s > 0; pause_s--) {
			now_ns += 1000000000ull;
			limits_usable(&hours->io, now_ns);
		}
	}
	check_every_hour(hours);
	free(hours);
}

static void a_budget_below_one_invocation_is_refused(void **unused)
{
	struct sw_burst_options options = SW_BURST_OPTIONS_INIT;
	struct sw_error error = { 0 };
	struct sw_burst *burst = NULL;

	(void)unused;
	options.policy = "none";
	options.budget_usd_per_hour = 2 * limits_dearest_usd(&options) * 0.999;
	assert_int_equal(sw_burst_create(&options, &burst, &error), -EINVAL);
	assert_non_null(strstr(error.text, "half of it does not pay for one invocation"));
	options.budget_usd_per_hour = 2 * limits_dearest_usd(&options) * 1.001;
	assert_int_equal(sw_burst_create(&options, &burst, &error), 0);
	sw_burst_destroy(burst);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invocations_in_all_are_capped),
		cmocka_unit_test(invocations_at_once_are_capped),
		cmocka_unit_test(dear_functions_stay_within_the_budget),
		cmocka_unit_test(ambiguous_ends_count_in_full),
		cmocka_unit_test(cheap_functions_use_the_budget_well),
		cmocka_unit_test(what_does_not_run_costs_nothing),
		cmocka_unit_test(what_is_cut_off_is_paid),
		cmocka_unit_test(no_hour_sees_more_than_the_budget),
		cmocka_unit_test(a_budget_below_one_invocation_is_refused),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

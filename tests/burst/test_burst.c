/* SPDX-License-Identifier: MIT */
/*
 * Whole graphs that spill to a fake endpoint: whatever that does, every batch counts once, no
 * window closes early, and the books balance.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/burst/fake_transport.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/graph_fixture.h"
#include "tests/runtime/random.h"

static uint64_t seed;

static const struct sw_kernel *const kernels[] = { &triple_kernel, &partial_kernel, NULL };

struct run {
	struct fake fake;
	struct sw_burst_options options;
	struct sw_graph_options graph;
	struct sw_burst_stats stats;
	uint64_t numbers;
	bool partials, late;
	char why[200];
	_Atomic int logs;
};

/* The numbers, from a source that says how far behind it is: all that is not made yet is due. */
static enum sw_poll late_poll(struct sw_instance *self, void *state)
{
	const struct numbers_config *config = sw_instance_config(self);
	enum sw_poll poll = numbers_source.poll(self, state);
	uint64_t made = atomic_load(&((struct numbers_config *)config)->next);

	made = made < config->count ? config->count - made : 0;
	sw_instance_backlog(self, made, made / sw_instance_batch_rows(self));
	return poll;
}

static const struct sw_operator late_source = { .name = "late numbers", .poll = late_poll };

static int open_late(struct fixture *fixture, const struct run *run)
{
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *stage;
	struct sw_error error;

	memset(fixture, 0, sizeof(*fixture));
	fixture->numbers.count = run->numbers;
	fixture->numbers.fail_at = fixture->numbers.sleep_at = UINT64_MAX;
	fixture->sums.windows = run->numbers / WINDOW + 1;
	fixture->sums.sum = calloc(fixture->sums.windows * KEYS, sizeof(int64_t));
	fixture->sums.count = calloc(fixture->sums.windows * KEYS, sizeof(uint64_t));
	assert_int_equal(sw_graph_create(&run->graph, &fixture->graph, &error), 0);
	source.name = "late numbers";
	source.op = &late_source;
	source.config = &fixture->numbers;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	stage = sw_graph_add_stage(fixture->graph, &source, &error);
	assert_non_null(stage);
	return fixture_build(fixture, stage, run->partials);
}

static void count_log(void *context, const char *text)
{
	struct run *run = context;

	assert_true(strlen(text) > 0);
	atomic_fetch_add(&run->logs, 1);
}

static void prepare(struct run *run, const char *policy, double share)
{
	memset(run, 0, sizeof(*run));
	run->fake.options.kernels = kernels;
	run->fake.options.latency_us = 200;
	run->fake.options.slow_us = 20000;
	run->fake.options.seed = seed;
	run->options = (struct sw_burst_options)SW_BURST_OPTIONS_INIT;
	run->options.policy = policy;
	run->options.spill_share = share;
	run->options.endpoint = "https://fake";
	run->options.seed = seed;
	run->options.log = count_log;
	run->options.log_context = run;
	run->graph = (struct sw_graph_options)SW_GRAPH_OPTIONS_INIT;
	run->graph.workers = 2;
	run->graph.pin = "none";
	run->graph.batch_rows = 32;
	run->graph.ring_slots = 16;
	run->numbers = 64000;
}

/* Runs it to the end and checks what must hold in every run. */
static void execute(struct run *run)
{
	const struct transport_source source = fake_source(&run->fake);
	struct fixture fixture;
	struct sw_burst *burst;
	struct sw_error error = { 0 };
	const struct sw_burst_stats *stats = &run->stats;

	if (burst_create_with(&run->options, &source, &burst, &error))
		fail_msg("%s", error.text);
	run->graph.outlets = sw_burst_provider(burst);
	assert_int_equal(run->late
				 ? open_late(&fixture, run)
				 : fixture_open(&fixture, &run->graph, run->numbers, run->partials),
		0);
	if (sw_graph_start(fixture.graph, &error))
		fail_msg("%s", error.text);
	if (sw_graph_wait(fixture.graph, 60000, &error))
		fail_msg("%s", error.text);
	fixture_check(&fixture, run->numbers);
	sw_burst_stats(burst, &run->stats);
	assert_int_equal(sw_burst_edge_why(burst, 12345, run->why, sizeof(run->why)), -ENOENT);
	assert_int_equal(sw_burst_edge_why(burst, 0, run->why, sizeof(run->why)), 0);
	fixture_close(&fixture);
	sw_burst_destroy(burst);
	print_message("%s: eligible %llu spilled %llu merged %llu reclaimed %llu attempts %llu "
		      "throttled %llu hedges %llu late %llu; %s\n",
		stats->policy, (unsigned long long)stats->batches_eligible,
		(unsigned long long)stats->batches_spilled,
		(unsigned long long)stats->batches_merged,
		(unsigned long long)stats->batches_reclaimed, (unsigned long long)stats->attempts,
		(unsigned long long)stats->throttled, (unsigned long long)stats->hedges,
		(unsigned long long)stats->late_answers, run->why);
	assert_int_equal(stats->lost, 0);
	assert_int_equal(stats->doubled, 0);
	assert_int_equal(stats->outstanding, 0);
	assert_int_equal(stats->batches_spilled, stats->batches_merged + stats->batches_reclaimed);
	assert_int_equal(stats->attempts, atomic_load(&run->fake.counts.requests));
	assert_true(stats->batches_eligible >= stats->batches_spilled);
	assert_true(stats->inflight_max <= run->options.max_inflight);
}

static uint64_t fault_count(const struct run *run, enum fake_fault fault)
{
	return atomic_load(&run->fake.counts.faults[fault]);
}

static void none_spills_nothing(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "none", 1);
	execute(&run);
	assert_int_equal(run.stats.batches_spilled, 0);
	assert_int_equal(run.stats.batches_eligible, 2000);
	assert_string_equal(run.why, "never: policy none");
}

static void fixed_spills_its_share(void **unused)
{
	static const double shares[] = { 0, 0.25, 0.5, 1 };

	(void)unused;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		for (int partials = 0; partials < 2; partials++) {
			struct run run;

			prepare(&run, "fixed", shares[i]);
			run.partials = partials;
			execute(&run);
			assert_int_equal(run.stats.batches_eligible, 2000);
			assert_int_equal(run.stats.batches_spilled, (uint64_t)(2000 * shares[i]));
			assert_int_equal(run.stats.batches_merged, run.stats.batches_spilled);
			assert_int_equal(run.stats.rows_spilled, run.stats.batches_spilled * 32);
			assert_int_equal(run.stats.round_trip.count, run.stats.batches_merged);
		}
	}
}

static void shares_are_spread_evenly(void **unused)
{
	static const double shares[] = { 0, 0.1, 1.0 / 3, 0.5, 0.999, 1 };

	(void)unused;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		uint64_t taken = 0;

		for (uint64_t n = 0; n < 10000; n++) {
			taken += policy_share_takes(shares[i], n);
			assert_true((double)taken <= shares[i] * (double)(n + 1) + 1e-6);
			assert_true((double)taken > shares[i] * (double)(n + 1) - 1 - 1e-6);
		}
	}
}

enum { UNDER_WAY_AT_END = 8 };

/* All of them but for second requests of batches that were decided when the run ended. */
static void assert_counted(uint64_t counted, const struct run *run, enum fake_fault fault)
{
	const uint64_t made = fault_count(run, fault), open = UNDER_WAY_AT_END;

	assert_in_range(counted, made > open ? made - open : 0, made);
}

static void faults_change_nothing(void **unused)
{
	(void)unused;
	for (int partials = 0; partials < 2; partials++) {
		struct run run;

		prepare(&run, "fixed", 1);
		run.partials = partials;
		for (int fault = FAKE_ERROR; fault < FAKE_REFUSE; fault++)
			run.fake.options.shares[fault] = 15;
		execute(&run);
		assert_int_equal(run.stats.batches_spilled, 2000);
		assert_true(run.stats.batches_merged > 1900);
		assert_counted(run.stats.function_errors, &run, FAKE_ERROR);
		assert_counted(run.stats.timeouts, &run, FAKE_TIMEOUT);
		assert_counted(run.stats.throttled, &run, FAKE_THROTTLE);
		assert_counted(run.stats.transport_errors, &run, FAKE_RESET);
		assert_true(run.stats.corrupt >= fault_count(&run, FAKE_GARBAGE));
		assert_true(run.stats.corrupt > 0 && run.stats.timeouts > 0);
	}
}

/* Half of all requests fail and there are no retries: many come back to be run locally. */
static void without_retries_batches_are_reclaimed(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "fixed", 1);
	run.options.retries = 0;
	run.fake.options.shares[FAKE_ERROR] = 200;
	run.fake.options.shares[FAKE_RESET] = 200;
	run.fake.options.shares[FAKE_CORRUPT] = 100;
	execute(&run);
	assert_true(run.stats.batches_reclaimed > 200);
	assert_true(run.stats.batches_merged > 200);
}

static void slow_answers_are_hedged(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "fixed", 1);
	run.fake.options.shares[FAKE_SLOW] = 30;
	run.fake.options.slow_us = 50000;
	run.options.max_inflight = 16;
	execute(&run);
	assert_true(run.stats.hedges > 0);
	assert_true((double)run.stats.hedges <= 0.03 * (double)run.stats.attempts);
	assert_true(run.stats.late_answers <= run.stats.hedges);
}

static void throttling_shrinks_the_window(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "fixed", 1);
	run.graph.ring_slots = 64;
	run.fake.options.concurrency = 4;
	run.fake.options.latency_us = 100;
	execute(&run);
	assert_true(run.stats.throttled > 0);
	assert_true(run.stats.throttled < 4 * run.stats.batches_merged);
	assert_int_equal(run.stats.batches_merged, 2000);
}

static void a_dead_endpoint_costs_nothing(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "fixed", 1);
	atomic_store(&run.fake.options.dead, 1);
	execute(&run);
	assert_int_equal(run.stats.batches_eligible, 2000);
	assert_int_equal(run.stats.batches_merged, 0);
	assert_int_equal(run.stats.attempts, 0);
	assert_true(run.stats.breaker_open);
	assert_true(atomic_load(&run.logs) >= 1 && atomic_load(&run.logs) < 20);
}

static void a_wrong_certificate_is_told(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "fixed", 1);
	run.fake.options.wrong_certificate = true;
	execute(&run);
	assert_int_equal(run.stats.batches_eligible, 2000);
	assert_int_equal(run.stats.batches_merged, 0);
	assert_true(atomic_load(&run.logs) >= 1);
}

static void caps_are_kept(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "fixed", 1);
	run.options.max_invocations = 100;
	run.options.max_inflight = 3;
	execute(&run);
	assert_int_equal(run.stats.attempts, 100);
	assert_int_equal(run.stats.batches_merged, 100);
	assert_true(run.stats.inflight_max <= 3);
}

static void slow_kernels_spill(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "spillway", 0);
	run.partials = run.late = true;
	/* A batch takes 3.2 ms here and about 300 us there: shipping pays off also where a
	 * sanitizer makes it ten times as dear. */
	run.graph.op_delay_ns = 100000;
	run.numbers = 16000;
	execute(&run);
	assert_true(run.stats.batches_spilled > 50);
	assert_true(run.stats.batches_merged > 50);
	assert_true(run.stats.onset_to_wire.count > 0);
	assert_memory_equal(run.why, "spills from", 11);
}

/* All is due from the start: ds2, for which what waits is no load, may leave it all here. */
static void rules_of_others_keep_the_books(void **unused)
{
	/* 4 and 8 s of work at 20 us each. sponge spills as long as more than 2 s of work are left,
	 * and on a busy machine its first look is late. */
	static const struct {
		const char *policy;
		uint64_t numbers;
	} rules[] = { { "threshold", 200000 }, { "sponge", 400000 }, { "ds2", 200000 } };

	(void)unused;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct run run;

		prepare(&run, rules[i].policy, 0);
		run.partials = run.late = true;
		for (int fault = FAKE_ERROR; fault < FAKE_REFUSE; fault++)
			run.fake.options.shares[fault] = 15;
		run.graph.op_delay_ns = 20000;
		run.numbers = rules[i].numbers;
		execute(&run);
		assert_true(run.stats.batches_spilled > 0 || strcmp(rules[i].policy, "ds2") == 0);
	}
}

static void cheap_kernels_do_not(void **unused)
{
	struct run run;

	(void)unused;
	prepare(&run, "spillway", 0);
	run.graph.batch_rows = 2048;
	run.numbers = 4000000;
	run.late = true;
	/* Each batch's way costs far more than its numbers times three do. */
	run.fake.options.latency_us = 2000;
	execute(&run);
	assert_true(run.stats.batches_spilled * 5 <= run.stats.batches_eligible);
}

static void a_cancelled_run_ends(void **unused)
{
	struct run run;
	struct transport_source source;
	struct sw_burst *burst;
	struct sw_error error;

	(void)unused;
	prepare(&run, "fixed", 1);
	run.fake.options.latency_us = 5000;
	run.numbers = 1000000;
	source = fake_source(&run.fake);
	assert_int_equal(burst_create_with(&run.options, &source, &burst, &error), 0);
	run.graph.outlets = sw_burst_provider(burst);
	/* One burst, three graphs one after another. */
	for (int turn = 0; turn < 3; turn++) {
		struct fixture fixture;

		assert_int_equal(fixture_open(&fixture, &run.graph, run.numbers, true), 0);
		assert_int_equal(sw_graph_start(fixture.graph, &error), 0);
		assert_int_equal(sw_graph_wait(fixture.graph, 20, &error), -ETIMEDOUT);
		sw_graph_cancel(fixture.graph);
		assert_int_equal(sw_graph_wait(fixture.graph, 20000, &error), -ECANCELED);
		sw_burst_stats(burst, &run.stats);
		assert_int_equal(run.stats.lost, 0);
		fixture_close(&fixture);
	}
	sw_burst_destroy(burst);
}

static void bad_options_are_named(void **unused)
{
	static const struct {
		const char *policy, *endpoint, *text;
		uint32_t sample_us, inflight;
		double share;
	} cases[] = {
		{ "sometimes", NULL, "policy: sometimes: unknown (there are none, ", 250, 1, 0 },
		{ "fixed", NULL, "policy: fixed: needs an endpoint", 250, 1, 0 },
		{ "fixed", "http://x", "endpoint: http://x: not an https://", 250, 1, 0 },
		{ "fixed", "https://", "endpoint: https://: not an https://", 250, 1, 0 },
		{ "none", NULL, "sample-us: 7", 7, 1, 0 },
		{ "none", NULL, "max-inflight: 0", 250, 0, 0 },
		{ "none", NULL, "spill-share: 1.5", 250, 1, 1.5 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sw_burst_options options = SW_BURST_OPTIONS_INIT;
		struct sw_error error = { 0 };
		struct sw_burst *burst = NULL;

		options.policy = cases[i].policy;
		options.endpoint = cases[i].endpoint;
		options.sample_us = cases[i].sample_us;
		options.max_inflight = cases[i].inflight;
		options.spill_share = cases[i].share;
		assert_int_equal(sw_burst_create(&options, &burst, &error), -EINVAL);
		if (strncmp(error.text, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("%s", error.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_spills_nothing),
		cmocka_unit_test(fixed_spills_its_share),
		cmocka_unit_test(shares_are_spread_evenly),
		cmocka_unit_test(faults_change_nothing),
		cmocka_unit_test(without_retries_batches_are_reclaimed),
		cmocka_unit_test(slow_answers_are_hedged),
		cmocka_unit_test(throttling_shrinks_the_window),
		cmocka_unit_test(a_dead_endpoint_costs_nothing),
		cmocka_unit_test(a_wrong_certificate_is_told),
		cmocka_unit_test(caps_are_kept),
		cmocka_unit_test(slow_kernels_spill),
		cmocka_unit_test(cheap_kernels_do_not),
		cmocka_unit_test(rules_of_others_keep_the_books),
		cmocka_unit_test(a_cancelled_run_ends),
		cmocka_unit_test(bad_options_are_named),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

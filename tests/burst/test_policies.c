/* SPDX-License-Identifier: MIT */
/*
 * Policies: each rule on hand-made samples, and all of them on the same loads over time
 * (policy_trace.h).
 */
#include <stdlib.h>
#include <string.h>

#include "burst/controller_private.h"
#include "tests/burst/policy_trace.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

static uint64_t seed;

/* ---- Rules on hand-made samples ---- */

struct hand {
	const struct policy *policy;
	uint64_t state[64];
	struct sw_burst_options options;
	struct policy_view view;
	struct decision decision;
	char why[160];
};

static void hand_open(struct hand *hand, const char *policy)
{
	memset(hand, 0, sizeof(*hand));
	hand->policy = policy_find(policy);
	assert_non_null(hand->policy);
	assert_true(hand->policy->state_bytes <= sizeof(hand->state));
	hand->options = (struct sw_burst_options)SW_BURST_OPTIONS_INIT;
	hand->view.now_ns = 1000000000000;
	hand->view.capacity = 64;
	hand->view.window = 64;
	hand->view.outlets = 1;
	hand->view.slots = 256;
	hand->view.rows_per_batch = 1000;
}

static void hand_decide(struct hand *hand)
{
	memset(&hand->decision, 0, sizeof(hand->decision));
	hand->policy->decide(&hand->options, hand->state, &hand->view, &hand->decision, hand->why,
		sizeof(hand->why));
}

/* So long passes in which rows left the producer and rows were run here for busy_ms. */
static void hand_pass(
	struct hand *hand, uint64_t ms, uint64_t offered, uint64_t local, uint64_t busy_ms)
{
	hand->view.now_ns += ms * 1000000;
	hand->view.offered_rows += offered;
	hand->view.local_rows += local;
	hand->view.local_ns += busy_ms * 1000000;
	if (local > 0)
		hand->view.local_ns_per_row = (double)busy_ms * 1e6 / (double)local;
	hand->view.local_ns_per_batch = hand->view.local_ns_per_row * 1000;
	hand_decide(hand);
}

static void threshold_looks_at_the_busy_share(void **unused)
{
	struct hand hand;

	(void)unused;
	hand_open(&hand, "threshold");
	hand_decide(&hand);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	hand_pass(&hand, 799, 100, 100, 799);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	hand_pass(&hand, 1, 0, 0, 0);
	assert_int_equal(hand.decision.mode, DECISION_SHARE);
	assert_true(hand.decision.share == 1);
	/* 6 % of 800 ms is 48 ms; at 200 rows/s chance cannot reach 500. */
	hand_pass(&hand, 800, 160, 160, 48);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	hand_pass(&hand, 800, 160, 160, 49);
	assert_int_equal(hand.decision.mode, DECISION_SHARE);
	hand.view.unavailable = "the endpoint fails";
	hand_pass(&hand, 800, 160, 160, 800);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	assert_string_equal(hand.why, "not now: the endpoint fails");
}

/* At 1000 rows/s a random share of them is above 500 every other time. */
static void threshold_leaves_by_chance(void **unused)
{
	uint32_t left = 0;
	struct hand hand;

	(void)unused;
	hand_open(&hand, "threshold");
	hand.options.seed = seed;
	hand_decide(&hand);
	for (int i = 0; i < 1000; i++) {
		hand_pass(&hand, 800, 800, 800, 8);
		left += hand.decision.mode == DECISION_SHARE;
	}
	assert_in_range(left, 400, 600);
}

static void sponge_waits_for_two_seconds_of_queue(void **unused)
{
	struct hand hand;

	(void)unused;
	hand_open(&hand, "sponge");
	hand_decide(&hand);
	hand.view.fill = 2;
	hand_pass(&hand, 1000, 1500, 1000, 1000);
	/* 2000 rows wait, 1000 a second go: just not longer than 2 s. */
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	hand.view.fill = 3;
	hand_pass(&hand, 1000, 2000, 1000, 1000);
	assert_int_equal(hand.decision.mode, DECISION_SHARE);
	assert_true(hand.decision.share > 0.599 && hand.decision.share < 0.601);
	hand_pass(&hand, 1000, 100000, 1000, 1000);
	assert_true(hand.decision.share > 0.949 && hand.decision.share < 0.951);
	/* What is due at the source and not made waits, and has arrived. */
	hand.view.backlog_batches = 5;
	hand_pass(&hand, 1000, 0, 1000, 1000);
	assert_true(hand.decision.share > 0.899 && hand.decision.share < 0.901);
}

static void sponge_goes_on_for_ten_seconds(void **unused)
{
	struct hand hand;

	(void)unused;
	hand_open(&hand, "sponge");
	hand_decide(&hand);
	hand.view.fill = 3;
	hand_pass(&hand, 1000, 4000, 1000, 1000);
	assert_int_equal(hand.decision.mode, DECISION_SHARE);
	hand.view.fill = 0;
	for (int i = 1; i < 10; i++) {
		hand_pass(&hand, 1000, 2000, 800, 800);
		assert_int_equal(hand.decision.mode, DECISION_SHARE);
	}
	hand_pass(&hand, 1000, 2000, 800, 800);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
}

static void ds2_sizes_in_one_step(void **unused)
{
	struct hand hand;

	(void)unused;
	hand_open(&hand, "ds2");
	hand_decide(&hand);
	/* 500 rows in half a second of useful time: 1000 rows/s are the true rate. */
	hand_pass(&hand, 1000, 500, 500, 500);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	hand_pass(&hand, 999, 5000, 999, 999);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
	hand_pass(&hand, 1, 0, 1, 1);
	assert_int_equal(hand.decision.mode, DECISION_SHARE);
	assert_true(hand.decision.share > 0.799 && hand.decision.share < 0.801);
	/* Nothing was run here: the true rate is still known. */
	hand_pass(&hand, 1000, 2000, 0, 0);
	assert_true(hand.decision.share > 0.499 && hand.decision.share < 0.501);
	hand_pass(&hand, 1000, 1000, 0, 0);
	assert_int_equal(hand.decision.mode, DECISION_NEVER);
}

static void spillway_says_why(void **unused)
{
	struct hand hand;

	(void)unused;
	hand_open(&hand, "spillway");
	hand_decide(&hand);
	assert_string_equal(hand.why, "not yet: nothing was computed here to compare with");
	hand_pass(&hand, 1000, 1000000, 1000000, 3);
	assert_string_equal(hand.why, "never: 70 ns to ship (estimated), 3 ns to compute");
	hand.view.ship_ns_per_row = 38;
	hand.view.shipped_batches = 16;
	hand_decide(&hand);
	hand_pass(&hand, 1000, 1000000, 1000000, 2);
	assert_string_equal(hand.why, "never: 38 ns to ship, 2 ns to compute");
	hand_pass(&hand, 1000, 1000, 1000, 45);
	assert_string_equal(hand.why,
		"spills from 1 batches or 445 rows on: 38 ns to ship, 45000 ns "
		"to compute, 20 ms away");
}

/* ---- What the controller learns ---- */

static void pass_cpu(struct sw_burst *burst, uint64_t first_ns, uint64_t second_ns, uint64_t all_ns)
{
	burst_add(&burst->outlets[0]->cpu_ns, first_ns);
	burst_add(&burst->outlets[1]->cpu_ns, second_ns);
	burst_add(&burst->counters.cpu_ns, all_ns);
}

static void pass_batches(struct outlet *outlet, uint64_t batches, uint64_t rows, uint64_t bytes)
{
	burst_add(&outlet->shipped_batches, batches);
	burst_add(&outlet->shipped_rows, rows);
	burst_add(&outlet->wire_requests, batches);
	burst_add(&outlet->wire_bytes, bytes);
}

/* Two edges: a cheap one, and one whose rows are ten times as dear to encode and to send. */
static void shipping_is_learned_per_edge(void **unused)
{
	struct sw_burst *burst = aligned_alloc(SW_CACHE_LINE, sizeof(*burst));
	struct controller *controller = calloc(1, sizeof(*controller));
	struct outlet *outlets[2];
	struct sw_site_sample samples[2] = { 0 };
	uint32_t edge_of[2] = { 0, 1 };

	(void)unused;
	assert_true(burst && controller);
	memset(burst, 0, sizeof(*burst));
	for (int i = 0; i < 2; i++) {
		outlets[i] = aligned_alloc(SW_CACHE_LINE, sizeof(*outlets[i]));
		assert_non_null(outlets[i]);
		memset(outlets[i], 0, sizeof(*outlets[i]));
	}
	burst->outlets = outlets;
	burst->outlet_count = 2;
	controller->burst = burst;
	controller->edge_count = 2;
	controller->edge_of = edge_of;
	controller->samples = samples;
	/* Setting up costs a lot, and counts for nobody. */
	pass_cpu(burst, 0, 0, 1000000000);
	pass_batches(outlets[0], 1, 100, 100);
	controller_learn(controller);
	for (int turn = 0; turn < 50; turn++) {
		/* 100 + 1000 ns/row of their own; 1.1 ms for all, by what goes over the wire. */
		pass_cpu(burst, 100000, 1000000, 1100000 + 1100000);
		pass_batches(outlets[0], 8, 1000, 1000000 - 8 * 16384);
		pass_batches(outlets[1], 8, 1000, 10000000 - 8 * 16384);
		controller_learn(controller);
	}
	assert_true(controller->edges[0].ship_ns_per_row > 199.9);
	assert_true(controller->edges[0].ship_ns_per_row < 200.1);
	assert_true(controller->edges[1].ship_ns_per_row > 1999);
	assert_true(controller->edges[1].ship_ns_per_row < 2001);

	assert_int_equal(controller->edges[0].ship_batches, 401);
	assert_int_equal(controller->edges[1].ship_batches, 400);
	free(outlets[0]);
	free(outlets[1]);
	free(controller);
	free(burst);
}

/* ---- The same loads for all ---- */

static const char *const names[] = { "none", "threshold", "sponge", "ds2", "spillway" };
static const struct trace *const traces[] = { &trace_square, &trace_sine, &trace_bursts,
	&trace_ramp };

enum { NAMES = sizeof(names) / sizeof(names[0]), TRACES = sizeof(traces) / sizeof(traces[0]) };
enum { NONE, THRESHOLD, SPONGE, DS2, SPILLWAY };

static void print(const struct trace *trace, const char *policy, const struct trace_result *result)
{
	print_message("%-7s %-10s p50 %8.1f ms  p99 %8.1f ms  max %8.1f ms  spilled %6.2f %%  "
		      "pushed back %5.2f s  flips %3u  first %6.1f ms; %s\n",
		trace->name, policy, result->p50_ms, result->p99_ms, result->max_ms,
		100.0 * (double)result->spilled / (double)result->batches, result->pushed_back_s,
		result->flips, result->first_ms, result->why);
}

static void spillway_beats_the_others_on_each_trace(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < TRACES; i++) {
		struct trace_result results[NAMES];

		for (size_t j = 0; j < NAMES; j++) {
			struct trace_options options = trace_options_default(names[j]);

			options.seed = seed + i;
			trace_run(traces[i], &options, &results[j]);
			print(traces[i], names[j], &results[j]);
		}
		for (size_t j = 0; j < SPILLWAY; j++)
			assert_true(results[SPILLWAY].p99_ms <= results[j].p99_ms * 1.05 ||
				    results[SPILLWAY].spilled < results[j].spilled);
		assert_true(results[SPILLWAY].p99_ms < 100);
		assert_true(results[SPILLWAY].pushed_back_s == 0);
		assert_true(results[SPILLWAY].first_ms >= 0);
	}
}

static void spillway_bears_cold_starts(void **unused)
{
	struct trace_options options = trace_options_default("spillway");
	struct trace_result result;

	(void)unused;
	options.cold_ms = 150;
	options.seed = seed;
	trace_run(&trace_square, &options, &result);
	print(&trace_square, "cold", &result);
	assert_true(result.p99_ms < 300);
}

static void nothing_leaves_while_the_worker_keeps_up(void **unused)
{
	static const char *const quiet[] = { "none", "sponge", "ds2", "spillway" };

	(void)unused;
	for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++) {
		struct trace_options options = trace_options_default(quiet[i]);
		struct trace_result result;

		options.load_factor = 0.5; /* at most 0.9 */
		trace_run(&trace_sine, &options, &result);
		print(&trace_sine, quiet[i], &result);
		assert_int_equal(result.spilled, 0);
	}
}

/* Costs, noise and distances at random; those near equality are the ones that would flap. */
static void spillway_flips_at_most_twice_a_spike(void **unused)
{
	uint64_t random = seed;

	(void)unused;
	for (int turn = 0; turn < 12; turn++) {
		for (size_t i = 0; i < TRACES; i++) {
			struct trace_options options = trace_options_default("spillway");
			struct trace_result result;

			options.seed = random_next(&random);
			options.jitter = random_below(&random, 40) / 100.0;
			options.ship_ns_per_row = options.local_ns_per_row *
						  (0.5 + random_below(&random, 100) / 100.0);
			options.remote_ms = 5 + random_below(&random, 60);
			options.cold_ms = random_below(&random, 200);
			options.capacity = 8u << random_below(&random, 5);
			options.window = 4u << random_below(&random, 5);
			trace_run(traces[i], &options, &result);
			if (result.flips > 2 * traces[i]->spikes) {
				print(traces[i], "spillway", &result);
				fail_msg("%u flips in %u spikes (jitter %g, %g ns to ship, %g ms "
					 "away, ring %u, window %u)",
					result.flips, traces[i]->spikes, options.jitter,
					options.ship_ns_per_row, options.remote_ms,
					options.capacity, options.window);
			}
		}
	}
}

/* Dearer to ship than to compute: probes, and no more. */
static void spillway_leaves_alone_what_does_not_pay(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < TRACES; i++) {
		struct trace_options options = trace_options_default("spillway");
		struct trace_result result;

		options.local_ns_per_row = 100;
		options.ship_ns_per_row = 200;
		trace_run(traces[i], &options, &result);
		print(traces[i], "dear", &result);
		assert_true(result.spilled > 0);
		assert_true((double)result.spilled < 0.01 * (double)result.batches);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threshold_looks_at_the_busy_share),
		cmocka_unit_test(threshold_leaves_by_chance),
		cmocka_unit_test(sponge_waits_for_two_seconds_of_queue),
		cmocka_unit_test(sponge_goes_on_for_ten_seconds),
		cmocka_unit_test(ds2_sizes_in_one_step),
		cmocka_unit_test(spillway_says_why),
		cmocka_unit_test(shipping_is_learned_per_edge),
		cmocka_unit_test(spillway_beats_the_others_on_each_trace),
		cmocka_unit_test(spillway_bears_cold_starts),
		cmocka_unit_test(nothing_leaves_while_the_worker_keeps_up),
		cmocka_unit_test(spillway_flips_at_most_twice_a_spike),
		cmocka_unit_test(spillway_leaves_alone_what_does_not_pay),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

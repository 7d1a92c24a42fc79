/* SPDX-License-Identifier: MIT */
/*
 * What bounds the I/O thread's zeal: second requests, retries, back-off, window, breaker, and what
 * a clock that jumps does to them. By a clock of the test's own (io_stand.h).
 */
#include <math.h>

#include "tests/burst/io_stand.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#define SECOND  1000ull
#define HOUR_NS 3600000000000ull

static uint64_t seed;

/* ---- Second requests ---- */

/* 2 of 100 answers take half a second, the others 10 to 20 ms. Gives the way's p99. */
static double slow_p99(uint64_t deadline_ms, bool hedged, double *share)
{
	struct stand *stand = stand_create(seed);
	struct sw_burst_stats stats;
	uint64_t from;
	double p99;

	stand->fake.options.shares[FAKE_SLOW] = 20;
	stand->fake.options.slow_us = 500000;
	stand->options.deadline_ms = (uint32_t)deadline_ms;
	stand_open(stand);
	if (!hedged)
		stand->io->hedges_saved = -1e9;
	stand_run(stand, SECOND, 500, 8);
	from = stand->merged;
	stand_run(stand, 20 * SECOND, 500, 8);
	stand_drain(stand);
	p99 = stand_way_ms(stand, from, 0.99);
	stats = stand_stats(stand);
	*share = (double)stats.hedges / (double)(stats.attempts - stats.hedges);
	/* Every slow answer that was overtaken came late, and was dropped. */
	assert_int_equal(stand->merged, stand->offered);
	if (hedged)
		assert_true(stats.late_answers > 100 && stats.late_answers <= stats.hedges);
	stand_close(stand);
	return p99;
}

static void slow_answers_are_overtaken(void **unused)
{
	double never, share, p99;

	(void)unused;
	never = slow_p99(10000, false, &share);
	p99 = slow_p99(10000, true, &share);
	print_message("p99 %.1f ms instead of %.1f ms, by %.2f %% more requests\n", p99, never,
		100 * share);
	assert_true(never > 500);
	assert_true(p99 < 100);
	assert_true(share > 0.015 && share <= 0.03);
}

/* None is slow: what is beyond the quantile costs no more than its share. */
static void nothing_slow_costs_little(void **unused)
{
	struct stand *stand = stand_create(seed);
	struct sw_burst_stats stats;

	(void)unused;
	stand_open(stand);
	stand_run(stand, 20 * SECOND, 500, 8);
	stats = stand_stats(stand);
	assert_true((double)stats.hedges <= 0.03 * (double)(stats.attempts - stats.hedges));
	stand_close(stand);
}

/* Answers take 10 to 20 ms, and as long again for 10 rows: each size has a quantile of its own. */
static void sizes_have_their_own_quantiles(void **unused)
{
	static const uint32_t rows[] = { 1, 7, 20, 64 };
	struct stand *stand = stand_create(seed);

	(void)unused;
	stand->fake.options.row_us = 1000;
	stand_open(stand);
	for (uint64_t i = 0; i < 2000; i++)
		stand_run(stand, 10, 400, rows[i % 4]);
	for (size_t i = 0; i < 4; i++) {
		struct outlet *outlet = (struct outlet *)stand->outlet;
		const struct request like = { .outlet = outlet, .rows = rows[i] };
		const double told_ms = hedge_usual_ns(stand->io, &like) / 1e6;
		const double true_ms = 10 + 9.5 + rows[i];

		print_message("%u rows: %.1f ms of %.1f ms\n", rows[i], told_ms, true_ms);
		assert_true(fabs(told_ms - true_ms) < 0.15 * true_ms);
	}
	stand_close(stand);
}

/* ---- Retries ---- */

/* A minute in which every answer is lost after the function ran. */
static void lost_answers_are_asked_for_rarely(void **unused)
{
	static const enum fake_fault faults[] = { FAKE_TIMEOUT, FAKE_RESET, FAKE_CORRUPT };

	(void)unused;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (int fair_before = 0; fair_before < 2; fair_before++) {
			struct stand *stand = stand_create(seed);
			uint64_t runs, batches;

			stand->options.deadline_ms = 1000;
			stand->options.retries = 100;
			stand->fake.options.slow_us = 980000;
			stand_open(stand);
			if (fair_before)
				stand_run(stand, 5 * SECOND, 100, 8);
			stand_drain(stand);
			runs = atomic_load(&stand->fake.counts.runs);
			batches = stand->offered;
			stand->fake.options.shares[faults[i]] = 1000;
			stand_run(stand, 60 * SECOND, 100, 8);
			stand_drain(stand);
			runs = atomic_load(&stand->fake.counts.runs) - runs;
			batches = stand->offered - batches;
			print_message("fault %d: %llu executions of %llu batches\n", (int)faults[i],
				(unsigned long long)runs, (unsigned long long)batches);
			assert_true(batches > 50);
			assert_true((double)runs <= 1.2 * (double)batches);
			assert_true(runs > 0);
			stand_close(stand);
		}
	}
}

/* Half of the answers are lost, and the breaker never opens: the budget alone keeps the measure. */
static void retries_are_paid_by_first_attempts(void **unused)
{
	struct stand *stand = stand_create(seed);
	struct sw_burst_stats stats;
	double extra;

	(void)unused;
	stand->fake.options.shares[FAKE_RESET] = 500;
	stand->options.retries = 100;
	stand_open(stand);
	stand_run(stand, 20 * SECOND, 500, 8);
	stand_drain(stand);
	stats = stand_stats(stand);
	extra = (double)atomic_load(&stand->fake.counts.runs) / (double)stand->offered - 1;
	print_message("%.3f more executions than batches, %llu of %llu reclaimed\n", extra,
		(unsigned long long)stand->reclaimed, (unsigned long long)stand->offered);
	assert_true(extra > 0.1 && extra <= 0.2);
	assert_true(stats.batches_merged > stand->offered / 2);
	stand_close(stand);
}

/* A few in a hundred: all are asked for again, and none comes back. */
static void rare_faults_are_retried(void **unused)
{
	struct stand *stand = stand_create(seed);

	(void)unused;
	stand->fake.options.shares[FAKE_RESET] = 20;
	stand->fake.options.shares[FAKE_ERROR] = 20;
	stand_open(stand);
	stand_run(stand, 20 * SECOND, 500, 8);
	stand_drain(stand);
	assert_true(stand->reclaimed * 1000 <= stand->offered);
	stand_close(stand);
}

static void pauses_have_full_jitter(void **unused)
{
	struct stand *stand = stand_create(seed);

	(void)unused;
	stand_open(stand);
	for (uint32_t waits = 0; waits < 40; waits++) {
		const uint64_t most_ns = waits < 7 ? 10000000ull << waits : 1000000000ull;
		uint64_t least = UINT64_MAX, most = 0;
		double sum = 0;

		for (int i = 0; i < 1000; i++) {
			const uint64_t ns = limits_backoff_ns(stand->io, waits);

			least = ns < least ? ns : least;
			most = ns > most ? ns : most;
			sum += (double)ns;
		}
		assert_true(most <= most_ns);
		assert_true(least < most_ns / 50 && most > most_ns - most_ns / 50);
		assert_true(fabs(sum / 1000 - (double)most_ns / 2) < 0.05 * (double)most_ns);
	}
	stand_close(stand);
}

/* ---- Window ---- */

static double window_over(struct stand *stand, uint64_t ms)
{
	double sum = 0, count = 0;

	for (uint64_t i = 0; i < ms; i += 10) {
		stand_run(stand, 10, 5000, 8);
		sum += stand->io->window;
		count++;
	}
	return sum / count;
}

/* The endpoint bears 64 at once, then 8, then 64 again. */
static void the_window_follows_the_peer(void **unused)
{
	struct stand *stand = stand_create(seed);
	struct sw_burst_stats before, after;
	double narrow, wide;

	(void)unused;
	stand_open(stand);
	assert_true(window_over(stand, SECOND) > 63);
	stand->fake.options.concurrency = 8;
	stand_run(stand, SECOND, 5000, 8);
	before = stand_stats(stand);
	narrow = window_over(stand, 5 * SECOND);
	after = stand_stats(stand);
	stand->fake.options.concurrency = 0;
	stand_run(stand, 2 * SECOND, 5000, 8);
	wide = window_over(stand, SECOND);
	print_message("window %.1f, %.1f; %llu of %llu throttled\n", narrow, wide,
		(unsigned long long)(after.throttled - before.throttled),
		(unsigned long long)(after.attempts - before.attempts));
	assert_true(narrow > 4 && narrow < 9.5);
	assert_true(wide > 50);
	/* What is refused is the smaller part of what is asked. */
	assert_true((after.throttled - before.throttled) * 3 < after.attempts - before.attempts);
	stand_close(stand);
}

/* ---- Outages ---- */

struct outage {
	_Atomic int *kind;
	uint32_t latency_us;
	uint64_t ms;
};

/* Steady, then an outage: counts what is sent meanwhile, and how soon it is as before. */
static void live_through(struct stand *stand, const struct outage *outage)
{
	const double per_s = 1000.0;
	uint64_t merged, attempts, probes, before, after;

	stand->fake.options.latency_us = outage->latency_us;
	stand->options.deadline_ms = 2000;
	stand_open(stand);
	stand_run(stand, 3 * SECOND, per_s, 8);
	merged = stand->merged;
	stand_run(stand, 2 * SECOND, per_s, 8);
	before = stand->merged - merged;
	atomic_store(outage->kind, 1);
	attempts = atomic_load(&stand->fake.counts.requests);
	probes = atomic_load(&stand->fake.counts.warm_ups);
	stand_run(stand, outage->ms, per_s, 8);
	attempts = atomic_load(&stand->fake.counts.requests) - attempts;
	probes = atomic_load(&stand->fake.counts.warm_ups) - probes;
	atomic_store(outage->kind, 0);
	stand_run(stand, 5 * SECOND, per_s, 8);
	assert_false(stand_stats(stand).breaker_open);
	merged = stand->merged;
	stand_run(stand, 2 * SECOND, per_s, 8);
	after = stand->merged - merged;
	print_message("%llu ms, %u us away: %llu attempts, %llu probes; %llu merged in 2 s before, "
		      "%llu after\n",
		(unsigned long long)outage->ms, outage->latency_us, (unsigned long long)attempts,
		(unsigned long long)probes, (unsigned long long)before, (unsigned long long)after);
	/* What flew, what fitted into the window until it was known, and a probe now and then. */
	assert_true(attempts <= 2 * stand->options.max_inflight);
	assert_true(probes >= 1 || outage->ms < 5 * SECOND);
	assert_true(probes <= 3 + outage->ms / SECOND);
	assert_true(before > 0 && (double)after >= 0.9 * (double)before);
}

static void after_an_outage_it_goes_on(void **unused)
{
	static const struct outage outages[] = {
		{ NULL, 5000, 1000 },
		{ NULL, 5000, 7300 },
		{ NULL, 20000, 31000 },
		{ NULL, 250000, 7300 },
	};

	(void)unused;
	for (size_t i = 0; i < 2 * sizeof(outages) / sizeof(outages[0]); i++) {
		struct stand *stand = stand_create(seed);
		struct outage outage = outages[i / 2];

		outage.kind = i % 2 ? &stand->fake.options.silent : &stand->fake.options.dead;
		live_through(stand, &outage);
		stand_close(stand);
	}
}

/* Connections stand, but no invocation is answered: a few try at a time, nothing waits for them. */
static void a_few_try_while_there_is_trouble(void **unused)
{
	struct stand *stand = stand_create(seed);
	uint64_t requests;

	(void)unused;
	stand->options.deadline_ms = 500;
	stand->fake.options.slow_us = 480000;
	stand->fake.options.shares[FAKE_TIMEOUT] = 1000;
	stand_open(stand);
	stand_run(stand, 5 * SECOND, 1000, 8);
	requests = atomic_load(&stand->fake.counts.requests);
	for (int i = 0; i < 3000; i++) {
		stand_run(stand, 10, 1000, 8);
		/* All but those that try are back at once. */
		assert_true(STAND_BATCHES - stand->idle_count <= 16);
	}
	requests = atomic_load(&stand->fake.counts.requests) - requests;
	assert_true(requests > 0 && requests <= 30 * 4);
	stand_close(stand);
}

/* ---- What is to be sent ---- */

static void offer_one(struct stand *stand, uint64_t onset_ns)
{
	struct sw_batch *batch = stand->idle[--stand->idle_count];

	sw_batch_reset(batch);
	batch->number = stand->offered++;
	batch->intended_ns = stand->now_ns;
	((int64_t *)batch->columns[0].data)[0] = (int64_t)batch->number;
	batch->rows = 1;
	((struct outlet *)stand->outlet)->onset_ns = onset_ns;
	assert_int_equal(stand->outlet->ops->offer(stand->outlet, batch, 1, 0), SW_OFFER_TAKEN);
}

/* The first batch of a spike does not wait until others are encoded. */
static void the_first_of_a_spike_goes_out_alone(void **unused)
{
	struct stand *stand = stand_create(seed);

	(void)unused;
	stand_open(stand);
	stand_run(stand, 10, 0, 8);
	for (unsigned i = 0; i < 24; i++)
		offer_one(stand, i == 0 ? stand->now_ns : 0);
	io_turn(stand->io);
	assert_int_equal(atomic_load(&stand->fake.counts.requests), 1);
	io_turn(stand->io);
	assert_int_equal(atomic_load(&stand->fake.counts.requests), 24);
	stand_close(stand);
}

/* ---- A clock that jumps ---- */

static void a_clock_that_jumps_is_survived(void **unused)
{
	struct stand *stand = stand_create(seed);
	const double dearest = limits_dearest_usd(&stand->options);
	struct sw_burst_stats before, after;
	double purse;

	(void)unused;
	stand->fake.options.cost_untold = true;
	stand->fake.options.shares[FAKE_RESET] = 20;
	stand->options.deadline_ms = 1000;
	stand->options.budget_usd_per_hour = 1;
	stand_open(stand);
	stand_run(stand, 10 * SECOND, 1000, 8);
	for (int turn = 0; turn < 5; turn++) {
		/* In trouble, too. */
		atomic_store(&stand->fake.options.dead, turn == 3);
		if (turn == 3)
			stand_run(stand, SECOND, 1000, 8);
		before = stand_stats(stand);
		purse = stand->io->purse_usd + stand->io->aside_usd;
		assert_true(stand->io->flying > 0 || turn == 3);
		stand->now_ns += HOUR_NS;
		stand_run(stand, 10, 0, 8);
		/* Nothing that long was learned. */
		for (uint32_t i = 0; i < IO_RECENT; i++)
			assert_true(stand->io->recent[i] < 2000000000);
		/* What was in flight cost no more than it may, and an hour brought no money. */
		after = stand_stats(stand);
		assert_true(after.usd - before.usd <= 64 * dearest);
		assert_true(stand->io->purse_usd + stand->io->aside_usd <= purse + 0.001);
		atomic_store(&stand->fake.options.dead, 0);
		stand_run(stand, 5 * SECOND, 1000, 8);
		before = stand_stats(stand);
		stand_run(stand, SECOND, 1000, 8);
		after = stand_stats(stand);
		print_message("jump %d: %llu merged, %llu reclaimed, %g dollars\n", turn,
			(unsigned long long)(after.batches_merged - before.batches_merged),
			(unsigned long long)(after.batches_reclaimed - before.batches_reclaimed),
			after.usd);
		assert_true(after.batches_merged - before.batches_merged >= 900);
	}
	stand_close(stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_answers_are_overtaken),
		cmocka_unit_test(nothing_slow_costs_little),
		cmocka_unit_test(sizes_have_their_own_quantiles),
		cmocka_unit_test(lost_answers_are_asked_for_rarely),
		cmocka_unit_test(retries_are_paid_by_first_attempts),
		cmocka_unit_test(rare_faults_are_retried),
		cmocka_unit_test(pauses_have_full_jitter),
		cmocka_unit_test(the_window_follows_the_peer),
		cmocka_unit_test(after_an_outage_it_goes_on),
		cmocka_unit_test(a_few_try_while_there_is_trouble),
		cmocka_unit_test(the_first_of_a_spike_goes_out_alone),
		cmocka_unit_test(a_clock_that_jumps_is_survived),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

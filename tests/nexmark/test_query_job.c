/* SPDX-License-Identifier: MIT */

/* Jobs: options that are refused, sinks and their failures, pacing, processing time, state limits.
 */

#include "nexmark/pace.h"
#include "operators/csv_text.h"
#include "operators/sink_totals.h"
#include "runtime/clock.h"
#include "tests/nexmark/query_fixture.h"
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Refused ---- */

static void refuses(struct query_run *run, int code, const char *message)
{
	assert_int_equal(query_run(run), code);
	if (!strstr(run->error.text, message))
		fail_msg("\"%s\" does not say \"%s\"", run->error.text, message);
}

static void bad_options(void **unused)
{
	struct query_run run;

	(void)unused;
	query_run_init(&run, "q99");
	refuses(&run, -EINVAL, "query: q99: unknown (there are q0, q1, q2, q3, q4, q5, ");
	query_run_init(&run, "q0");
	run.job.tokens = true;
	refuses(&run, -EINVAL, "tokens:");
	query_run_init(&run, "q0");
	run.job.processing_time_event = true;
	refuses(&run, -EINVAL, "processing time:");
	query_run_init(&run, "q0");
	run.job.side_input = "x.csv";
	refuses(&run, -EINVAL, "side input:");
	query_run_init(&run, "q0");
	run.job.ordered = true;
	refuses(&run, -EINVAL, "ordered:");
	query_run_init(&run, "q0");
	run.job.late = scratch_path("late.csv");
	refuses(&run, -EINVAL, "late:");
	query_run_init(&run, "q0");
	run.job.watermark_delay_ms = -1;
	refuses(&run, -EINVAL, "watermark delay:");
	query_run_init(&run, "q0");
	run.job.replay = run.job.rate_limited = true;
	refuses(&run, -EINVAL, "replay:");
	query_run_init(&run, "q0");
	run.job.pace = &(struct sw_nexmark_pace){ 1, { { 1, 1 } } };
	refuses(&run, -EINVAL, "pace: only");
	run.job.pace = &(struct sw_nexmark_pace){ 0, { { 1, 1 } } };
	run.job.rate_limited = true;
	refuses(&run, -EINVAL, "pace: 0 steps");
	query_run_init(&run, "q0");
	run.job.replay = true;
	run.generator.num_events = 0;
	refuses(&run, -EINVAL, "replay:");
	query_run_init(&run, "q0");
	run.job.input_dir = "/";
	run.job.replay = true;
	refuses(&run, -EINVAL, "input:");
	query_run_init(&run, "q0");
	run.generator.first_event_rate = 0;
	assert_int_not_equal(query_run(&run), 0);
	query_run_init(&run, "q0");
	run.job.size = 1;
	refuses(&run, -EINVAL, "size");
}

static void files_that_cannot_be_written(void **unused)
{
	struct query_run run;

	(void)unused;
	query_run_init(&run, "q0");
	run.job.output = "/dev/full";
	refuses(&run, -ENOSPC, "/dev/full: No space left on device");
	run.job.ordered = true;
	refuses(&run, -ENOSPC, "/dev/full: No space left on device");
	/* Only the end finds out: everything fits the buffer. */
	run.generator.num_events = 100;
	refuses(&run, -ENOSPC, "/dev/full: No space left on device");
	query_run_init(&run, "q0");
	run.job.output = "/dev/null/out.csv";
	refuses(&run, -ENOTDIR, "/dev/null/out.csv: Not a directory");
	run.job.output = "/";
	refuses(&run, -EISDIR, "/: Is a directory");
	query_run_init(&run, "q7");
	run.job.input_dir = write_bids("in", "1,1,1,1,c,u,100000,x\n2,1,1,1,c,u,1,x\n");
	run.job.late = "/dev/full";
	refuses(&run, -ENOSPC, "/dev/full: No space left on device");
}

/* Nothing that is read, or written for something else, is written over. */
static void same_files(void **unused)
{
	const char *in = write_bids("same", "1,1,1,1,c,u,100000,x\n2,1,1,1,c,u,1,x\n");
	const char *out = scratch_path("same.csv");
	struct query_run run;
	size_t before, after;
	char path[600], *bids;

	(void)unused;
	snprintf(path, sizeof(path), "%s/bid.csv", in);
	free(read_file(path, &before));
	query_run_init(&run, "q7");
	run.job.input_dir = in;
	run.job.output = path;
	refuses(&run, -EINVAL, "bid.csv: is read, or written for something else");
	bids = read_file(path, &after);
	assert_int_equal(after, before);
	free(bids);
	run.job.output = out;
	run.job.late = out;
	refuses(&run, -EINVAL, "same.csv: is read, or written for something else");
	query_run_init(&run, "q17");
	run.job.output = run.job.changelog = out;
	refuses(&run, -EINVAL, "same.csv: is read, or written for something else");
	/* A device may be all of them. */
	run.job.output = run.job.changelog = "/dev/null";
	query_run_well(&run);
}

/* ---- Sinks ---- */

static void sum_batch(void *context, const struct sw_batch *batch)
{
	uint64_t *sums = context;
	char line[4096];

	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		uint64_t hash;

		assert_true(sw_csv_row_bound(batch, row) <= sizeof(line));
		hash = sw_csv_line_hash(line, sw_csv_row(batch, row, line));
		sums[0] += sw_row_adds(batch, row) ? 1 : -1ull;
		sums[1] += sw_row_adds(batch, row) ? hash : -hash;
	}
}

static void sinks_agree(void **unused)
{
	(void)unused;
	for (unsigned q = 0; q < sw_nexmark_query_count(); q++) {
		uint64_t sums[2] = { 0, 0 }, rows, checksum;
		struct sw_error error;
		struct query_run run;

		query_run_init(&run, sw_nexmark_query_at(q)->name);
		run.job.processing_time_event = !strcmp(run.job.query, "q12");
		run.job.checksum = true;
		query_run_well(&run);
		rows = run.result.rows;
		checksum = run.result.checksum;
		assert_true(run.result.has_checksum && rows > 0 && run.result.bytes_read > 0);

		run.job.checksum = false;
		query_run_well(&run);
		assert_false(run.result.has_checksum);
		assert_int_equal(run.result.rows, rows);

		run.job.checksum = true;
		if (strcmp(run.job.query, "q10") != 0) { /* which writes a folder */
			run.job.output = scratch_path("out.csv");
			query_run_well(&run);
			assert_int_equal(run.result.rows, rows);
			assert_true(run.result.checksum == checksum);
			assert_int_equal(
				sw_csv_checksum_file(run.job.output, &sums[0], &sums[1], &error),
				0);
			assert_int_equal(sums[0], rows);
			assert_true(sums[1] == checksum);
		}

		sums[0] = sums[1] = 0;
		run.job.checksum = false;
		run.job.output = NULL;
		run.job.on_batch = sum_batch;
		run.job.on_batch_context = sums;
		query_run_well(&run);
		assert_int_equal(run.result.rows, rows);
		assert_int_equal(sums[0], rows);
		assert_true(sums[1] == checksum);
	}
}

static void reads_only_what_it_needs(void **unused)
{
	struct query_run run;

	(void)unused;
	query_run_init(&run, "q2");
	query_run_well(&run);
	assert_string_equal(run.reads, "bid.auction,bid.price");
	/* 8 bytes for each of two columns of a selected row. */
	assert_int_equal(run.result.bytes_read, 16 * run.result.rows);
	query_run_init(&run, "q12");
	query_run_well(&run);
	assert_string_equal(run.reads, "bid.bidder");
}

/* ---- Time ---- */

static void paced_runs_keep_their_schedule(void **unused)
{
	struct query_run run;
	uint64_t rows;

	(void)unused;
	query_run_init(&run, "q7");
	run.generator.num_events = 6000;
	run.generator.first_event_rate = run.generator.next_event_rate = 25000;
	run.job.checksum = true;
	query_run_well(&run);
	rows = run.result.checksum;
	run.job.rate_limited = true;
	query_run_well(&run);
	assert_true(run.result.checksum == rows);
	assert_int_equal(run.stats.events, 6000);
	/* One event every 40 us: the last is due after 5,999 of them, and never earlier. */
	assert_true(run.stats.wall_ns >= 5999 * 40000u);
}

/* At another pace the times in the events, and so the results, are the same. */
static void paced_runs_keep_a_pace_of_their_own(void **unused)
{
	/* 1000 events in 20 ms, then 80 ms of rest: the last 1000 begin after 500 ms. */
	const struct sw_nexmark_pace pace = { 2, { { 20000000, 1000 }, { 80000000, 0 } } };
	struct query_run run;
	uint64_t rows;

	(void)unused;
	query_run_init(&run, "q7");
	run.generator.num_events = 6000;
	run.generator.first_event_rate = run.generator.next_event_rate = 25000;
	run.job.checksum = true;
	query_run_well(&run);
	rows = run.result.checksum;
	run.job.rate_limited = true;
	run.job.pace = &pace;
	query_run_well(&run);
	assert_true(run.result.checksum == rows);
	assert_int_equal(run.stats.events, 6000);
	assert_true(run.stats.wall_ns >= 500000000 + 999 * 20000u);
}

static int64_t ticking(void *context)
{
	/* Every look at the clock is a second later. Relaxed: only its values matter. */
	return 1436918400000 + 1000 * (int64_t)atomic_fetch_add_explicit(
					      (_Atomic uint64_t *)context, 1, memory_order_relaxed);
}

static int64_t standing(void *context)
{
	return *(int64_t *)context;
}

struct arrival_sums {
	uint64_t bids, windows;
	bool bad;
};

static void add_arrivals(void *context, const struct sw_batch *batch)
{
	struct arrival_sums *sums = context;

	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t start = sw_column_int64(&batch->columns[2], row);

		sums->bids += (uint64_t)sw_column_int64(&batch->columns[1], row);
		sums->windows |= (uint64_t)1 << ((start - 1436918400000) / 10000 % 64);
		sums->bad |= sw_column_int64(&batch->columns[3], row) != start + 10000;
	}
}

static void processing_time_windows(void **unused)
{
	struct arrival_sums sums = { 0, 0, false };
	int64_t now_ms = 1436918409999;
	_Atomic uint64_t ticks;
	struct query_run run;

	(void)unused;
	query_run_init(&run, "q12");
	run.job.on_batch = add_arrivals;
	run.job.on_batch_context = &sums;
	run.job.clock_ms = standing;
	run.job.clock_context = &now_ms;
	query_run_well(&run);
	assert_int_equal(sums.bids, 18400);
	assert_int_equal(sums.windows, 1);
	assert_false(sums.bad);

	sums = (struct arrival_sums){ 0, 0, false };
	atomic_init(&ticks, 0);
	run.job.clock_ms = ticking;
	run.job.clock_context = (void *)&ticks;
	query_run_well(&run);
	assert_int_equal(sums.bids, 18400);
	assert_true(sums.windows & (sums.windows - 1));
	assert_false(sums.bad);
}

/* ---- Limits ---- */

static void state_has_a_limit(void **unused)
{
	struct query_run run;

	(void)unused;
	query_run_init(&run, "tokenize");
	run.graph.max_state_bytes = 100000;
	refuses(&run, -ENOMEM, "over the limit of 100000");
	query_run_init(&run, "tokenize");
	query_run_well(&run);
	assert_true(run.stats.state_bytes_max > 100000);
	query_run_init(&run, "q12");
	run.graph.max_state_bytes = 5000;
	refuses(&run, -ENOMEM, "over the limit of 5000");
	query_run_init(&run, "q0");
	run.job.output = scratch_path("out.csv");
	run.job.ordered = true;
	run.graph.max_state_bytes = 100000;
	refuses(&run, -ENOMEM, "over the limit of 100000");
}

static void extreme_batches(void **unused)
{
	static const uint32_t sizes[] = { 1, 65535, 65536 };

	(void)unused;
	for (unsigned q = 0; q < sw_nexmark_query_count(); q++) {
		struct query_run run;
		uint64_t checksum;

		query_run_init(&run, sw_nexmark_query_at(q)->name);
		run.job.processing_time_event = !strcmp(run.job.query, "q12");
		run.job.checksum = true;
		run.generator.num_events = 1000;
		run.graph.workers = 1;
		query_run_well(&run);
		checksum = run.result.checksum;
		for (int i = 0; i < 3; i++) {
			run.graph.batch_rows = sizes[i];
			run.generator.num_events = 1000;
			query_run_well(&run);
			assert_true(run.result.checksum == checksum);
		}
	}
}

/* Long texts make smaller batches, so that what a kernel makes of one always fits. */
static void long_texts(void **unused)
{
	struct query_run run;

	(void)unused;
	query_run_init(&run, "tokenize");
	run.generator.avg_bid_byte_size = 16384;
	run.generator.num_events = 500;
	run.graph.workers = 1;
	run.job.checksum = true;
	query_run_well(&run);
	run.job.tokens = true;
	query_run_well(&run);
}

/* ---- Batches that may leave ---- */

/* An outlet that takes nothing, and looks at what it is offered. */
struct gate {
	struct sw_outlet outlet;
	struct sw_site *site;
	unsigned before, after; /* batches, before and after the first one was run */
	unsigned small, large;  /* of those after it */
};

static enum sw_offer gate_offer(
	struct sw_outlet *outlet, struct sw_batch *batch, uint32_t fill, int64_t hold)
{
	struct gate *gate = (struct gate *)outlet;
	struct sw_site_sample sample;

	(void)fill;
	(void)hold;
	sw_site_sample(gate->site, &sample);
	if (!sample.local_batches) {
		gate->before++;
		return SW_OFFER_REFUSED;
	}
	gate->after++;
	gate->small += sw_batch_count(batch) <= 40;
	/* More where more waits. */
	gate->large += sw_batch_count(batch) > 40 &&
		       batch->events > (sample.backlog_events + batch->events) / 4;
	return SW_OFFER_REFUSED;
}

static bool gate_congested(struct sw_outlet *outlet, uint32_t fill)
{
	(void)outlet;
	(void)fill;
	return false;
}

static bool gate_collect(struct sw_outlet *outlet, struct sw_outlet_result *result)
{
	(void)outlet;
	(void)result;
	return false;
}

static int64_t gate_hold(struct sw_outlet *outlet)
{
	(void)outlet;
	return SW_TIME_END;
}

static int gate_attach(void *context, const struct sw_site_options *site, struct sw_outlet **outlet,
	struct sw_error *error)
{
	static const struct sw_outlet_ops ops = { .offer = gate_offer,
		.congested = gate_congested,
		.collect = gate_collect,
		.hold = gate_hold };
	struct gate *gate = context;

	(void)error;
	gate->outlet.ops = &ops;
	gate->site = site->site;
	*outlet = &gate->outlet;
	return 0;
}

static int gate_start(void *context, struct sw_error *error)
{
	(void)context;
	(void)error;
	return 0;
}

static void gate_stop(void *context)
{
	(void)context;
}

/* Whatever waits behind a batch waits for all of it: a paced source makes no long work of one. */
static void paced_batches_are_little_work(void **unused)
{
	struct gate gate = { .before = 0 };
	const struct sw_outlet_provider outlets = { &gate, gate_attach, gate_start, gate_stop };
	struct query_run run;

	(void)unused;
	query_run_init(&run, "q0");
	run.graph.workers = 1;
	run.graph.ring_slots = 2;
	run.graph.outlets = &outlets;
	run.graph.op_delay_ns = 100000; /* 4 ms for 40 */
	run.job.rate_limited = true;
	run.generator.num_events = 8000;
	run.generator.first_event_rate = run.generator.next_event_rate = 40000;
	query_run_well(&run);
	assert_true(gate.before > 0);
	assert_true(gate.after > 0);
	assert_true(gate.small > 0);
	assert_int_equal(gate.large, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_options),
		cmocka_unit_test(same_files),
		cmocka_unit_test(files_that_cannot_be_written),
		cmocka_unit_test(sinks_agree),
		cmocka_unit_test(reads_only_what_it_needs),
		cmocka_unit_test(paced_runs_keep_their_schedule),
		cmocka_unit_test(paced_runs_keep_a_pace_of_their_own),
		cmocka_unit_test(processing_time_windows),
		cmocka_unit_test(state_has_a_limit),
		cmocka_unit_test(extreme_batches),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(paced_batches_are_little_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/burst/io_stand.h"

#include <stdlib.h>
#include <string.h>

#include "tests/burst/long_text.h"
#include "tests/runtime/cmocka_all.h"

#define STEP_NS 500000u

/* Kernels that cost nothing, so that only the way to it is seen. */
static const struct sw_schema id_schema = {
	.columns = 1,
	.fields = { { "id", SW_INT64, 0, NULL } },
};

static const struct sw_schema text_schema = {
	.columns = 1,
	.fields = { { "text", SW_TEXT, 0, NULL } },
};

static int id_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	(void)in;
	(void)out;
	return 0;
}

static const struct sw_kernel id_kernel = { .name = "id",
	.version = 1,
	.in = &id_schema,
	.out = &id_schema,
	.in_place = true,
	.run = id_run };

static const struct sw_kernel text_kernel = { .name = "text",
	.version = 1,
	.in = &text_schema,
	.out = &text_schema,
	.in_place = true,
	.run = id_run };

static const struct sw_kernel *const kernels[] = { &id_kernel, &text_kernel, NULL };

struct stand *stand_create(uint64_t seed)
{
	struct stand *stand = aligned_alloc(SW_CACHE_LINE, sizeof(*stand));

	assert_non_null(stand);
	memset(stand, 0, sizeof(*stand));
	stand->now_ns = 1000000000;
	stand->fake.options.kernels = kernels;
	stand->fake.options.latency_us = 10000;
	stand->fake.options.seed = seed;
	stand->fake.options.clock = &stand->now_ns;
	stand->options = (struct sw_burst_options)SW_BURST_OPTIONS_INIT;
	stand->options.policy = "fixed";
	stand->options.spill_share = 1;
	stand->options.endpoint = "https://fake";
	stand->options.seed = seed;
	return stand;
}

static void make_batches(struct stand *stand)
{
	const bool text = stand->text_bytes > 0;

	stand->batch_count = text ? STAND_TEXTS : STAND_BATCHES;
	for (uint32_t i = 0; i < stand->batch_count; i++) {
		stand->batches[i] = sw_batch_create(
			text ? &text_schema : &id_schema, text ? 1 : STAND_ROWS, stand->text_bytes);
		assert_non_null(stand->batches[i]);
		stand->idle[stand->idle_count++] = stand->batches[i];
	}
}

void stand_open(struct stand *stand)
{
	const struct transport_source source = fake_source(&stand->fake);
	const struct sw_outlet_provider *provider;
	struct sw_site_options site = {
		.site = &stand->site,
		.edge_name = "stand",
		.kernel = stand->text_bytes ? &text_kernel : &id_kernel,
		.batch_rows = stand->text_bytes ? 1 : STAND_ROWS,
		.batch_text_bytes = stand->text_bytes,
		.ring_slots = 64,
		.batches_max = stand->text_bytes ? STAND_TEXTS : STAND_BATCHES,
		.slots = 2,
		.slot = 1,
	};
	struct sw_error error = { 0 };

	stand->runner.waiter = sw_waiter_create();
	stand->consumer.runner = &stand->runner;
	stand->link.to = stand->link.from = &stand->consumer;
	stand->site.link = &stand->link;
	make_batches(stand);
	if (burst_create_with(&stand->options, &source, &stand->burst, &error))
		fail_msg("%s", error.text);
	provider = sw_burst_provider(stand->burst);
	assert_int_equal(provider->attach(provider->context, &site, &stand->outlet, &error), 0);
	stand->burst->onset = sw_histogram_create(-1);
	stand->burst->round_trip = sw_histogram_create(-1);
	for (unsigned i = 0; i < WAYS; i++)
		stand->burst->way_round_trips[i] = sw_histogram_create(-1);
	stand->burst->job = stand->options.seed & INT64_MAX;
	assert_int_equal(controller_prepare(stand->burst, &error), 0);
	assert_int_equal(io_open(stand->burst, &stand->io, &error), 0);
	stand->burst->io = stand->io;
	io_begin(stand->io);
}

static void offer(struct stand *stand, uint32_t rows)
{
	struct sw_batch *batch = stand->idle[--stand->idle_count];

	sw_batch_reset(batch);
	for (uint32_t i = 0; i < rows; i++)
		((int64_t *)batch->columns[0].data)[i] = (int64_t)(stand->offered + i);
	batch->rows = rows;
	batch->number = stand->offered;
	batch->intended_ns = stand->now_ns;
	if (stand->outlet->ops->offer(stand->outlet, batch, 1, 0) == SW_OFFER_TAKEN)
		stand->offered++;
	else
		stand->idle[stand->idle_count++] = batch;
}

/* The original is as it was, and so is what came back. */
static void check_text(const struct sw_batch *original, const struct sw_batch *answer)
{
	const struct sw_text text = sw_column_text(&original->columns[0], 0);

	assert_true(long_text_is(text.bytes, text.size, original->number));
	if (!answer)
		return;
	assert_int_equal(answer->rows, 1);
	assert_int_equal(sw_column_text(&answer->columns[0], 0).size, text.size);
	assert_true(long_text_is(answer->columns[0].data, text.size, original->number));
}

static void collect(struct stand *stand)
{
	struct sw_outlet_result result;

	while (stand->outlet->ops->collect(stand->outlet, &result)) {
		if (stand->text_bytes)
			check_text(result.original, result.answer);
		else if (result.answer)
			assert_int_equal(((int64_t *)result.answer->columns[0].data)[0],
				(int64_t)result.original->number);
		if (result.answer) {
			if (stand->merged < STAND_TIMES)
				stand->way_ns[stand->merged] =
					stand->now_ns - result.original->intended_ns;
			stand->merged++;
			sw_pool_put(result.answer, 0);
		} else {
			stand->reclaimed++;
		}
		stand->idle[stand->idle_count++] = result.original;
	}
}

static void watch_hedges(struct stand *stand)
{
	/* All of the figures for reports would take longer than the turns that are watched. */
	const struct io_counters *counters = &stand->burst->counters;
	const uint64_t hedges = burst_get(&counters->hedges);
	const double over =
		(double)hedges - 0.03 * (double)(burst_get(&counters->attempts) - hedges);

	if (over < stand->hedges_over_least)
		stand->hedges_over_least = over;
	if (over - stand->hedges_over_least > stand->hedges_over)
		stand->hedges_over = over - stand->hedges_over_least;
}

static void step(struct stand *stand)
{
	io_turn(stand->io);
	collect(stand);
	stand->now_ns += STEP_NS;
}

void stand_run(struct stand *stand, uint64_t ms, double per_s, uint32_t rows)
{
	for (uint64_t i = 0; i < ms * 1000000 / STEP_NS; i++) {
		stand->due += per_s * STEP_NS / 1e9;
		/* What cannot leave is run here: it is nobody's concern. */
		for (; stand->due >= 1; stand->due--) {
			if (stand->idle_count > 0)
				offer(stand, rows);
		}
		step(stand);
		if (i % 16 == 0)
			watch_hedges(stand);
	}
}

void stand_drain(struct stand *stand)
{
	for (uint64_t i = 0; stand->idle_count < stand->batch_count; i++) {
		assert_true(i < 1000000);
		step(stand);
	}
}

void stand_send_text(struct stand *stand, size_t bytes)
{
	struct sw_batch *batch = stand->idle[--stand->idle_count];
	struct sw_column *column = &batch->columns[0];

	sw_batch_reset(batch);
	assert_true(bytes <= column->text_capacity);
	batch->number = stand->offered++;
	batch->intended_ns = stand->now_ns;
	long_text_fill(column->data, bytes, batch->number);
	column->offsets[0] = 0;
	column->offsets[1] = (int32_t)bytes;
	batch->rows = 1;
	assert_int_equal(stand->outlet->ops->offer(stand->outlet, batch, 1, 0), SW_OFFER_TAKEN);
	stand_drain(stand);
}

struct sw_burst_stats stand_stats(const struct stand *stand)
{
	struct sw_burst_stats stats;

	sw_burst_stats(stand->burst, &stats);
	return stats;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

double stand_way_ms(struct stand *stand, uint64_t from, double quantile)
{
	const uint64_t count = stand->merged - from;
	uint64_t *sorted = malloc(count * sizeof(*sorted));
	double ms;

	assert_true(count > 0 && stand->merged <= STAND_TIMES && sorted);
	memcpy(sorted, stand->way_ns + from, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_value);
	ms = (double)sorted[(uint64_t)(quantile * (double)(count - 1))] / 1e6;
	free(sorted);
	return ms;
}

void stand_close(struct stand *stand)
{
	struct sw_burst_stats stats;

	stand_drain(stand);
	sw_burst_stats(stand->burst, &stats);
	assert_int_equal(stats.batches_spilled, stand->offered);
	assert_int_equal(stats.batches_merged, stand->merged);
	assert_int_equal(stats.batches_reclaimed, stand->reclaimed);
	assert_int_equal(stand->offered, stand->merged + stand->reclaimed);
	assert_int_equal(stats.doubled, 0);
	assert_int_equal(stats.attempts, atomic_load(&stand->fake.counts.requests));
	assert_true(stand->hedges_over <= 3 + 1e-6);
	io_finish(stand->io);
	stand->burst->io = NULL;
	io_close(stand->io);
	controller_stop(stand->burst);
	sw_burst_destroy(stand->burst);
	for (uint32_t i = 0; i < stand->batch_count; i++)
		sw_batch_destroy(stand->batches[i]);
	sw_waiter_destroy(stand->runner.waiter);
	free(stand);
}

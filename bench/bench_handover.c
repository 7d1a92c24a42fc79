/* SPDX-License-Identifier: MIT */

/*
 * What it costs to read a batch that another core has just written, against one that this core has
 * written itself: the price of cutting a plan between two workers. Slices of both alternate. A
 * batch has 1024 rows; the argument is the number of its 8-byte columns.
 */

#include "bench/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "runtime/clock.h"
#include "runtime/pool.h"
#include "runtime/ring.h"

#define ROWS       1024u
#define BATCHES    16u
#define SLICE      512u /* batches */
#define SLICES_MAX 4096u
#define SPIN_MAX   2000

enum { PRODUCER, CONSUMER, THREADS };

struct handover {
	struct sw_schema schema;
	struct sw_pool *pool;
	struct sw_ring *ring,
		*orders; /* orders: null-free words that say "another slice" or "end" */
	pthread_t consumer;
	double *across_ns, *alone_ns; /* per batch, of each slice */
	uint32_t slices;
	uint64_t slice_ns; /* written by the consumer before it sends the last batch home */
};

static char slice_order, end_order;

static void wait_a_bit(uint32_t *spins)
{
	if (++*spins % SPIN_MAX == 0)
		sched_yield();
	else
		sw_cpu_relax();
}

static void write_batch(struct sw_batch *batch, int64_t seed)
{
	for (uint32_t c = 0; c < batch->schema->columns; c++) {
		int64_t *values = batch->columns[c].data;

		for (uint32_t i = 0; i < ROWS; i++)
			values[i] = seed + i;
		bench_keep(values);
	}
	batch->rows = ROWS;
}

/* Time to read every column, in ns. */
static uint64_t read_batch(const struct sw_batch *batch)
{
	uint64_t began = sw_now_ns();
	int64_t sum = 0;

	for (uint32_t c = 0; c < batch->schema->columns; c++) {
		const int64_t *values = batch->columns[c].data;

		for (uint32_t i = 0; i < batch->rows; i++)
			sum += values[i];
	}
	bench_keep(&sum);
	return sw_now_ns() - began;
}

static void *pop(struct sw_ring *ring)
{
	uint32_t spins = 0;
	void *item;

	while (!(item = sw_ring_pop(ring)))
		wait_a_bit(&spins);
	return item;
}

static struct sw_batch *get_batch(struct sw_pool *pool)
{
	uint32_t spins = 0;
	struct sw_batch *batch;

	while (!(batch = sw_pool_get(pool)))
		wait_a_bit(&spins);
	return batch;
}

static void *consume(void *context)
{
	struct handover *handover = context;

	bench_pin(1);
	while (pop(handover->orders) == &slice_order) {
		uint64_t ns = 0;

		for (uint32_t i = 0; i < SLICE; i++) {
			struct sw_batch *batch = pop(handover->ring);

			ns += read_batch(batch);
			/* The last one carries the time home: the pool's ring publishes it. */
			if (i + 1 == SLICE)
				handover->slice_ns = ns;
			sw_pool_put(batch, CONSUMER);
		}
	}
	return NULL;
}

static double slice_across(struct handover *handover)
{
	uint32_t spins = 0;

	while (!sw_ring_push(handover->orders, &slice_order))
		wait_a_bit(&spins);
	for (uint32_t i = 0; i < SLICE; i++) {
		struct sw_batch *batch = get_batch(handover->pool);

		write_batch(batch, i);
		while (!sw_ring_push(handover->ring, batch))
			wait_a_bit(&spins);
	}
	while (sw_pool_home(handover->pool) != BATCHES)
		wait_a_bit(&spins);
	return (double)handover->slice_ns / SLICE;
}

static double slice_alone(struct handover *handover)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < SLICE; i++) {
		struct sw_batch *batch = get_batch(handover->pool);

		write_batch(batch, i);
		ns += read_batch(batch);
		sw_pool_put(batch, PRODUCER);
	}
	return (double)ns / SLICE;
}

static bool handover_open(struct handover *handover, uint32_t columns)
{
	struct sw_pool_options options = {
		.schema = &handover->schema,
		.rows_max = ROWS,
		.batches = BATCHES,
		.slots = THREADS,
		.owner_slot = PRODUCER,
		.node = -1,
	};

	*handover = (struct handover){ .schema.columns = columns };
	for (uint32_t c = 0; c < columns; c++)
		handover->schema.fields[c] = (struct sw_field){ .name = "value", .type = SW_INT64 };
	handover->pool = sw_pool_create(&options);
	handover->ring = sw_ring_create(BATCHES, -1);
	handover->orders = sw_ring_create(2, -1);
	handover->across_ns = calloc(SLICES_MAX, sizeof(double));
	handover->alone_ns = calloc(SLICES_MAX, sizeof(double));
	return handover->pool && handover->ring && handover->orders && handover->across_ns &&
	       handover->alone_ns;
}

static void handover_close(struct handover *handover)
{
	sw_pool_destroy(handover->pool);
	sw_ring_destroy(handover->ring);
	sw_ring_destroy(handover->orders);
	free(handover->across_ns);
	free(handover->alone_ns);
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static double median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count ? values[count / 2] : 0;
}

static void measure(struct bench_run *run, struct handover *handover)
{
	uint32_t spins = 0;
	double across, alone;

	while (bench_more(run, 1)) {
		uint32_t slice = handover->slices % SLICES_MAX;
		double ns = slice_across(handover);

		bench_round_seconds(run, ns * SLICE * 1e-9);
		handover->across_ns[slice] = ns;
		handover->alone_ns[slice] = slice_alone(handover);
		handover->slices++;
	}
	while (!sw_ring_push(handover->orders, &end_order))
		wait_a_bit(&spins);
	if (handover->slices > SLICES_MAX)
		handover->slices = SLICES_MAX;
	across = median(handover->across_ns, handover->slices);
	alone = median(handover->alone_ns, handover->slices);
	bench_items(run, bench_done(run) * SLICE);
	bench_counter(run, "ns_from_other_core", across);
	bench_counter(run, "ns_from_same_core", alone);
	bench_counter(run, "ratio", alone > 0 ? across / alone : 0);
}

static void handover_columns(struct bench_run *run)
{
	struct handover handover;

	if (!handover_open(&handover, (uint32_t)bench_argument(run)))
		bench_fail(run, "memory is out");
	else if (pthread_create(&handover.consumer, NULL, consume, &handover) != 0)
		bench_fail(run, "no thread");
	else {
		measure(run, &handover);
		pthread_join(handover.consumer, NULL);
	}
	handover_close(&handover);
}

const struct bench_case bench_handover_cases[] = {
	{ .name = "handover/columns", .run = handover_columns, .argument = 1, .manual = true },
	{ .name = "handover/columns", .run = handover_columns, .argument = 2, .manual = true },
	{ .name = "handover/columns", .run = handover_columns, .argument = 5, .manual = true },
	{ 0 },
};

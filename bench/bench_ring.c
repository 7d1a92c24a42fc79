/* SPDX-License-Identifier: MIT */
/*
 * The ring against Concurrency Kit's (single producer, single consumer), on two pinned threads.
 * Both are measured in one case, in slices of about a millisecond that alternate, so that what the
 * machine's neighbours do meets both; the figures are medians over the slices.
 */

#include "bench/bench.h"

#include <ck_ring.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "runtime/ring.h"

#define SLOTS        1024
#define BURST_MAX    64
#define SLICES_MAX   8192
#define SPIN_MAX     2000 /* then let the other thread have the core, should there be only one */
#define ITEMS        200000u
#define ROUND_TRIPS  4000u
#define POOL_BATCHES 128

struct arena {
	struct sw_ring *out, *back;
	_Alignas(128) ck_ring_t ck_out;
	_Alignas(128) ck_ring_t ck_back;
	ck_ring_buffer_t *ck_out_slots, *ck_back_slots;
	uint32_t burst;
};

/* One side's part of a slice; count: items or rounds. */
typedef void (*side_fn)(struct arena *arena, uint32_t count);

struct contestant {
	side_fn produce, consume;
};

/* ---- The loops ---- */

static void wait_a_bit(uint32_t *spins)
{
	if (++*spins % SPIN_MAX == 0)
		sched_yield();
}

static void *item(uint32_t number)
{
	return (void *)((uintptr_t)number + 1);
}

static void sw_push(struct sw_ring *ring, void *pointer)
{
	uint32_t spins = 0;

	while (!sw_ring_push(ring, pointer))
		wait_a_bit(&spins);
}

static void *sw_pop(struct sw_ring *ring)
{
	uint32_t spins = 0;
	void *pointer;

	while (!(pointer = sw_ring_pop(ring)))
		wait_a_bit(&spins);
	return pointer;
}

static void ck_push(ck_ring_t *ring, ck_ring_buffer_t *slots, void *pointer)
{
	uint32_t spins = 0;

	while (!ck_ring_enqueue_spsc(ring, slots, pointer))
		wait_a_bit(&spins);
}

static void *ck_pop(ck_ring_t *ring, ck_ring_buffer_t *slots)
{
	uint32_t spins = 0;
	void *pointer;

	while (!ck_ring_dequeue_spsc(ring, slots, &pointer))
		wait_a_bit(&spins);
	return pointer;
}

static void sw_produce(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sw_push(arena->out, item(i));
}

static void sw_consume(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bench_keep(sw_pop(arena->out));
}

static void sw_produce_many(struct arena *arena, uint32_t count)
{
	uint32_t spins = 0;
	void *items[BURST_MAX];

	for (uint32_t i = 0; i < arena->burst; i++)
		items[i] = item(i);
	for (uint32_t left = count; left > 0;) {
		uint32_t burst = left < arena->burst ? left : arena->burst;

		for (uint32_t done = 0; done < burst;) {
			uint32_t pushed = sw_ring_push_many(arena->out, items + done, burst - done);

			done += pushed;
			if (!pushed)
				wait_a_bit(&spins);
		}
		left -= burst;
	}
}

static void sw_consume_many(struct arena *arena, uint32_t count)
{
	uint32_t spins = 0;
	void *items[BURST_MAX];

	for (uint32_t left = count; left > 0;) {
		uint32_t burst = left < arena->burst ? left : arena->burst;
		uint32_t popped = sw_ring_pop_many(arena->out, items, burst);

		bench_keep(items);
		left -= popped;
		if (!popped)
			wait_a_bit(&spins);
	}
}

static void ck_produce(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ck_push(&arena->ck_out, arena->ck_out_slots, item(i));
}

static void ck_consume(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		bench_keep(ck_pop(&arena->ck_out, arena->ck_out_slots));
}

static void sw_ping(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		sw_push(arena->out, item(i));
		bench_keep(sw_pop(arena->back));
	}
}

static void sw_pong(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sw_push(arena->back, sw_pop(arena->out));
}

static void ck_ping(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		ck_push(&arena->ck_out, arena->ck_out_slots, item(i));
		bench_keep(ck_pop(&arena->ck_back, arena->ck_back_slots));
	}
}

static void ck_pong(struct arena *arena, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ck_push(&arena->ck_back, arena->ck_back_slots,
			ck_pop(&arena->ck_out, arena->ck_out_slots));
}

/* As batches go: out by one ring, home by another, a few of them in the pool. */
static void sw_lend(struct arena *arena, uint32_t count)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (out == POOL_BATCHES)
			sw_push(arena->out, sw_pop(arena->back));
		else
			sw_push(arena->out, item(out++));
	}
	for (; out > 0; out--)
		bench_keep(sw_pop(arena->back));
}

static void ck_lend(struct arena *arena, uint32_t count)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (out == POOL_BATCHES)
			ck_push(&arena->ck_out, arena->ck_out_slots,
				ck_pop(&arena->ck_back, arena->ck_back_slots));
		else
			ck_push(&arena->ck_out, arena->ck_out_slots, item(out++));
	}
	for (; out > 0; out--)
		bench_keep(ck_pop(&arena->ck_back, arena->ck_back_slots));
}

/* ---- Slices, by turns ---- */

struct duel {
	struct arena arena;
	uint32_t count;
	pthread_t consumer;
	side_fn consume; /* null: end; read after `ordered` */
	_Alignas(128) atomic_uint ordered;
	_Alignas(128) atomic_uint finished;
};

static void *consumer_main(void *context)
{
	struct duel *duel = context;

	bench_pin(1);
	for (unsigned order = 1;; order++) {
		uint32_t spins = 0;

		/* Acquire: what is to be done. */
		while (atomic_load_explicit(&duel->ordered, memory_order_acquire) != order)
			wait_a_bit(&spins);
		if (!duel->consume)
			return NULL;
		duel->consume(&duel->arena, duel->count);
		atomic_store_explicit(&duel->finished, order, memory_order_release);
	}
}

static void give_order(struct duel *duel, side_fn consume)
{
	duel->consume = consume;
	/* Release; only this thread writes it. */
	atomic_fetch_add_explicit(&duel->ordered, 1, memory_order_release);
}

static uint64_t slice_ns(struct duel *duel, const struct contestant *contestant)
{
	uint64_t start = sw_now_ns();
	uint32_t spins = 0;

	give_order(duel, contestant->consume);
	contestant->produce(&duel->arena, duel->count);
	while (atomic_load_explicit(&duel->finished, memory_order_acquire) !=
		atomic_load_explicit(&duel->ordered, memory_order_relaxed))
		wait_a_bit(&spins);
	return sw_now_ns() - start;
}

static bool open_duel(struct duel *duel, uint32_t count, uint32_t burst)
{
	memset(duel, 0, sizeof(*duel));
	duel->count = count;
	duel->arena.burst = burst;
	duel->arena.out = sw_ring_create(SLOTS, -1);
	duel->arena.back = sw_ring_create(SLOTS, -1);
	duel->arena.ck_out_slots = calloc(SLOTS, sizeof(ck_ring_buffer_t));
	duel->arena.ck_back_slots = calloc(SLOTS, sizeof(ck_ring_buffer_t));
	ck_ring_init(&duel->arena.ck_out, SLOTS);
	ck_ring_init(&duel->arena.ck_back, SLOTS);
	return duel->arena.out && duel->arena.back && duel->arena.ck_out_slots &&
	       duel->arena.ck_back_slots &&
	       pthread_create(&duel->consumer, NULL, consumer_main, duel) == 0;
}

static void close_duel(struct duel *duel, bool opened)
{
	if (opened) {
		give_order(duel, NULL);
		pthread_join(duel->consumer, NULL);
	}
	sw_ring_destroy(duel->arena.out);
	sw_ring_destroy(duel->arena.back);
	free(duel->arena.ck_out_slots);
	free(duel->arena.ck_back_slots);
}

static int by_size(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static double median(uint64_t *values, uint32_t count)
{
	uint32_t middle = count / 2;

	qsort(values, count, sizeof(*values), by_size);
	return count ? (double)values[middle] : 0;
}

/* Ours and theirs in turns; gives the medians per item in ns, and returns the rounds. */
static uint64_t alternate(struct bench_run *run, struct duel *duel, const struct contestant *ours,
	const struct contestant *theirs, double *our_ns, double *their_ns)
{
	static uint64_t our_slices[SLICES_MAX], their_slices[SLICES_MAX];
	uint64_t rounds = 0;
	uint32_t kept;

	slice_ns(duel, ours);
	slice_ns(duel, theirs);
	while (bench_more(run, 1)) {
		uint64_t mine = slice_ns(duel, ours);

		our_slices[rounds % SLICES_MAX] = mine;
		their_slices[rounds % SLICES_MAX] = slice_ns(duel, theirs);
		bench_round_seconds(run, (double)mine / 1e9);
		rounds++;
	}
	kept = (uint32_t)(rounds < SLICES_MAX ? rounds : SLICES_MAX);
	*our_ns = median(our_slices, kept) / duel->count;
	*their_ns = median(their_slices, kept) / duel->count;
	return rounds;
}

static void compare(struct bench_run *run, uint32_t count, const struct contestant *ours,
	const struct contestant *theirs, bool rates)
{
	static struct duel duel;
	bool opened = open_duel(&duel, count, (uint32_t)bench_argument(run));
	double our_ns, their_ns;
	uint64_t rounds;

	if (!opened) {
		bench_fail(run, "no memory for the rings, or no thread");
		close_duel(&duel, opened);
		return;
	}
	if (bench_cores() < 2)
		bench_label(run, "one core only: both threads share it");
	rounds = alternate(run, &duel, ours, theirs, &our_ns, &their_ns);
	bench_items(run, rounds * count);
	bench_counter(run, rates ? "sw_Mitems_per_s" : "sw_ns", rates ? 1e3 / our_ns : our_ns);
	bench_counter(run, rates ? "ck_Mitems_per_s" : "ck_ns", rates ? 1e3 / their_ns : their_ns);
	bench_counter(
		run, rates ? "times_ck" : "of_ck", rates ? their_ns / our_ns : our_ns / their_ns);
	close_duel(&duel, opened);
}

/* ---- Cases ---- */

static const struct contestant ck_items = { ck_produce, ck_consume };

static void ring_single(struct bench_run *run)
{
	static const struct contestant ours = { sw_produce, sw_consume };

	compare(run, ITEMS, &ours, &ck_items, true);
}

static void ring_many(struct bench_run *run)
{
	static const struct contestant ours = { sw_produce_many, sw_consume_many };

	compare(run, ITEMS, &ours, &ck_items, true);
}

static void ring_round_trip(struct bench_run *run)
{
	static const struct contestant ours = { sw_ping, sw_pong };
	static const struct contestant theirs = { ck_ping, ck_pong };

	compare(run, ROUND_TRIPS, &ours, &theirs, false);
}

static void ring_batches(struct bench_run *run)
{
	static const struct contestant ours = { sw_lend, sw_pong };
	static const struct contestant theirs = { ck_lend, ck_pong };

	compare(run, ITEMS / 2, &ours, &theirs, false);
}

const struct bench_case bench_ring_cases[] = {
	{ .name = "ring/single", .run = ring_single, .manual = true },
	{ .name = "ring/many", .run = ring_many, .argument = 8, .manual = true },
	{ .name = "ring/many", .run = ring_many, .argument = 32, .manual = true },
	{ .name = "ring/round_trip", .run = ring_round_trip, .manual = true },
	{ .name = "ring/batch_pointers_and_home", .run = ring_batches, .manual = true },
	{ 0 },
};

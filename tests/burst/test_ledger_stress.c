/* SPDX-License-Identifier: MIT */
/*
 * The ledger under three threads: a producer that fills slots, an I/O thread that answers each use
 * once or twice, late or never, and a consumer that takes back what it likes. Batches are written
 * by whoever has them, so that a sanitizer sees a use that nobody was entitled to.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "burst/ledger.h"
#include "runtime/ring.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/moment.h"
#include "tests/runtime/random.h"

enum { SLOTS = 8, USES = 60000, FLYING = 32 };

static struct {
	_Alignas(SW_CACHE_LINE) struct ledger_slot slots[SLOTS];
	struct sw_batch batches[SLOTS];
	struct sw_ring *idle, *spill, *decided;
	uint64_t seed;
	/* The I/O thread's, read after it has ended. */
	uint64_t adopted, given_up, late;
} shared;

struct flight {
	struct ledger_slot *slot;
	uint64_t generation, number;
	bool last; /* of its use: gives up when it fails */
};

static void *produce(void *unused)
{
	uint32_t waits = 0;

	(void)unused;
	for (uint64_t number = 1; number <= USES;) {
		struct ledger_slot *slot = sw_ring_pop(shared.idle);

		if (!slot) {
			wait_a_moment(&waits);
			continue;
		}
		slot->batch = &shared.batches[slot - shared.slots];
		slot->batch->number = number;
		slot->batch->events = (uint32_t)number * 7;
		slot->seq = number++;
		ledger_queue(slot);
		/* Room for stale entries: wait rather than lose one. */
		while (!sw_ring_push(shared.spill, slot))
			wait_a_moment(&waits);
	}
	return NULL;
}

static void decide(struct flight *flight, uint64_t *state)
{
	if (random_below(state, 3)) {
		if (ledger_adopt(flight->slot, flight->generation)) {
			/* Ours until it is handed over: nobody may have changed it meanwhile. */
			assert_int_equal(flight->slot->batch->number, flight->number);
			flight->slot->answer = flight->slot->batch;
			sw_ring_push(shared.decided, flight->slot);
			shared.adopted++;
		} else {
			shared.late++;
		}
	} else if (flight->last && ledger_give_up(flight->slot, flight->generation)) {
		flight->slot->answer = NULL;
		sw_ring_push(shared.decided, flight->slot);
		shared.given_up++;
	}
	flight->slot = NULL;
}

static void take(struct ledger_slot *slot, struct flight *flying, uint64_t *state)
{
	struct flight flight = { .slot = slot };

	if (!ledger_begin_encode(slot, &flight.generation))
		return;
	flight.number = slot->batch->number;
	assert_int_equal(flight.number, slot->seq);
	assert_int_equal(slot->batch->events, (uint32_t)flight.number * 7);
	ledger_end_encode(slot, flight.generation);
	for (uint32_t copies = 1 + random_below(state, 2); copies-- > 0;) {
		const uint32_t at = random_below(state, FLYING);

		/* A place that is in use: that answer comes now. */
		if (flying[at].slot)
			decide(&flying[at], state);
		flight.last = copies == 0;
		flying[at] = flight;
	}
}

static void *carry(void *end)
{
	struct flight flying[FLYING] = { 0 };
	uint64_t state = shared.seed ^ 0x1234567;
	uint32_t waits = 0;

	while (!atomic_load((_Atomic int *)end)) {
		struct ledger_slot *slot = sw_ring_pop(shared.spill);
		const uint32_t at = random_below(&state, FLYING);

		if (slot)
			take(slot, flying, &state);
		else
			wait_a_moment(&waits);
		if (flying[at].slot)
			decide(&flying[at], &state);
	}
	return NULL;
}

/* Takes the use's number out of the batch and spoils it. */
static uint64_t take_back(struct ledger_slot *slot)
{
	const uint64_t number = slot->batch->number;

	slot->batch->number = 0;
	slot->batch->events = 1;
	slot->batch = NULL;
	slot->answer = NULL;
	ledger_free(slot);
	sw_ring_push(shared.idle, slot);
	return number;
}

static void each_use_comes_back_once(void **unused)
{
	_Atomic int end = 0;
	uint8_t *seen = calloc(USES + 1, 1);
	uint64_t state = shared.seed, back = 0, reclaimed = 0, done = 0;
	uint32_t waits = 0;
	pthread_t producer, io;

	(void)unused;
	shared.idle = sw_ring_create(SLOTS, -1);
	shared.spill = sw_ring_create(SLOTS * 2, -1);
	shared.decided = sw_ring_create(SLOTS, -1);
	for (int i = 0; i < SLOTS; i++)
		sw_ring_push(shared.idle, &shared.slots[i]);
	pthread_create(&io, NULL, carry, (void *)&end);
	pthread_create(&producer, NULL, produce, NULL);
	while (back < USES) {
		struct ledger_slot *slot = sw_ring_pop(shared.decided);
		uint64_t number;

		if (slot) {
			const bool answered = ledger_state(slot) == LEDGER_DONE;

			assert_true(answered || ledger_state(slot) == LEDGER_RECLAIMED);
			assert_true(answered == (slot->answer != NULL));
			done += answered;
		} else {
			slot = &shared.slots[random_below(&state, SLOTS)];
			if (random_below(&state, 50) || !ledger_reclaim(slot)) {
				wait_a_moment(&waits);
				continue;
			}
			reclaimed++;
		}
		number = take_back(slot);
		assert_in_range(number, 1, USES);
		assert_int_equal(seen[number], 0);
		seen[number] = 1;
		back++;
	}
	pthread_join(producer, NULL);
	atomic_store(&end, 1);
	pthread_join(io, NULL);
	assert_int_equal(done, shared.adopted);
	assert_int_equal(done + shared.given_up + reclaimed, USES);
	assert_true(shared.adopted > 0 && shared.given_up > 0 && shared.late > 0 && reclaimed > 0);
	free(seen);
	sw_ring_destroy(shared.idle);
	sw_ring_destroy(shared.spill);
	sw_ring_destroy(shared.decided);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_use_comes_back_once),
	};

	shared.seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

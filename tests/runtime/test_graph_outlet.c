/* SPDX-License-Identifier: MIT */
/*
 * An edge with an alternative way out: batches leave, come back late, out of order, as answers or
 * to be run locally after all; the result must not change, and no window may close before they are
 * back.
 */

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/runtime/graph_fixture.h"

#define OUTLETS_MAX 64
#define SLOTS       4096
#define ROWS        100000u
#define BATCH_ROWS  256u

enum slot_state { SLOT_OUT, SLOT_BACK, SLOT_COLLECTED };

struct slot {
	struct sw_batch *original, *answer;
	int64_t hold;
	enum slot_state state;
};

struct away {
	struct sw_outlet outlet;
	struct sw_site_options site;
	struct provider *provider;
	struct slot *slots; /* a slot for each batch ever offered, used once */
	unsigned offered, taken, collected_upto;
	unsigned looks; /* of the producer, for room */
};

struct provider {
	pthread_mutex_t lock;
	pthread_t thread;
	bool stop;
	unsigned outlets;
	struct away away[OUTLETS_MAX];
	unsigned every;   /* each n-th batch leaves; 0: none */
	unsigned reclaim; /* each n-th of those comes back unanswered; 0: none */
	unsigned order;   /* seed of the order in which they come back */
	bool off;         /* all others are refused in a way that leaves nothing to wait */
	bool says_so;     /* of all, before it is asked */
	bool flips;       /* says again and again that all would be refused, and takes it back */
	uint64_t waited;  /* batches that were seen to wait by those that were offered */
	unsigned left, answered, reclaimed;
};

/* What does not leave is refused in both ways, by turns of three, if nothing else is asked for. */
static enum sw_offer offer(
	struct sw_outlet *outlet, struct sw_batch *batch, uint32_t fill, int64_t hold)
{
	struct away *away = (struct away *)outlet;
	struct provider *provider = away->provider;
	bool take;

	pthread_mutex_lock(&provider->lock);
	provider->waited += fill;
	take = provider->every > 0 && away->offered % provider->every == 0 && away->taken < SLOTS;
	away->offered++;
	if (take)
		away->slots[away->taken++] =
			(struct slot){ .original = batch, .hold = hold, .state = SLOT_OUT };
	pthread_mutex_unlock(&provider->lock);
	if (take)
		return SW_OFFER_TAKEN;
	return provider->off || away->offered / 3 % 2 ? SW_OFFER_OFF : SW_OFFER_REFUSED;
}

/* By turns, so that producers wait now and then. */
static bool congested(struct sw_outlet *outlet, uint32_t fill)
{
	struct away *away = (struct away *)outlet;

	if (fill < 2)
		abort(); /* a worker's thread: cmocka's assertions are for the test's own */
	return ++away->looks % 2;
}

static bool collect(struct sw_outlet *outlet, struct sw_outlet_result *result)
{
	struct away *away = (struct away *)outlet;
	bool found = false;

	pthread_mutex_lock(&away->provider->lock);
	for (unsigned i = away->collected_upto; i < away->taken && !found; i++) {
		struct slot *slot = &away->slots[i];

		if (slot->state != SLOT_BACK)
			continue;
		slot->state = SLOT_COLLECTED;
		*result = (struct sw_outlet_result){ slot->original, slot->answer };
		found = true;
	}
	while (away->collected_upto < away->taken &&
		away->slots[away->collected_upto].state == SLOT_COLLECTED)
		away->collected_upto++;
	pthread_mutex_unlock(&away->provider->lock);
	return found;
}

static int64_t hold(struct sw_outlet *outlet)
{
	struct away *away = (struct away *)outlet;
	int64_t hold = SW_TIME_END;

	pthread_mutex_lock(&away->provider->lock);
	if (away->collected_upto < away->taken)
		hold = away->slots[away->collected_upto].hold;
	pthread_mutex_unlock(&away->provider->lock);
	return hold;
}

static const struct sw_outlet_ops ops = {
	.offer = offer, .congested = congested, .collect = collect, .hold = hold
};

/* Answers one batch that is out, chosen at random. Called with the lock held. */
static bool come_back(struct provider *provider)
{
	unsigned first = (unsigned)rand_r(&provider->order) % provider->outlets;

	for (unsigned i = 0; i < provider->outlets; i++) {
		struct away *away = &provider->away[(first + i) % provider->outlets];
		unsigned waiting = away->taken - away->collected_upto, at;
		struct slot *slot = NULL;

		if (!waiting)
			continue;
		at = (unsigned)rand_r(&provider->order) % waiting;
		for (unsigned j = 0; j < waiting && !slot; j++) {
			slot = &away->slots[away->collected_upto + (at + j) % waiting];
			if (slot->state != SLOT_OUT)
				slot = NULL;
		}
		if (!slot)
			continue;
		if (!provider->reclaim || ++provider->left % provider->reclaim) {
			slot->answer = sw_batch_create(away->site.kernel->out, 65536, 1 << 20);
			assert_int_equal(away->site.kernel->run(away->site.config, NULL,
						 slot->original, slot->answer),
				0);
			provider->answered++;
		} else {
			provider->reclaimed++;
		}
		slot->state = SLOT_BACK;
		sw_site_notify(away->site.site);
		return true;
	}
	return false;
}

static void *far_away(void *arg)
{
	struct provider *provider = arg;

	for (;;) {
		bool did;

		for (unsigned i = 0; i < provider->outlets && provider->flips; i++)
			sw_outlet_set_off(&provider->away[i].outlet, rand_r(&provider->order) % 2);
		pthread_mutex_lock(&provider->lock);
		if (provider->stop) {
			pthread_mutex_unlock(&provider->lock);
			return NULL;
		}
		did = come_back(provider);
		pthread_mutex_unlock(&provider->lock);
		if (!did)
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	}
}

static int attach(void *context, const struct sw_site_options *site, struct sw_outlet **outlet,
	struct sw_error *error)
{
	struct provider *provider = context;
	struct away *away = &provider->away[provider->outlets++];

	(void)error;
	assert_true(provider->outlets <= OUTLETS_MAX);
	away->outlet.ops = &ops;
	sw_outlet_set_off(&away->outlet, provider->says_so);
	away->site = *site;
	away->provider = provider;
	away->slots = calloc(SLOTS, sizeof(*away->slots));
	assert_non_null(away->slots);
	*outlet = &away->outlet;
	return 0;
}

static int start(void *context, struct sw_error *error)
{
	struct provider *provider = context;

	(void)error;
	return -pthread_create(&provider->thread, NULL, far_away, provider);
}

static void stop(void *context)
{
	struct provider *provider = context;

	pthread_mutex_lock(&provider->lock);
	provider->stop = true;
	pthread_mutex_unlock(&provider->lock);
	pthread_join(provider->thread, NULL);
}

static struct provider provider;

static void run_graph(unsigned workers)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_outlet_provider outlets = { &provider, attach, start, stop };
	struct sw_error error = { 0 };
	struct fixture fixture;

	pthread_mutex_init(&provider.lock, NULL);
	options.workers = workers;
	options.batch_rows = BATCH_ROWS;
	options.ring_slots = 8;
	options.outlets = &outlets;
	assert_int_equal(fixture_open(&fixture, &options, ROWS, true), 0);
	if (sw_graph_start(fixture.graph, &error) || sw_graph_wait(fixture.graph, -1, &error))
		fail_msg("workers %u every %u reclaim %u order %u: %s", workers, provider.every,
			provider.reclaim, provider.order, error.text);
	fixture_check(&fixture, ROWS);
	assert_int_equal(provider.outlets, workers);
	fixture_close(&fixture);
}

static void run_one(unsigned workers, unsigned every, unsigned reclaim, unsigned seed, bool off)
{
	unsigned offered = 0, collected = 0;

	provider =
		(struct provider){ .every = every, .reclaim = reclaim, .order = seed, .off = off };
	run_graph(workers);
	for (unsigned i = 0; i < provider.outlets; i++) {
		offered += provider.away[i].taken;
		collected += provider.away[i].collected_upto;
		free(provider.away[i].slots);
	}
	assert_true(offered > 0);
	assert_int_equal(offered, collected);
	assert_int_equal(offered, provider.answered + provider.reclaimed);
	if (reclaim)
		assert_true(provider.reclaimed > 0);
}

static void test_same_result(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	for (unsigned workers = 1; workers <= 3; workers++) {
		run_one(workers, 1, 0, seed + workers, false);
		run_one(workers, 1, 2, seed + workers, false);
		run_one(workers, 2, 3, seed + workers, false);
		run_one(workers, 1, 1, seed + workers, false);
	}
}

/* Where all that stays is refused for good the consumer is called, and a ring keeps nothing. */
static void test_nothing_waits(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 3; workers++) {
		run_one(workers, 5, 2, workers, true);
		assert_int_equal(provider.waited, 0);
	}
}

/* An outlet that says beforehand what it would answer is asked once. */
static void test_off_is_not_asked(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 3; workers++) {
		uint64_t passed = 0, asked = 0;

		provider = (struct provider){ .off = true, .says_so = true };
		run_graph(workers);
		for (unsigned i = 0; i < provider.outlets; i++) {
			passed += sw_outlet_passed(&provider.away[i].outlet);
			asked += provider.away[i].offered;
			free(provider.away[i].slots);
		}
		assert_true(asked <= workers);
		assert_int_equal(passed + asked, (ROWS + BATCH_ROWS - 1) / BATCH_ROWS);
	}
}

/* Taken back at any moment, it changes nothing but what leaves. */
static void test_off_and_on(void **state)
{
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	for (unsigned workers = 1; workers <= 3; workers++) {
		provider = (struct provider){
			.every = 2, .reclaim = 3, .order = seed + workers, .flips = true
		};
		run_graph(workers);
		for (unsigned i = 0; i < provider.outlets; i++) {
			assert_int_equal(provider.away[i].taken, provider.away[i].collected_upto);
			free(provider.away[i].slots);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_result),
		cmocka_unit_test(test_nothing_waits),
		cmocka_unit_test(test_off_is_not_asked),
		cmocka_unit_test(test_off_and_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */

/* Rows of several producers, each in order for itself, against the same rows sorted. */

#include "operators/instants.h"
#include "tests/operators/heap_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS      4000
#define PRODUCERS 5

static uint64_t seed;

struct added {
	int64_t time, seq, value;
};

/* What is to come next. */
struct expected {
	struct added rows[ROWS];
	size_t count, at;
	int64_t watermark;
};

static int by_time_and_seq(const void *left, const void *right)
{
	const struct added *a = left, *b = right;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static void add(struct sw_instants *instants, const struct added *added)
{
	struct sw_instant_row *row = sw_instants_add(instants, added->time, added->seq);

	assert_non_null(row);
	row->value = added->value;
}

static int take(void *context, int64_t time, const struct sw_instant_row *rows, size_t count)
{
	struct expected *expected = context;

	assert_true(count > 0);
	assert_true(time < expected->watermark || expected->watermark == SW_TIME_END);
	for (size_t i = 0; i < count; i++) {
		const struct added *next = &expected->rows[expected->at++];

		assert_in_range(expected->at, 1, expected->count);
		assert_int_equal(time, next->time);
		assert_int_equal(rows[i].seq, next->seq);
		assert_int_equal(rows[i].value, next->value);
	}
	return 0;
}

/*
 * Seqs in turn, or in blocks, to the producers; each producer's come in its order, but in no order
 * among producers.
 */
static void deal(
	uint64_t *random, int64_t times, unsigned block, struct added *rows, size_t *begins)
{
	static struct added dealt[PRODUCERS][ROWS];
	size_t counts[PRODUCERS] = { 0 }, done[PRODUCERS] = { 0 };
	unsigned producer = 0;

	for (int64_t i = 0; i < ROWS; i++) {
		if (i % block == 0)
			producer = (unsigned)random_below(random, PRODUCERS);
		dealt[producer][counts[producer]++] = (struct added){
			.time = i * times / ROWS, .seq = i, .value = (int64_t)random_next(random)
		};
	}
	for (size_t i = 0; i < ROWS;) {
		size_t some = 1 + random_below(random, 40);

		producer = (unsigned)random_below(random, PRODUCERS);
		for (; some > 0 && done[producer] < counts[producer]; some--)
			rows[i++] = dealt[producer][done[producer]++];
	}
	/* The first time that is yet to come after each row. */
	for (size_t i = ROWS; i-- > 0;)
		begins[i] = i + 1 < ROWS && begins[i + 1] < (size_t)rows[i].time
				    ? begins[i + 1]
				    : (size_t)rows[i].time;
}

static void check(uint64_t *random, int64_t times, unsigned block)
{
	static struct added rows[ROWS];
	static size_t begins[ROWS];
	static struct expected expected;
	struct sw_heap *heap = heap_create((size_t)1 << 30);
	struct sw_instants instants;

	deal(random, times, block, rows, begins);
	memcpy(expected.rows, rows, sizeof(rows));
	qsort(expected.rows, ROWS, sizeof(rows[0]), by_time_and_seq);
	expected.count = ROWS;
	expected.at = 0;
	sw_instants_init(&instants, heap, SW_STATE_AUTO);
	for (size_t i = 0; i < ROWS; i++) {
		add(&instants, &rows[i]);
		if (i + 1 == ROWS || random_below(random, 50))
			continue;
		expected.watermark = (int64_t)begins[i + 1];
		assert_int_equal(
			sw_instants_give(&instants, expected.watermark, take, &expected), 0);
		/* Nothing that is due is kept. */
		assert_true(expected.rows[expected.at].time >= expected.watermark);
	}
	expected.watermark = SW_TIME_END;
	assert_int_equal(sw_instants_give(&instants, SW_TIME_END, take, &expected), 0);
	assert_int_equal(expected.at, ROWS);
	sw_heap_destroy(heap);
}

static void rows_come_in_order(void **unused)
{
	static const int64_t times[] = { 1, 3, 100, ROWS };
	static const unsigned blocks[] = { 1, 7, 100, ROWS };
	uint64_t random = seed;

	(void)unused;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++)
			check(&random, times[i], blocks[j]);
}

static int ignore(void *context, int64_t time, const struct sw_instant_row *rows, size_t count)
{
	(void)context;
	(void)time;
	(void)rows;
	(void)count;
	return 0;
}

static void memory_is_taken_again(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 30);
	struct sw_instants instants;
	size_t first = 0;

	(void)unused;
	sw_instants_init(&instants, heap, SW_STATE_HASH);
	for (int64_t time = 0; time < 50; time++) {
		for (int64_t i = 0; i < ROWS; i++)
			add(&instants, &(struct added){ .time = time, .seq = i % 7 });
		assert_int_equal(sw_instants_give(&instants, time + 1, ignore, NULL), 0);
		if (time == 0)
			first = sw_heap_bytes(heap);
	}
	assert_int_equal(sw_heap_bytes(heap), first);
	sw_heap_destroy(heap);
}

static int refuse(void *context, int64_t time, const struct sw_instant_row *rows, size_t count)
{
	(void)context;
	(void)time;
	(void)rows;
	(void)count;
	return -ECANCELED;
}

static void what_take_says_ends_it(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	struct sw_instants instants;

	(void)unused;
	sw_instants_init(&instants, heap, SW_STATE_AUTO);
	for (int64_t seq = 10; seq > 0; seq--)
		add(&instants, &(struct added){ .time = 5, .seq = seq });
	assert_int_equal(sw_instants_give(&instants, 5, refuse, NULL), 0);
	assert_int_equal(sw_instants_give(&instants, 6, refuse, NULL), -ECANCELED);
	sw_heap_destroy(heap);
}

/* With falling seqs each row is a run of its own: those, too, have their limit. */
static void the_limit_is_said(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 20);
	struct sw_instants instants;
	int64_t seq = INT64_MAX;

	(void)unused;
	sw_instants_init(&instants, heap, SW_STATE_AUTO);
	while (sw_instants_add(&instants, 1, seq))
		seq--;
	assert_in_range(INT64_MAX - seq, 1000, (1 << 20) / sizeof(struct sw_instant_row));
	sw_heap_destroy(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_in_order),
		cmocka_unit_test(memory_is_taken_again),
		cmocka_unit_test(what_take_says_ends_it),
		cmocka_unit_test(the_limit_is_said),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */

/*
 * The pattern queries against their sentences, read with a finger on the paper: on random bids that
 * crowd around the borders of the patterns, and on those that patterns have most to do with.
 */

#include "tests/nexmark/query_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIDS_MAX 1000u

static uint64_t seed;

struct bid {
	int64_t auction, bidder, price, time, seq;
};

/* Lines of a result. */
struct lines {
	char *lines[8 * BIDS_MAX];
	unsigned count;
};

__attribute__((format(printf, 3, 4))) static void add_line(
	struct lines *lines, const struct bid *key, const char *format, ...)
{
	char text[256];
	int used =
		snprintf(text, sizeof(text), "%" PRId64 ",%" PRId64 ",", key->auction, key->bidder);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - (size_t)used, format, args);
	va_end(args);
	assert_true(lines->count < sizeof(lines->lines) / sizeof(lines->lines[0]));
	lines->lines[lines->count] = strdup(text);
	assert_non_null(lines->lines[lines->count++]);
}

/* ---- The sentences: matches in the bids of one key, in order ---- */

typedef void (*match_fn)(const struct bid *bids, unsigned count, struct lines *lines);

static void falling_price(const struct bid *bids, unsigned count, struct lines *lines)
{
	for (unsigned start = 0; start < count;) {
		unsigned last = start;

		while (last + 1 < count && bids[last + 1].price < bids[last].price)
			last++;
		if (last - start >= 2 && last + 1 < count &&
			bids[last + 1].price > bids[last - 1].price) {
			add_line(lines, bids, "%" PRId64 ",%" PRId64 ",%" PRId64, bids[start].time,
				bids[last].time, bids[last + 1].time);
			start = last + 1;
		} else {
			start++;
		}
	}
}

static void cheap_period(
	const struct bid *bids, unsigned count, bool overlapping, struct lines *lines)
{
	for (unsigned start = 0; start < count;) {
		__int128 sum = bids[start].price;
		unsigned end = start + 1;

		if (bids[start].price >= 10000) {
			start++;
			continue;
		}
		while (end < count && (sum + bids[end].price) / (end + 1 - start) < 10000)
			sum += bids[end++].price;
		if (end == count)
			return;
		add_line(lines, bids, "%" PRId64 ",%" PRId64 ",%" PRId64, bids[start].time,
			bids[end - 1].time, (int64_t)(sum / (end - start)));
		start = overlapping ? start + 1 : end + 1;
	}
}

static void cheap_period_apart(const struct bid *bids, unsigned count, struct lines *lines)
{
	cheap_period(bids, count, false, lines);
}

static void cheap_period_overlapping(const struct bid *bids, unsigned count, struct lines *lines)
{
	cheap_period(bids, count, true, lines);
}

static void price_drop(const struct bid *bids, unsigned count, struct lines *lines)
{
	for (unsigned start = 0; start < count;) {
		__int128 border = (__int128)bids[start].price - 50;
		unsigned at = start + 1;

		while (at < count && bids[at].time - bids[start].time < 5000 &&
			bids[at].price > border)
			at++;
		if (at < count && bids[at].time - bids[start].time < 5000 &&
			bids[at].price < border) {
			add_line(lines, bids, "%" PRId64 ",%" PRId64, bids[at].time,
				bids[start].price - bids[at].price);
			start = at + 1;
		} else {
			start++;
		}
	}
}

static const struct pattern {
	const char *query, *header;
	match_fn match;
} patterns[] = {
	{ "cep0", "auction,bidder,start_tstamp,bottom_tstamp,end_tstamp\n", falling_price },
	{ "cep1", "auction,bidder,start_tstamp,end_tstamp,avg_price\n", cheap_period_apart },
	{ "cep2", "auction,bidder,start_tstamp,end_tstamp,avg_price\n", cheap_period_overlapping },
	{ "cep3", "auction,bidder,drop_time,drop_diff\n", price_drop },
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

/* ---- Expected and given ---- */

static int compare_bids(const void *left, const void *right)
{
	const struct bid *a = left, *b = right;
	const int64_t of_a[] = { a->auction, a->bidder, a->time, a->seq };
	const int64_t of_b[] = { b->auction, b->bidder, b->time, b->seq };

	for (int i = 0; i < 4; i++)
		if (of_a[i] != of_b[i])
			return of_a[i] < of_b[i] ? -1 : 1;
	return 0;
}

static int compare_lines(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static const char *write_expected(
	const struct pattern *pattern, const struct bid *bids, unsigned count)
{
	const char *path = scratch_path("expected.csv");
	struct bid *sorted = malloc(count * sizeof(*sorted));
	struct lines *lines = calloc(1, sizeof(*lines));
	FILE *file = fopen(path, "w");
	unsigned first = 0;

	assert_true(sorted && lines && file);
	memcpy(sorted, bids, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_bids);
	for (unsigned i = 1; i <= count; i++) {
		if (i < count && sorted[i].auction == sorted[first].auction &&
			sorted[i].bidder == sorted[first].bidder)
			continue;
		pattern->match(sorted + first, i - first, lines);
		first = i;
	}
	qsort(lines->lines, lines->count, sizeof(lines->lines[0]), compare_lines);
	fputs(pattern->header, file);
	for (unsigned i = 0; i < lines->count; i++) {
		fprintf(file, "%s\n", lines->lines[i]);
		free(lines->lines[i]);
	}
	assert_int_equal(fclose(file), 0);
	free(lines);
	free(sorted);
	return path;
}

static const char *write_input(const struct bid *bids, unsigned count)
{
	char *text = malloc(128 * (size_t)count + 1);
	const char *path;
	size_t used = 0;

	assert_non_null(text);
	text[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, 128,
			"%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",c,u,%" PRId64 ",x\n",
			bids[i].seq, bids[i].auction, bids[i].bidder, bids[i].price, bids[i].time);
	path = write_bids("in", text);
	free(text);
	return path;
}

/* ---- Random bids ---- */

enum prices { AROUND_CHEAP, AROUND_DROP, FEW, HUGE, PRICES };

static int64_t random_price(uint64_t *random, enum prices prices, const struct bid *before)
{
	static const int64_t huge[] = { INT64_MIN, INT64_MAX, INT64_MIN + 1, -1, 0, 9999, 10000,
		INT64_MAX - 10000 };

	switch (prices) {
	case AROUND_CHEAP:
		return 9990 + random_below(random, 20);
	case AROUND_DROP:
		return before->price + 50 * (int64_t)random_below(random, 3) - 50 +
		       (int64_t)random_below(random, 3) - 1;
	case FEW:
		return (int64_t)random_below(random, 5) * 25 - 50;
	default:
		return huge[random_below(random, 8)];
	}
}

static int64_t random_step(uint64_t *random)
{
	static const int64_t steps[] = { 0, 0, 0, 1, 1, 2, 10, 100, 2499, 4999, 5000, 5001, 9000 };

	return steps[random_below(random, sizeof(steps) / sizeof(steps[0]))];
}

static void make_bids(struct bid *bids, unsigned count, enum prices prices, uint64_t *random)
{
	unsigned auctions = 1 + random_below(random, 3), bidders = 1 + random_below(random, 3);
	unsigned disorder = random_below(random, 2) ? 1 + random_below(random, 6000) : 1;
	struct bid before = { .price = 10000 };
	int64_t time = 1436918400000;

	for (unsigned i = 0; i < count; i++) {
		if (random_below(random, 4) == 0)
			time += random_step(random);
		before.price = random_price(random, prices, &before);
		bids[i] = (struct bid){ 1000 + random_below(random, auctions),
			1000 + random_below(random, bidders), before.price,
			time + random_below(random, disorder), i };
	}
}

static void check(const struct pattern *pattern, const struct bid *bids, unsigned count,
	unsigned workers, uint32_t batch_rows)
{
	const char *expected = write_expected(pattern, bids, count);
	struct query_run run;

	query_run_init(&run, pattern->query);
	run.graph.workers = workers;
	run.graph.batch_rows = batch_rows;
	run.job.input_dir = write_input(bids, count);
	run.job.watermark_delay_ms = 6000;
	run.job.output = scratch_path("out.csv");
	run.job.ordered = true;
	query_run_well(&run);
	assert_int_equal(run.result.late_rows, 0);
	check_same_files(run.job.output, expected);
}

static void random_bids(void **unused)
{
	static struct bid bids[BIDS_MAX];
	uint64_t random = seed;

	(void)unused;
	for (int turn = 0; turn < 60; turn++) {
		enum prices prices = (enum prices)random_below(&random, PRICES);
		unsigned count = 1 + random_below(&random, BIDS_MAX);

		make_bids(bids, count, prices, &random);
		for (unsigned i = 0; i < PATTERNS; i++)
			/* Differences of huge prices have a test of their own. */
			if (prices != HUGE || i != 3)
				check(&patterns[i], bids, count, 1 + random_below(&random, 3),
					1 + random_below(&random, 100));
	}
}

/* A difference that is no number of 64 bits ends the run, and says so. */
static void drops_do_not_overflow(void **unused)
{
	struct query_run run;

	(void)unused;
	query_run_init(&run, "cep3");
	run.job.input_dir = write_bids("in", "1,1000,1001,9223372036854775807,c,u,5000,x\n"
					     "2,1000,1001,-1,c,u,5001,x\n");
	assert_int_equal(query_run(&run), -EOVERFLOW);
	assert_non_null(strstr(run.error.text, "auction 1000"));
	run.job.input_dir = write_bids("in", "1,1000,1001,9223372036854775806,c,u,5000,x\n"
					     "2,1000,1001,-1,c,u,5001,x\n");
	query_run_well(&run);
	assert_int_equal(run.result.rows, 1);
}

/*
 * Attempts that stay open long, each over the bids of all those after it: work that grew with the
 * square of the bids would not end in the time of a test.
 */
static void check_many(const char *query, unsigned count, const char *last, uint64_t rows,
	int64_t (*price)(unsigned bid))
{
	char *text = malloc(64 * ((size_t)count + 1)), *at = text;
	struct query_run run;

	assert_non_null(text);
	for (unsigned i = 0; i < count; i++)
		at += sprintf(
			at, "%u,1000,1001,%" PRId64 ",c,u,%u,x\n", i, price(i), 10000 + i / 100);
	sprintf(at, "%u,1000,1001,%s,x\n", count, last);
	query_run_init(&run, query);
	run.job.input_dir = write_bids("in", text);
	query_run_well(&run);
	assert_int_equal(run.result.rows, rows);
	free(text);
}

static int64_t rising(unsigned bid)
{
	return 100 + bid;
}

static int64_t cheap(unsigned bid)
{
	return 9000 + bid % 1000;
}

static void many_open_attempts(void **unused)
{
	(void)unused;
	/* It comes too late for all but those of the last ms, the first of which it ends. */
	check_many("cep3", 300000, "1,c,u,17998", 1, rising);
	check_many("cep2", 300000, "9000000000000,c,u,20000", 300000, cheap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bids),
		cmocka_unit_test(drops_do_not_overflow),
		cmocka_unit_test(many_open_attempts),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

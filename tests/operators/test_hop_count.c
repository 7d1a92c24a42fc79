/* SPDX-License-Identifier: MIT */

/*
 * The keys counted most often in hopping windows, and the best of several instances' best, against
 * the plain sentence; rows come in any order their watermark allows.
 */

#include "operators/hop_count.h"
#include "operators/window_best.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>
#include <string.h>

#define SLIDE   10 /* ms */
#define HOPS    5  /* slices of a window */
#define LENGTH  (HOPS * SLIDE)
#define SLICES  120
#define WINDOWS (SLICES + HOPS - 1) /* window w ends with slice w */
#define KEYS    400

static uint64_t seed;

static const struct sw_schema partials = {
	.columns = 3,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "slice", .type = SW_TIME_MS },
		{ .name = "count", .type = SW_INT64 } },
};

static const struct sw_schema bests = {
	.columns = 3,
	.fields = { { .name = "window", .type = SW_TIME_MS }, { .name = "key", .type = SW_INT64 },
		{ .name = "count", .type = SW_INT64 } },
};

static const struct sw_schema results = {
	.columns = 4,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "count", .type = SW_INT64 },
		{ .name = "start", .type = SW_TIME_MS }, { .name = "end", .type = SW_TIME_MS } },
};

static int64_t *column(const struct sw_batch *batch, unsigned index)
{
	return batch->columns[index].data;
}

/* Some keys are close to each other, others far apart. */
static int64_t key_of(unsigned number)
{
	return number % 2 ? (int64_t)number : (int64_t)number * 1000003 - 100000000;
}

static unsigned number_of(int64_t key)
{
	for (unsigned number = 0; number < KEYS; number++)
		if (key_of(number) == key)
			return number;
	fail_msg("unknown key %lld", (long long)key);
	return 0;
}

struct hops {
	int64_t counts[SLICES][KEYS];
	int64_t given[WINDOWS][KEYS];
	int64_t watermark; /* pushed so far */
	unsigned early, twice;
};

/* The counts of a window; the highest. */
static int64_t sum_window(const struct hops *hops, int window, int64_t *sums)
{
	int64_t highest = 0;

	memset(sums, 0, KEYS * sizeof(*sums));
	for (int slice = window - HOPS + 1; slice <= window; slice++)
		for (int key = 0; slice >= 0 && slice < SLICES && key < KEYS; key++)
			sums[key] += hops->counts[slice][key];
	for (int key = 0; key < KEYS; key++)
		highest = sums[key] > highest ? sums[key] : highest;
	return highest;
}

static void take_best(struct hops *hops, int64_t start, int64_t key, int64_t count)
{
	int64_t window = start / SLIDE + HOPS - 1;
	unsigned number = number_of(key);

	assert_int_equal(start % SLIDE, 0);
	assert_in_range(window, 0, WINDOWS - 1);
	hops->twice += hops->given[window][number] != 0;
	hops->early += hops->watermark < start + LENGTH;
	hops->given[window][number] = count;
}

static void take_hops(void *context, const struct sw_batch *batch)
{
	for (uint32_t row = 0; row < batch->rows; row++)
		take_best(context, column(batch, 0)[row], column(batch, 1)[row],
			column(batch, 2)[row]);
}

/* Instances give the best of their own keys: the best of all must be among them. */
static void check_hops(const struct hops *hops)
{
	int64_t sums[KEYS];

	assert_int_equal(hops->early, 0);
	assert_int_equal(hops->twice, 0);
	for (int window = 0; window < WINDOWS; window++) {
		int64_t highest = sum_window(hops, window, sums);

		for (int key = 0; key < KEYS; key++) {
			int64_t given = hops->given[window][key];

			assert_true(given == 0 || given == sums[key]);
			if (highest > 0 && sums[key] == highest)
				assert_int_equal(given, highest);
		}
	}
}

static struct sw_stage_options hop_stage(void)
{
	static const struct sw_hop_count_config config = { .window_ms = LENGTH, .slide_ms = SLIDE };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;

	merge.name = "hops";
	merge.op = &sw_hop_count;
	merge.config = &config;
	merge.output_schemas[0] = &bests;
	return merge;
}

static void add_count(
	struct hops *hops, struct sw_batch *batch, unsigned number, int slice, int64_t count)
{
	uint32_t row = batch->rows++;

	column(batch, 0)[row] = key_of(number);
	column(batch, 1)[row] = (int64_t)slice * SLIDE;
	column(batch, 2)[row] = count;
	hops->counts[slice][number] += count;
}

/*
 * Rounds of rows of the next slices, each followed by the watermark. Kinds of counts: about equal,
 * so that many tie; with a few heavy keys; and heavy ones that are so only over several slices.
 */
static void run_hops(unsigned workers, unsigned kind, uint64_t *state)
{
	struct sw_stage_options merge = hop_stage();
	struct hops *hops = calloc(1, sizeof(*hops));
	struct merge_run run;

	assert_non_null(hops);
	merge_start(&run, workers, &partials, &merge, take_hops, hops);
	for (int first = 0; first < SLICES;) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int slice = first + (int)random_below(state, 8);
			unsigned key = random_below(state, kind == 0 ? 20 : KEYS);
			int64_t count = 1;

			if (slice == 37 || slice >= SLICES)
				continue; /* there are gaps, too */
			if (kind == 1 && random_below(state, 10) == 0)
				count = 1 + random_below(state, 1000);
			if (kind == 2 && key % 50 == 7)
				count = 30 + random_below(state, 8);
			add_count(hops, batch, key, slice, count);
		}
		hops->watermark = (int64_t)first * SLIDE + random_below(state, SLIDE);
		merge_push(&run, batch, hops->watermark);
		if (random_below(state, 6) == 0)
			first += 1 + (int)random_below(state, random_below(state, 5) ? 2 : 12);
	}
	hops->watermark = SW_TIME_END;
	merge_end(&run);
	check_hops(hops);
	free(hops);
}

static void hops_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		for (unsigned kind = 0; kind < 3; kind++)
			run_hops(workers, kind, &state);
}

/* Windows begin before the first row and end after the last; a key that is best in none of its
 * slices can be best in a window. */
static void windows_share_slices(void **unused)
{
	struct sw_stage_options merge = hop_stage();
	struct hops *hops = calloc(1, sizeof(*hops));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(hops);
	merge_start(&run, 1, &partials, &merge, take_hops, hops);
	batch = merge_batch(&run);
	for (int slice = 10; slice < 15; slice++) {
		add_count(hops, batch, (unsigned)slice, slice, 10);
		add_count(hops, batch, 1, slice, 9);
	}
	merge_push(&run, batch, 0);
	hops->watermark = SW_TIME_END;
	merge_end(&run);
	check_hops(hops);
	for (int window = 0; window < WINDOWS; window++) {
		unsigned given = 0;

		for (int key = 0; key < KEYS; key++)
			given += hops->given[window][key] != 0;
		assert_int_equal(given, window >= 10 && window < 19);
	}
	assert_int_equal(hops->given[10][10], 10);
	assert_int_equal(hops->given[14][1], 45);
	assert_int_equal(hops->given[18][14], 10);
	free(hops);
}

/* ---- The best of what instances gave ---- */

static void take_results(void *context, const struct sw_batch *batch)
{
	for (uint32_t row = 0; row < batch->rows; row++) {
		int64_t start = column(batch, 2)[row];

		assert_int_equal(column(batch, 3)[row], start + LENGTH);
		take_best(context, start, column(batch, 0)[row], column(batch, 1)[row]);
	}
}

/* hops->counts[window][key] are what instances gave. */
static void check_results(const struct hops *hops)
{
	assert_int_equal(hops->early, 0);
	assert_int_equal(hops->twice, 0);
	for (int window = 0; window < SLICES; window++) {
		int64_t highest = 0;

		for (int key = 0; key < KEYS; key++)
			if (hops->counts[window][key] > highest)
				highest = hops->counts[window][key];
		for (int key = 0; key < KEYS; key++) {
			int64_t count = hops->counts[window][key];

			assert_int_equal(hops->given[window][key], count == highest ? highest : 0);
		}
	}
}

static void run_best(unsigned workers, uint64_t *state)
{
	static const struct sw_window_best_config config = { .window_ms = LENGTH };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct hops *hops = calloc(1, sizeof(*hops));
	struct merge_run run;

	assert_non_null(hops);
	merge.name = "best";
	merge.op = &sw_window_best;
	merge.config = &config;
	merge.output_schemas[0] = &results;
	merge_start(&run, workers, &bests, &merge, take_results, hops);
	for (int first = 0; first < SLICES; first += (int)random_below(state, 3)) {
		struct sw_batch *batch = merge_batch(&run);

		for (uint32_t i = 0; i < batch->capacity / 2; i++) {
			int window = first + (int)random_below(state, 6);
			unsigned key = random_below(state, KEYS);
			uint32_t row = batch->rows;

			/* What instances before it give has ended, and each key comes once. */
			if (window >= SLICES || hops->counts[window][key] != 0)
				continue;
			hops->counts[window][key] = 1 + random_below(state, 4);
			column(batch, 0)[row] = (int64_t)(window - HOPS + 1) * SLIDE;
			column(batch, 1)[row] = key_of(key);
			column(batch, 2)[row] = hops->counts[window][key];
			batch->rows++;
		}
		hops->watermark = (int64_t)(first + 1) * SLIDE - 1;
		merge_push(&run, batch, hops->watermark);
	}
	hops->watermark = SW_TIME_END;
	merge_end(&run);
	check_results(hops);
	free(hops);
}

static void best_is_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_best(workers, &state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_are_right),
		cmocka_unit_test(windows_share_slices),
		cmocka_unit_test(best_is_right),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

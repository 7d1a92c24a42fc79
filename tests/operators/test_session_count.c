/* SPDX-License-Identifier: MIT */

/*
 * Sessions against the plain sentence: rows of a key sorted, a new session wherever two are further
 * apart than the gap. They come in spans, in any order that the watermark allows.
 */

#include "operators/session_count.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>
#include <string.h>

#define GAP      100 /* ms */
#define KEYS     60
#define TIMES    6000 /* ms of the whole */
#define DISORDER 700

static uint64_t seed;

static const struct sw_schema partials = {
	.columns = 4,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "first", .type = SW_TIME_MS },
		{ .name = "last", .type = SW_TIME_MS }, { .name = "count", .type = SW_INT64 } },
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

struct session {
	int64_t count, end; /* count 0: none */
};

struct sessions {
	uint32_t rows[KEYS][TIMES];        /* of each key and time */
	struct session given[KEYS][TIMES]; /* by start */
	int64_t watermark;                 /* pushed so far */
	unsigned total, early, twice;
};

static int64_t key_of(unsigned number)
{
	return number % 2 ? (int64_t)number : -(int64_t)number * 1000003;
}

static unsigned number_of(int64_t key)
{
	return (unsigned)(key > 0 ? key : -key / 1000003);
}

static void take(void *context, const struct sw_batch *batch)
{
	struct sessions *sessions = context;

	for (uint32_t row = 0; row < batch->rows; row++) {
		unsigned key = number_of(column(batch, 0)[row]);
		int64_t start = column(batch, 2)[row], end = column(batch, 3)[row];
		struct session *session;

		assert_in_range(key, 0, KEYS - 1);
		assert_in_range(start, 0, TIMES - 1);
		session = &sessions->given[key][start];
		sessions->twice += session->count != 0;
		sessions->early += sessions->watermark <= end;
		sessions->total++;
		*session = (struct session){ column(batch, 1)[row], end };
	}
}

static void check_key(const struct sessions *sessions, unsigned key, unsigned *total)
{
	int64_t start = -1, last = -1, count = 0;

	for (int64_t t = 0; t < TIMES + GAP + 1; t++) {
		uint32_t rows = t < TIMES ? sessions->rows[key][t] : 0;

		if (start >= 0 && t > last + GAP) {
			assert_int_equal(sessions->given[key][start].count, count);
			assert_int_equal(sessions->given[key][start].end, last + GAP);
			++*total;
			start = -1;
		}
		if (rows == 0)
			continue;
		if (start < 0) {
			start = t;
			count = 0;
		}
		last = t;
		count += rows;
	}
}

static void check(const struct sessions *sessions)
{
	unsigned total = 0;

	assert_int_equal(sessions->early, 0);
	assert_int_equal(sessions->twice, 0);
	for (unsigned key = 0; key < KEYS; key++)
		check_key(sessions, key, &total);
	assert_int_equal(sessions->total, total);
}

static void add_span(struct sessions *sessions, struct sw_batch *batch, unsigned key, int64_t first,
	int64_t last, uint32_t rows)
{
	uint32_t row = batch->rows++;

	column(batch, 0)[row] = key_of(key);
	column(batch, 1)[row] = first;
	column(batch, 2)[row] = last;
	column(batch, 3)[row] = rows;
	sessions->rows[key][first]++;
	sessions->rows[key][last] += rows - 1;
}

static struct sw_stage_options session_stage(void)
{
	static const struct sw_session_count_config config = { .gap_ms = GAP };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;

	merge.name = "sessions";
	merge.op = &sw_session_count;
	merge.config = &config;
	merge.output_schemas[0] = &results;
	return merge;
}

/* `still`: so many steps out of a hundred leave the watermark where it is. */
static void run_sessions(unsigned workers, unsigned still, uint64_t *state)
{
	struct sw_stage_options merge = session_stage();
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	struct merge_run run;

	assert_non_null(sessions);
	merge_start(&run, workers, &partials, &merge, take, sessions);
	while (sessions->watermark < TIMES) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, 12);

		for (uint32_t i = 0; i < rows; i++) {
			int64_t first = sessions->watermark + random_below(state, DISORDER);
			int64_t last =
				first + random_below(state, random_below(state, 2) ? 2 : GAP);
			unsigned key = random_below(state, random_below(state, 3) ? KEYS : 2);

			/* A multiple now and then, for rows that are exactly the gap apart. */
			if (random_below(state, 3) == 0)
				first = last = (first + GAP) / GAP * GAP;
			if (last < TIMES)
				add_span(sessions, batch, key, first, last,
					first == last ? 1 : 2 + random_below(state, 3));
		}
		if (random_below(state, 100) >= still)
			sessions->watermark += random_below(state, 30);
		merge_push(&run, batch, sessions->watermark);
	}
	sessions->watermark = SW_TIME_END;
	merge_end(&run);
	check(sessions);
	free(sessions);
}

static void sessions_are_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++) {
		run_sessions(workers, 0, &state);
		run_sessions(workers, 90, &state);
	}
}

/* One stays open until the watermark is past its end, for a row exactly there still joins it. */
static void sessions_close_after_the_end(void **unused)
{
	struct sw_stage_options merge = session_stage();
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(sessions);
	merge_start(&run, 1, &partials, &merge, take, sessions);
	batch = merge_batch(&run);
	add_span(sessions, batch, 1, 20, 30, 2);
	add_span(sessions, batch, 2, 20, 30, 5);
	sessions->watermark = 30 + GAP;
	merge_push(&run, batch, sessions->watermark);
	for (int i = 0; i < 20; i++)
		sw_graph_dispatch(run.graph, 1);
	assert_int_equal(sessions->total, 0);
	batch = merge_batch(&run);
	add_span(sessions, batch, 1, 30 + GAP, 30 + GAP, 1);
	sessions->watermark = 31 + GAP;
	merge_push(&run, batch, sessions->watermark);
	while (sessions->total == 0)
		sw_graph_dispatch(run.graph, -1);
	assert_int_equal(sessions->given[2][20].count, 5);
	assert_int_equal(sessions->given[2][20].end, 30 + GAP);
	sessions->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(sessions->total, 2);
	check(sessions);
	free(sessions);
}

/* Of a key's two sessions one is over, and the other still takes a row at its very end. */
static void only_the_older_closes(void **unused)
{
	struct sw_stage_options merge = session_stage();
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(sessions);
	merge_start(&run, 1, &partials, &merge, take, sessions);
	batch = merge_batch(&run);
	add_span(sessions, batch, 1, 0, 0, 1);
	add_span(sessions, batch, 1, GAP + 1, GAP + 1, 1);
	sessions->watermark = 2 * GAP + 1;
	merge_push(&run, batch, sessions->watermark);
	while (sessions->total == 0)
		sw_graph_dispatch(run.graph, -1);
	assert_int_equal(sessions->given[1][0].count, 1);
	batch = merge_batch(&run);
	add_span(sessions, batch, 1, 2 * GAP + 1, 2 * GAP + 1, 1);
	merge_push(&run, batch, sessions->watermark);
	sessions->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(sessions->given[1][GAP + 1].count, 2);
	check(sessions);
	free(sessions);
}

/* A row between two sessions makes one of them, also when it touches both only just. */
static void sessions_join(void **unused)
{
	struct sw_stage_options merge = session_stage();
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(sessions);
	merge_start(&run, 1, &partials, &merge, take, sessions);
	batch = merge_batch(&run);
	for (int64_t t = 0; t < 5; t++)
		add_span(sessions, batch, 1, 2 * GAP * t, 2 * GAP * t, 1);
	add_span(sessions, batch, 1, 3 * GAP, 3 * GAP, 1);
	add_span(sessions, batch, 1, GAP, GAP, 1);
	add_span(sessions, batch, 1, 7 * GAP, 7 * GAP, 1);
	add_span(sessions, batch, 3, 0, 0, 1);
	add_span(sessions, batch, 3, 2 * GAP + 1, 2 * GAP + 1, 1);
	add_span(sessions, batch, 3, GAP, GAP, 1);
	merge_push(&run, batch, 0);
	sessions->watermark = SW_TIME_END;
	merge_end(&run);
	check(sessions);
	assert_int_equal(sessions->given[1][0].count, 5);
	assert_int_equal(sessions->given[1][0].end, 5 * GAP);
	assert_int_equal(sessions->given[1][6 * GAP].count, 3);
	assert_int_equal(sessions->given[3][0].count, 2);
	free(sessions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_right),
		cmocka_unit_test(sessions_close_after_the_end),
		cmocka_unit_test(only_the_older_closes),
		cmocka_unit_test(sessions_join),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

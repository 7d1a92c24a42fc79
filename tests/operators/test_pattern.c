/* SPDX-License-Identifier: MIT */

/*
 * The pattern operator: rows in any order that their watermarks allow come to the pattern in the
 * order of time, then seq, key by key, once and not too early; keys are forgotten when the pattern
 * says so, or are looked at again when they have waited.
 */

#include "operators/pattern.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>
#include <string.h>

#define ROWS    20000u
#define WAIT_MS 50

static uint64_t seed;

static const struct sw_schema rows_schema = {
	.columns = 5,
	.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT64 },
		{ .name = "value", .type = SW_INT64 }, { .name = "time", .type = SW_TIME_MS },
		{ .name = "seq", .type = SW_INT64 } },
};

/* What all the patterns here give: a row's time and value, and another row's value or -1. */
static const struct sw_schema matches_schema = {
	.columns = 5,
	.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT64 },
		{ .name = "time", .type = SW_TIME_MS }, { .name = "value", .type = SW_INT64 },
		{ .name = "other", .type = SW_INT64 } },
};

enum { A, B, VALUE, TIME, SEQ };
enum { GIVEN_TIME = 2, GIVEN_VALUE, GIVEN_OTHER };

static int64_t *column(const struct sw_batch *batch, unsigned index)
{
	return batch->columns[index].data;
}

/* ---- The patterns ---- */

struct last {
	int64_t time, value;
	bool any;
};

static int give(struct sw_pattern_call *call, int64_t time, int64_t value, int64_t other)
{
	int64_t match[] = { time, value, other };

	return sw_pattern_give(call, match, 3);
}

static void remember(struct last *last, int64_t time, int64_t value)
{
	*last = (struct last){ time, value, true };
}

/* Every row, with the one before it. */
static int take_chain(struct sw_pattern_call *call, void *state, int64_t time, int64_t value)
{
	struct last *last = state;
	int code = give(call, time, value, last->any ? last->value : -1);

	remember(last, time, value);
	return code ? code : SW_PATTERN_KEEP;
}

static const struct sw_pattern chain = {
	.state_bytes = sizeof(struct last),
	.take = take_chain,
};

static bool is_even(int64_t value)
{
	return value % 2 == 0;
}

/* An even row and the one after it, whatever it is. */
static int take_pair(struct sw_pattern_call *call, void *state, int64_t time, int64_t value)
{
	struct last *last = state;
	int code;

	if (!last->any) {
		assert_true(is_even(value));
		remember(last, time, value);
		return SW_PATTERN_KEEP;
	}
	code = give(call, time, value, last->value);
	return code ? code : SW_PATTERN_FORGET;
}

static const struct sw_pattern pairs = {
	.state_bytes = sizeof(struct last),
	.begins = is_even,
	.take = take_pair,
};

/* Rows which none follows in less than WAIT_MS. */
static int take_lonely(struct sw_pattern_call *call, void *state, int64_t time, int64_t value)
{
	struct last *last = state;
	int code = 0;

	if (last->any && time - last->time >= WAIT_MS)
		code = give(call, last->time, last->value, -1);
	remember(last, time, value);
	return code ? code : SW_PATTERN_KEEP;
}

static int expire_lonely(struct sw_pattern_call *call, void *state, int64_t now, int64_t *oldest)
{
	struct last *last = state;
	int code;

	if (now != SW_TIME_END && now - last->time < WAIT_MS) {
		*oldest = last->time;
		return SW_PATTERN_KEEP;
	}
	code = give(call, last->time, last->value, -1);
	memset(last, 0, sizeof(*last));
	return code ? code : SW_PATTERN_FORGET;
}

static const struct sw_pattern lonely = {
	.state_bytes = sizeof(struct last),
	.take = take_lonely,
	.expire = expire_lonely,
	.wait_ms = WAIT_MS,
};

/* ---- The model ---- */

/* A row's value is its place in the list. */
struct row {
	int64_t keys[2], time, seq, value;
	int64_t other; /* given with it */
	bool given;
};

struct model {
	struct row rows[ROWS];
	unsigned count;
	int64_t watermark; /* pushed so far */
};

static void take_matches(void *context, const struct sw_batch *batch)
{
	struct model *model = context;

	for (uint32_t i = 0; i < batch->rows; i++) {
		int64_t value = column(batch, GIVEN_VALUE)[i];
		struct row *row;

		assert_in_range(value, 0, model->count - 1);
		row = &model->rows[value];
		assert_int_equal(row->keys[0], column(batch, A)[i]);
		assert_int_equal(row->keys[1], column(batch, B)[i]);
		assert_int_equal(row->time, column(batch, GIVEN_TIME)[i]);
		assert_false(row->given);
		assert_true(row->time < model->watermark);
		row->given = true;
		row->other = column(batch, GIVEN_OTHER)[i];
	}
}

static int compare(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	const int64_t of_a[] = { a->keys[0], a->keys[1], a->time, a->seq };
	const int64_t of_b[] = { b->keys[0], b->keys[1], b->time, b->seq };

	for (int i = 0; i < 4; i++)
		if (of_a[i] != of_b[i])
			return of_a[i] < of_b[i] ? -1 : 1;
	return 0;
}

/* Checks the rows of one key, in order. */
typedef void (*check_fn)(const struct row *rows, unsigned count);

static void check_row(const struct row *row, bool given, int64_t other)
{
	assert_int_equal(row->given, given);
	if (given)
		assert_int_equal(row->other, other);
}

static void check_chain(const struct row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		check_row(&rows[i], true, i > 0 ? rows[i - 1].value : -1);
}

static void check_pairs(const struct row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		check_row(&rows[i], false, 0);
		if (is_even(rows[i].value) && i + 1 < count) {
			check_row(&rows[i + 1], true, rows[i].value);
			i++;
		}
	}
}

static void check_lonely(const struct row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		check_row(
			&rows[i], i + 1 == count || rows[i + 1].time - rows[i].time >= WAIT_MS, -1);
}

static void check_keys(struct model *model, check_fn check)
{
	const struct row *rows = model->rows;
	unsigned first = 0;

	qsort(model->rows, model->count, sizeof(model->rows[0]), compare);
	for (unsigned i = 1; i <= model->count; i++) {
		if (i < model->count && !memcmp(rows[i].keys, rows[first].keys, sizeof(rows->keys)))
			continue;
		check(rows + first, i - first);
		first = i;
	}
}

/* ---- Runs ---- */

static void start(struct merge_run *run, unsigned workers, const struct sw_pattern_config *config,
	struct model *model)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;

	merge.name = "pattern";
	merge.op = &sw_pattern;
	merge.config = config;
	merge.output_schemas[0] = &matches_schema;
	merge_start(run, workers, &rows_schema, &merge, take_matches, model);
}

static void add_row(struct model *model, struct sw_batch *batch, int64_t a, int64_t b, int64_t time,
	int64_t seq)
{
	struct row *row = &model->rows[model->count];
	uint32_t to = batch->rows++;

	*row = (struct row){ { a, b }, time, seq, model->count, 0, false };
	column(batch, A)[to] = a;
	column(batch, B)[to] = b;
	column(batch, VALUE)[to] = model->count++;
	column(batch, TIME)[to] = time;
	column(batch, SEQ)[to] = seq;
}

/* Different for each row; in order, nearly so, or in none. */
static int64_t random_seq(uint64_t *random, unsigned row, unsigned disorder)
{
	int64_t high = disorder == 2 ? random_below(random, 1000) : row / 16;

	return high * 2 * ROWS + (disorder == 0 ? row : ROWS - row);
}

static void run_pattern(
	unsigned workers, const struct sw_pattern *pattern, check_fn check, uint64_t *random)
{
	const struct sw_pattern_config config = {
		.key = { A, B }, .value = VALUE, .time = TIME, .seq = SEQ, .pattern = pattern
	};
	unsigned keys = 1 + random_below(random, 60), others = 1 + random_below(random, 300);
	unsigned spread = 1 + random_below(random, 100);
	unsigned disorder = random_below(random, 3), step = random_below(random, 8);
	unsigned batch_rows = random_below(random, 3) ? 64 : 1;
	struct model *model = calloc(1, sizeof(*model));
	struct merge_run run;

	assert_non_null(model);
	model->watermark = -1000;
	start(&run, workers, &config, model);
	while (model->count + batch_rows <= ROWS / (batch_rows == 1 ? 10 : 1)) {
		struct sw_batch *batch = merge_batch(&run);

		for (unsigned i = random_below(random, batch_rows + 1); i > 0; i--)
			add_row(model, batch, (int64_t)random_below(random, keys) - 3,
				random_below(random, others),
				model->watermark + random_below(random, spread),
				random_seq(random, model->count, disorder));
		model->watermark += random_below(random, 1 + step);
		if (random_below(random, 200) == 0)
			model->watermark += (int64_t)1 << random_below(random, 40);
		/* Rows are not before the watermark that came with the batch before. */
		merge_push(&run, batch, model->watermark);
	}
	model->watermark = SW_TIME_END;
	merge_end(&run);
	check_keys(model, check);
	free(model);
}

static void run_all(const struct sw_pattern *pattern, check_fn check)
{
	uint64_t random = seed;

	for (unsigned workers = 1; workers <= 3; workers++)
		for (int i = 0; i < 4; i++)
			run_pattern(workers, pattern, check, &random);
}

static void rows_come_in_order(void **unused)
{
	(void)unused;
	run_all(&chain, check_chain);
}

static void keys_are_forgotten(void **unused)
{
	(void)unused;
	run_all(&pairs, check_pairs);
}

static void keys_wait(void **unused)
{
	(void)unused;
	run_all(&lonely, check_lonely);
}

/* An instant's rows are taken when the watermark has passed it, not when it is reached. */
static void instants_are_passed(void **unused)
{
	static const struct sw_pattern_config config = {
		.key = { A, B }, .value = VALUE, .time = TIME, .seq = SEQ, .pattern = &chain
	};
	struct model *model = calloc(1, sizeof(*model));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(model);
	start(&run, 1, &config, model);
	batch = merge_batch(&run);
	add_row(model, batch, 1, 1, 100, 2);
	merge_push(&run, batch, 50);
	model->watermark = 100;
	merge_push(&run, NULL, 100);
	for (int i = 0; i < 20; i++)
		sw_graph_dispatch(run.graph, 1);
	assert_false(model->rows[0].given);
	batch = merge_batch(&run);
	add_row(model, batch, 1, 1, 100, 1);
	model->watermark = 101;
	merge_push(&run, batch, 101);
	while (!model->rows[0].given || !model->rows[1].given)
		sw_graph_dispatch(run.graph, -1);
	assert_int_equal(model->rows[0].other, 1);
	assert_int_equal(model->rows[1].other, -1);
	merge_end(&run);
	free(model);
}

/* ---- Memory ---- */

static void take_nothing(void *context, const struct sw_batch *batch)
{
	*(uint64_t *)context += batch->rows;
}

/* What the state takes at most over so many batches, 1 ms each, of ever new keys of two rows. */
static uint64_t memory_of(const struct sw_pattern *pattern, int64_t batches)
{
	const struct sw_pattern_config config = {
		.key = { A, B }, .value = VALUE, .time = TIME, .seq = SEQ, .pattern = pattern
	};
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct model *model = calloc(1, sizeof(*model));
	uint64_t rows = 0;
	struct sw_graph_stats stats;
	struct merge_run run;

	assert_non_null(model);
	merge.name = "pattern";
	merge.op = &sw_pattern;
	merge.config = &config;
	merge.output_schemas[0] = &matches_schema;
	merge_start(&run, 1, &rows_schema, &merge, take_nothing, &rows);
	for (int64_t i = 0; i < batches; i++) {
		struct sw_batch *batch = merge_batch(&run);

		model->count = 0;
		for (unsigned j = 0; j < 64; j++)
			add_row(model, batch, i, j / 2, i, j);
		merge_push(&run, batch, i);
	}
	sw_input_finish(run.input);
	while (sw_graph_dispatch(run.graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(run.graph, -1, NULL), 0);
	sw_graph_stats(run.graph, &stats);
	sw_graph_destroy(run.graph);
	assert_int_equal(rows, batches * 32);
	free(model);
	return stats.state_bytes_max;
}

static void memory_is_constant(void **unused)
{
	static const struct sw_pattern *const forget[] = { &pairs, &lonely };

	(void)unused;
	for (int i = 0; i < 2; i++) {
		uint64_t once = memory_of(forget[i], 1000), tenfold = memory_of(forget[i], 10000);

		/* How many batches the watermark lags behind is a matter of chance. */
		assert_true(tenfold < 2 * once);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_come_in_order),
		cmocka_unit_test(keys_are_forgotten),
		cmocka_unit_test(keys_wait),
		cmocka_unit_test(instants_are_passed),
		cmocka_unit_test(memory_is_constant),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

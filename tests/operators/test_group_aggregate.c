/* SPDX-License-Identifier: MIT */

/*
 * Aggregates of groups against the plain sentence, on random rows in any order: each change has to
 * fit what was given before it, and all of them together have to come to the result.
 */

#include "operators/group_aggregate.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRSTS  20
#define SECONDS 300 /* many more than a chain has */
#define PERIOD  100 /* ms */

enum { COUNT, LEAST, HIGHEST, SUM, VALUES };
enum { OUT_FIRST, OUT_SECOND, OUT_COUNT, OUT_LEAST, OUT_HIGHEST, OUT_AVERAGE, OUT_CHANGE };

static uint64_t seed;

static const struct sw_schema partials = {
	.columns = 2 + VALUES,
	.fields = { { .name = "first", .type = SW_INT64 }, { .name = "second", .type = SW_INT64 },
		{ .name = "count", .type = SW_INT64 }, { .name = "least", .type = SW_INT64 },
		{ .name = "highest", .type = SW_INT64 }, { .name = "sum", .type = SW_INT64 } },
};

static const struct sw_schema results = {
	.columns = 7,
	.changelog = true,
	.fields = { { .name = "first", .type = SW_INT64 },
		{ .name = "second", .type = SW_TEXT, .text_bytes = 8 },
		{ .name = "count", .type = SW_INT64 }, { .name = "least", .type = SW_INT64 },
		{ .name = "highest", .type = SW_INT64 }, { .name = "average", .type = SW_INT64 },
		{ .name = "change", .type = SW_INT32 } },
};

static void make_row(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text)
{
	(void)context;
	row[OUT_FIRST].number = keys[0];
	row[OUT_SECOND].text.bytes = text;
	row[OUT_SECOND].text.size =
		(uint32_t)snprintf(text, SW_GROUP_TEXT_BYTES, "%lld", (long long)keys[1]);
	row[OUT_COUNT].number = values[COUNT];
	row[OUT_LEAST].number = values[LEAST];
	row[OUT_HIGHEST].number = values[HIGHEST];
	row[OUT_AVERAGE].number = values[SUM] / values[COUNT];
}

static const struct sw_group_aggregate_config by_two = {
	.keys = 2,
	.values = VALUES,
	.ops = { [LEAST] = SW_GROUP_MIN, [HIGHEST] = SW_GROUP_MAX },
	.live = COUNT,
	.rows = { .schema = &results, .row = make_row },
};

struct group {
	bool any;
	int64_t values[VALUES];
	/* As the changes have it. */
	bool given;
	int64_t row[OUT_CHANGE], watermark;
};

struct model {
	struct group groups[FIRSTS][SECONDS];
	uint64_t changes, deletions;
	int64_t pushed; /* watermark */
};

static int64_t *column(const struct sw_batch *batch, unsigned index)
{
	return batch->columns[index].data;
}

/* A row of the changelog, and the group it is of. */
static struct group *read_row(
	struct model *model, const struct sw_batch *batch, uint32_t i, int64_t row[OUT_CHANGE])
{
	struct sw_text text = sw_column_text(&batch->columns[OUT_SECOND], i);
	char copy[16] = "";

	assert_true(text.size < sizeof(copy));
	memcpy(copy, text.bytes, text.size);
	for (unsigned c = 0; c < OUT_CHANGE; c++)
		row[c] = c == OUT_SECOND ? atoll(copy) : column(batch, c)[i];
	assert_in_range(row[OUT_FIRST], 0, FIRSTS - 1);
	assert_in_range(row[OUT_SECOND], 0, SECONDS - 1);
	return &model->groups[row[OUT_FIRST]][row[OUT_SECOND]];
}

static void take(void *context, const struct sw_batch *batch)
{
	struct model *model = context;

	for (uint32_t i = 0; i < batch->rows; i++) {
		int32_t change = ((int32_t *)batch->columns[OUT_CHANGE].data)[i];
		int64_t row[OUT_CHANGE];
		struct group *group = read_row(model, batch, i, row);
		bool first = change != SW_CHANGE_UPDATE_AFTER;

		assert_true(batch->watermark <= model->pushed);
		/* One change of a group for each watermark; an update is two rows. */
		if (first && (group->given || change != SW_CHANGE_INSERT))
			assert_true(batch->watermark > group->watermark);
		if (change == SW_CHANGE_INSERT || change == SW_CHANGE_UPDATE_AFTER) {
			assert_false(group->given);
			memcpy(group->row, row, sizeof(row));
		} else {
			assert_true(group->given);
			assert_memory_equal(group->row, row, sizeof(row));
		}
		group->given = change == SW_CHANGE_INSERT || change == SW_CHANGE_UPDATE_AFTER;
		group->watermark = batch->watermark;
		model->changes++;
		model->deletions += change == SW_CHANGE_DELETE;
	}
}

static void add_row(struct model *model, struct sw_batch *batch, int64_t first, int64_t second,
	const int64_t values[VALUES])
{
	struct group *group = &model->groups[first][second];
	uint32_t row = batch->rows++;

	column(batch, 0)[row] = first;
	column(batch, 1)[row] = second;
	for (unsigned v = 0; v < VALUES; v++) {
		int64_t *to = &group->values[v];

		column(batch, 2 + v)[row] = values[v];
		if (!group->any || (v == LEAST && values[v] < *to) ||
			(v == HIGHEST && values[v] > *to))
			*to = values[v];
		else if (v == COUNT || v == SUM)
			*to += values[v];
	}
	group->any = true;
}

static void add_random(struct model *model, struct sw_batch *batch, int64_t first, int64_t second,
	int64_t count, uint64_t *state)
{
	int64_t value = (int64_t)random_below(state, 2000) - 1000;

	add_row(model, batch, first, second,
		(int64_t[VALUES]){ count, value, value + random_below(state, 5), value });
}

static void check(const struct model *model)
{
	for (unsigned i = 0; i < FIRSTS; i++) {
		for (unsigned j = 0; j < SECONDS; j++) {
			const struct group *group = &model->groups[i][j];
			union sw_value row[OUT_CHANGE];
			char text[SW_GROUP_TEXT_BYTES];
			int64_t keys[] = { i, j };

			assert_int_equal(group->given, group->any && group->values[COUNT] > 0);
			if (!group->given)
				continue;
			make_row(NULL, keys, group->values, row, text);
			for (unsigned c = OUT_COUNT; c < OUT_CHANGE; c++)
				assert_int_equal(group->row[c], row[c].number);
		}
	}
}

static void start(struct merge_run *run, unsigned workers,
	const struct sw_group_aggregate_config *config, struct model *model)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;

	merge.name = "aggregate";
	merge.op = &sw_group_aggregate;
	merge.config = config;
	merge.output_schemas[0] = &results;
	merge_start(run, workers, &partials, &merge, take, model);
}

/* Rows of every group at any time, some of which take others back. */
static void run_any_order(unsigned workers, uint64_t *state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct merge_run run;

	assert_non_null(model);
	start(&run, workers, &by_two, model);
	for (int round = 0; round < 1000; round++) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			bool hot = random_below(state, 2);
			int64_t first = random_below(state, FIRSTS);
			int64_t second = random_below(state, hot ? 3 : SECONDS);
			int64_t count = model->groups[first][second].values[COUNT];

			if (random_below(state, 3) == 0)
				count = count > 0 ? -count : 0;
			else
				count = 1 + random_below(state, 3);
			add_random(model, batch, first, second, count, state);
		}
		/* Raised before the push: results may come at once. */
		model->pushed = round / 2;
		merge_push(&run, batch, model->pushed);
	}
	model->pushed = SW_TIME_END;
	merge_end(&run);
	check(model);
	assert_true(model->deletions > 0);
	free(model);
}

static void any_order(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_any_order(workers, &state);
}

/* Periods go by, and with them what is known of their groups. */
static uint64_t run_periods(unsigned workers, int64_t period_ms, uint64_t *state)
{
	struct sw_group_aggregate_config config = by_two;
	struct model *model = calloc(1, sizeof(*model));
	struct sw_graph_stats stats;
	struct sw_error error;
	struct merge_run run;

	assert_non_null(model);
	config.period_ms = period_ms;
	start(&run, workers, &config, model);
	for (int64_t now = 0; now < SECONDS * PERIOD; now += random_below(state, 60)) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows; i++) {
			int64_t period = now / PERIOD + random_below(state, 3);

			add_random(model, batch, random_below(state, FIRSTS),
				period < SECONDS ? period : SECONDS - 1, 1, state);
		}
		model->pushed = now;
		merge_push(&run, batch, now);
	}
	model->pushed = SW_TIME_END;
	sw_input_finish(run.input);
	while (sw_graph_dispatch(run.graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(run.graph, -1, &error), 0);
	sw_graph_stats(run.graph, &stats);
	sw_graph_destroy(run.graph);
	check(model);
	free(model);
	return stats.state_bytes_max;
}

static void periods_pass(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		assert_true(3 * run_periods(workers, PERIOD, &state) <
			    2 * run_periods(workers, 0, &state));
}

static void large_sums_are_refused(void **unused)
{
	struct model *model = calloc(1, sizeof(*model));
	struct merge_run run;
	struct sw_error error;

	(void)unused;
	assert_non_null(model);
	start(&run, 1, &by_two, model);
	for (int i = 0; i < 2; i++) {
		struct sw_batch *batch = merge_batch(&run);

		add_row(model, batch, 0, 0, (int64_t[VALUES]){ 1, 0, 0, i ? 1 : INT64_MAX });
		while (sw_input_push(run.input, batch, 0) == -EAGAIN)
			sw_graph_dispatch(run.graph, 100);
		model->groups[0][0].any = false;
	}
	model->pushed = SW_TIME_END;
	sw_input_finish(run.input);
	while (sw_graph_dispatch(run.graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(run.graph, -1, &error), -EOVERFLOW);
	assert_string_equal(error.text, "sum: a sum is over 64 bits");
	sw_graph_destroy(run.graph);
	free(model);
}

/* ---- Sums of 128 bits ---- */

static bool fits(void *context, const int64_t *keys, const int64_t *values, char *why)
{
	__int128 sum = sw_group_wide(values[SUM], values[VALUES]);

	(void)context;
	if (sum >= INT64_MIN && sum <= INT64_MAX)
		return true;
	if (why)
		snprintf(why, SW_GROUP_WHY_BYTES, "group %lld: too large", (long long)keys[1]);
	return false;
}

/* Values of group (0, 1), each at a watermark of its own, and whether they end the run. With steps
 * of more than a period from the third on of another group, when the first one's has passed. */
static void run_wide(
	const int64_t *values, unsigned count, int64_t period_ms, int64_t step_ms, bool ends_it)
{
	struct sw_group_aggregate_config config = by_two;
	struct model *model = calloc(1, sizeof(*model));
	struct sw_error error;
	struct merge_run run;

	assert_non_null(model);
	config.ops[SUM] = SW_GROUP_WIDE_SUM;
	config.rows.fits = fits;
	config.period_ms = period_ms;
	start(&run, 1, &config, model);
	for (unsigned i = 0; i < count; i++) {
		struct sw_batch *batch = merge_batch(&run);

		add_row(model, batch, 0, step_ms > PERIOD && i > 1 ? 3 : 1,
			(int64_t[VALUES]){ 1, 0, 0, values[i] });
		/* The model's sum is taken anew each time: it has 64 bits. */
		model->groups[0][1].any = false;
		model->pushed = i * step_ms;
		while (sw_input_push(run.input, batch, model->pushed) == -EAGAIN)
			sw_graph_dispatch(run.graph, 100);
	}
	model->pushed = SW_TIME_END;
	sw_input_finish(run.input);
	while (sw_graph_dispatch(run.graph, -1))
		continue;
	assert_int_equal(sw_graph_wait(run.graph, -1, &error), ends_it ? -EOVERFLOW : 0);
	if (ends_it)
		assert_string_equal(error.text, "group 1: too large");
	else
		assert_int_equal(model->groups[0][1].row[OUT_COUNT], count);
	sw_graph_destroy(run.graph);
	free(model);
}

/* A row that cannot be given on the way is given when it can; at the latest at the end. */
static void wide_sums(void **unused)
{
	(void)unused;
	for (int64_t period_ms = 0; period_ms <= PERIOD; period_ms += PERIOD) {
		run_wide((int64_t[]){ INT64_MAX, INT64_MAX, -INT64_MAX, -5 }, 4, period_ms, 1,
			false);
		run_wide((int64_t[]){ INT64_MIN, INT64_MIN, INT64_MAX, 1 }, 4, period_ms, 1, false);
		run_wide((int64_t[]){ INT64_MAX, 1 }, 2, period_ms, 1, true);
		run_wide((int64_t[]){ INT64_MIN, -1 }, 2, period_ms, 1, true);
	}
	run_wide((int64_t[]){ INT64_MAX, 1, 0, 0, 0 }, 5, PERIOD, PERIOD + 10, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),
		cmocka_unit_test(periods_pass),
		cmocka_unit_test(large_sums_are_refused),
		cmocka_unit_test(wide_sums),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

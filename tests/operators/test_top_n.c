/* SPDX-License-Identifier: MIT */

/*
 * The first rows of partitions against sorting all of them; the changes that lead there take back
 * just what was given, and each rank changes at most once with a watermark.
 */

#include "operators/top_n.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS   6000
#define KEYS_A 12
#define KEYS_B 10
#define PARTS  (KEYS_A * KEYS_B)
#define ORDERS 40

static uint64_t seed;

enum { A, B, ORDER, SEQ, LABEL };

static const struct sw_schema schema_in = {
	.columns = 5,
	.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT64 },
		{ .name = "order", .type = SW_INT64 }, { .name = "seq", .type = SW_INT64 },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 } },
};

static const struct sw_schema schema_ranked = {
	.columns = 6,
	.changelog = true,
	.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT64 },
		{ .name = "order", .type = SW_INT64 },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 },
		{ .name = "rank", .type = SW_INT64 }, { .name = "change", .type = SW_INT32 } },
};

static const struct sw_schema schema_single = {
	.columns = 5,
	.changelog = true,
	.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT64 },
		{ .name = "order", .type = SW_INT64 },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 },
		{ .name = "change", .type = SW_INT32 } },
};

/* The first row of each pair; of equal ones the last. */
static const struct sw_top_n_config config_pairs = {
	.in = &schema_in,
	.keys = 2,
	.key = { A, B },
	.order = ORDER,
	.seq = SEQ,
	.last = true,
	.n = 1,
	.columns = 4,
	.from = { A, B, ORDER, LABEL },
};

static const struct sw_top_n_config config_ranked = {
	.in = &schema_in,
	.keys = 1,
	.key = { A },
	.order = ORDER,
	.seq = SEQ,
	.n = SW_TOP_N_MAX,
	.rank = true,
	.columns = 4,
	.from = { A, B, ORDER, LABEL },
};

/* What a row is in the result. Rows can be equal there that are not the same. */
struct shown {
	int64_t a, b, order;
	char label[32];
};

struct row {
	struct shown shown;
	int64_t seq;
};

struct top {
	const struct sw_top_n_config *config;
	struct row rows[ROWS];
	uint32_t count;
	/* By partition and rank: what was given, and the watermark that it was given with. */
	bool present[PARTS][SW_TOP_N_MAX];
	struct shown given[PARTS][SW_TOP_N_MAX];
	int64_t given_at[PARTS][SW_TOP_N_MAX];
	bool taken_back[PARTS][SW_TOP_N_MAX]; /* the other half of an update is to follow */
	uint64_t changes;
};

/* Keys close together, and one far away from them. */
static int64_t key_a(unsigned number)
{
	return number ? (int64_t)number : INT64_MIN;
}

static unsigned part_of(const struct sw_top_n_config *config, const struct shown *shown)
{
	unsigned a = shown->a == INT64_MIN ? 0 : (unsigned)shown->a;

	return config->keys == 2 ? a * KEYS_B + (unsigned)-shown->b : a;
}

static bool same(const struct shown *x, const struct shown *y)
{
	return x->a == y->a && x->b == y->b && x->order == y->order && !strcmp(x->label, y->label);
}

static struct shown shown_of(const struct sw_batch *batch, uint32_t row)
{
	struct shown shown = { ((const int64_t *)batch->columns[0].data)[row],
		((const int64_t *)batch->columns[1].data)[row],
		((const int64_t *)batch->columns[2].data)[row], "" };
	struct sw_text label = sw_column_text(&batch->columns[3], row);

	assert_true(label.size < sizeof(shown.label));
	memcpy(shown.label, label.bytes, label.size);
	return shown;
}

static void take_change(struct top *top, const struct sw_batch *batch, uint32_t row)
{
	struct shown shown = shown_of(batch, row);
	unsigned part = part_of(top->config, &shown), columns = batch->schema->columns, rank = 0;
	enum sw_change change = ((const int32_t *)batch->columns[columns - 1].data)[row];

	assert_in_range(part, 0, PARTS - 1);
	if (top->config->rank)
		rank = (unsigned)((const int64_t *)batch->columns[4].data)[row] - 1;
	assert_in_range(rank, 0, top->config->n - 1);
	top->changes++;
	switch (change) {
	case SW_CHANGE_UPDATE_BEFORE:
		assert_true(top->present[part][rank] && !top->taken_back[part][rank]);
		assert_true(same(&top->given[part][rank], &shown));
		assert_true(top->given_at[part][rank] < batch->watermark);
		top->taken_back[part][rank] = true;
		return;
	case SW_CHANGE_UPDATE_AFTER:
		assert_true(top->taken_back[part][rank]);
		assert_false(same(&top->given[part][rank], &shown));
		top->taken_back[part][rank] = false;
		break;
	default:
		assert_int_equal(change, SW_CHANGE_INSERT);
		assert_false(top->present[part][rank]);
	}
	top->present[part][rank] = true;
	top->given[part][rank] = shown;
	top->given_at[part][rank] = batch->watermark;
}

static void take(void *context, const struct sw_batch *batch)
{
	for (uint32_t row = 0; row < batch->rows; row++)
		take_change(context, batch, row);
}

/* ---- The plain sentence ---- */

static const struct top *sorted;

static int compare(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	unsigned part_a = part_of(sorted->config, &a->shown);
	unsigned part_b = part_of(sorted->config, &b->shown);

	if (part_a != part_b)
		return part_a < part_b ? -1 : 1;
	if (a->shown.order != b->shown.order)
		return a->shown.order > b->shown.order ? -1 : 1;
	return (a->seq < b->seq) != sorted->config->last ? -1 : 1;
}

static void check(struct top *top)
{
	uint32_t at = 0;

	sorted = top;
	qsort(top->rows, top->count, sizeof(top->rows[0]), compare);
	for (unsigned part = 0; part < PARTS; part++) {
		for (unsigned rank = 0; rank < top->config->n; rank++) {
			bool any = at < top->count &&
				   part_of(top->config, &top->rows[at].shown) == part;

			assert_false(top->taken_back[part][rank]);
			assert_int_equal(top->present[part][rank], any);
			if (any)
				assert_true(same(&top->given[part][rank], &top->rows[at++].shown));
		}
		while (at < top->count && part_of(top->config, &top->rows[at].shown) == part)
			at++;
	}
	assert_int_equal(at, top->count);
}

/* ---- Runs ---- */

static void add_row(struct top *top, struct sw_batch *batch, const struct row *row)
{
	uint32_t at = batch->rows++;

	((int64_t *)batch->columns[A].data)[at] = row->shown.a;
	((int64_t *)batch->columns[B].data)[at] = row->shown.b;
	((int64_t *)batch->columns[ORDER].data)[at] = row->shown.order;
	((int64_t *)batch->columns[SEQ].data)[at] = row->seq;
	assert_true(sw_column_append_text(
		&batch->columns[LABEL], at, row->shown.label, (uint32_t)strlen(row->shown.label)));
	top->rows[top->count++] = *row;
}

static void add_random_row(struct top *top, struct sw_batch *batch, uint64_t *state)
{
	struct row row = { .seq = (int64_t)top->count * 7919 % 1000003 };
	int64_t order = random_below(state, ORDERS);

	row.shown.a = key_a(random_below(state, random_below(state, 3) ? KEYS_A : 2));
	row.shown.b = -(int64_t)random_below(state, KEYS_B);
	/* Later rows tend to be better, so that there is much to change. */
	row.shown.order = order + top->count / 100;
	if (random_below(state, 20) == 0)
		row.shown.order = random_below(state, 2) ? INT64_MIN : INT64_MAX;
	if (random_below(state, 3))
		snprintf(row.shown.label, sizeof(row.shown.label), "label %lld,\n%u",
			(long long)row.shown.b, random_below(state, 2));
	add_row(top, batch, &row);
}

static void run_top(const struct sw_top_n_config *config, unsigned workers, uint64_t *state)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct top *top = calloc(1, sizeof(*top));
	struct merge_run run;
	int64_t watermark = 0;

	assert_non_null(top);
	top->config = config;
	merge.name = "top";
	merge.op = &sw_top_n;
	merge.config = config;
	merge.output_schemas[0] = config->rank ? &schema_ranked : &schema_single;
	merge_start(&run, workers, &schema_in, &merge, take, top);
	while (top->count < ROWS) {
		struct sw_batch *batch = merge_batch(&run);
		uint32_t rows = random_below(state, batch->capacity + 1);

		for (uint32_t i = 0; i < rows && top->count < ROWS; i++)
			add_random_row(top, batch, state);
		watermark += random_below(state, 4) == 0;
		merge_push(&run, batch, watermark);
	}
	merge_end(&run);
	check(top);
	free(top);
}

static void top_of_pairs_is_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_top(&config_pairs, workers, &state);
}

static void ranked_top_is_right(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned workers = 1; workers <= 3; workers++)
		run_top(&config_ranked, workers, &state);
}

/* What comes and goes between two watermarks, or looks as before, is no change. */
static void changes_are_consolidated(void **unused)
{
	static const struct row rows[] = {
		{ { 1, -1, 5, "x" }, 1 },
		{ { 1, -1, 7, "y" }, 2 },
		{ { 1, -1, 9, "z" }, 3 },
	};
	static const struct row alike = { { 1, -1, 9, "z" }, 4 },
				better = { { 1, -1, 10, "z" }, 0 };
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT;
	struct top *top = calloc(1, sizeof(*top));
	struct merge_run run;
	struct sw_batch *batch;

	(void)unused;
	assert_non_null(top);
	top->config = &config_pairs;
	merge.name = "top";
	merge.op = &sw_top_n;
	merge.config = &config_pairs;
	merge.output_schemas[0] = &schema_single;
	merge_start(&run, 1, &schema_in, &merge, take, top);
	batch = merge_batch(&run);
	for (unsigned i = 0; i < 3; i++)
		add_row(top, batch, &rows[i]);
	merge_push(&run, batch, 1);
	while (top->changes == 0)
		sw_graph_dispatch(run.graph, -1);
	assert_int_equal(top->changes, 1);
	batch = merge_batch(&run);
	add_row(top, batch, &alike);
	merge_push(&run, batch, 2);
	batch = merge_batch(&run);
	add_row(top, batch, &better);
	merge_push(&run, batch, 3);
	merge_end(&run);
	assert_int_equal(top->changes, 3);
	check(top);
	free(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(top_of_pairs_is_right),
		cmocka_unit_test(ranked_top_is_right),
		cmocka_unit_test(changes_are_consolidated),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

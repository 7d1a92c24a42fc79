/* SPDX-License-Identifier: MIT */
#include "tests/operators/interval_fixture.h"

#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IN_KEY, IN_FROM, IN_UNTIL, IN_ORDER, IN_GROUP, IN_LABEL };
enum { POINT_KEY, POINT_TIME, POINT_VALUE, POINT_ORDER, POINT_LABEL };
/* With labels, and without. */
enum { OUT_KEY, OUT_INTERVAL, OUT_VALUE, OUT_POINT, OUT_IN_LABEL, OUT_LABEL, OUT_CHANGE };
enum { PLAIN_FROM = OUT_IN_LABEL, PLAIN_UNTIL, PLAIN_TIME, PLAIN_GROUP, PLAIN_CHANGE };

static const struct sw_schema schema_intervals = {
	.columns = 6,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "from", .type = SW_TIME_MS },
		{ .name = "until", .type = SW_TIME_MS }, { .name = "order", .type = SW_INT64 },
		{ .name = "group", .type = SW_INT64 },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 } },
};

static const struct sw_schema schema_points = {
	.columns = 5,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "time", .type = SW_TIME_MS },
		{ .name = "value", .type = SW_INT64 }, { .name = "order", .type = SW_INT64 },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 } },
};

static const struct sw_schema schema_rows = {
	.columns = 7,
	.changelog = true,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "interval", .type = SW_INT64 },
		{ .name = "value", .type = SW_INT64 }, { .name = "point", .type = SW_INT64 },
		{ .name = "interval_label", .type = SW_TEXT, .text_bytes = 16 },
		{ .name = "label", .type = SW_TEXT, .text_bytes = 16 },
		{ .name = "change", .type = SW_INT32 } },
};

static const struct sw_schema schema_plain = {
	.columns = 9,
	.changelog = true,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "interval", .type = SW_INT64 },
		{ .name = "value", .type = SW_INT64 }, { .name = "point", .type = SW_INT64 },
		{ .name = "from", .type = SW_TIME_MS }, { .name = "until", .type = SW_TIME_MS },
		{ .name = "time", .type = SW_TIME_MS }, { .name = "group", .type = SW_INT64 },
		{ .name = "change", .type = SW_INT32 } },
};

static const struct sw_schema schema_sums = {
	.columns = 3,
	.fields = { { .name = "group", .type = SW_INT64 }, { .name = "sum", .type = SW_INT64 },
		{ .name = "count", .type = SW_INT64 } },
};

static const struct sw_interval_best_config rows_config = {
	.intervals = { IN_KEY, IN_FROM, IN_UNTIL, IN_ORDER, IN_GROUP },
	.points = { POINT_KEY, POINT_TIME, POINT_VALUE, POINT_ORDER },
	.schemas = { &schema_intervals, &schema_points },
	.columns = 6,
	.from = { { 0, IN_KEY }, { 0, IN_ORDER }, { 1, POINT_VALUE }, { 1, POINT_ORDER },
		{ 0, IN_LABEL }, { 1, POINT_LABEL } },
};

static const struct sw_interval_best_config plain_config = {
	.intervals = { IN_KEY, IN_FROM, IN_UNTIL, IN_ORDER, IN_GROUP },
	.points = { POINT_KEY, POINT_TIME, POINT_VALUE, POINT_ORDER },
	.schemas = { &schema_intervals, &schema_points },
	.columns = 8,
	.from = { { 1, POINT_KEY }, { 0, IN_ORDER }, { 1, POINT_VALUE }, { 1, POINT_ORDER },
		{ 0, IN_FROM }, { 0, IN_UNTIL }, { 1, POINT_TIME }, { 0, IN_GROUP } },
};

/* ---- The model ---- */

struct model *model_create(enum sw_interval_gives gives, size_t most, int64_t keys)
{
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	model->gives = gives;
	model->labels = true;
	model->keys = keys;
	model->intervals = calloc(most, sizeof(*model->intervals));
	model->points = calloc(most, sizeof(*model->points));
	model->rows = calloc((size_t)keys, sizeof(*model->rows));
	assert_true(model->intervals && model->points && model->rows);
	model->watermark = SW_TIME_MIN;
	return model;
}

void model_destroy(struct model *model)
{
	free(model->intervals);
	free(model->points);
	free(model->rows);
	free(model);
}

static bool in_interval(const struct model *model, size_t interval, size_t point)
{
	const struct interval *i = &model->intervals[interval];
	const struct point *p = &model->points[point];

	return i->key == p->key && i->from <= p->time && p->time <= i->until;
}

static bool is_better(const struct model *model, const struct row *a, const struct row *b)
{
	int64_t time_a = model->points[a->point].time, time_b;

	if (!b->there)
		return true;
	time_b = model->points[b->point].time;
	if (a->value != b->value)
		return a->value > b->value;
	if (time_a != time_b)
		return time_a < time_b;
	return a->point != b->point ? a->point < b->point : a->interval < b->interval;
}

static void check_rows(const struct model *model)
{
	struct row *best = calloc((size_t)model->keys, sizeof(*best));

	assert_non_null(best);
	for (size_t i = 0; i < model->interval_count; i++)
		for (size_t p = 0; p < model->point_count; p++) {
			struct row row = { true, (int64_t)i, model->points[p].value, (int64_t)p,
				0 };

			if (in_interval(model, i, p) &&
				is_better(model, &row, &best[model->intervals[i].key]))
				best[model->intervals[i].key] = row;
		}
	for (int64_t key = 0; key < model->keys; key++) {
		assert_int_equal(model->rows[key].there, best[key].there);
		if (!best[key].there)
			continue;
		assert_int_equal(model->rows[key].interval, best[key].interval);
		assert_int_equal(model->rows[key].point, best[key].point);
	}
	free(best);
}

static void check_sums(const struct model *model)
{
	int64_t sums[GROUPS] = { 0 }, counts[GROUPS] = { 0 };

	for (int64_t key = 0; key < model->keys; key++) {
		bool there[GROUPS] = { false };
		int64_t highest[GROUPS] = { 0 };

		for (size_t i = 0; i < model->interval_count; i++) {
			int64_t group = model->intervals[i].group;

			if (model->intervals[i].key != key)
				continue;
			for (size_t p = 0; p < model->point_count; p++) {
				int64_t value = model->points[p].value;

				if (!in_interval(model, i, p))
					continue;
				if (!there[group] || value > highest[group])
					highest[group] = value;
				there[group] = true;
			}
		}
		for (int group = 0; group < GROUPS; group++) {
			sums[group] += there[group] ? highest[group] : 0;
			counts[group] += there[group];
		}
	}
	assert_memory_equal(sums, model->sums, sizeof(sums));
	assert_memory_equal(counts, model->counts, sizeof(counts));
}

void model_check(const struct model *model)
{
	if (model->gives == SW_INTERVAL_SUMS)
		check_sums(model);
	else
		check_rows(model);
}

/* ---- What is given ---- */

static int64_t cell(const struct sw_batch *batch, unsigned column, uint32_t row)
{
	return sw_column_int64(&batch->columns[column], row);
}

static bool label_is(const struct sw_batch *batch, unsigned column, uint32_t row, const char *kind,
	int64_t order)
{
	struct sw_text text = sw_column_text(&batch->columns[column], row);
	char label[32];
	int bytes = snprintf(label, sizeof(label), "%s%lld", kind, (long long)order);

	return text.size == (uint32_t)bytes && !memcmp(text.bytes, label, text.size);
}

/* Is the row, which is given or taken back, in order at this watermark? */
static bool is_well(const struct model *model, const struct row *row, int64_t key)
{
	const struct interval *interval;

	if (key < 0 || key >= model->keys || row->interval < 0 ||
		row->interval >= (int64_t)model->interval_count || row->point < 0 ||
		row->point >= (int64_t)model->point_count)
		return false;
	interval = &model->intervals[row->interval];
	if (model->gives == SW_INTERVAL_CLOSED && row->watermark <= interval->until &&
		row->watermark != SW_TIME_END)
		return false;
	return interval->key == key &&
	       in_interval(model, (size_t)row->interval, (size_t)row->point);
}

/* Are the columns right that the model's row does not have? Both its numbers are in range. */
static bool is_complete(
	const struct model *model, const struct row *row, const struct sw_batch *batch, uint32_t i)
{
	const struct interval *interval = &model->intervals[row->interval];
	const struct point *point = &model->points[row->point];

	if (model->labels)
		return label_is(batch, OUT_IN_LABEL, i, "i", row->interval) &&
		       label_is(batch, OUT_LABEL, i, "p", row->point);
	return cell(batch, PLAIN_FROM, i) == interval->from &&
	       cell(batch, PLAIN_UNTIL, i) == interval->until &&
	       cell(batch, PLAIN_TIME, i) == point->time &&
	       cell(batch, PLAIN_GROUP, i) == interval->group;
}

static void fold(struct model *model, const struct sw_batch *batch, uint32_t i)
{
	int64_t key = cell(batch, OUT_KEY, i);
	struct row row = { true, cell(batch, OUT_INTERVAL, i), cell(batch, OUT_VALUE, i),
		cell(batch, OUT_POINT, i), batch->watermark };
	enum sw_change change =
		(enum sw_change)cell(batch, model->labels ? OUT_CHANGE : PLAIN_CHANGE, i);
	struct row *now;

	if (!is_well(model, &row, key) || !is_complete(model, &row, batch, i) ||
		batch->watermark > model->watermark) {
		model->wrong++;
		return;
	}
	now = &model->rows[key];
	if (change == SW_CHANGE_INSERT || change == SW_CHANGE_UPDATE_AFTER) {
		model->wrong += now->there;
		/* The other half of an update is of the same watermark; all else is of a later
		 * one. */
		if (change == SW_CHANGE_INSERT && now->watermark)
			model->wrong += now->watermark >= row.watermark;
	} else {
		model->wrong += !now->there || now->interval != row.interval ||
				now->point != row.point || now->watermark >= row.watermark;
		row.there = false;
	}
	*now = row;
}

static void take(void *context, const struct sw_batch *batch)
{
	struct model *model = context;

	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);

		if (model->gives == SW_INTERVAL_SUMS) {
			assert_in_range(cell(batch, 0, row), 0, GROUPS - 1);
			model->sums[cell(batch, 0, row)] += cell(batch, 1, row);
			model->counts[cell(batch, 0, row)] += cell(batch, 2, row);
		} else {
			fold(model, batch, row);
		}
	}
}

/* ---- A graph with both inputs ---- */

void interval_start(struct interval_run *run, unsigned workers, struct model *model, bool forgets,
	enum sw_state_mode state)
{
	static const struct sw_schema *const schemas[] = { &schema_intervals, &schema_points };
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *join, *to;
	struct sw_error error;

	run->model = model;
	run->config = model->labels ? rows_config : plain_config;
	run->config.gives = model->gives;
	run->config.forgets = forgets;
	options.workers = workers;
	options.pin = "none";
	options.batch_rows = 64;
	options.ring_slots = 16;
	options.state = state;
	assert_int_equal(sw_graph_create(&options, &run->graph, &error), 0);
	stage.name = "join";
	stage.op = &sw_interval_best;
	stage.config = &run->config;
	stage.inputs = 2;
	stage.output_schemas[0] = model->gives == SW_INTERVAL_SUMS ? &schema_sums
				  : model->labels                  ? &schema_rows
								   : &schema_plain;
	join = sw_graph_add_stage(run->graph, &stage, &error);
	to = sw_graph_add_output(run->graph, "output", take, model, &error);
	assert_true(join && to);
	for (unsigned i = 0; i < 2; i++) {
		struct sw_stage *from = sw_graph_add_input(run->graph, i ? "points" : "intervals",
			schemas[i], &run->inputs[i], &error);

		assert_non_null(from);
		assert_int_equal(
			sw_graph_connect(run->graph, from, 0, join, i, SW_ROUTE_KEYED, 0, &error),
			0);
	}
	assert_int_equal(
		sw_graph_connect(run->graph, join, 0, to, 0, SW_ROUTE_FORWARD, 0, &error), 0);
	if (sw_graph_start(run->graph, &error))
		fail_msg("%s", error.text);
}

struct sw_batch *interval_batch(struct interval_run *run, unsigned input)
{
	struct sw_batch *batch;

	while (!(batch = sw_input_batch(run->inputs[input])))
		assert_int_equal(sw_graph_dispatch(run->graph, 100), 1);
	return batch;
}

void interval_push(
	struct interval_run *run, unsigned input, struct sw_batch *batch, int64_t watermark)
{
	int code;

	while ((code = sw_input_push(run->inputs[input], batch, watermark)) == -EAGAIN)
		sw_graph_dispatch(run->graph, 100);
	assert_int_equal(code, 0);
}

uint64_t interval_end(struct interval_run *run)
{
	struct sw_graph_stats stats;
	struct sw_error error;

	run->model->watermark = SW_TIME_END;
	sw_input_finish(run->inputs[0]);
	sw_input_finish(run->inputs[1]);
	while (sw_graph_dispatch(run->graph, -1))
		continue;
	if (sw_graph_wait(run->graph, -1, &error))
		fail_msg("%s", error.text);
	sw_graph_stats(run->graph, &stats);
	sw_graph_destroy(run->graph);
	assert_int_equal(run->model->wrong, 0);
	return stats.state_bytes_max;
}

static void put(struct sw_batch *batch, unsigned column, int64_t number)
{
	((int64_t *)batch->columns[column].data)[batch->rows] = number;
}

static void put_label(struct sw_batch *batch, unsigned column, const char *kind, size_t order)
{
	char label[32];
	int bytes = snprintf(label, sizeof(label), "%s%zu", kind, order);

	assert_true(sw_column_append_text(
		&batch->columns[column], batch->rows, label, (uint32_t)bytes));
}

void interval_add(struct model *model, struct sw_batch *batch, const struct interval *interval)
{
	put(batch, IN_KEY, interval->key);
	put(batch, IN_FROM, interval->from);
	put(batch, IN_UNTIL, interval->until);
	put(batch, IN_ORDER, (int64_t)model->interval_count);
	put(batch, IN_GROUP, interval->group);
	put_label(batch, IN_LABEL, "i", model->interval_count);
	batch->rows++;
	model->intervals[model->interval_count++] = *interval;
}

void interval_add_point(struct model *model, struct sw_batch *batch, const struct point *point)
{
	put(batch, POINT_KEY, point->key);
	put(batch, POINT_TIME, point->time);
	put(batch, POINT_VALUE, point->value);
	put(batch, POINT_ORDER, (int64_t)model->point_count);
	put_label(batch, POINT_LABEL, "p", model->point_count);
	batch->rows++;
	model->points[model->point_count++] = *point;
}

/* SPDX-License-Identifier: MIT */

/*
 * Moving averages against the plain sentence, on random elements: in order and never taken back, or
 * in any order, changed and taken back. The changes folded are what all elements together give.
 */

#include "operators/moving_average.h"
#include "tests/operators/merge_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>

#define KEYS  7
#define IDS   900
#define STEPS 80

static uint64_t seed;

enum { IN_KEY, IN_TIME, IN_ID, IN_VALUE, IN_CHANGE };
enum { OUT_ID, OUT_KEY, OUT_AVERAGE, OUT_CHANGE };

static const struct sw_schema schema_elements = {
	.columns = 5,
	.changelog = true,
	.fields = { { .name = "key", .type = SW_INT64 }, { .name = "time", .type = SW_TIME_MS },
		{ .name = "id", .type = SW_INT64 }, { .name = "value", .type = SW_INT64 },
		{ .name = "change", .type = SW_INT32 } },
};

static const struct sw_schema schema_rows = {
	.columns = 4,
	.changelog = true,
	.fields = { { .name = "id", .type = SW_INT64 }, { .name = "key", .type = SW_INT64 },
		{ .name = "average", .type = SW_INT64 }, { .name = "change", .type = SW_INT32 } },
};

/* An element, by id; and its row as folded. */
struct element {
	bool there, used;
	int64_t key, time, value;
	bool given;
	int64_t average, watermark;
};

struct model {
	struct element elements[IDS];
	int64_t watermark; /* pushed so far */
	bool revised;      /* rows may be */
	uint64_t wrong;
};

static void take(void *context, const struct sw_batch *batch)
{
	struct model *model = context;

	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t id = sw_column_int64(&batch->columns[OUT_ID], row);
		int64_t average = sw_column_int64(&batch->columns[OUT_AVERAGE], row);
		int64_t change = sw_column_int64(&batch->columns[OUT_CHANGE], row);
		struct element *element;

		assert_in_range(id, 0, IDS - 1);
		element = &model->elements[id];
		model->wrong += sw_column_int64(&batch->columns[OUT_KEY], row) != element->key;
		model->wrong += batch->watermark > model->watermark;
		if (change == SW_CHANGE_INSERT || change == SW_CHANGE_UPDATE_AFTER) {
			model->wrong += element->given || batch->watermark <= element->time ||
					(change != SW_CHANGE_INSERT && !model->revised);
			element->average = average;
			element->given = true;
		} else {
			model->wrong +=
				!element->given || element->average != average || !model->revised;
			/* One change of a row for each watermark. */
			model->wrong += element->watermark >= batch->watermark;
			element->given = false;
		}
		element->watermark = batch->watermark;
	}
}

/* Is element a at or before element b in b's sequence? */
static bool at_or_before(const struct model *model, int a, int b)
{
	const struct element *x = &model->elements[a], *y = &model->elements[b];

	if (!x->there || x->key != y->key)
		return false;
	return x->time != y->time ? x->time < y->time : a <= b;
}

static void check(const struct model *model, unsigned window)
{
	for (int id = 0; id < IDS; id++) {
		int last[IDS];
		unsigned count = 0;
		int64_t sum = 0;

		assert_int_equal(model->elements[id].given, model->elements[id].there);
		if (!model->elements[id].there)
			continue;
		/* Those at or before it, in order, by insertion. */
		for (int other = 0; other < IDS; other++) {
			unsigned at = count;

			if (!at_or_before(model, other, id))
				continue;
			for (; at > 0 && at_or_before(model, other, last[at - 1]); at--)
				last[at] = last[at - 1];
			last[at] = other;
			count++;
		}
		for (unsigned i = count > window ? count - window : 0; i < count; i++)
			sum += model->elements[last[i]].value;
		if (count > window)
			count = window;
		assert_int_equal(model->elements[id].average, sum / (int64_t)count);
	}
}

static void put(
	struct sw_batch *batch, const struct element *element, int id, enum sw_change change)
{
	uint32_t row = batch->rows++;

	((int64_t *)batch->columns[IN_KEY].data)[row] = element->key;
	((int64_t *)batch->columns[IN_TIME].data)[row] = element->time;
	((int64_t *)batch->columns[IN_ID].data)[row] = id;
	((int64_t *)batch->columns[IN_VALUE].data)[row] = element->value;
	((int32_t *)batch->columns[IN_CHANGE].data)[row] = (int32_t)change;
}

static int64_t random_value(uint64_t *state)
{
	return (int64_t)random_below(state, 2001) - 1000;
}

/* Something new, or, where rows may be revised, of an element that is there: another value, or its
 * end. */
static void change_one(struct model *model, struct sw_batch *batch, uint64_t *state)
{
	int id = (int)random_below(state, IDS);
	struct element *element = &model->elements[id];

	if (!element->there) {
		if (element->used && !model->revised)
			return;
		element->there = true;
		/* One that comes back is where it was. */
		if (!element->used) {
			element->key = random_below(state, KEYS);
			element->time =
				(model->revised ? 0 : model->watermark) + random_below(state, 30);
		}
		element->used = true;
		element->value = random_value(state);
		put(batch, element, id, SW_CHANGE_INSERT);
	} else if (model->revised && random_below(state, 2)) {
		put(batch, element, id, SW_CHANGE_UPDATE_BEFORE);
		element->value = random_value(state);
		put(batch, element, id, SW_CHANGE_UPDATE_AFTER);
	} else if (model->revised) {
		put(batch, element, id, SW_CHANGE_DELETE);
		element->there = false;
	}
}

static void run_random(bool revised, unsigned workers, uint64_t *state)
{
	struct sw_moving_average_config config = { .key = IN_KEY,
		.time = IN_TIME,
		.id = IN_ID,
		.value = IN_VALUE,
		.window = 1 + random_below(state, 12),
		.forgets = !revised };
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;
	struct model *model = calloc(1, sizeof(*model));
	struct merge_run run;

	assert_non_null(model);
	model->revised = revised;
	stage.name = "average";
	stage.op = &sw_moving_average;
	stage.config = &config;
	stage.output_schemas[0] = &schema_rows;
	merge_start(&run, workers, &schema_elements, &stage, take, model);
	for (int step = 0; step < STEPS; step++) {
		struct sw_batch *batch = merge_batch(&run);

		for (uint32_t i = random_below(state, 30);
			i > 0 && batch->rows + 2 <= batch->capacity; i--)
			change_one(model, batch, state);
		model->watermark += random_below(state, 2) ? random_below(state, 15) : 0;
		merge_push(&run, batch, model->watermark);
	}
	model->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(model->wrong, 0);
	check(model, config.window);
	free(model);
}

static void in_order(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned turn = 0; turn < 9; turn++)
		run_random(false, 1 + turn % 3, &state);
}

/* With one worker: an element's changes have to come in order, and the input's batches would go to
 * several workers in turns. */
static void revised(void **unused)
{
	uint64_t state = seed;

	(void)unused;
	for (unsigned turn = 0; turn < 9; turn++)
		run_random(true, 1, &state);
}

/* Many elements of a key at one watermark, and the greatest values that there are. */
static void long_runs(void **unused)
{
	static const struct sw_moving_average_config config = { .key = IN_KEY,
		.time = IN_TIME,
		.id = IN_ID,
		.value = IN_VALUE,
		.window = 10,
		.forgets = true };
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;
	struct model *model = calloc(1, sizeof(*model));
	struct merge_run run;

	(void)unused;
	assert_non_null(model);
	stage.name = "average";
	stage.op = &sw_moving_average;
	stage.config = &config;
	stage.output_schemas[0] = &schema_rows;
	merge_start(&run, 1, &schema_elements, &stage, take, model);
	for (int id = IDS - 1; id >= 0;) {
		struct sw_batch *batch = merge_batch(&run);

		for (; id >= 0 && batch->rows < batch->capacity; id--) {
			model->elements[id] = (struct element){
				.there = true, .key = 3, .time = id / 2, .value = INT64_MAX
			};
			put(batch, &model->elements[id], id, SW_CHANGE_INSERT);
		}
		merge_push(&run, batch, 0);
	}
	model->watermark = SW_TIME_END;
	merge_end(&run);
	assert_int_equal(model->wrong, 0);
	for (int id = 0; id < IDS; id++)
		assert_int_equal(model->elements[id].average, INT64_MAX);
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(revised),
		cmocka_unit_test(long_runs),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

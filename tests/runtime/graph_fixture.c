/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runtime/clock.h"
#include "tests/runtime/graph_fixture.h"

const struct sw_schema number_schema = {
	.columns = 3,
	.fields = { { "key", SW_INT64, 0, NULL }, { "number", SW_INT64, 0, NULL },
		{ "text", SW_TEXT, 24, NULL } },
};

static const struct sw_schema partial_schema = {
	.columns = 4,
	.fields = { { "key", SW_INT64, 0, NULL }, { "window", SW_INT64, 0, NULL },
		{ "sum", SW_INT64, 0, NULL }, { "count", SW_INT32, 0, NULL } },
};

/* ---- Source ---- */

static enum sw_poll numbers_poll(struct sw_instance *self, void *state)
{
	struct numbers_config *config = (struct numbers_config *)sw_instance_config(self);
	uint32_t rows = sw_instance_batch_rows(self);
	uint64_t first = atomic_fetch_add(&config->next, rows), end = first + rows;
	struct sw_batch *batch;

	(void)state;
	if (first >= config->count)
		return SW_POLL_DONE;
	if (end > config->count)
		end = config->count;
	if (first <= config->fail_at && config->fail_at < end) {
		sw_instance_fail(self, -EIO, "numbers: %llu: cannot be made",
			(unsigned long long)config->fail_at);
		return SW_POLL_FAILED;
	}
	if (first <= config->sleep_at && config->sleep_at < end)
		nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
	batch = sw_batch_new(self, 0);
	if (!batch)
		return SW_POLL_IDLE;
	for (uint64_t n = first; n < end; n++) {
		char text[24];

		((int64_t *)batch->columns[0].data)[batch->rows] = (int64_t)(n % KEYS);
		((int64_t *)batch->columns[1].data)[batch->rows] = (int64_t)n;
		assert_true(sw_column_append_text(&batch->columns[2], batch->rows, text,
			(uint32_t)snprintf(text, sizeof(text), "<%llu>", (unsigned long long)n)));
		batch->rows++;
	}
	batch->events = (uint32_t)(end - first);
	batch->number = first / rows;
	batch->intended_ns = sw_now_ns();
	sw_instance_count_events(self, end - first);
	sw_emit(self, 0, batch);
	/* Chunks are claimed in order: whatever this instance gets later is later. */
	sw_instance_watermark(self, (int64_t)end);
	return SW_POLL_MADE;
}

const struct sw_operator numbers_source = { .name = "numbers", .poll = numbers_poll };

/* ---- Kernels ---- */

static int triple_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	int64_t *numbers = in->columns[1].data;

	(void)config;
	(void)scratch;
	(void)out;
	for (uint32_t i = 0; i < sw_batch_count(in); i++)
		numbers[sw_batch_row(in, i)] *= 3;
	return 0;
}

const struct sw_kernel triple_kernel = {
	.name = "test.triple",
	.version = 1,
	.in = &number_schema,
	.out = &number_schema,
	.in_place = true,
	.run = triple_run,
};

static int partial_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	for (uint32_t i = 0; i < sw_batch_count(in); i++) {
		uint32_t row = sw_batch_row(in, i), at = 0;
		int64_t key = sw_column_int64(&in->columns[0], row);
		int64_t number = sw_column_int64(&in->columns[1], row), window = number / WINDOW;
		int64_t *keys = out->columns[0].data, *windows = out->columns[1].data;

		while (at < out->rows && (keys[at] != key || windows[at] != window))
			at++;
		if (at == out->rows) {
			out->rows++;
			keys[at] = key;
			windows[at] = window;
			((int64_t *)out->columns[2].data)[at] = 0;
			((int32_t *)out->columns[3].data)[at] = 0;
		}
		((int64_t *)out->columns[2].data)[at] += 3 * number;
		((int32_t *)out->columns[3].data)[at]++;
	}
	return 0;
}

const struct sw_kernel partial_kernel = {
	.name = "test.partial",
	.version = 1,
	.in = &number_schema,
	.out = &partial_schema,
	.run = partial_run,
};

/* ---- Merge ---- */

struct merge {
	int64_t *sum;
	int32_t *count;
	int64_t closed; /* windows below are closed */
	uint64_t windows;
	int64_t late;
};

static int merge_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct fixture *fixture = sw_instance_config(self);
	struct merge *merge = state;

	(void)error;
	merge->windows = fixture->sums.windows;
	merge->sum = calloc(merge->windows * KEYS, sizeof(*merge->sum));
	merge->count = calloc(merge->windows * KEYS, sizeof(*merge->count));
	return merge->sum && merge->count ? 0 : -ENOMEM;
}

static void merge_close(struct sw_instance *self, void *state)
{
	struct merge *merge = state;

	(void)self;
	free(merge->sum);
	free(merge->count);
}

static int merge_rows(struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct merge *merge = state;

	(void)input;
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t key = sw_column_int64(&batch->columns[0], row);
		int64_t value = sw_column_int64(&batch->columns[1], row);
		struct sw_text text = sw_column_text(&batch->columns[2], row);
		char want[24];
		size_t size = (size_t)snprintf(want, sizeof(want), "<%lld>", (long long)value / 3);
		int64_t window = value / 3 / WINDOW;

		if (window < merge->closed || size != text.size || memcmp(want, text.bytes, size))
			return sw_instance_fail(
				self, -EBADMSG, "merge: row %lld is late or bad", (long long)value);
		merge->sum[window * KEYS + key] += value;
		merge->count[window * KEYS + key]++;
	}
	sw_release(self, batch);
	return 0;
}

static int merge_partials(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct merge *merge = state;

	(void)input;
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t key = sw_column_int64(&batch->columns[0], row);
		int64_t window = sw_column_int64(&batch->columns[1], row);

		if (window < merge->closed)
			return sw_instance_fail(
				self, -EBADMSG, "merge: window %lld is late", (long long)window);
		merge->sum[window * KEYS + key] += sw_column_int64(&batch->columns[2], row);
		merge->count[window * KEYS + key] +=
			(int32_t)sw_column_int64(&batch->columns[3], row);
	}
	sw_release(self, batch);
	return 0;
}

static int merge_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct merge *merge = state;
	int64_t until = watermark == SW_TIME_END ? (int64_t)merge->windows : watermark / WINDOW;
	struct sw_batch *batch = NULL;

	for (; merge->closed < until && merge->closed < (int64_t)merge->windows; merge->closed++) {
		for (int64_t key = 0; key < KEYS; key++) {
			int64_t at = merge->closed * KEYS + key;

			if (!merge->count[at])
				continue;
			if (!batch && !(batch = sw_batch_new(self, 0)))
				return 0;
			((int64_t *)batch->columns[0].data)[batch->rows] = key;
			((int64_t *)batch->columns[1].data)[batch->rows] = merge->closed;
			((int64_t *)batch->columns[2].data)[batch->rows] = merge->sum[at];
			((int32_t *)batch->columns[3].data)[batch->rows] = merge->count[at];
			if (++batch->rows == batch->capacity) {
				sw_emit(self, 0, batch);
				batch = NULL;
			}
		}
	}
	if (batch)
		sw_emit(self, 0, batch);
	return sw_instance_state_bytes(self, merge->windows * KEYS * 12);
}

static const struct sw_operator merge_rows_operator = {
	.name = "merge rows",
	.state_bytes = sizeof(struct merge),
	.open = merge_open,
	.close = merge_close,
	.process = merge_rows,
	.advance = merge_advance,
};

static const struct sw_operator merge_partials_operator = {
	.name = "merge partials",
	.state_bytes = sizeof(struct merge),
	.open = merge_open,
	.close = merge_close,
	.process = merge_partials,
	.advance = merge_advance,
};

/* ---- Sink: one instance, so it needs no care ---- */

static int collect(struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct sums *sums = (struct sums *)sw_instance_config(self);

	(void)state;
	(void)input;
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t key = sw_column_int64(&batch->columns[0], row);
		int64_t window = sw_column_int64(&batch->columns[1], row);
		uint64_t at = (uint64_t)window * KEYS + (uint64_t)key;

		sums->rows++;
		if (sums->count[at])
			sums->early++;
		sums->sum[at] += sw_column_int64(&batch->columns[2], row);
		sums->count[at] += (uint64_t)sw_column_int64(&batch->columns[3], row);
	}
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator collect_operator = { .name = "collect", .process = collect };

int fixture_build(struct fixture *fixture, struct sw_stage *source, bool partials)
{
	struct sw_stage_options merge = SW_STAGE_OPTIONS_INIT, sink = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *kernel, *merged, *end;
	struct sw_graph *graph = fixture->graph;
	struct sw_error error;
	int code;

	kernel = sw_graph_add_kernel(graph, partials ? "partial" : "triple",
		partials ? &partial_kernel : &triple_kernel, NULL, &error);
	assert_non_null(kernel);
	merge.name = "merge";
	merge.op = partials ? &merge_partials_operator : &merge_rows_operator;
	merge.config = fixture;
	merge.output_schemas[0] = &partial_schema;
	merge.measures_latency = true;
	merged = sw_graph_add_stage(graph, &merge, &error);
	assert_non_null(merged);
	sink.name = "collect";
	sink.op = &collect_operator;
	sink.config = &fixture->sums;
	sink.outputs = 0;
	sink.blocking = true;
	end = sw_graph_add_stage(graph, &sink, &error);
	assert_non_null(end);
	code = sw_graph_connect(graph, source, 0, kernel, 0, SW_ROUTE_FORWARD, 0, &error);
	if (!code)
		code = sw_graph_connect(graph, kernel, 0, merged, 0, SW_ROUTE_KEYED, 0, &error);
	if (!code)
		code = sw_graph_connect(graph, merged, 0, end, 0, SW_ROUTE_FORWARD, 0, &error);
	return code;
}

int fixture_open(struct fixture *fixture, const struct sw_graph_options *options, uint64_t count,
	bool partials)
{
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *stage;
	struct sw_error error;

	memset(fixture, 0, sizeof(*fixture));
	fixture->numbers = (struct numbers_config){
		.count = count, .fail_at = UINT64_MAX, .sleep_at = UINT64_MAX
	};
	fixture->sums.windows = count / WINDOW + 1;
	fixture->sums.sum = calloc(fixture->sums.windows * KEYS, sizeof(int64_t));
	fixture->sums.count = calloc(fixture->sums.windows * KEYS, sizeof(uint64_t));
	if (sw_graph_create(options, &fixture->graph, &error))
		fail_msg("%s", error.text);
	if (options->size == 0)
		return -EINVAL;
	source.name = "numbers";
	source.op = &numbers_source;
	source.config = &fixture->numbers;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	stage = sw_graph_add_stage(fixture->graph, &source, &error);
	assert_non_null(stage);
	return fixture_build(fixture, stage, partials);
}

void fixture_check(struct fixture *fixture, uint64_t count)
{
	struct sums *sums = &fixture->sums;
	uint64_t rows = 0;

	assert_int_equal(sums->early, 0);
	for (uint64_t window = 0; window < sums->windows; window++) {
		for (uint64_t key = 0; key < KEYS; key++) {
			uint64_t first = window * WINDOW, end = first + WINDOW, n = 0;
			int64_t sum = 0;

			if (end > count)
				end = count;
			for (uint64_t i = first; i < end; i++) {
				if (i % KEYS == key) {
					sum += 3 * (int64_t)i;
					n++;
				}
			}
			rows += n > 0;
			assert_int_equal(sums->sum[window * KEYS + key], sum);
			assert_int_equal(sums->count[window * KEYS + key], n);
		}
	}
	assert_int_equal(sums->rows, rows);
}

void fixture_close(struct fixture *fixture)
{
	sw_graph_destroy(fixture->graph);
	free(fixture->sums.sum);
	free(fixture->sums.count);
}

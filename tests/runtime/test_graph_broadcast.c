/* SPDX-License-Identifier: MIT */
/* Broadcast edges: every instance gets every row that counts, once, before its watermark. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/runtime/graph_fixture.h"

#define NUMBERS   50021u
#define INSTANCES 7u

/* What each instance has seen: its own line, read when the graph has ended. */
struct seen {
	_Alignas(128) uint8_t times[NUMBERS];
	uint64_t late, bad_text;
	int64_t watermark;
};

static struct seen *seen;

/* Every third number counts. */
static int thirds_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *numbers = in->columns[1].data;
	uint32_t count = 0;

	(void)config;
	(void)scratch;
	(void)out;
	for (uint32_t i = 0; i < in->rows; i++)
		if (numbers[i] % 3 == 0)
			in->selection_space[count++] = (uint16_t)i;
	in->selected = in->selection_space;
	in->selected_rows = count;
	return 0;
}

static const struct sw_kernel thirds_kernel = {
	.name = "test.thirds",
	.version = 1,
	.in = &number_schema,
	.out = &number_schema,
	.in_place = true,
	.run = thirds_run,
};

static int see(struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct seen *mine = &seen[sw_instance_index(self)];

	(void)state;
	(void)input;
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t number = sw_column_int64(&batch->columns[1], row);
		struct sw_text text = sw_column_text(&batch->columns[2], row);
		char expected[24];

		snprintf(expected, sizeof(expected), "<%lld>", (long long)number);
		mine->times[number]++;
		mine->late += number < mine->watermark;
		mine->bad_text += text.size != strlen(expected) ||
				  memcmp(text.bytes, expected, text.size) != 0;
	}
	sw_release(self, batch);
	return 0;
}

static int look_at(struct sw_instance *self, void *state, int64_t watermark)
{
	(void)state;
	seen[sw_instance_index(self)].watermark = watermark;
	return 0;
}

static const struct sw_operator see_operator = {
	.name = "see",
	.process = see,
	.advance = look_at,
};

static void check(const struct sw_graph *graph, unsigned instances)
{
	struct sw_edge_stats edge;

	for (unsigned i = 0; i < instances; i++) {
		assert_int_equal(seen[i].late, 0);
		assert_int_equal(seen[i].bad_text, 0);
		for (uint32_t n = 0; n < NUMBERS; n++)
			assert_int_equal(seen[i].times[n], n % 3 == 0);
	}
	sw_graph_edge_stats(graph, 1, &edge);
	assert_int_equal(edge.route, SW_ROUTE_BROADCAST);
	assert_int_equal(edge.rows, (NUMBERS + 2) / 3 * instances);
	assert_int_equal(edge.crossed_rows, (NUMBERS + 2) / 3 * (instances - 1));
}

static void run_one(unsigned workers, uint32_t batch_rows, uint32_t ring_slots)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT, end = SW_STAGE_OPTIONS_INIT;
	struct numbers_config numbers = {
		.count = NUMBERS, .fail_at = UINT64_MAX, .sleep_at = NUMBERS / 2
	};
	struct sw_stage *from, *kernel, *to;
	struct sw_graph *graph;
	struct sw_error error;

	memset(seen, 0, INSTANCES * sizeof(*seen));
	for (unsigned i = 0; i < INSTANCES; i++)
		seen[i].watermark = SW_TIME_MIN;
	options.workers = workers;
	options.batch_rows = batch_rows;
	options.ring_slots = ring_slots;
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	source.name = "numbers";
	source.op = &numbers_source;
	source.config = &numbers;
	source.inputs = 0;
	source.output_schemas[0] = &number_schema;
	end.name = "see";
	end.op = &see_operator;
	end.outputs = 0;
	from = sw_graph_add_stage(graph, &source, &error);
	kernel = sw_graph_add_kernel(graph, "thirds", &thirds_kernel, NULL, &error);
	to = sw_graph_add_stage(graph, &end, &error);
	assert_true(from && kernel && to);
	if (sw_graph_connect(graph, from, 0, kernel, 0, SW_ROUTE_FORWARD, 0, &error) ||
		sw_graph_connect(graph, kernel, 0, to, 0, SW_ROUTE_BROADCAST, 0, &error) ||
		sw_graph_start(graph, &error) || sw_graph_wait(graph, -1, &error))
		fail_msg("%s", error.text);
	check(graph, workers);
	sw_graph_destroy(graph);
}

static void test_everybody_gets_all(void **state)
{
	static const unsigned workers[] = { 1, 2, 3, INSTANCES };
	static const uint32_t rows[] = { 7, 64, 1024 };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 3; j++)
			run_one(workers[i], rows[j], 8);
}

static void test_smallest_rings(void **state)
{
	(void)state;
	run_one(INSTANCES, 100, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everybody_gets_all),
		cmocka_unit_test(test_smallest_rings),
	};
	int code;

	seen = aligned_alloc(128, INSTANCES * sizeof(*seen));
	if (!seen)
		return 1;
	code = cmocka_run_group_tests(tests, NULL, NULL);
	free(seen);
	return code;
}

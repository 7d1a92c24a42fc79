/* SPDX-License-Identifier: MIT */
#include "tests/nexmark/source_fixture.h"

#include "operators/csv_text.h"
#include "tests/runtime/cmocka_all.h"

#define INSTANCES_MAX 4

/* ---- A stage that looks at what comes ---- */

struct probe_config {
	const struct query_plan *plan;
	uint32_t batch_rows;
	struct seen seen[INSTANCES_MAX]; /* each instance its own */
};

struct probe {
	enum sw_nexmark_event types[SW_NEXMARK_EVENTS];
	struct seen *seen;
	char line[80000];
};

static int probe_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct probe_config *config = sw_instance_config(self);
	struct probe *probe = state;
	unsigned inputs = 0;

	(void)error;
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
		if (config->plan->inputs[type].columns)
			probe->types[inputs++] = (enum sw_nexmark_event)type;
	probe->seen = (struct seen *)&config->seen[sw_instance_index(self)];
	*probe->seen = (struct seen){ .watermark = SW_TIME_MIN };
	return 0;
}

static int probe_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	const struct probe_config *config = sw_instance_config(self);
	struct probe *probe = state;
	struct seen *seen = probe->seen;
	enum sw_nexmark_event type = probe->types[input];
	int time = sw_schema_find(batch->schema, "dateTime");

	seen->bad += batch->rows == 0 || batch->rows > config->batch_rows || !batch->intended_ns ||
		     batch->arrival_ms == 0;
	seen->batches[type]++;
	seen->rows[type] += batch->rows;
	seen->events += batch->events;
	for (uint32_t row = 0; row < batch->rows; row++) {
		size_t bytes = sw_csv_row(batch, row, probe->line);

		seen->hash[type] += sw_csv_line_hash(probe->line, bytes);
		if (time < 0)
			continue;
		seen->late += sw_column_int64(&batch->columns[time], row) < seen->watermark;
		seen->bad += sw_column_int64(&batch->columns[time], row) < batch->time_min_ms;
		seen->bad += sw_column_int64(&batch->columns[time], row) > batch->time_max_ms;
	}
	sw_release(self, batch);
	return 0;
}

static int probe_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct probe *probe = state;

	(void)self;
	probe->seen->watermark = watermark;
	return 0;
}

static const struct sw_operator probe_operator = {
	.name = "probe",
	.state_bytes = sizeof(struct probe),
	.open = probe_open,
	.process = probe_process,
	.advance = probe_advance,
};

/* ---- A source and the probe ---- */

void source_run_init(struct source_run *run, uint32_t people, uint32_t auctions, uint32_t bids)
{
	*run = (struct source_run){
		.graph = SW_GRAPH_OPTIONS_INIT,
		.options = SW_NEXMARK_OPTIONS_INIT,
		.op = &source_generator,
	};
	run->graph.workers = 2;
	run->graph.pin = "none";
	run->options.num_events = 4000;
	run->plan.inputs[SW_PERSON].columns = people;
	run->plan.inputs[SW_AUCTION].columns = auctions;
	run->plan.inputs[SW_BID].columns = bids;
	run->config.watermark_delay_ms = 4000;
}

static struct sw_stage *add_source(struct sw_graph *graph, struct source_run *run)
{
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;

	stage.name = "source";
	stage.op = run->op;
	stage.config = &run->config;
	stage.inputs = stage.outputs = 0;
	if (run->config.input_dir) {
		stage.instances = 1;
		stage.blocking = true;
	}
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		if (!run->config.schemas[type])
			continue;
		if (run->config.input_dir)
			stage.output_text_bytes[stage.outputs] = CSV_TEXT_BYTES;
		stage.output_schemas[stage.outputs++] = run->config.schemas[type];
	}
	return sw_graph_add_stage(graph, &stage, &run->error);
}

static int run_graph(struct source_run *run, struct probe_config *probe)
{
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *source, *sink;
	struct sw_graph *graph;
	int code = sw_graph_create(&run->graph, &graph, &run->error);

	assert_int_equal(code, 0);
	source = add_source(graph, run);
	assert_non_null(source);
	stage.name = "probe";
	stage.op = &probe_operator;
	stage.config = probe;
	stage.inputs = 0;
	stage.outputs = 0;
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
		stage.inputs += run->config.schemas[type] != NULL;
	sink = sw_graph_add_stage(graph, &stage, &run->error);
	assert_non_null(sink);
	for (unsigned i = 0; i < stage.inputs && !code; i++)
		code = sw_graph_connect(
			graph, source, i, sink, i, SW_ROUTE_FORWARD, 0, &run->error);
	if (!code)
		code = sw_graph_start(graph, &run->error);
	if (!code) {
		code = sw_graph_wait(graph, -1, &run->error);
		sw_graph_stats(graph, &run->stats);
	}
	sw_graph_destroy(graph);
	return code;
}

static void add_up(struct source_run *run, const struct probe_config *probe)
{
	run->seen = (struct seen){ .watermark = 0 };
	for (unsigned i = 0; i < run->graph.workers; i++) {
		const struct seen *seen = &probe->seen[i];

		for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
			run->seen.rows[type] += seen->rows[type];
			run->seen.hash[type] += seen->hash[type];
			run->seen.batches[type] += seen->batches[type];
		}
		run->seen.events += seen->events;
		run->seen.late += seen->late;
		run->seen.bad += seen->bad;
		assert_true(seen->watermark == SW_TIME_END);
	}
}

int source_run(struct source_run *run, const struct sw_nexmark_generator *generator)
{
	struct probe_config probe = { .plan = &run->plan, .batch_rows = run->graph.batch_rows };
	struct sw_schema schemas[SW_NEXMARK_EVENTS];
	int code;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		enum sw_nexmark_event kind = (enum sw_nexmark_event)type;
		uint32_t columns = run->plan.inputs[type].columns;

		run->config.schemas[type] = columns ? &schemas[type] : NULL;
		run->config.rows[type] = run->graph.batch_rows;
		if (!columns)
			continue;
		code = generator ? sw_nexmark_generator_schema(
					   generator, kind, columns, &schemas[type])
				 : sw_nexmark_schema(kind, columns, NULL, &schemas[type]);
		assert_int_equal(code, 0);
	}
	run->config.generator = generator;
	run->config.plan = &run->plan;
	run->config.shared = source_shared_create();
	assert_non_null(run->config.shared);
	code = run_graph(run, &probe);
	if (!code)
		add_up(run, &probe);
	source_shared_destroy(run->config.shared);
	return code;
}

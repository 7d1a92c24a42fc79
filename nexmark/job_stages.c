/* SPDX-License-Identifier: MIT */

/* How a job puts a query into a graph: its source, kernels, merges and sink. */

#include <stdio.h>

#include "nexmark/generator.h"
#include "nexmark/job_private.h"
#include "operators/equi_join.h"

/* Rows of a batch of this kind. Beside bids, which are nearly all events, few of the others come
 * in a batch's time. */
static uint32_t kind_rows(
	const struct sw_nexmark_job *job, enum sw_nexmark_event type, uint32_t batch_rows)
{
	const struct sw_nexmark_options *options;
	uint64_t part, group, rows;

	if (!job->generator || type == SW_BID || !job->source.schemas[SW_BID])
		return batch_rows;
	options = sw_nexmark_generator_options(job->generator);
	part = (uint64_t)(type == SW_PERSON ? options->person_proportion
					    : options->auction_proportion);
	group = (uint64_t)(options->person_proportion + options->auction_proportion +
			   options->bid_proportion);
	/* And a part more, so that it is not missed by one. */
	rows = batch_rows * part / group + part + 1;
	return rows < batch_rows ? (uint32_t)rows : batch_rows;
}

static struct sw_stage *add_source(struct sw_graph *graph, struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;

	stage.name = "source";
	stage.config = &job->source;
	stage.inputs = 0;
	stage.outputs = 0;
	stage.op = options->replay ? &source_replay : &source_generator;
	if (options->input_dir) {
		stage.op = &source_csv;
		stage.instances = 1;
		stage.blocking = true;
	}
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		if (!job->source.schemas[type])
			continue;
		job->source.rows[type] =
			kind_rows(job, (enum sw_nexmark_event)type, sw_graph_batch_rows(graph));
		stage.output_rows[stage.outputs] = job->source.rows[type];
		stage.output_schemas[stage.outputs] = job->source.schemas[type];
		if (options->input_dir)
			stage.output_text_bytes[stage.outputs] = CSV_TEXT_BYTES;
		stage.outputs++;
	}
	return sw_graph_add_stage(graph, &stage, error);
}

#define MERGE_TEXT_BYTES 4096u

/* Room for text in a column of a merge's batches: any one text of the source has to fit. */
static size_t merge_text_bytes(
	const struct sw_nexmark_job *job, const struct plan_merge *merge, uint32_t batch_rows)
{
	size_t most = merge->text_bytes > MERGE_TEXT_BYTES ? merge->text_bytes : MERGE_TEXT_BYTES;

	if (job->input_dir && most < CSV_TEXT_BYTES)
		most = CSV_TEXT_BYTES;
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		const struct sw_schema *schema = job->source.schemas[type];

		for (uint32_t i = 0; schema && i < schema->columns; i++)
			if (schema->fields[i].type == SW_TEXT &&
				schema->fields[i].text_bytes > most)
				most = schema->fields[i].text_bytes;
	}
	for (uint32_t i = 0; i < merge->out->columns; i++) {
		size_t typical = (size_t)merge->out->fields[i].text_bytes * batch_rows;

		if (merge->out->fields[i].type == SW_TEXT && typical > most)
			most = typical;
	}
	return most;
}

static struct sw_stage *add_merge(struct sw_graph *graph, const struct sw_nexmark_job *job,
	unsigned index, unsigned inputs, struct sw_error *error)
{
	const struct plan_merge *merge = &job->plan.merges[index];
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;

	stage.name = index == 0 ? "merge" : "final";
	stage.op = merge->op;
	stage.config = merge->config;
	stage.measures_latency = index == 0;
	stage.inputs = inputs;
	stage.output_schemas[0] = merge->out;
	stage.output_text_bytes[0] = merge_text_bytes(job, merge, sw_graph_batch_rows(graph));
	return sw_graph_add_stage(graph, &stage, error);
}

/* The program's rows are counted on their way. */
static void count_and_hand_over(void *context, const struct sw_batch *batch)
{
	struct sw_nexmark_job *job = context;
	struct sw_sink_counts counts = { 0 };

	sw_sink_count_rows(&counts, batch);
	sw_sink_totals_add(job->totals, &counts);
	job->on_batch(job->on_batch_context, batch);
}

static struct sw_stage *add_sink(struct sw_graph *graph, struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;

	if (options->on_batch)
		return sw_graph_add_output(graph, "output", count_and_hand_over, job, error);
	stage.name = "sink";
	stage.outputs = 0;
	/* With a merge the merge measures: its results come when windows close. */
	stage.measures_latency = !job->plan.merge_count;
	if (job->output || job->changelog) {
		job->csv = (struct sw_csv_sink_config){ .file = job->output,
			.changelog = job->changelog,
			.schema = job->plan.result,
			.totals = job->totals,
			.checksum = options->checksum,
			.ordered = options->ordered };
		stage.op = &sw_csv_sink;
		stage.config = &job->csv;
		stage.instances = 1;
		stage.blocking = true;
	} else if (job->output_dir) {
		job->partitions = (struct sw_partition_sink_config){ .folder = job->output_dir,
			.schema = job->plan.result,
			.time_column = job->plan.sink.time_column,
			.period_ms = job->plan.sink.period_ms,
			.name = job->plan.sink.folder_name,
			.totals = job->totals,
			.checksum = options->checksum };
		stage.op = &sw_partition_sink;
		stage.config = &job->partitions;
		stage.instances = 1;
		stage.blocking = true;
	} else {
		job->blackhole = (struct sw_blackhole_config){ .totals = job->totals,
			.checksum = options->checksum };
		stage.op = &sw_blackhole;
		stage.config = &job->blackhole;
	}
	return sw_graph_add_stage(graph, &stage, error);
}

/* "q3" with one kind of event, else "q3.person" and so on. */
static struct sw_stage *add_kernel(struct sw_graph *graph, const struct sw_nexmark_job *job,
	enum sw_nexmark_event type, unsigned kinds, struct sw_error *error)
{
	const struct plan_input *input = &job->plan.inputs[type];
	char name[32];

	snprintf(name, sizeof(name), "%s%s%s", job->query->about.name, kinds > 1 ? "." : "",
		kinds > 1 ? sw_nexmark_event_name(type) : "");
	return sw_graph_add_kernel(graph, name, input->kernel, input->kernel_config, error);
}

static enum sw_route route_to(const struct plan_merge *merge)
{
	return merge->forward ? SW_ROUTE_FORWARD : SW_ROUTE_KEYED;
}

/* From the kernel to its input of the first merge. */
static int connect_kernel(struct sw_graph *graph, const struct sw_nexmark_job *job,
	const struct plan_input *input, struct sw_stage *kernel, struct sw_stage *merge,
	unsigned number, struct sw_error *error)
{
	const struct plan_merge *first = &job->plan.merges[0];
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *kept;
	int code;

	if (!input->kept_apart)
		return sw_graph_connect(
			graph, kernel, 0, merge, number, route_to(first), input->key_column, error);
	options.name = "kept";
	options.op = &sw_equi_join_keep;
	options.config = first->config;
	options.output_schemas[0] = &sw_equi_join_kept_schema;
	kept = sw_graph_add_stage(graph, &options, error);
	if (!kept)
		return error->code;
	code = sw_graph_connect(graph, kernel, 0, kept, 0, SW_ROUTE_FORWARD, 0, error);
	return code ? code
		    : sw_graph_connect(graph, kept, 0, merge, number, SW_ROUTE_BROADCAST, 0, error);
}

/* The kernels between the source and `merge`; without a merge there is just one, *last. */
static int add_fronts(struct sw_graph *graph, struct sw_nexmark_job *job, struct sw_stage *source,
	struct sw_stage *merge, unsigned kinds, struct sw_stage **last, struct sw_error *error)
{
	unsigned number = 0;
	int code = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS && !code; type++) {
		const struct plan_input *input = &job->plan.inputs[type];

		if (!input->columns)
			continue;
		*last = add_kernel(graph, job, (enum sw_nexmark_event)type, kinds, error);
		if (!*last)
			return error->code;
		code = sw_graph_connect(
			graph, source, number, *last, 0, SW_ROUTE_FORWARD, 0, error);
		if (!code && merge)
			code = connect_kernel(graph, job, input, *last, merge, number, error);
		number++;
	}
	return code;
}

int job_add_stages(struct sw_graph *graph, struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	const struct query_plan *plan = &job->plan;
	struct sw_stage *merges[PLAN_MERGES_MAX] = { NULL };
	struct sw_stage *source = add_source(graph, job, options, error), *sink;
	struct sw_stage *last = NULL;
	unsigned kinds = 0;
	int code;

	if (!source)
		return error->code;
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++)
		kinds += plan->inputs[type].columns != 0;
	for (unsigned i = 0; i < plan->merge_count; i++) {
		merges[i] = add_merge(graph, job, i, i == 0 ? kinds : 1, error);
		if (!merges[i])
			return error->code;
	}
	code = add_fronts(graph, job, source, merges[0], kinds, &last, error);
	for (unsigned i = 0; i < plan->merge_count && !code; i++) {
		if (i > 0)
			code = sw_graph_connect(graph, last, 0, merges[i], 0,
				route_to(&plan->merges[i]), plan->merges[i - 1].key_column, error);
		last = merges[i];
	}
	if (code)
		return code;
	sink = add_sink(graph, job, options, error);
	if (!sink)
		return error->code;
	return sw_graph_connect(graph, last, 0, sink, 0, SW_ROUTE_FORWARD, 0, error);
}

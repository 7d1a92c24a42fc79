/* SPDX-License-Identifier: MIT */

/* How a job puts a query into a graph: its source, kernels, merges and sink. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/generator.h"
#include "nexmark/job_private.h"
#include "operators/blackhole.h"
#include "operators/csv_sink.h"
#include "operators/csv_text.h"

struct sw_nexmark_job {
	const struct query *query;
	struct query_plan plan;
	struct sw_nexmark_generator *generator;
	struct sw_schema events[SW_NEXMARK_EVENTS]; /* what the source makes of each kind */
	struct source_shared *shared;
	struct source_config source;
	char *input_dir;
	struct sw_csv_file *output, *changelog, *late;
	struct sw_sink_totals *totals;
	struct sw_blackhole_config blackhole;
	struct sw_csv_sink_config csv;
	char *output_dir; /* of partitions */
	struct sw_partition_sink_config partitions;
	bool has_checksum;
	sw_output_fn on_batch;
	void *on_batch_context;
	char columns[512], reads[1024];
};

/* ---- What is read ---- */

/* "bid.auction,bid.price" of the columns that are made. */
static void list_reads(struct sw_nexmark_job *job)
{
	size_t used = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		const char *name = sw_nexmark_event_name((enum sw_nexmark_event)type);

		for (uint32_t i = 0; job->source.schemas[type] && i < job->events[type].columns;
			i++)
			used += (size_t)snprintf(job->reads + used, sizeof(job->reads) - used,
				"%s%s.%s", used > 0 ? "," : "", name,
				job->events[type].fields[i].name);
	}
}

/* What a dictionary's column comes to as text: kernels' limits count it. */
static uint32_t longest_entry(const struct sw_dictionary *dictionary)
{
	uint32_t longest = 0;

	for (uint32_t i = 0; i < dictionary->entries; i++) {
		uint32_t size = (uint32_t)(dictionary->offsets[i + 1] - dictionary->offsets[i]);

		if (size > longest)
			longest = size;
	}
	return longest;
}

static int make_schema(
	struct sw_nexmark_job *job, enum sw_nexmark_event type, struct sw_error *error)
{
	struct sw_schema *schema = &job->events[type];
	uint32_t columns = job->plan.inputs[type].columns;
	int code = job->generator
			   ? sw_nexmark_generator_schema(job->generator, type, columns, schema)
			   : sw_nexmark_schema(type, columns, NULL, schema);

	if (code)
		return sw_error_set(error, code, "columns of %s: %s", sw_nexmark_event_name(type),
			strerror(-code));
	for (uint32_t i = 0; i < schema->columns; i++)
		if (schema->fields[i].dictionary)
			schema->fields[i].text_bytes = longest_entry(schema->fields[i].dictionary);
	job->source.schemas[type] = schema;
	return 0;
}

static int make_schemas(struct sw_nexmark_job *job, struct sw_error *error)
{
	int code = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS && !code; type++)
		if (job->plan.inputs[type].columns)
			code = make_schema(job, (enum sw_nexmark_event)type, error);
	return code;
}

static int open_generator(struct sw_nexmark_job *job, const struct sw_nexmark_job_options *options,
	struct sw_error *error)
{
	const struct sw_nexmark_options defaults = SW_NEXMARK_OPTIONS_INIT;
	const struct sw_nexmark_options *generator =
		options->generator ? options->generator : &defaults;
	int code = sw_nexmark_generator_create(generator, &job->generator, error);

	if (code)
		return code;
	job->source.generator = job->generator;
	job->plan.facts.never_late = true;
	/* Events repeat where the shuffle is no permutation: in groups of a multiple of 953, and
	 * where the ends of merged generators' shares cut groups. */
	job->plan.facts.unique_ids =
		generator->out_of_order_group_size == 1 ||
		(generator->out_of_order_group_size % 953 != 0 &&
			(generator->num_event_generators == 1 || generator->generator >= 0));
	return 0;
}

/* Late rows of one kind stand as in their file; of several, behind the kind's name. */
static int write_late_header(struct sw_nexmark_job *job, struct sw_error *error)
{
	char header[256] = "event,row";
	size_t bytes = strlen(header);
	unsigned kinds = 0;
	int last = 0;

	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		if (!job->plan.inputs[type].columns)
			continue;
		kinds++;
		last = type;
	}
	if (kinds == 1)
		bytes = sw_csv_header(sw_nexmark_full_schema((enum sw_nexmark_event)last), header,
			sizeof(header));
	return sw_csv_file_line(job->late, header, bytes, error);
}

static int make_output_dir(struct sw_nexmark_job *job, const char *path, struct sw_error *error)
{
	job->output_dir = strdup(path);
	if (!job->output_dir)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", path);
	return sw_partition_folder_make(path, error);
}

static int open_files(struct sw_nexmark_job *job, const struct sw_nexmark_job_options *options,
	struct sw_error *error)
{
	struct job_files files = { .count = 0 };
	int code = 0;

	job_files_read(&files, options);
	if (options->late) {
		code = job_files_open(&files, options->late, &job->late, error);
		if (!code)
			code = write_late_header(job, error);
		job->source.late = job->late;
	}
	if (!code && options->changelog)
		code = job_files_open(&files, options->changelog, &job->changelog, error);
	if (!code && options->output)
		code = job->plan.sink.partitioned
			       ? make_output_dir(job, options->output, error)
			       : job_files_open(&files, options->output, &job->output, error);
	return code;
}

/* ---- Parts of a job ---- */

static int prepare_source(struct sw_nexmark_job *job, const struct sw_nexmark_job_options *options,
	struct sw_error *error)
{
	job->source.plan = &job->plan;
	job->source.shared = job->shared;
	job->source.rate_limited = options->rate_limited;
	job->source.pace = options->pace;
	job->source.clock_ms = options->clock_ms;
	job->source.clock_context = options->clock_context;
	job->source.stopped = options->stopped;
	job->source.stopped_context = options->stopped_context;
	job->source.watermark_delay_ms = options->watermark_delay_ms;
	if (!options->input_dir)
		return open_generator(job, options, error);
	job->input_dir = strdup(options->input_dir);
	if (!job->input_dir)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", options->input_dir);
	job->source.input_dir = job->input_dir;
	return 0;
}

static int prepare(struct sw_nexmark_job *job, const struct sw_nexmark_job_options *options,
	struct sw_error *error)
{
	int code;

	job->shared = source_shared_create();
	job->totals = sw_sink_totals_create();
	if (!job->shared || !job->totals)
		return sw_error_set(error, -ENOMEM, "query: out of memory");
	code = prepare_source(job, options, error);
	if (!code)
		code = job->query->plan(options, &job->plan, error);
	if (!code)
		code = make_schemas(job, error);
	if (!code)
		code = open_files(job, options, error);
	if (code)
		return code;
	list_reads(job);
	sw_csv_header(job->plan.result, job->columns, sizeof(job->columns));
	job->has_checksum = options->checksum;
	job->on_batch = options->on_batch;
	job->on_batch_context = options->on_batch_context;
	return 0;
}

/* ---- Stages ---- */

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
			code = sw_graph_connect(graph, *last, 0, merge, number,
				route_to(&job->plan.merges[0]), input->key_column, error);
		number++;
	}
	return code;
}

static int add_stages(struct sw_graph *graph, struct sw_nexmark_job *job,
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

/* ---- Public ---- */

int sw_nexmark_job_create(struct sw_graph *graph, const struct sw_nexmark_job_options *options,
	struct sw_nexmark_job **result, struct sw_error *error)
{
	struct sw_nexmark_job *job;
	struct sw_error unwanted;
	int code;

	if (!error)
		error = &unwanted;
	code = sw_nexmark_job_check(options, error);
	if (code)
		return code;
	job = calloc(1, sizeof(*job));
	if (!job)
		return sw_error_set(error, -ENOMEM, "query: out of memory");
	job->query = query_find(options->query);
	code = prepare(job, options, error);
	if (!code)
		code = add_stages(graph, job, options, error);
	if (code)
		goto fail;
	*result = job;
	return 0;
fail:
	sw_nexmark_job_destroy(job);
	return code;
}

void sw_nexmark_job_destroy(struct sw_nexmark_job *job)
{
	if (!job)
		return;
	/* What the graph had to say of these files it has said. */
	sw_csv_file_destroy(job->output);
	sw_csv_file_destroy(job->changelog);
	sw_csv_file_destroy(job->late);
	if (job->query->unplan)
		job->query->unplan(&job->plan);
	source_shared_destroy(job->shared);
	sw_nexmark_generator_destroy(job->generator);
	sw_sink_totals_destroy(job->totals);
	free(job->input_dir);
	free(job->output_dir);
	free(job);
}

void sw_nexmark_job_result(const struct sw_nexmark_job *job, struct sw_nexmark_job_result *result)
{
	struct sw_sink_counts counts;

	sw_sink_totals_get(job->totals, &counts);
	*result = (struct sw_nexmark_job_result){ .rows = counts.rows,
		.revised = job->plan.result->changelog,
		.changes = counts.changes,
		.has_checksum = job->has_checksum,
		.checksum = counts.checksum,
		.late_rows = source_late_rows(job->shared),
		.bytes_read = counts.bytes };
}

const char *sw_nexmark_job_columns(const struct sw_nexmark_job *job)
{
	return job->columns;
}

const char *sw_nexmark_job_reads(const struct sw_nexmark_job *job)
{
	return job->reads;
}

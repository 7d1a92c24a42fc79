/* SPDX-License-Identifier: MIT */

/* The table of queries, and how a job puts one into a graph. */

#include "nexmark/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/generator.h"
#include "nexmark/query_private.h"
#include "operators/blackhole.h"
#include "operators/csv_sink.h"
#include "operators/csv_text.h"

static const struct query *const queries[] = {
	&query_q0,
	&query_q1,
	&query_q2,
	&query_q7,
	&query_q12,
	&query_tokenize,
};

struct sw_nexmark_job {
	struct query_plan plan;
	struct sw_nexmark_generator *generator;
	struct sw_schema bids; /* what the source makes */
	struct source_shared *shared;
	struct source_config source;
	char *input_dir;
	struct sw_csv_file *output, *late;
	struct sw_sink_totals *totals;
	struct sw_blackhole_config blackhole;
	struct sw_csv_sink_config csv;
	bool has_checksum;
	sw_output_fn on_batch;
	void *on_batch_context;
	char columns[256], reads[256];
};

unsigned sw_nexmark_query_count(void)
{
	return sizeof(queries) / sizeof(queries[0]);
}

const struct sw_nexmark_query *sw_nexmark_query_at(unsigned index)
{
	return index < sw_nexmark_query_count() ? &queries[index]->about : NULL;
}

static const struct query *find(const char *name)
{
	for (unsigned i = 0; i < sw_nexmark_query_count(); i++)
		if (!strcmp(queries[i]->about.name, name))
			return queries[i];
	return NULL;
}

const struct sw_nexmark_query *sw_nexmark_query_find(const char *name)
{
	const struct query *query = find(name);

	return query ? &query->about : NULL;
}

/* ---- Checks ---- */

static int unknown_query(const char *name, struct sw_error *error)
{
	char names[160] = "";
	size_t used = 0;

	for (unsigned i = 0; i < sw_nexmark_query_count(); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
			i > 0 ? ", " : "", queries[i]->about.name);
	return sw_error_set(error, -EINVAL, "query: %.32s: unknown (there are %s)", name, names);
}

static int check_options(const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	bool tokenize = !strcmp(options->query, "tokenize"), q12 = !strcmp(options->query, "q12");
	const char *why = NULL;

	if (options->watermark_delay_ms < 0 || options->watermark_delay_ms > (int64_t)1 << 53)
		why = "watermark delay: has to be 0 or more ms";
	else if (options->input_dir && (options->replay || options->rate_limited))
		why = "input: files are not replayed or paced (leave out replay and rate limit)";
	else if (options->replay && options->rate_limited)
		why = "replay: a replayed stream is not paced (leave out one of the two)";
	else if (options->replay && options->generator && options->generator->num_events == 0)
		why = "replay: the stream has no end (give a number of events)";
	else if (options->late && !options->input_dir)
		why = "late: a generated stream has no late rows (only files have)";
	else if (options->ordered && !options->output)
		why = "ordered: there is no output file to write in order";
	else if (options->on_batch && (options->output || options->checksum))
		why = "output: rows go to a function or to a file, not to both";
	else if (options->tokens && !tokenize)
		why = "tokens: only tokenize gives tokens";
	else if (options->processing_time_event && !q12)
		why = "processing time: only q12 goes by it";
	else if (options->side_input)
		why = "side input: this query has none";
	return why ? sw_error_set(error, -EINVAL, "%s", why) : 0;
}

/* ---- Parts of a job ---- */

/* "bid.auction,bid.price" of the columns that are made. */
static void list_reads(struct sw_nexmark_job *job)
{
	size_t used = 0;

	for (uint32_t i = 0; i < job->bids.columns; i++)
		used += (size_t)snprintf(job->reads + used, sizeof(job->reads) - used, "%sbid.%s",
			i > 0 ? "," : "", job->bids.fields[i].name);
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

static int prepare_generator(struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	const struct sw_nexmark_options defaults = SW_NEXMARK_OPTIONS_INIT;
	int code = sw_nexmark_generator_create(
		options->generator ? options->generator : &defaults, &job->generator, error);

	if (code)
		return code;
	code = sw_nexmark_generator_schema(
		job->generator, SW_BID, job->plan.bid_columns, &job->bids);
	if (code)
		return sw_error_set(error, code, "generator: columns of bids: %s", strerror(-code));
	for (uint32_t i = 0; i < job->bids.columns; i++)
		if (job->bids.fields[i].dictionary)
			job->bids.fields[i].text_bytes =
				longest_entry(job->bids.fields[i].dictionary);
	job->source.generator = job->generator;
	return 0;
}

static int prepare_csv(struct sw_nexmark_job *job, const struct sw_nexmark_job_options *options,
	struct sw_error *error)
{
	int code = sw_nexmark_schema(SW_BID, job->plan.bid_columns, NULL, &job->bids);

	if (code)
		return sw_error_set(error, code, "columns of bids: %s", strerror(-code));
	job->input_dir = strdup(options->input_dir);
	if (!job->input_dir)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", options->input_dir);
	job->source.input_dir = job->input_dir;
	if (options->late) {
		char header[256];
		size_t bytes =
			sw_csv_header(sw_nexmark_full_schema(SW_BID), header, sizeof(header));

		code = sw_csv_file_open(options->late, &job->late, error);
		if (!code)
			code = sw_csv_file_line(job->late, header, bytes, error);
	}
	job->source.late = job->late;
	return code;
}

static int prepare(struct sw_nexmark_job *job, const struct sw_nexmark_job_options *options,
	struct sw_error *error)
{
	int code;

	job->shared = source_shared_create();
	job->totals = sw_sink_totals_create();
	if (!job->shared || !job->totals)
		return sw_error_set(error, -ENOMEM, "query: out of memory");
	job->source.plan = &job->plan;
	job->source.schema = &job->bids;
	job->source.shared = job->shared;
	job->source.rate_limited = options->rate_limited;
	job->source.clock_ms = options->clock_ms;
	job->source.clock_context = options->clock_context;
	job->source.watermark_delay_ms = options->watermark_delay_ms;
	code = options->input_dir ? prepare_csv(job, options, error)
				  : prepare_generator(job, options, error);
	if (code)
		return code;
	list_reads(job);
	sw_csv_header(job->plan.result, job->columns, sizeof(job->columns));
	job->has_checksum = options->checksum;
	job->on_batch = options->on_batch;
	job->on_batch_context = options->on_batch_context;
	return options->output ? sw_csv_file_open(options->output, &job->output, error) : 0;
}

/* ---- Stages ---- */

static struct sw_stage *add_source(struct sw_graph *graph, struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;

	stage.name = "source";
	stage.config = &job->source;
	stage.inputs = 0;
	stage.output_schemas[0] = &job->bids;
	stage.op = options->replay ? &source_replay : &source_generator;
	if (options->input_dir) {
		stage.op = &source_csv;
		stage.instances = 1;
		stage.blocking = true;
		stage.output_text_bytes[0] = CSV_TEXT_BYTES;
	}
	return sw_graph_add_stage(graph, &stage, error);
}

static struct sw_stage *add_merge(
	struct sw_graph *graph, const struct query_plan *plan, struct sw_error *error)
{
	struct sw_stage_options stage = SW_STAGE_OPTIONS_INIT;

	stage.name = "merge";
	stage.op = plan->merge;
	stage.config = plan->merge_config;
	stage.measures_latency = true;
	stage.output_schemas[0] = plan->result;
	stage.output_text_bytes[0] = plan->merge_text_bytes;
	return sw_graph_add_stage(graph, &stage, error);
}

/* The program's rows are counted on their way. */
static void count_and_hand_over(void *context, const struct sw_batch *batch)
{
	struct sw_nexmark_job *job = context;
	struct sw_sink_counts counts = { .rows = sw_batch_count(batch) };

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
	stage.measures_latency = !job->plan.merge;
	if (job->output) {
		job->csv = (struct sw_csv_sink_config){ .file = job->output,
			.schema = job->plan.result,
			.totals = job->totals,
			.checksum = options->checksum,
			.ordered = options->ordered };
		stage.op = &sw_csv_sink;
		stage.config = &job->csv;
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

static int add_stages(struct sw_graph *graph, struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	const struct query_plan *plan = &job->plan;
	struct sw_stage *source = add_source(graph, job, options, error);
	struct sw_stage *last =
		source ? sw_graph_add_kernel(graph, options->query, plan->kernel, NULL, error)
		       : NULL;
	struct sw_stage *merge, *sink;
	int code;

	if (!last)
		return error->code;
	code = sw_graph_connect(graph, source, 0, last, 0, SW_ROUTE_FORWARD, 0, error);
	if (code)
		return code;
	if (plan->merge) {
		merge = add_merge(graph, plan, error);
		if (!merge)
			return error->code;
		code = sw_graph_connect(
			graph, last, 0, merge, 0, SW_ROUTE_KEYED, plan->key_column, error);
		if (code)
			return code;
		last = merge;
	}
	sink = add_sink(graph, job, options, error);
	if (!sink)
		return error->code;
	return sw_graph_connect(graph, last, 0, sink, 0, SW_ROUTE_FORWARD, 0, error);
}

/* ---- Public ---- */

int sw_nexmark_job_create(struct sw_graph *graph, const struct sw_nexmark_job_options *options,
	struct sw_nexmark_job **result, struct sw_error *error)
{
	const struct query *query;
	struct sw_nexmark_job *job;
	struct sw_error unwanted;
	int code;

	if (!error)
		error = &unwanted;
	if (options->size != sizeof(*options) || !options->query)
		return sw_error_set(error, -EINVAL, "job options: size or query is missing");
	query = find(options->query);
	if (!query)
		return unknown_query(options->query, error);
	code = check_options(options, error);
	if (code)
		return code;
	job = calloc(1, sizeof(*job));
	if (!job)
		return sw_error_set(error, -ENOMEM, "query: out of memory");
	code = query->plan(options, &job->plan, error);
	if (!code)
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
	sw_csv_file_destroy(job->late);
	source_shared_destroy(job->shared);
	sw_nexmark_generator_destroy(job->generator);
	sw_sink_totals_destroy(job->totals);
	free(job->input_dir);
	free(job);
}

void sw_nexmark_job_result(const struct sw_nexmark_job *job, struct sw_nexmark_job_result *result)
{
	struct sw_sink_counts counts;

	sw_sink_totals_get(job->totals, &counts);
	*result = (struct sw_nexmark_job_result){ .rows = counts.rows,
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

/* SPDX-License-Identifier: MIT */

/* A job: what its query reads, its generator and files, and what came of it. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/generator.h"
#include "nexmark/job_private.h"
#include "operators/csv_text.h"

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
		code = job_add_stages(graph, job, options, error);
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

/* SPDX-License-Identifier: MIT */

/* The table of queries. */

#include "nexmark/query.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nexmark/job_private.h"
#include "nexmark/pace.h"

static const struct query *const queries[] = {
	&query_q0,
	&query_q1,
	&query_q2,
	&query_q3,
	&query_q4,
	&query_q5,
	&query_q6,
	&query_q7,
	&query_q8,
	&query_q9,
	&query_q10,
	&query_q11,
	&query_q12,
	&query_q13,
	&query_q14,
	&query_q15,
	&query_q16,
	&query_q17,
	&query_q18,
	&query_q19,
	&query_q20,
	&query_q21,
	&query_q22,
	&query_q23,
	&query_cep0,
	&query_cep1,
	&query_cep2,
	&query_cep3,
	&query_tokenize,
};

unsigned sw_nexmark_query_count(void)
{
	return sizeof(queries) / sizeof(queries[0]);
}

const struct sw_nexmark_query *sw_nexmark_query_at(unsigned index)
{
	return index < sw_nexmark_query_count() ? &queries[index]->about : NULL;
}

const struct query *query_find(const char *name)
{
	for (unsigned i = 0; i < sw_nexmark_query_count(); i++)
		if (!strcmp(queries[i]->about.name, name))
			return queries[i];
	return NULL;
}

const struct sw_nexmark_query *sw_nexmark_query_find(const char *name)
{
	const struct query *query = query_find(name);

	return query ? &query->about : NULL;
}

static int unknown_query(const char *name, struct sw_error *error)
{
	char names[256] = "";
	size_t used = 0;

	for (unsigned i = 0; i < sw_nexmark_query_count() && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
			i > 0 ? ", " : "", queries[i]->about.name);
	return sw_error_set(error, -EINVAL, "query: %.32s: unknown (there are %s)", name, names);
}

int sw_nexmark_job_check(const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	const char *why = NULL;
	const char *query = options->query;

	if (options->size != sizeof(*options) || !query)
		return sw_error_set(error, -EINVAL, "job options: size or query is missing");
	if (!query_find(query))
		return unknown_query(query, error);
	if (options->watermark_delay_ms < 0 || options->watermark_delay_ms > (int64_t)1 << 53)
		why = "watermark delay: has to be 0 or more ms";
	else if (options->input_dir && (options->replay || options->rate_limited))
		why = "input: files are not replayed or paced (leave out replay and rate limit)";
	else if (options->replay && options->rate_limited)
		why = "replay: a replayed stream is not paced (leave out one of the two)";
	else if (options->pace && !options->rate_limited)
		why = "pace: only a paced source has one (rate limit)";
	else if (options->pace && sw_nexmark_pace_check(options->pace, error) != 0)
		return -EINVAL;
	else if (options->replay && options->generator && options->generator->num_events == 0)
		why = "replay: the stream has no end (give a number of events)";
	else if (options->late && !options->input_dir)
		why = "late: a generated stream has no late rows (only files have)";
	else if (options->ordered && !options->output)
		why = "ordered: there is no output file to write in order";
	else if (options->ordered && !strcmp(query, "q10"))
		why = "ordered: q10 writes a folder of files, each in the order of arrival";
	else if (options->on_batch && (options->output || options->checksum || options->changelog))
		why = "output: rows go to a function or to a file, not to both";
	else if (options->changelog && !strcmp(query, "q10"))
		why = "changelog: q10 writes a folder of files, which are never revised";
	else if (options->tokens && strcmp(query, "tokenize") != 0)
		why = "tokens: only tokenize gives tokens";
	else if (options->processing_time_event && strcmp(query, "q12") != 0)
		why = "processing time: only q12 goes by it";
	else if (options->side_input && strcmp(query, "q13") != 0)
		why = "side input: only q13 has one";
	return why ? sw_error_set(error, -EINVAL, "%s", why) : job_files_check(options, error);
}

void *plan_config(struct query_plan *plan, size_t bytes)
{
	void *config = plan->config_space + plan->config_used;

	assert(bytes <= sizeof(plan->config_space) - plan->config_used);
	plan->config_used += (bytes + 15) / 16 * 16;
	return config;
}

struct plan_merge *plan_add_merge(struct query_plan *plan, const struct sw_operator *op,
	const void *config, const struct sw_schema *out)
{
	struct plan_merge *merge;

	assert(plan->merge_count < PLAN_MERGES_MAX);
	merge = &plan->merges[plan->merge_count++];
	merge->op = op;
	merge->config = config;
	merge->out = out;
	plan->result = out;
	return merge;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/api.h"
#include "tools/spillway/message.h"
#include "tools/spillway/nexmark_table.h"
#include "tools/spillway/report.h"

/*
 * What Google Benchmark writes with --benchmark_format=json, so that its compare.py reads it. An
 * iteration is a whole run of a query. compare.py takes every entry of "benchmarks" for one with
 * times: queries without figures are in a list of their own, "failed".
 */

#define REAL_DIGITS 9

#ifdef NDEBUG
#define BUILD_TYPE "release"
#else
#define BUILD_TYPE "debug"
#endif

/* Null also for what is not UTF-8. */
static json_t *text_or_null(const char *text)
{
	json_t *value = text && text[0] ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *date(void)
{
	time_t now = time(NULL);
	char text[64];
	struct tm local;

	if (!localtime_r(&now, &local) ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S%z", &local) == 0)
		return json_null();
	return json_string(text);
}

static json_t *host_name(void)
{
	char name[256];

	if (gethostname(name, sizeof(name)) != 0)
		return json_null();
	name[sizeof(name) - 1] = '\0';
	return text_or_null(name);
}

static json_t *executable(void)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path));

	return length > 0 ? json_stringn(path, (size_t)length) : json_null();
}

/* As the first processor's line has it: "cpu MHz : 2445.404". */
static json_t *mhz(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[512];
	double value = 0;

	while (file && value == 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, "cpu MHz", 7) == 0 && strchr(line, ':'))
			value = strtod(strchr(line, ':') + 1, NULL);
	if (file)
		fclose(file);
	return value > 0 ? json_integer((json_int_t)(value + 0.5)) : json_null();
}

/* A busy machine explains figures. */
static json_t *load(void)
{
	double average[3];
	int count = getloadavg(average, 3);
	json_t *array = json_array();

	for (int i = 0; i < count; i++)
		json_array_append_new(array, json_real(average[i]));
	return array;
}

static json_t *context_json(const struct nexmark_results *results)
{
	return json_pack("{so so so sI so so ss ss so sb si si sf so}", "date", date(), "host_name",
		host_name(), "executable", executable(), "num_cpus",
		(json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "mhz_per_cpu", mhz(), "load_avg", load(),
		"library_build_type", BUILD_TYPE, "spillway", sw_version(), "command",
		text_or_null(results->command), "complete", results->complete, "repetitions",
		(int)results->repetitions, "warmup", (int)results->warmup, "simulated_op_delay_us",
		results->options->op_delay_us, "environment", report_environment(results->options));
}

/* Where compare.py finds and sorts it, and its times. */
static json_t *entry_json(const struct nexmark_results *results, unsigned row,
	const struct nexmark_run *run, const char *suffix, const char *type)
{
	char run_name[64], name[96];

	snprintf(run_name, sizeof(run_name), "nexmark/%s", results->rows[row].query);
	snprintf(name, sizeof(name), "%s%s", run_name, suffix);
	return json_pack("{ss si si ss ss si si sf sf ss}", "name", name, "family_index", (int)row,
		"per_family_instance_index", 0, "run_name", run_name, "run_type", type,
		"repetitions", (int)results->repetitions, "threads", (int)run->workers, "real_time",
		run->wall_s * 1e3, "cpu_time", run->cpu_s * 1e3, "time_unit", "ms");
}

static json_t *run_json(const struct nexmark_results *results, unsigned row, unsigned index)
{
	const struct nexmark_run *run = &results->rows[row].runs[index];
	json_t *entry = entry_json(results, row, run, "", "iteration");
	double rate = nexmark_run_rate(run);
	char checksum[24] = "";
	json_t *figures;

	if (run->has_checksum)
		snprintf(checksum, sizeof(checksum), "%016" PRIx64, run->checksum);
	figures = json_pack("{si si sf sf sI si sf sI sI sI so}", "repetition_index", (int)index,
		"iterations", 1, "items_per_second", rate, "items_per_second_per_core",
		rate / run->cores, "events", (json_int_t)run->events, "cores", (int)run->cores,
		"cores_time_s", run->cores * run->wall_s, "rows", (json_int_t)run->rows,
		"late_rows", (json_int_t)run->late_rows, "state_bytes",
		(json_int_t)run->state_bytes, "checksum", text_or_null(checksum));
	json_object_update(entry, figures);
	json_decref(figures);
	return entry;
}

static json_t *statistic_json(
	const struct nexmark_results *results, unsigned row, enum nexmark_statistic statistic)
{
	const struct nexmark_row *from = &results->rows[row];
	struct nexmark_run run = nexmark_row_statistic(from, statistic);
	const char *name = nexmark_statistic_name(statistic);
	json_t *entry, *more;
	char suffix[16];

	snprintf(suffix, sizeof(suffix), "_%s", name);
	entry = entry_json(results, row, &run, suffix, "aggregate");
	more = json_pack("{ss ss si}", "aggregate_name", name, "aggregate_unit", "time",
		"iterations", (int)from->run_count);
	json_object_update(entry, more);
	json_decref(more);
	return entry;
}

static json_t *benchmarks_json(const struct nexmark_results *results)
{
	json_t *array = json_array();

	for (unsigned row = 0; row < results->row_count; row++) {
		const struct nexmark_row *from = &results->rows[row];

		for (unsigned i = 0; !from->failure[0] && i < from->run_count; i++)
			json_array_append_new(array, run_json(results, row, i));
		for (int i = 0; !from->failure[0] && from->run_count > 1 && i < NEXMARK_STATISTICS;
			i++)
			json_array_append_new(
				array, statistic_json(results, row, (enum nexmark_statistic)i));
	}
	return array;
}

static json_t *failed_json(const struct nexmark_results *results)
{
	json_t *array = json_array();
	char name[64];

	for (unsigned i = 0; i < results->row_count; i++) {
		const struct nexmark_row *row = &results->rows[i];

		if (!row->failure[0])
			continue;
		snprintf(name, sizeof(name), "nexmark/%s", row->query);
		json_array_append_new(
			array, json_pack("{ss sb so}", "name", name, "error_occurred", true,
				       "error_message", text_or_null(row->failure)));
	}
	return array;
}

int nexmark_json_print(const struct nexmark_results *results, FILE *out)
{
	json_t *json = json_pack("{so so so}", "context", context_json(results), "benchmarks",
		benchmarks_json(results), "failed", failed_json(results));
	int code = EXIT_DONE;

	if (!json)
		return say(EXIT_FAILED, "nexmark failed: JSON: %s", strerror(ENOMEM));
	/* Whether it could be written is seen where all output is flushed. */
	if (json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS)) == 0)
		fputc('\n', out);
	else if (!ferror(out))
		code = say(EXIT_FAILED, "nexmark failed: JSON: %s", strerror(ENOMEM));
	json_decref(json);
	return code;
}

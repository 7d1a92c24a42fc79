/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/query.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"
#include "tools/spillway/nexmark_table.h"
#include "tools/spillway/progress.h"
#include "tools/spillway/run.h"
#include "tools/spillway/signals.h"

/* Enough that a query takes some tenths of a second; `run`'s own default is over in one ms. */
#define NUM_EVENTS      10000000
#define NUM_EVENTS_TEXT "10000000"

struct nexmark_options {
	struct run_options run;
	const char *format;
	uint64_t warmup, repetitions;
};

#define AT(field) offsetof(struct nexmark_options, field)

static const struct option_row rows[] = {
	ROW_HEADING("Table:"),
	ROW_CHOICE("format", format, "table|json|csv|md", "table",
		"json: as Google Benchmark writes it; csv: a line per run"),
	ROW_COUNT("repetitions", repetitions, "N", "1",
		"runs of each query; the table has medians of their times", 1,
		NEXMARK_REPETITIONS_MAX),
	ROW_COUNT("warmup", warmup, "N", "0", "runs of each query before, not counted", 0,
		NEXMARK_REPETITIONS_MAX),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Options of `run` that name a file of one query's. */
static const char *const of_one_query[] = { "output", "ordered", "late", "changelog", "report",
	"trace" };

static bool is_of_one_query(const struct option_row *row)
{
	for (size_t i = 0; i < sizeof(of_one_query) / sizeof(of_one_query[0]); i++)
		if (row->kind != OPTION_HEADING && strcmp(row->name, of_one_query[i]) == 0)
			return true;
	return false;
}

static bool is_given(const struct option_row *row, const void *target)
{
	const char *place = (const char *)target + row->offset;

	return row->kind == OPTION_FLAG ? *(const bool *)place
					: *(const char *const *)place != NULL;
}

static int help(const struct option_set *run)
{
	puts("usage: spillway nexmark [all|QUERY,QUERY,...] [options]\n\n"
	     "Runs queries (see spillway queries) one after another, without sink, and prints the\n"
	     "table of the Flink suite. --num-events is " NUM_EVENTS_TEXT " here.");
	options_print(stdout, rows, ROWS);
	for (size_t i = 0; i < run->count; i++)
		if (!is_of_one_query(&run->rows[i]))
			options_print(stdout, &run->rows[i], 1);
	generator_options_print(stdout);
	return EXIT_DONE;
}

static int refuse_files(const struct option_set *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (is_of_one_query(&run->rows[i]) && is_given(&run->rows[i], run->target))
			return say(EXIT_USAGE,
				"bad option: --%s: it is for one query (spillway run QUERY --%s)",
				run->rows[i].name, run->rows[i].name);
	return 0;
}

static bool is_chosen(const struct nexmark_results *results, const char *query)
{
	for (unsigned i = 0; i < results->row_count; i++)
		if (strcmp(results->rows[i].query, query) == 0)
			return true;
	return false;
}

/* One name of the list. The check that finds it unknown lists those that there are. */
static int choose_one(
	struct nexmark_results *results, struct run_options *options, const char *name)
{
	const struct sw_nexmark_query *query = sw_nexmark_query_find(name);

	if (!name[0])
		return say(EXIT_USAGE, "bad list: a name is missing: it is all, or like q0,q3");
	if (!query) {
		options->query = name;
		return run_options_check(options);
	}
	if (is_chosen(results, name))
		return say(EXIT_USAGE,
			"bad list: %s: it is there twice (--repetitions N runs it again)", name);
	results->rows[results->row_count++].query = query->name;
	return 0;
}

/* Names the rows; null: all. 0, or an exit code with the message said. */
static int choose(struct nexmark_results *results, struct run_options *options, const char *list)
{
	char *names, *rest, *name;
	int code = 0;

	if (!list || strcmp(list, "all") == 0) {
		for (unsigned i = 0; i < sw_nexmark_query_count(); i++)
			results->rows[results->row_count++].query = sw_nexmark_query_at(i)->name;
		return 0;
	}
	names = strdup(list);
	if (!names)
		return say(EXIT_FAILED, "nexmark failed: %s", strerror(ENOMEM));
	for (rest = names; !code && (name = strsep(&rest, ","));)
		code = choose_one(results, options, name);
	free(names);
	return code;
}

static struct nexmark_run figures(const struct run_report *report)
{
	unsigned cores = run_report_cores(report);

	return (struct nexmark_run){
		.events = report->graph.events,
		.workers = run_report_workers(report),
		.cores = cores > 0 ? cores : 1,
		.wall_s = (double)report->graph.wall_ns / 1e9,
		.cpu_s = report->cpu_s,
		.rows = report->result.rows,
		.late_rows = report->result.late_rows,
		.state_bytes = report->graph.state_bytes_max,
		.has_checksum = report->result.has_checksum,
		.checksum = report->result.checksum,
	};
}

/* One run of the row's query; counted: its figures are kept. An exit code. */
static int run_once(
	struct nexmark_row *row, const struct run_options *options, const char *title, bool counted)
{
	struct run_report report;
	struct progress progress;
	int code;

	progress_init(&progress, options->progress, title);
	code = run_execute(options, &(struct observer){ progress_sample, &progress }, 1, &report);
	progress_end(&progress);
	if (code == EXIT_FAILED)
		snprintf(row->failure, sizeof(row->failure), "%s", report.failure);
	else if (code == EXIT_DONE && counted)
		row->runs[row->run_count++] = figures(&report);
	run_report_fini(&report);
	return code;
}

/* What the live line begins with: "q3 (4/28, run 1/3)". */
static void name_run(const struct nexmark_results *results, unsigned index, unsigned run,
	char *title, size_t bytes)
{
	const char *query = results->rows[index].query;

	if (run < results->warmup)
		snprintf(title, bytes, "%s (%u/%u, warm-up)", query, index + 1, results->row_count);
	else
		snprintf(title, bytes, "%s (%u/%u, run %u/%u)", query, index + 1,
			results->row_count, run - results->warmup + 1, results->repetitions);
}

/* Options that only one query knows are for that one, wherever it stands in the list. */
static struct run_options options_of(const struct run_options *options, const char *query)
{
	struct run_options own = *options;

	own.query = query;
	if (strcmp(query, "tokenize") != 0)
		own.tokens = false;
	if (strcmp(query, "q12") != 0)
		own.processing_time = "arrival";
	if (strcmp(query, "q13") != 0)
		own.side_input = NULL;
	return own;
}

/* All runs of a row's query. An exit code. */
static int run_row(
	struct nexmark_results *results, const struct run_options *options, unsigned index)
{
	struct nexmark_row *row = &results->rows[index];
	struct run_options own = options_of(options, row->query);
	char title[96];
	int code = EXIT_DONE;

	for (unsigned run = 0; run < results->warmup + results->repetitions && !code; run++) {
		name_run(results, index, run, title, sizeof(title));
		code = run_once(row, &own, title, run >= results->warmup);
	}
	return code;
}

/* Every row; a query that fails does not keep the next from running. */
static int run_rows(struct nexmark_results *results, struct run_options *options)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < results->row_count; i++) {
		int code;

		options->query = results->rows[i].query;
		code = run_row(results, options, i);
		if (code == EXIT_INTERRUPTED)
			return code;
		failed += code == EXIT_FAILED;
	}
	results->complete = true;
	if (failed > 0)
		return say(EXIT_FAILED, "nexmark failed: %u of %u queries: see what was printed",
			failed, results->row_count);
	return EXIT_DONE;
}

static int print(const struct nexmark_results *results, const char *format,
	const struct environment *environment)
{
	if (strcmp(format, "json") == 0)
		return nexmark_json_print(results, stdout);
	if (strcmp(format, "csv") == 0)
		nexmark_csv_print(results, environment, stdout);
	else if (strcmp(format, "md") == 0)
		nexmark_markdown_print(results, environment, stdout);
	else
		nexmark_table_print(results, environment, stdout);
	return EXIT_DONE;
}

static int run_and_print(struct nexmark_results *results, struct nexmark_options *options)
{
	struct environment environment;
	int code, printed;

	for (unsigned i = 0; i < results->row_count; i++) {
		results->rows[i].runs = calloc(results->repetitions, sizeof(struct nexmark_run));
		if (!results->rows[i].runs)
			return say(EXIT_FAILED, "nexmark failed: %s", strerror(ENOMEM));
	}
	environment_read(&environment);
	signals_install();
	code = run_rows(results, &options->run);
	if (code == EXIT_INTERRUPTED)
		say(code,
			"nexmark interrupted: %s: its last run is left out, what follows did not "
			"run",
			options->run.query);
	printed = print(results, options->format, &environment);
	return code ? code : printed;
}

static int check(struct nexmark_results *results, struct nexmark_options *options,
	const struct option_set *run, const char *list)
{
	int code = refuse_files(run);

	if (!code)
		code = choose(results, &options->run, list);
	if (code)
		return code;
	if (!options->run.input && options->run.generator.num_events == 0)
		return say(EXIT_USAGE, "bad option: --num-events 0: without end, no query would "
				       "let the next one run");
	options->run.query = results->rows[0].query;
	return run_options_check(&options->run);
}

int cmd_nexmark(int argc, char **argv)
{
	struct nexmark_options options = { .format = "table", .repetitions = 1 };
	struct option_set sets[1 + RUN_OPTION_SETS] = { { rows, ROWS, &options, NULL, NULL } };
	struct nexmark_results results = { .options = &options.run };
	const char *list = NULL;
	struct command_line line = { .command = "nexmark",
		.sets = sets,
		.set_count = 1 + RUN_OPTION_SETS,
		.operands = &list,
		.operands_max = 1 };
	char *command;
	int code;

	run_options_init(&options.run);
	options.run.generator.num_events = NUM_EVENTS;
	run_options_sets(&options.run, sets + 1);
	code = options_parse(&line, argc, argv);
	if (code)
		return code;
	if (line.help)
		return help(&sets[1]);
	results.repetitions = (unsigned)options.repetitions;
	results.warmup = (unsigned)options.warmup;
	results.rows = calloc(sw_nexmark_query_count(), sizeof(*results.rows));
	command = command_text();
	if (!results.rows || !command)
		code = say(EXIT_FAILED, "nexmark failed: %s", strerror(ENOMEM));
	results.command = command;
	if (!code)
		code = check(&results, &options, &sets[1], list);
	if (!code)
		code = run_and_print(&results, &options);
	for (unsigned i = 0; i < results.row_count; i++)
		free(results.rows[i].runs);
	free(results.rows);
	free(command);
	return code;
}

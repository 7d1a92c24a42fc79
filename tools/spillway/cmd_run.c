/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"
#include "tools/spillway/progress.h"
#include "tools/spillway/report.h"
#include "tools/spillway/signals.h"
#include "tools/spillway/trace.h"

static int help(void)
{
	printf("usage: spillway run QUERY [options]\n\n"
	       "Runs a query (see spillway queries) and prints a summary.\n");
	run_options_print(stdout);
	return EXIT_DONE;
}

/* Files are opened before the run: what cannot be written is better known now. */
static int run_with_files(const struct run_options *options)
{
	FILE *file = options->report ? fopen(options->report, "we") : NULL;
	struct run_report report;
	struct progress progress;
	struct trace trace;
	int code, more;

	if (options->report && !file)
		return say(EXIT_FAILED, "report: %s: %s", options->report, strerror(errno));
	code = trace_open(&trace, options->trace);
	if (code) {
		if (file)
			fclose(file);
		return code;
	}
	progress_init(&progress, options->progress, options->query);
	code = run_execute(options,
		(struct observer[]){
			{ progress_sample, &progress },
			{ trace_sample, &trace },
		},
		2, &report);
	progress_end(&progress);
	if (report.graph.wall_ns && code != EXIT_FAILED)
		report_summary(&report, stdout);
	more = trace_close(&trace);
	if (!code)
		code = more;
	if (file && report.graph.wall_ns) {
		more = report_write(&report, file, options->report);
		if (!code)
			code = more;
	} else if (file) {
		fclose(file);
		remove(options->report);
	}
	run_report_fini(&report);
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options;
	struct option_set sets[RUN_OPTION_SETS];
	const char *query = NULL;
	struct command_line line = { .command = "run",
		.sets = sets,
		.set_count = RUN_OPTION_SETS,
		.operands = &query,
		.operands_max = 1 };
	char *command;
	int code;

	run_options_init(&options);
	run_options_sets(&options, sets);
	code = options_parse(&line, argc, argv);
	if (code)
		return code;
	if (line.help)
		return help();
	options.query = query;
	code = run_options_check(&options);
	if (!code)
		code = run_check(&options);
	if (code)
		return code;
	command = command_text();
	options.command = command;
	signals_install();
	code = run_with_files(&options);
	free(command);
	return code;
}

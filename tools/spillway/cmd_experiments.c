/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"
#include "tools/spillway/signals.h"

/* In the folder that is written: it is one of ours. */
#define MARK "spillway-experiments.txt"

static const struct experiment *const all[] = { &experiment_parallelism, &experiment_backpressure,
	&experiment_interval, &experiment_batch_size, &experiment_latency, &experiment_language,
	&experiment_policies, &experiment_reaction };

#define EXPERIMENTS (sizeof(all) / sizeof(all[0]))

struct experiments_options {
	const char *output, *functions, *progress;
	bool is_short;
};

#define AT(field) offsetof(struct experiments_options, field)

static const struct option_row rows[] = {
	ROW_TEXT("output", output, "DIR", "spillway-experiments",
		"a new or empty folder, or one that this wrote"),
	ROW_FLAG("short", is_short,
		"few cells, each short: a minute and a half, not the better part of an hour"),
	ROW_TEXT("functions", functions, "DIR", "of the checkout",
		"where python/ and java/ are, the functions' sources"),
	ROW_PROGRESS,
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int help(void)
{
	puts("usage: spillway experiments [NAME...] [options]\n\n"
	     "Runs experiments, all or those that are named, and writes for each a CSV file and\n"
	     "charts (SVG), and report.html with all of them. A local Lambda is started for them;\n"
	     "^C keeps what is done.\n\nExperiments:");
	for (size_t i = 0; i < EXPERIMENTS; i++)
		printf("  %-14s %s\n", all[i]->name, all[i]->question);
	puts("\nOptions:");
	options_print(stdout, rows, ROWS);
	return EXIT_DONE;
}

/* ---- The command line ---- */

static int unknown(const char *name)
{
	char list[256] = "";

	for (size_t i = 0; i < EXPERIMENTS; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "",
			all[i]->name);
	return say(EXIT_USAGE, "unknown experiment: %s: not one of %s", name, list);
}

static int choose(const char *const *names, size_t count,
	const struct experiment *chosen[EXPERIMENTS], size_t *chosen_count)
{
	bool wanted[EXPERIMENTS] = { false };

	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < EXPERIMENTS && strcmp(all[at]->name, names[i]) != 0)
			at++;
		if (at == EXPERIMENTS)
			return unknown(names[i]);
		if (wanted[at])
			return say(EXIT_USAGE, "bad experiment: %s: it is named twice", names[i]);
		wanted[at] = true;
	}
	*chosen_count = 0;
	for (size_t i = 0; i < EXPERIMENTS; i++)
		if (count == 0 || wanted[i])
			chosen[(*chosen_count)++] = all[i];
	return 0;
}

/* Beside the programs of a checkout: build/PRESET/bin, tools/functions. */
static void find_functions(char *folder, size_t bytes)
{
	ssize_t length = readlink("/proc/self/exe", folder, bytes - 1);
	char *slash;

	folder[length > 0 ? length : 0] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		snprintf(slash, bytes - (size_t)(slash - folder), "/../../../tools/functions");
}

/* ---- The folder ---- */

static bool is_empty(DIR *directory)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

/* Nothing of anybody else's is to be written over. */
static int check_output(const char *output)
{
	char mark[PATH_MAX];
	DIR *directory;
	bool empty;

	if (strlen(output) > PATH_MAX / 4 || strpbrk(output, ",=\n'\""))
		return say(EXIT_USAGE,
			"bad option: --output %s: a folder of at most %d bytes, without commas, "
			"equals signs, quotes and line ends",
			output, PATH_MAX / 4);
	directory = opendir(output);
	if (!directory)
		return errno == ENOENT ? 0
				       : say(EXIT_USAGE, "bad option: --output %s: %s", output,
						 strerror(errno));
	empty = is_empty(directory);
	closedir(directory);
	snprintf(mark, sizeof(mark), "%s/" MARK, output);
	if (empty || access(mark, F_OK) == 0)
		return 0;
	return say(EXIT_USAGE,
		"bad option: --output %s: it holds other things (a new or empty folder, or one "
		"with " MARK ")",
		output);
}

static int open_output(const struct session *session)
{
	char path[PATH_MAX];
	FILE *file;
	bool failed;

	if (mkdir(session->output, 0777) != 0 && errno != EEXIST)
		return say(EXIT_FAILED, "experiments: %s: %s", session->output, strerror(errno));
	snprintf(path, sizeof(path), "%s/" MARK, session->output);
	file = fopen(path, "we");
	if (!file)
		return say(EXIT_FAILED, "experiments: %s: %s", path, strerror(errno));
	fprintf(file, "%s\n", session->command);
	errno = 0;
	failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	return failed ? say(EXIT_FAILED, "experiments: %s: %s", path, strerror(errno ? errno : EIO))
		      : 0;
}

/* ---- Running ---- */

/* What an earlier run left is not taken for this one's. */
static void remove_charts(const struct session *session, const struct experiment *experiment)
{
	static const char *const suffixes[] = { "svg", "gp" };
	char path[PATH_MAX];

	for (size_t i = 0; i < CHARTS_MAX && experiment->charts[i].name; i++)
		for (size_t j = 0; j < 2; j++) {
			chart_path(session, experiment, &experiment->charts[i], suffixes[j], path,
				sizeof(path));
			unlink(path);
		}
}

static int show(struct session *session, const struct experiment *experiment)
{
	int code = rows_write(session, experiment);

	for (size_t i = 0; i < CHARTS_MAX && experiment->charts[i].name && !code; i++)
		if (chart_make(session, &experiment->charts[i]) != 0) {
			session->failures++;
			session_note(session, NOTE_FAILED, "the chart %s could not be drawn",
				experiment->charts[i].name);
		}
	return code;
}

static int run_one(struct session *session, const struct experiment *experiment)
{
	const unsigned repeats = session->is_short ? 1 : experiment->repeats;
	const uint64_t begin_ns = sw_now_ns();
	const size_t rows_before = session->row_count;
	int code = 0, shown;

	session->experiment = experiment;
	remove_charts(session, experiment);
	for (session->repeat = 0; session->repeat < repeats && !code; session->repeat++)
		code = experiment->run(session);
	session->repeat = 0;
	/* A second ^C is not to find half a file. */
	shown = show(session, experiment);
	printf("%s: %zu rows in %.0f s\n", experiment->name, session->row_count - rows_before,
		(double)(sw_now_ns() - begin_ns) / 1e9);
	experiment->tell(session, stdout);
	putchar('\n');
	fflush(stdout);
	return code ? code : shown;
}

static int finish(
	struct session *session, const struct experiment *const *chosen, size_t count, int code)
{
	int written = experiment_report_write(session, chosen, count);

	if (!written)
		printf("Everything is in %s/report.html.\n", session->output);
	if (session->interrupted)
		return say(EXIT_INTERRUPTED,
			"experiments interrupted: %s: what was measured until then is kept",
			session->experiment->name);
	if (session->failures)
		return say(EXIT_FAILED, "experiments failed: %u runs or charts: see %s/report.html",
			session->failures, session->output);
	return code ? code : written;
}

static int run_all(struct session *session, const struct experiment *const *chosen, size_t count)
{
	struct sw_error error = { 0 };
	int code;

	if (sw_burst_supported(&error) != 0)
		return say(EXIT_FAILED, "experiments failed: %s", error.text);
	code = open_output(session);
	if (code)
		return code;
	signals_install();
	for (size_t i = 0; i < count && !code; i++)
		code = run_one(session, chosen[i]);
	session_endpoint_end(session);
	code = finish(session, chosen, count, code);
	free(session->rows);
	return code;
}

int cmd_experiments(int argc, char **argv)
{
	struct experiments_options options = { .output = "spillway-experiments",
		.progress = "auto" };
	struct option_set set = { rows, ROWS, &options, NULL, NULL };
	const char *names[EXPERIMENTS] = { NULL };
	const struct experiment *chosen[EXPERIMENTS];
	char functions[PATH_MAX];
	struct command_line line = { .command = "experiments",
		.sets = &set,
		.set_count = 1,
		.operands = names,
		.operands_max = EXPERIMENTS };
	struct session *session;
	size_t count = 0;
	char *command;
	int code = options_parse(&line, argc, argv);

	if (code)
		return code;
	if (line.help)
		return help();
	code = choose(names, line.operand_count, chosen, &count);
	if (!code)
		code = check_output(options.output);
	if (code)
		return code;
	find_functions(functions, sizeof(functions));
	session = calloc(1, sizeof(*session));
	command = command_text();
	if (!session || !command)
		return say(EXIT_FAILED, "experiments failed: out of memory");
	session->output = options.output;
	session->progress = options.progress;
	session->functions = options.functions ? options.functions : functions;
	session->command = command;
	session->is_short = options.is_short;
	code = run_all(session, chosen, count);
	free(command);
	free(session);
	return code;
}

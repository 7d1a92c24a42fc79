/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/spillway/commands.h"
#include "tools/spillway/demo_table.h"
#include "tools/spillway/message.h"
#include "tools/spillway/plot.h"
#include "tools/spillway/progress.h"
#include "tools/spillway/report.h"
#include "tools/spillway/series.h"
#include "tools/spillway/signals.h"

/* The spike is this many times what one worker can take, the rest of the time is half of it. */
#define SPIKE_TIMES 4
#define BATCH_ROWS  256
/* A full ring is a third of a second of work: what stands in it cannot leave any more. */
#define RING_SLOTS 16

struct demo_options {
	const char *output, *progress;
	double op_delay_us;
	uint64_t phase_s, concurrency, rtt_ms, cold_start_ms;
};

#define AT(field) offsetof(struct demo_options, field)

static const struct option_row rows[] = {
	ROW_TEXT("output", output, "DIR", "spillway-demo", "where the files go"),
	ROW_NUMBER(
		"op-delay-us", op_delay_us, "US", "80", "simulated cost of an event, us", 10, 1000),
	ROW_COUNT("phase-sec", phase_s, "S", "5",
		"length of the calm before, of the spike, and of the calm after", 1, 20),
	ROW_COUNT("concurrency", concurrency, "N", "16", "functions that lambda-local runs at once",
		1, 256),
	ROW_COUNT("rtt-ms", rtt_ms, "MS", "5", "its network's round trip", 0, 1000),
	ROW_COUNT("cold-start-ms", cold_start_ms, "MS", "100", "its functions' first start", 0,
		10000),
	ROW_PROGRESS,
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int help(void)
{
	puts("usage: spillway demo [options]\n\n"
	     "Runs the same stream twice on one worker: calm, a spike of four times what the\n"
	     "worker can take, calm. First without spilling, then with spilling to a local\n"
	     "Lambda. Prints both side by side and writes reports, time series and a plot.\n");
	options_print(stdout, rows, ROWS);
	return EXIT_DONE;
}

/* Delays between events are whole microseconds, so that the rates come out as they are asked for.
 */
static void plan_stream(
	const struct demo_options *options, struct sw_nexmark_options *stream, struct plot *plot)
{
	double spike_us = fmax(1, round(options->op_delay_us / SPIKE_TIMES));
	double base_us = round(options->op_delay_us * 2);
	double phase = (double)options->phase_s;

	*stream = (struct sw_nexmark_options)SW_NEXMARK_OPTIONS_INIT;
	stream->rate_shape = SW_RATE_SQUARE;
	stream->first_event_rate = (int64_t)round(1e6 / base_us);
	stream->next_event_rate = (int64_t)round(1e6 / spike_us);
	stream->rate_period_sec = (int64_t)(2 * options->phase_s);
	stream->num_events = (int64_t)(phase * (2 * 1e6 / base_us + 1e6 / spike_us));
	*plot = (struct plot){
		.folder = options->output,
		.spike_from_s = phase,
		.spike_to_s = 2 * phase,
		.schedule_s = 3 * phase,
		.base_per_s = 1e6 / base_us,
		.spike_per_s = 1e6 / spike_us,
		.capacity_per_s = 1e6 / options->op_delay_us,
		.op_delay_us = options->op_delay_us,
	};
}

static void plan_run(struct run_options *run, const struct demo_options *options, struct plot *plot)
{
	run_options_init(run);
	plan_stream(options, &run->generator, plot);
	run->query = "tokenize";
	run->is_rate_limited = true;
	run->workers = 1;
	run->batch_rows = BATCH_ROWS;
	run->ring_slots = RING_SLOTS;
	run->op_delay_us = options->op_delay_us;
	run->checksum = true;
	run->cut_stages = true;
}

/* One of the two, with its report and its series. */
static int run_one(const struct demo_options *demo, struct run_options *options,
	struct run_report *report, struct series *series)
{
	char path[PATH_MAX];
	struct progress progress;
	FILE *file;
	int code;

	progress_init(&progress, demo->progress, options->policy);
	code = run_execute(options,
		(struct observer[]){
			{ progress_sample, &progress },
			{ series_sample, series },
		},
		2, report);
	progress_end(&progress);
	if (code)
		return code;
	snprintf(path, sizeof(path), "%s/%s.csv", demo->output, options->policy);
	code = series_write(series, path);
	if (code)
		return code;
	snprintf(path, sizeof(path), "%s/%s.json", demo->output, options->policy);
	file = fopen(path, "we");
	return file ? report_write(report, file, path)
		    : say(EXIT_FAILED, "report: %s: %s", path, strerror(errno));
}

static int tell(const struct run_report *none, const struct series *none_series,
	const struct run_report *spill, const struct series *spill_series, struct plot *plot)
{
	int verdict, code;

	plot->end_s = fmax((double)none->graph.wall_ns, (double)spill->graph.wall_ns) / 1e9;
	demo_table_print(none, none_series, spill, spill_series, plot, stdout);
	verdict = demo_verdict(none, spill, stdout);
	code = plot_make(plot);
	printf("\nFiles are in %s/: demo.svg and demo.png (the plot), none.json and\n"
	       "spillway.json (the reports), none.csv and spillway.csv (the series),\n"
	       "ledger.jsonl (what lambda-local ran).\n",
		plot->folder);
	return verdict ? verdict : code;
}

static int run_both(const struct demo_options *demo, const char *command)
{
	struct run_options none, spill;
	struct run_report none_report = { 0 }, spill_report = { 0 };
	struct series none_series = { 0 }, spill_series = { 0 };
	char lambda[PATH_MAX + 128];
	struct plot plot;
	int code;

	plan_run(&none, demo, &plot);
	none.policy = "none";
	none.command = command;
	spill = none;
	spill.policy = "spillway";
	snprintf(lambda, sizeof(lambda),
		"concurrency=%d,rtt-ms=%d,cold-start-ms=%d,ledger=%s/ledger.jsonl",
		(int)demo->concurrency, (int)demo->rtt_ms, (int)demo->cold_start_ms, demo->output);
	spill.lambda_local = lambda;
	demo_introduce(&plot, none.generator.num_events, stdout);
	code = run_one(demo, &none, &none_report, &none_series);
	if (!code) {
		puts("  without spilling: done");
		fflush(stdout);
		code = run_one(demo, &spill, &spill_report, &spill_series);
	}
	if (!code) {
		puts("  with spilling: done\n");
		code = tell(&none_report, &none_series, &spill_report, &spill_series, &plot);
	}
	run_report_fini(&none_report);
	run_report_fini(&spill_report);
	series_fini(&none_series);
	series_fini(&spill_series);
	return code;
}

int cmd_demo(int argc, char **argv)
{
	struct demo_options options = { .output = "spillway-demo",
		.progress = "auto",
		.op_delay_us = 80,
		.phase_s = 5,
		.concurrency = 16,
		.rtt_ms = 5,
		.cold_start_ms = 100 };
	struct option_set set = { rows, ROWS, &options, NULL, NULL };
	struct command_line line = { .command = "demo", .sets = &set, .set_count = 1 };
	struct sw_error error = { 0 };
	char *command;
	int code = options_parse(&line, argc, argv);

	if (code)
		return code;
	if (line.help)
		return help();
	if (strlen(options.output) > PATH_MAX / 2 || strpbrk(options.output, ",="))
		return say(EXIT_USAGE,
			"bad option: --output %s: a folder without , and = and of "
			"at most %d bytes",
			options.output, PATH_MAX / 2);
	if (sw_burst_supported(&error) != 0)
		return say(EXIT_FAILED, "demo failed: %s", error.text);
	if (mkdir(options.output, 0777) != 0 && errno != EEXIST)
		return say(EXIT_FAILED, "demo failed: %s: %s", options.output, strerror(errno));
	signals_install();
	command = command_text();
	code = run_both(&options, command);
	free(command);
	return code;
}

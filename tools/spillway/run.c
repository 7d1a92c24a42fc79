/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/spillway/lambda_process.h"
#include "tools/spillway/message.h"
#include "tools/spillway/run.h"
#include "tools/spillway/sampler.h"
#include "tools/spillway/signals.h"

#define WAIT_MS 10

/* What a run is made of, in the order it is made. */
struct run {
	const struct run_options *options;
	struct lambda_process lambda;
	struct sw_burst *burst;
	struct sw_graph *graph;
	struct sw_nexmark_job *job;
	struct sampler sampler;
	int stops;    /* signals acted on */
	bool is_over; /* stop_after_s has passed */
};

static enum sw_burst_sign sign_mode(const char *name)
{
	if (strcmp(name, "always") == 0)
		return SW_BURST_SIGN_ALWAYS;
	return strcmp(name, "never") == 0 ? SW_BURST_SIGN_NEVER : SW_BURST_SIGN_AUTO;
}

static enum sw_burst_contract contract_of(const char *name)
{
	if (strcmp(name, "invoke") == 0)
		return SW_BURST_CONTRACT_INVOKE;
	return strcmp(name, "http") == 0 ? SW_BURST_CONTRACT_HTTP : SW_BURST_CONTRACT_AUTO;
}

static int make_burst(struct run *run, struct sw_error *error)
{
	const struct run_options *options = run->options;
	struct sw_burst_options burst = SW_BURST_OPTIONS_INIT;
	bool lambda = options->lambda_local != NULL;
	int result;

	burst.policy = run_options_policy(options);
	if (strcmp(burst.policy, "none") == 0 && !options->endpoint && !lambda &&
		!options->cut_stages)
		return 0;
	if (lambda) {
		result = lambda_process_start(&run->lambda, options->lambda_local,
			contract_of(options->contract) == SW_BURST_CONTRACT_HTTP, error);
		if (result)
			return result;
	}
	if (options->ca && access(options->ca, R_OK) != 0)
		return sw_error_set(error, -errno, "--ca %s: %s", options->ca, strerror(errno));
	burst.spill_share = options->spill_share;
	burst.endpoint = lambda ? run->lambda.url : options->endpoint;
	burst.contract = contract_of(options->contract);
	burst.function = lambda ? NULL : options->function;
	burst.ca_file = lambda ? run->lambda.ca : options->ca;
	burst.sign = sign_mode(options->sign);
	burst.region = options->region;
	burst.sample_us = (uint32_t)options->sample_us;
	burst.max_inflight = (uint32_t)options->max_inflight;
	burst.max_invocations = options->max_invocations;
	burst.budget_usd_per_hour = options->budget_usd_per_hour;
	burst.deadline_ms = (uint32_t)options->deadline_ms;
	burst.dial_back = options->dial_back;
	burst.dial_back_advertise = options->dial_back_advertise;
	burst.dial_back_ms = (uint32_t)options->dial_back_ms;
	burst.retries = (uint32_t)options->retries;
	burst.prewarm = (uint32_t)options->prewarm;
	burst.prewarm_every_s = (uint32_t)options->prewarm_every_s;
	burst.log = say_warning;
	return sw_burst_create(&burst, &run->burst, error);
}

static enum sw_state_mode state_mode(const char *name)
{
	if (strcmp(name, "dense") == 0)
		return SW_STATE_DENSE;
	return strcmp(name, "hash") == 0 ? SW_STATE_HASH : SW_STATE_AUTO;
}

static int make_graph(struct run *run, struct sw_error *error)
{
	const struct run_options *options = run->options;
	struct sw_graph_options graph = SW_GRAPH_OPTIONS_INIT;

	graph.workers = (unsigned)options->workers;
	graph.pin = options->pin;
	graph.batch_rows = (uint32_t)options->batch_rows;
	graph.ring_slots = (uint32_t)options->ring_slots;
	graph.huge_pages =
		strcmp(options->huge_pages, "off") == 0 ? SW_HUGE_PAGES_OFF : SW_HUGE_PAGES_AUTO;
	graph.max_state_bytes = options->max_state_bytes;
	graph.state = state_mode(options->state);
	graph.op_delay_ns = (uint64_t)(options->op_delay_us * 1000 + 0.5);
	graph.outlets = run->burst ? sw_burst_provider(run->burst) : NULL;
	graph.log = say_warning;
	return sw_graph_create(&graph, &run->graph, error);
}

static bool is_stopped(void *unused)
{
	(void)unused;
	return signals_seen() > 0;
}

static struct sw_nexmark_job_options job_options(const struct run_options *options)
{
	struct sw_nexmark_job_options job = SW_NEXMARK_JOB_OPTIONS_INIT;

	job.query = options->query;
	job.generator = &options->generator;
	job.input_dir = options->input;
	job.replay = options->replay;
	job.rate_limited = options->is_rate_limited;
	job.pace = options->pace;
	job.watermark_delay_ms = (int64_t)options->watermark_delay_ms;
	job.processing_time_event = strcmp(options->processing_time, "event") == 0;
	job.side_input = options->side_input;
	job.tokens = options->tokens;
	job.output = options->output;
	job.checksum = options->checksum;
	job.ordered = options->ordered;
	job.changelog = options->changelog;
	job.late = options->late;
	job.stopped = is_stopped;
	return job;
}

static int make_job(struct run *run, struct sw_error *error)
{
	struct sw_nexmark_job_options job = job_options(run->options);

	return sw_nexmark_job_create(run->graph, &job, &run->job, error);
}

int run_check(const struct run_options *options)
{
	struct sw_nexmark_job_options job = job_options(options);
	struct sw_error error = { 0 };

	if (sw_nexmark_job_check(&job, &error) == 0 &&
		(!options->lambda_local || !options->lambda_local[0] ||
			lambda_process_check(options->lambda_local, &error) == 0))
		return EXIT_DONE;
	return say(EXIT_USAGE, "bad options: %s", error.text);
}

static void act_on_time(struct run *run)
{
	const double stop_s = run->options->stop_after_s;

	if (stop_s > 0 && !run->is_over &&
		(double)(sw_now_ns() - run->sampler.start_ns) / 1e9 >= stop_s) {
		run->is_over = true;
		sw_graph_stop(run->graph);
	}
}

static void act_on_signals(struct run *run)
{
	int seen = signals_seen();

	if (seen > 0 && run->stops == 0)
		sw_graph_stop(run->graph);
	if (seen > 1 && run->stops < 2)
		sw_graph_cancel(run->graph);
	run->stops = seen;
}

/* From start to end. 0 or -errno. */
static int watch(struct run *run, struct sw_error *error)
{
	int result = sw_graph_start(run->graph, error);

	if (result)
		return result;
	sampler_start(&run->sampler, run->graph, run->burst);
	do {
		act_on_signals(run);
		act_on_time(run);
		result = sw_graph_wait(run->graph, WAIT_MS, error);
		sampler_turn(&run->sampler);
	} while (result == -ETIMEDOUT);
	return result;
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static int collect_edges(struct run *run, struct run_report *report)
{
	report->edge_count = sw_graph_edges(run->graph);
	report->edges = calloc(report->edge_count + 1, sizeof(*report->edges));
	if (!report->edges)
		return -ENOMEM;
	for (unsigned i = 0; i < report->edge_count; i++) {
		struct edge_report *edge = &report->edges[i];

		sw_graph_edge_stats(run->graph, i, &edge->stats);
		snprintf(edge->from, sizeof(edge->from), "%s", edge->stats.from);
		snprintf(edge->to, sizeof(edge->to), "%s", edge->stats.to);
		edge->stats.from = edge->from;
		edge->stats.to = edge->to;
		if (run->burst &&
			sw_burst_edge_why(run->burst, i, edge->why, sizeof(edge->why)) != 0)
			edge->why[0] = '\0';
	}
	return 0;
}

static int collect(struct run *run, struct run_report *report)
{
	struct rusage usage;

	if (!run->sampler.graph)
		return 0; /* it did not start */
	sw_graph_stats(run->graph, &report->graph);
	report->complete = report->graph.complete && run->stops == 0;
	getrusage(RUSAGE_SELF, &usage);
	report->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
	report->worker_count = sw_graph_workers(run->graph);
	report->workers = calloc(report->worker_count + 1, sizeof(*report->workers));
	if (!report->workers)
		return -ENOMEM;
	for (unsigned i = 0; i < report->worker_count; i++)
		sw_graph_worker_stats(run->graph, i, &report->workers[i]);
	sampler_latency(&run->sampler, &report->latency);
	sw_nexmark_job_result(run->job, &report->result);
	snprintf(report->columns, sizeof(report->columns), "%s", sw_nexmark_job_reads(run->job));
	report->bursts = run->burst != NULL;
	if (run->burst)
		sw_burst_stats(run->burst, &report->burst);
	return collect_edges(run, report);
}

static int failed(
	const struct run *run, int result, const struct sw_error *error, struct run_report *report)
{
	const char *why = error->text[0] ? error->text : strerror(-result);

	if (result == -ECANCELED && run->stops > 0)
		return EXIT_INTERRUPTED;
	snprintf(report->failure, sizeof(report->failure), "%s", why);
	return say(EXIT_FAILED, "run failed: %s: %s", run->options->query, why);
}

int run_execute(const struct run_options *options, const struct observer *observers,
	unsigned observer_count, struct run_report *report)
{
	struct run run = { .options = options, .lambda = { .output = -1 } };
	struct sw_error error = { 0 };
	int code = EXIT_DONE, result;
	double cpu_before;

	*report = (struct run_report){ .options = options };
	result = sampler_init(&run.sampler, observers, observer_count);
	if (!result)
		result = make_burst(&run, &error);
	if (!result)
		result = make_graph(&run, &error);
	if (!result)
		result = make_job(&run, &error);
	if (!result) {
		cpu_before = cpu_seconds();
		result = watch(&run, &error);
		report->cpu_s = cpu_seconds() - cpu_before;
		if (collect(&run, report) != 0 && !result)
			result = -ENOMEM;
	}
	if (result)
		code = failed(&run, result, &error, report);
	else if (run.stops > 0)
		code = EXIT_INTERRUPTED;
	sw_graph_destroy(run.graph);
	sw_nexmark_job_destroy(run.job);
	sw_burst_destroy(run.burst);
	lambda_process_end(&run.lambda);
	sampler_fini(&run.sampler);
	return code;
}

void run_report_fini(struct run_report *report)
{
	free(report->workers);
	free(report->edges);
	report->workers = NULL;
	report->edges = NULL;
}

unsigned run_report_workers(const struct run_report *report)
{
	unsigned count = 0;

	for (unsigned i = 0; i < report->worker_count; i++)
		count += !report->workers[i].service;
	return count;
}

unsigned run_report_cores(const struct run_report *report)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned count = 0;

	for (unsigned i = 0; i < report->worker_count; i++) {
		const struct sw_worker_stats *worker = &report->workers[i];

		count += !worker->service && !worker->place.shared && !worker->place.sibling;
	}
	/* Workers that are not pinned may be more than there are cores to have. */
	return online > 0 && count > (unsigned long)online ? (unsigned)online : count;
}

struct worker_seconds run_report_seconds(const struct run_report *report)
{
	struct worker_seconds sum = { 0 };

	for (unsigned i = 0; i < report->worker_count; i++) {
		const struct sw_worker_stats *worker = &report->workers[i];

		if (worker->service)
			continue;
		sum.busy += (double)worker->busy_ns / 1e9;
		sum.idle += (double)worker->idle_ns / 1e9;
		sum.backpressured += (double)worker->backpressured_ns / 1e9;
	}
	sum.total = sum.busy + sum.idle + sum.backpressured;
	return sum;
}

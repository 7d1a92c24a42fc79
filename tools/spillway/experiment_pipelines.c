/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"

/* The origin's pipelines: parallelism, backpressure, interval, latency, language. */

/* An event of the origin's tokenizer slept 1 s, and its function did not. Here a function has the
 * same cost as a worker, so that cost is a two-hundredth: a worker can do 200 events/s, and the
 * rates go from half of that to 7.5 times. "scaled" has many times the rate at so much less the
 * cost. Batches are 12 to 20 ms of work: while one is run here, nothing else is. */
#define ORIGIN_COST_US 5000.0
#define SCALE          40.0

struct parameters {
	const char *part;
	double rate, cost_us; /* factor; of an event */
	double seconds;
	uint64_t batch_rows, ring_slots;
};

static const struct parameters origin = { "origin", 1, ORIGIN_COST_US, 10, 4, 4 };
static const struct parameters scaled = { "scaled", SCALE, ORIGIN_COST_US / SCALE, 3, 96, 8 };
static const struct parameters brief = { "scaled", SCALE, ORIGIN_COST_US / SCALE, 0.8, 96, 8 };

enum { PIPELINE_VANILLA, PIPELINE_NO_OFFLOAD, PIPELINE_BURSTING, PIPELINES };

static const char *const pipelines[PIPELINES] = { "vanilla", "no offload", "bursting" };

static void pipeline_cell(const struct session *session, struct cell *cell,
	const struct parameters *parameters, int pipeline, double x)
{
	cell_init(session, cell, parameters->part, pipelines[pipeline], x);
	cell->run.op_delay_us = parameters->cost_us;
	cell->run.batch_rows = parameters->batch_rows;
	cell->run.ring_slots = parameters->ring_slots;
	cell->no_offload = pipeline == PIPELINE_NO_OFFLOAD;
	if (pipeline != PIPELINE_VANILLA)
		cell_burst(session, cell, "spillway");
}

static void note_parameters(struct session *session, const struct parameters *parameters)
{
	session_note(session, NOTE_PARAMETER,
		"%s: the origin's rates times %g; an event costs %g ms (simulated, so one worker "
		"can do %g events/s), %g s a run",
		parameters->part, parameters->rate, parameters->cost_us / 1e3,
		1e6 / parameters->cost_us, parameters->seconds);
}

static void note_pipelines(struct session *session)
{
	session_note(session, NOTE_PARAMETER,
		"vanilla: no controller; no offload: policy spillway that may invoke once; "
		"bursting: policy spillway, %d warm functions %d ms away",
		WARM_FUNCTIONS, WARM_RTT_MS);
}

/* ---- Rates against the three pipelines ---- */

static int run_rates(struct session *session, const struct parameters *parameters,
	const double *rates, size_t count)
{
	int code = 0;

	note_parameters(session, parameters);
	for (size_t i = 0; i < count; i++)
		for (int pipeline = 0; pipeline < PIPELINES && !code; pipeline++) {
			const double rate = rates[i] * parameters->rate;
			struct cell cell;

			pipeline_cell(session, &cell, parameters, pipeline, rate);
			cell_offer(&cell, rate, parameters->seconds);
			/* The baselines would be at it for many times as long. */
			cell.run.stop_after_s = parameters->seconds;
			code = session_run(session, &cell);
		}
	return code;
}

static int run_all_rates(struct session *session, const double *rates, size_t count,
	const double *rates_short, size_t count_short)
{
	int code = session_ready(session);

	note_pipelines(session);
	if (session->is_short)
		return code ? code : run_rates(session, &brief, rates_short, count_short);
	if (!code)
		code = run_rates(session, &scaled, rates, count);
	/* Long enough to be told by one. */
	if (!code && session->repeat == 0)
		code = run_rates(session, &origin, rates, count);
	return code;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int run_backpressure(struct session *session)
{
	static const double rates[] = { 100, 250, 500, 750, 1000 };
	static const double few[] = { 100, 1000 };

	return run_all_rates(session, rates, COUNT(rates), few, COUNT(few));
}

static int run_latency(struct session *session)
{
	static const double rates[] = { 100, 250, 500, 750, 1000, 1250, 1500 };
	static const double few[] = { 100, 1500 };

	return run_all_rates(session, rates, COUNT(rates), few, COUNT(few));
}

/* How a figure changes from the first x of a part to the last, for each series. */
static void tell_part(const struct session *session, FILE *out, const char *part,
	const char *x_unit, enum figure figure, const char *what, const char *unit)
{
	const struct experiment *self = session->experiment;
	struct extent extent;
	double first, last;

	rows_extent(session, self, part, &extent);
	if (extent.x_count == 0)
		return;
	first = extent.x[0];
	last = extent.x[extent.x_count - 1];
	fprintf(out, "%s, from %s to %s %s: %s ", part, words_amount(first, "").bytes,
		words_amount(last, "").bytes, x_unit, what);
	for (size_t i = 0; i < extent.series_count; i++) {
		const char *series = extent.series[i];

		fprintf(out, "%s%s with %s", i ? ", " : "",
			words_change(rows_median(session, self, part, series, first, figure),
				rows_median(session, self, part, series, last, figure), unit)
				.bytes,
			series);
	}
	fputs(".\n", out);
}

static void tell_backpressure(const struct session *session, FILE *out)
{
	for (int i = 0; i < 2; i++)
		tell_part(session, out, i ? "origin" : "scaled", "events/s",
			FIGURE_HELD_BACK_PERCENT,
			"the share of the time that the source was held back", "%");
}

static void tell_latency(const struct session *session, FILE *out)
{
	for (int i = 0; i < 2; i++)
		tell_part(session, out, i ? "origin" : "scaled", "events/s", FIGURE_P99_MS,
			"the 99th percentile of latency", "ms");
}

/* ---- Parallelism ---- */

static int run_workers(struct session *session, const struct parameters *parameters, int pipeline,
	uint64_t workers, double per_s, double events)
{
	struct cell cell;

	pipeline_cell(session, &cell, parameters, pipeline, (double)workers);
	cell.run.workers = workers;
	cell_offer(&cell, per_s, events / per_s);
	return session_run(session, &cell);
}

static int run_parallelism(struct session *session)
{
	const double scaled_events = session->is_short ? 12000 : 50000;
	int code = session_ready(session);

	note_pipelines(session);
	session_note(session, NOTE_PARAMETER,
		"scaled: %g events at %g/s, %g ms each (simulated: a worker burns it, so it cannot "
		"be done by more workers at once than there are cores)",
		scaled_events, 1000 * SCALE, scaled.cost_us / 1e3);
	for (uint64_t workers = 1; workers <= 8 && !code; workers *= 2) {
		code = run_workers(
			session, &scaled, PIPELINE_VANILLA, workers, 1000 * SCALE, scaled_events);
		if (!code)
			code = run_workers(session, &scaled, PIPELINE_BURSTING, workers,
				1000 * SCALE, scaled_events);
	}
	if (session->is_short || session->repeat > 0)
		return code;
	session_note(session, NOTE_PARAMETER,
		"origin: 100,000 events at 1,000/s, %g ms each; vanilla left out: it would take "
		"500 s on one worker",
		ORIGIN_COST_US / 1e3);
	for (uint64_t workers = 1; workers <= 8 && !code; workers *= 8)
		code = run_workers(session, &origin, PIPELINE_BURSTING, workers, 1000, 100000);
	return code;
}

static void tell_parallelism(const struct session *session, FILE *out)
{
	for (int i = 0; i < 2; i++)
		tell_part(session, out, i ? "origin" : "scaled", "workers", FIGURE_WALL_S,
			"the completion time", "s");
}

/* ---- Sampling interval ---- */

static int run_interval(struct session *session)
{
	static const unsigned all_us[] = { 50, 250, 1000, 10000, 100000, 700000, 800000, 1000000,
		1100000, 1200000, 0 };
	static const unsigned few_us[] = { 250, 10000, 800000, 0 };
	const unsigned *us = session->is_short ? few_us : all_us;
	const double seconds = session->is_short ? 2 : 12;
	int code = session_ready(session);

	session_note(session, NOTE_PARAMETER,
		"policy spillway, its controller's period set; tokenize, one worker, 0.1 ms an "
		"event "
		"(simulated: 10,000 events/s); %g s of 0.5 times that for 1 s, 4 times for 1 s; %d "
		"warm functions %d ms away",
		seconds, WARM_FUNCTIONS, WARM_RTT_MS);
	for (; *us && !code; us++) {
		struct cell cell;

		cell_init(session, &cell, "interval", "spillway", *us / 1e3);
		cell_burst(session, &cell, "spillway");
		cell.run.sample_us = *us;
		cell.run.op_delay_us = 100;
		cell.run.batch_rows = 128;
		cell_step(&cell, 1, 5000);
		cell_step(&cell, 1, 40000);
		cell_pace_for(&cell, seconds);
		code = session_run(session, &cell);
	}
	return code;
}

static void tell_interval(const struct session *session, FILE *out)
{
	const struct experiment *self = session->experiment;
	double best = INFINITY, best_x = NAN;
	struct extent extent;
	double first, last;

	rows_extent(session, self, "interval", &extent);
	if (extent.x_count == 0)
		return;
	for (size_t i = 0; i < extent.x_count; i++) {
		double one = rows_median(
			session, self, "interval", "spillway", extent.x[i], FIGURE_P99_MS);

		if (one < best) {
			best = one;
			best_x = extent.x[i];
		}
	}
	fprintf(out, "The 99th percentile of latency was least, %s, at an interval of %g ms.\n",
		words_amount(best, "ms").bytes, best_x);
	first = extent.x[0];
	last = extent.x[extent.x_count - 1];
	fprintf(out, "From %g to %g ms the completion time %s, the 99th percentile %s, ", first,
		last,
		words_change(
			rows_median(session, self, "interval", "spillway", first, FIGURE_WALL_S),
			rows_median(session, self, "interval", "spillway", last, FIGURE_WALL_S),
			"s")
			.bytes,
		words_change(
			rows_median(session, self, "interval", "spillway", first, FIGURE_P99_MS),
			rows_median(session, self, "interval", "spillway", last, FIGURE_P99_MS),
			"ms")
			.bytes);
	fprintf(out, "and the time that the source was held back %s.\n",
		words_change(rows_median(session, self, "interval", "spillway", first,
				     FIGURE_HELD_BACK_S),
			rows_median(
				session, self, "interval", "spillway", last, FIGURE_HELD_BACK_S),
			"s")
			.bytes);
}

/* ---- Language of the function ---- */

#define LANGUAGE_CONCURRENCY 8

static int run_language_rates(struct session *session, const char *language, const double *rates,
	size_t count, double seconds)
{
	const char *function = strcmp(language, "c") == 0 ? LAMBDA_FUNCTION : language;
	int code = session_warm(session, function, LANGUAGE_CONCURRENCY);

	for (size_t i = 0; i < count && !code; i++) {
		struct cell cell;

		cell_init(session, &cell, "language", language, rates[i]);
		cell_burst(session, &cell, "spillway");
		cell.run.function = function;
		cell.run.op_delay_us = 500;
		cell.run.batch_rows = 24;
		cell.run.max_inflight = LANGUAGE_CONCURRENCY;
		cell_offer(&cell, rates[i], seconds);
		cell.run.stop_after_s = seconds;
		code = session_run(session, &cell);
	}
	return code;
}

static int run_language(struct session *session)
{
	static const double all[] = { 1000, 2500, 5000, 7500, 10000 };
	static const double few[] = { 1000, 7500 };
	const double seconds = session->is_short ? 0.8 : 5;
	const char *languages[LANGUAGES_MAX + 1];
	int code = session_endpoint(session,
		&(struct endpoint){
			.concurrency = LANGUAGE_CONCURRENCY, .rtt_ms = 5, .languages = true });

	session_note(session, NOTE_PARAMETER,
		"policy spillway; tokenize, one worker, 0.5 ms an event here and in the function "
		"(simulated: 2,000 events/s each), %d warm functions 5 ms away, %g s a run; the "
		"functions' own work is not simulated and shares this machine",
		LANGUAGE_CONCURRENCY, seconds);
	session_languages(session, languages);
	for (size_t i = 0; languages[i] && !code; i++)
		code = run_language_rates(session, languages[i], session->is_short ? few : all,
			session->is_short ? COUNT(few) : COUNT(all), seconds);
	return code;
}

static void tell_language(const struct session *session, FILE *out)
{
	const struct experiment *self = session->experiment;
	struct extent extent;
	const char *best;
	double least, x;

	rows_extent(session, self, "language", &extent);
	if (extent.x_count == 0)
		return;
	x = extent.x[extent.x_count - 1];
	for (size_t i = 0; i < extent.series_count; i++)
		fprintf(out, "%s: from %s to %s events/s the 99th percentile of latency %s.\n",
			extent.series[i], words_amount(extent.x[0], "").bytes,
			words_amount(x, "").bytes,
			words_change(rows_median(session, self, "language", extent.series[i],
					     extent.x[0], FIGURE_P99_MS),
				rows_median(session, self, "language", extent.series[i], x,
					FIGURE_P99_MS),
				"ms")
				.bytes);
	best = rows_best(session, self, "language", x, FIGURE_P50_MS, false, &least);
	if (best && extent.series_count > 1)
		fprintf(out, "At the greatest rate the median is least with %s: %s.\n", best,
			words_amount(least, "ms").bytes);
}

/* ---- The table's entries ---- */

const struct experiment experiment_parallelism = {
	.name = "parallelism",
	.title = "Parallelism and completion",
	.question = "How long does a stream take on 1, 2, 4 and 8 workers?",
	.origin = "100,000 events were done in 122 s at a parallelism of 1 and in 40 s at 8.",
	.repeats = 3,
	.run = run_parallelism,
	.tell = tell_parallelism,
	.charts = {
		{ .name = "scaled", .part = "scaled", .title = "Completion time, scaled",
			.x_title = "workers", .y_title = "s", .y = FIGURE_WALL_S, .log_x = true },
		{ .name = "origin", .part = "origin", .title = "Completion time, origin's rates",
			.x_title = "workers", .y_title = "s", .y = FIGURE_WALL_S, .log_x = true },
	},
};

const struct experiment experiment_backpressure = {
	.name = "backpressure",
	.title = "Back-pressure and rate",
	.question = "How much of the time is the source held back, as the rate grows?",
	.origin = "the baselines were back-pressured for about 300 s of 300 s; with Lambda it "
		  "corrected itself in the next intervals.",
	.repeats = 3,
	.run = run_backpressure,
	.tell = tell_backpressure,
	.charts = {
		{ .name = "scaled", .part = "scaled", .title = "Source held back, scaled",
			.x_title = "events/s offered", .y_title = "% of the time",
			.y = FIGURE_HELD_BACK_PERCENT },
		{ .name = "origin", .part = "origin", .title = "Source held back, origin's rates",
			.x_title = "events/s offered", .y_title = "% of the time",
			.y = FIGURE_HELD_BACK_PERCENT },
	},
};

const struct experiment experiment_interval = {
	.name = "interval",
	.title = "Sampling interval",
	.question = "How often must the controller look?",
	.origin = "of 700, 800, 1000, 1100 and 1200 ms, 800 ms was best.",
	.repeats = 1,
	.run = run_interval,
	.tell = tell_interval,
	.charts = {
		{ .name = "completion", .part = "interval", .title = "Completion time",
			.x_title = "sampling interval, ms", .y_title = "s", .y = FIGURE_WALL_S,
			.log_x = true },
		{ .name = "latency", .part = "interval", .title = "Latency, 99th percentile",
			.x_title = "sampling interval, ms", .y_title = "ms", .y = FIGURE_P99_MS,
			.log_x = true, .log_y = true },
		{ .name = "held-back", .part = "interval", .title = "Source held back",
			.x_title = "sampling interval, ms", .y_title = "s",
			.y = FIGURE_HELD_BACK_S, .log_x = true },
	},
};

const struct experiment experiment_latency = {
	.name = "latency",
	.title = "Latency and rate",
	.question = "How long from an event's due time to its result, as the rate grows?",
	.origin = "the baselines took 125 to 210 s, with Lambda it was 0.3 to 0.5 s.",
	.repeats = 3,
	.run = run_latency,
	.tell = tell_latency,
	.charts = {
		{ .name = "scaled", .part = "scaled", .title = "Latency, 99th percentile, scaled",
			.x_title = "events/s offered", .y_title = "ms", .y = FIGURE_P99_MS,
			.log_y = true },
		{ .name = "origin", .part = "origin",
			.title = "Latency, 99th percentile, origin's rates",
			.x_title = "events/s offered", .y_title = "ms", .y = FIGURE_P99_MS,
			.log_y = true },
	},
};

const struct experiment experiment_language = {
	.name = "language",
	.title = "Latency by the function's language",
	.question = "Does the function's language matter to the stream's latency?",
	.origin = "it compared the Java function with the Python one in the same way; beside its "
		  "0.3 to 0.5 s no separate figures are at hand.",
	.repeats = 3,
	.run = run_language,
	.tell = tell_language,
	.charts = {
		{ .name = "p99", .part = "language", .title = "Latency, 99th percentile",
			.x_title = "events/s offered", .y_title = "ms", .y = FIGURE_P99_MS,
			.log_y = true },
		{ .name = "p50", .part = "language", .title = "Latency, median",
			.x_title = "events/s offered", .y_title = "ms", .y = FIGURE_P50_MS,
			.log_y = true },
	},
};

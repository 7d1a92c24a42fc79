/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"
#include "tools/spillway/progress.h"
#include "tools/spillway/signals.h"

#define BATCH_ROWS 64
/* Short rings: what stands in one cannot leave any more. */
#define RING_SLOTS 8
/* A source is held back when it is behind by more than this much of its greatest rate. */
#define BEHIND_S 0.05
/* After so many runs that failed there is no use in going on. */
#define FAILURES_MAX 8

bool session_goes_on(struct session *session)
{
	if (signals_seen() > 0)
		session->interrupted = true;
	return !session->interrupted && session->failures < FAILURES_MAX;
}

void session_note(struct session *session, enum note_kind kind, const char *format, ...)
{
	struct note note = { .experiment = session->experiment, .kind = kind };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(note.text, sizeof(note.text), format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < session->note_count; i++)
		if (session->notes[i].experiment == note.experiment &&
			strcmp(session->notes[i].text, note.text) == 0)
			return;
	if (kind == NOTE_SKIPPED)
		printf("SKIPPED: %s: %s\n", session->experiment->name, note.text);
	if (session->note_count < NOTES_MAX)
		session->notes[session->note_count++] = note;
}

struct row *session_row(struct session *session, const char *part, const char *series, double x)
{
	struct row *row;

	if (session->row_count == session->row_capacity) {
		size_t capacity = session->row_capacity ? 2 * session->row_capacity : 256;
		struct row *more = reallocarray(session->rows, capacity, sizeof(*more));

		if (!more) {
			say(EXIT_FAILED, "experiments: rows: out of memory");
			return NULL;
		}
		session->rows = more;
		session->row_capacity = capacity;
	}
	row = &session->rows[session->row_count++];
	*row = (struct row){ .experiment = session->experiment, .x = x, .repeat = session->repeat };
	row->op_delay_us = row->offered_per_s = NAN;
	for (int i = 0; i < FIGURES; i++)
		row->figures[i] = NAN;
	snprintf(row->part, sizeof(row->part), "%s", part);
	snprintf(row->series, sizeof(row->series), "%s", series);
	return row;
}

/* ---- Cells ---- */

void cell_init(const struct session *session, struct cell *cell, const char *part,
	const char *series, double x)
{
	*cell = (struct cell){ .part = part, .series = series, .x = x };
	run_options_init(&cell->run);
	cell->run.query = "tokenize";
	cell->run.workers = 1;
	cell->run.batch_rows = BATCH_ROWS;
	cell->run.ring_slots = RING_SLOTS;
	cell->run.is_rate_limited = true;
	cell->run.cut_stages = true;
	cell->run.policy = "none";
	cell->run.progress = session->progress;
}

void cell_burst(const struct session *session, struct cell *cell, const char *policy)
{
	cell->run.policy = policy;
	if (strcmp(policy, "none") == 0)
		return;
	cell->run.endpoint = session->lambda.url;
	cell->run.ca = session->lambda.ca;
	cell->run.function = LAMBDA_FUNCTION;
}

void cell_step(struct cell *cell, double seconds, double per_s)
{
	uint32_t step = cell->pace.steps++;

	cell->pace.step[step].ns = (uint64_t)(seconds * 1e9);
	cell->pace.step[step].events = (uint64_t)(seconds * per_s + 0.5);
	cell->offered_per_s = fmax(cell->offered_per_s, per_s);
}

void cell_pace_for(struct cell *cell, double seconds)
{
	cell->run.generator.num_events =
		(int64_t)sw_nexmark_pace_events(&cell->pace, (uint64_t)(seconds * 1e9));
}

void cell_offer(struct cell *cell, double per_s, double seconds)
{
	cell->pace.steps = 0;
	cell_step(cell, seconds, per_s);
	cell->run.generator.num_events = (int64_t)cell->pace.step[0].events;
}

/* ---- Figures ---- */

/* Events that were due and not made at a sample; a source that gets no turn cannot tell itself. */
static double behind(const struct cell *cell, const struct sample *sample)
{
	const uint64_t due = sw_nexmark_pace_events(&cell->pace, (uint64_t)(sample->t_s * 1e9));
	const double events = fmin((double)due, (double)cell->run.generator.num_events);

	return fmax(0, events - (double)sample->events);
}

/* One worker that runs both the source and what comes after it is never without work, so its own
 * backpressured time does not show that the source is held back; being behind its schedule does. */
static void fill_held_back(double *figures, const struct cell *cell,
	const struct run_report *report, const struct series *series)
{
	const double most =
		fmax(2.0 * (double)cell->run.batch_rows, BEHIND_S * cell->offered_per_s);
	const unsigned workers = run_report_workers(report);
	double own = workers ? run_report_seconds(report).backpressured / workers : 0;
	double seconds = 0, before_s = 0;

	figures[FIGURE_BEHIND_MAX] = 0;
	for (size_t i = 0; i < series->count && cell->pace.steps > 0; i++) {
		const struct sample *sample = &series->samples[i];
		const double events = behind(cell, sample);

		if (cell->run.stop_after_s > 0 && sample->t_s > cell->run.stop_after_s)
			break;
		figures[FIGURE_BEHIND_MAX] = fmax(figures[FIGURE_BEHIND_MAX], events);
		if (events > most)
			seconds += sample->t_s - before_s;
		before_s = sample->t_s;
	}
	figures[FIGURE_HELD_BACK_S] = fmax(own, seconds);
	if (cell->run.stop_after_s > 0)
		figures[FIGURE_HELD_BACK_PERCENT] =
			fmin(100, 100 * figures[FIGURE_HELD_BACK_S] / cell->run.stop_after_s);
	else if (figures[FIGURE_WALL_S] > 0)
		figures[FIGURE_HELD_BACK_PERCENT] =
			fmin(100, 100 * figures[FIGURE_HELD_BACK_S] / figures[FIGURE_WALL_S]);
}

static void fill_latency(double *figures, const struct latency_us *latency)
{
	if (latency->count == 0)
		return;
	figures[FIGURE_P50_MS] = latency->p50 / 1e3;
	figures[FIGURE_P99_MS] = latency->p99 / 1e3;
	figures[FIGURE_MAX_MS] = latency->max / 1e3;
	figures[FIGURE_MEAN_MS] = latency->mean / 1e3;
}

static void fill_burst(double *figures, const struct sw_burst_stats *burst)
{
	if (burst->batches_eligible > 0)
		figures[FIGURE_SPILLED_PERCENT] =
			100.0 * (double)burst->batches_spilled / (double)burst->batches_eligible;
	figures[FIGURE_INVOCATIONS] = (double)burst->attempts;
	figures[FIGURE_RECLAIMED] = (double)burst->batches_reclaimed;
	figures[FIGURE_LOST] = (double)burst->lost;
	figures[FIGURE_DOUBLED] = (double)burst->doubled;
	figures[FIGURE_USD] = burst->usd;
	figures[FIGURE_ONSETS] = (double)burst->onset_to_wire.count;
	if (burst->onset_to_wire.count == 0)
		return;
	figures[FIGURE_ONSET_P50_MS] = (double)burst->onset_to_wire.p50 / 1e3;
	figures[FIGURE_ONSET_P99_MS] = (double)burst->onset_to_wire.p99 / 1e3;
	figures[FIGURE_ONSET_MAX_MS] = (double)burst->onset_to_wire.max / 1e3;
}

static void fill_row(struct row *row, const struct cell *cell, const struct run_report *report,
	const struct series *series)
{
	const struct run_options *run = &cell->run;
	const double wall_s = (double)report->graph.wall_ns / 1e9;
	double *figures = row->figures;

	snprintf(row->label, sizeof(row->label), "%s", cell->label);
	snprintf(row->query, sizeof(row->query), "%s", run->query);
	snprintf(row->policy, sizeof(row->policy), "%s", run->policy);
	if (run->endpoint)
		snprintf(row->function, sizeof(row->function), "%s",
			strcmp(run->function, LAMBDA_FUNCTION) == 0 ? "c" : run->function);
	row->workers = run->workers;
	row->batch_rows = run->batch_rows;
	row->sample_us = run->endpoint ? run->sample_us : 0;
	row->op_delay_us = run->op_delay_us;
	if (cell->offered_per_s > 0)
		row->offered_per_s = cell->offered_per_s;
	figures[FIGURE_EVENTS] = (double)report->graph.events;
	figures[FIGURE_WALL_S] = wall_s;
	figures[FIGURE_EVENTS_PER_S] = wall_s > 0 ? (double)report->graph.events / wall_s : NAN;
	fill_held_back(figures, cell, report, series);
	fill_latency(figures, &report->latency);
	if (run->endpoint)
		fill_burst(figures, &report->burst);
}

/* ---- A run ---- */

static int run_cell(struct session *session, const struct cell *cell,
	const struct run_options *options, struct run_report *report, struct series *series)
{
	char title[4 * NAME_BYTES];
	struct progress progress;
	int code;

	snprintf(title, sizeof(title), "%s: %s %s", session->experiment->name,
		cell->discard ? "warming up" : cell->series, cell->label);
	progress_init(&progress, session->progress, title);
	code = run_execute(options,
		(struct observer[]){
			{ progress_sample, &progress },
			{ series_sample, series },
		},
		2, report);
	progress_end(&progress);
	return code;
}

int session_run(struct session *session, const struct cell *cell)
{
	struct run_options options = cell->run;
	struct run_report report = { 0 };
	struct series series = { 0 };
	struct row *row;
	int code = 0;

	if (!session_goes_on(session))
		return session->interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
	options.pace = cell->pace.steps ? &cell->pace : NULL;
	if (cell->no_offload)
		options.max_invocations = 1;
	code = run_cell(session, cell, &options, &report, &series);
	if (signals_seen() > 0) {
		/* What was cut short is not what was asked for. */
		session->interrupted = true;
		code = EXIT_INTERRUPTED;
	} else if (code) {
		session->failures++;
		session_note(session, NOTE_FAILED, "%s, %s at %g: %s", cell->series, cell->part,
			cell->x, report.failure);
		code = 0;
	} else if (!cell->discard) {
		row = session_row(session, cell->part, cell->series, cell->x);
		if (row)
			fill_row(row, cell, &report, &series);
		code = row ? 0 : EXIT_FAILED;
	}
	run_report_fini(&report);
	series_fini(&series);
	return code;
}

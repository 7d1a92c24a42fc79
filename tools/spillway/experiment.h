/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_EXPERIMENT_H
#define SW_TOOLS_SPILLWAY_EXPERIMENT_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "nexmark/pace.h"
#include "tools/spillway/lambda_process.h"
#include "tools/spillway/run_options.h"
#include "tools/spillway/series.h"

/*
 * Experiments: an experiment runs cells, one after the other; each gives a row of figures. Rows
 * become CSV, charts, sentences and the report. One thread.
 */

/* What is measured; NAN is absent. Names and units: see figure_name. */
enum figure {
	FIGURE_EVENTS,
	FIGURE_WALL_S,
	FIGURE_EVENTS_PER_S,
	FIGURE_MIN_MS, /* of latencies, as the next ones */
	FIGURE_P25_MS,
	FIGURE_P50_MS,
	FIGURE_P75_MS,
	FIGURE_P99_MS,
	FIGURE_MAX_MS,
	FIGURE_MEAN_MS,
	FIGURE_HELD_BACK_S, /* the source, by what comes after it */
	FIGURE_HELD_BACK_PERCENT,
	FIGURE_BEHIND_MAX, /* events that were due and not made */
	FIGURE_SPILLED_PERCENT,
	FIGURE_INVOCATIONS,
	FIGURE_RECLAIMED,
	FIGURE_LOST,
	FIGURE_DOUBLED,
	FIGURE_USD,
	FIGURE_ONSETS,
	FIGURE_ONSET_P50_MS, /* spike's begin to first byte on the wire */
	FIGURE_ONSET_P99_MS,
	FIGURE_ONSET_MAX_MS,
	FIGURE_RATIO, /* to what it is compared with */
	FIGURES
};

#define NAME_BYTES 32

struct experiment;

struct row {
	const struct experiment *experiment;
	/* A part has charts of its own; a series is a line in them; repeats are told by number. */
	char part[NAME_BYTES], series[NAME_BYTES], label[NAME_BYTES];
	double x;
	unsigned repeat;
	/* What was set. */
	char query[NAME_BYTES], policy[NAME_BYTES], function[NAME_BYTES];
	uint64_t workers, batch_rows, sample_us; /* 0: does not apply, as the next two */
	double op_delay_us, offered_per_s;
	double figures[FIGURES];
};

/* One line under an experiment: its parameters, or what was left out and why. */
struct note {
	const struct experiment *experiment;
	enum note_kind { NOTE_PARAMETER, NOTE_SKIPPED, NOTE_FAILED } kind;
	char text[256];
};

#define NOTES_MAX 128

struct session {
	/* Given; borrowed. */
	const char *output, *progress, *functions, *command;
	bool is_short;
	/* Now. */
	const struct experiment *experiment;
	unsigned repeat;
	bool interrupted;
	/* So far. */
	struct row *rows;
	size_t row_count, row_capacity;
	struct note notes[NOTES_MAX];
	size_t note_count;
	unsigned failures;
	/* The lambda-local that is up, and for what. */
	struct lambda_process lambda;
	char lambda_options[1536];
	bool is_warm;           /* session_ready's */
	char java_classes[512]; /* "": not compiled yet */
};

enum chart_kind { CHART_LINES, CHART_BARS, CHART_BOXES };

struct chart {
	const char *name; /* file: EXPERIMENT-NAME.svg */
	const char *part; /* whose rows */
	const char *title, *x_title, *y_title;
	enum figure y; /* boxes: the quartiles, whatever it says */
	enum chart_kind kind;
	bool log_x, log_y;
	bool has_table; /* the report shows its figures below it */
};

#define CHARTS_MAX 6

struct experiment {
	const char *name, *title;
	const char *question; /* what it is to find out */
	const char *origin;   /* what the origin found; null: it has none of this */
	unsigned repeats;     /* in the full form */
	/* Runs the cells. 0, or an exit code that ends everything. */
	int (*run)(struct session *session);
	/* What the rows show, in sentences. */
	void (*tell)(const struct session *session, FILE *out);
	struct chart charts[CHARTS_MAX]; /* ends with a null name, if there are fewer */
};

extern const struct experiment experiment_parallelism, experiment_backpressure, experiment_interval,
	experiment_batch_size, experiment_latency, experiment_language, experiment_policies,
	experiment_reaction;

/* ---- Running: experiment_run.c ---- */

/* One run to be. */
struct cell {
	const char *part, *series;
	char label[NAME_BYTES]; /* "": x says it */
	double x;
	double offered_per_s; /* at most */
	struct run_options run;
	struct sw_nexmark_pace pace; /* none without steps */
	bool no_offload; /* the policy decides, and nothing may leave (but for one invocation) */
	bool discard;    /* only to warm up */
};

/* tokenize on one worker, paced, its stages cut, without bursting. */
void cell_init(const struct session *session, struct cell *cell, const char *part,
	const char *series, double x);
/* With bursting to the session's endpoint. */
void cell_burst(const struct session *session, struct cell *cell, const char *policy);
/* A constant rate for so long. */
void cell_offer(struct cell *cell, double per_s, double seconds);
/* As many events as the pace has in so long. */
void cell_pace_for(struct cell *cell, double seconds);
/* Another step of the pace. */
void cell_step(struct cell *cell, double seconds, double per_s);

/* 0, also when the run failed (that is noted); or the exit code with which all is to end. */
int session_run(struct session *session, const struct cell *cell);
/* A row with all figures absent; null when memory is out, which is said. */
struct row *session_row(struct session *session, const char *part, const char *series, double x);
/* Texts that are there already are not added again. */
void session_note(struct session *session, enum note_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* False: SIGINT came, or too much failed; nothing more is to begin. */
bool session_goes_on(struct session *session);

/* ---- The endpoint: experiment_endpoint.c ---- */

struct endpoint {
	unsigned concurrency, rtt_ms, cold_start_ms;
	bool languages; /* Python and Java too, where they can be had */
};

/* Starts a lambda-local, unless such a one is up. 0 or EXIT_FAILED, said. */
int session_endpoint(struct session *session, const struct endpoint *endpoint);
/* Has its functions' environments started. As session_run. */
int session_warm(struct session *session, const char *function, unsigned environments);
/* The endpoint of most experiments, up and warm. */
#define WARM_FUNCTIONS 24
#define WARM_RTT_MS    20
int session_ready(struct session *session);
void session_endpoint_end(struct session *session);
/* The languages that can be had ("c", "python", "java"), ended by null; others are noted. */
#define LANGUAGES_MAX 3
void session_languages(struct session *session, const char *languages[LANGUAGES_MAX + 1]);

/* ---- Rows: experiment_rows.c ---- */

const char *figure_name(enum figure figure);
/* Median over the repeats; NAN without any. */
double rows_median(const struct session *session, const struct experiment *experiment,
	const char *part, const char *series, double x, enum figure figure);
/* What there is of a part, in the order it came. */
#define SERIES_MAX 8
#define XS_MAX     128
struct extent {
	const char *series[SERIES_MAX];
	size_t series_count;
	double x[XS_MAX];
	const char *label[XS_MAX];
	size_t x_count;
};
void rows_extent(const struct session *session, const struct experiment *experiment,
	const char *part, struct extent *extent);
bool rows_any(const struct session *session, const struct experiment *experiment);
/* OUTPUT/NAME.csv; 0 or EXIT_FAILED, said. */
int rows_write(const struct session *session, const struct experiment *experiment);

/* ---- Sentences: experiment_words.c ---- */

/* "fell from 3.1 s to 1.2 s", "stayed at about 3.1 s", ... */
struct words {
	char bytes[160];
};
struct words words_change(double from, double to, const char *unit);
struct words words_amount(double amount, const char *unit);
/* The series with the least (or most) of a figure at an x; NULL without rows. */
const char *rows_best(const struct session *session, const struct experiment *experiment,
	const char *part, double x, enum figure figure, bool most, double *value);

/* ---- Showing: chart.c, experiment_report.c ---- */

/* OUTPUT/EXPERIMENT-NAME.svg by gnuplot. 0 or EXIT_FAILED, said; nothing without rows. */
int chart_make(const struct session *session, const struct chart *chart);
bool chart_has_rows(
	const struct session *session, const struct experiment *experiment, const char *part);
void chart_path(const struct session *session, const struct experiment *experiment,
	const struct chart *chart, const char *suffix, char *path, size_t path_bytes);

/* OUTPUT/report.html. 0 or EXIT_FAILED, said. */
int experiment_report_write(
	struct session *session, const struct experiment *const *experiments, size_t count);

#endif

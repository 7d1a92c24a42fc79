/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "nexmark/query.h"
#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"

/* reaction: how fast a spike is met, what it costs when there is none, and whether spilling was
 * right. */

static const double spike_times[] = { 2, 5, 10, 0 };
static const double spike_times_short[] = { 5, 0 };
static const double loads[] = { 0.5, 1, 2, 5, 0 };
static const double loads_short[] = { 0.5, 5, 0 };

struct effort {
	unsigned onsets;
	double spike_s, calm_s; /* of a spike, before and after it */
	const double *spike_times, *loads;
	double load_s;
	const char *only; /* of the queries; null: all */
	unsigned rounds;  /* of a load at which one was not enough */
	unsigned pairs;
};

static const struct effort effort_full = { 120, 60, 2, spike_times, loads, 2, NULL, 3, 31 };
static const struct effort effort_short = { 3, 1, 0.3, spike_times_short, loads_short, 0.3, "q12",
	1, 3 };

#define GOOD_RATIO 0.97 /* of spillway to the better of never and always */

static const struct effort *effort_of(const struct session *session)
{
	return session->is_short ? &effort_short : &effort_full;
}

/* Batches and rings as a run has them if it is told nothing. */
static void set_usual_sizes(struct cell *cell)
{
	struct run_options usual;

	run_options_init(&usual);
	cell->run.batch_rows = usual.batch_rows;
	cell->run.ring_slots = usual.ring_slots;
}

/* Names are the cells', so they have to last as long. */
static const char *times_name(const char *prefix, double times, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%s%gx", prefix, times);
	return name;
}

/* ---- Onset to wire ---- */

static int run_onsets(struct session *session)
{
	const struct effort *effort = effort_of(session);
	int code = session_ready(session);

	session_note(session, NOTE_PARAMETER,
		"onset: tokenize, one worker, 20 us an event (simulated: 50,000 events/s); %u "
		"spikes of 0.1 s, 0.7 s of a fifth of the capacity between them",
		effort->onsets);
	for (size_t i = 0; effort->spike_times[i] > 0 && !code; i++) {
		struct cell cell;

		cell_init(session, &cell, "onset", "spillway", effort->spike_times[i]);
		cell_burst(session, &cell, "spillway");
		cell.run.op_delay_us = 20;
		set_usual_sizes(&cell);
		cell_step(&cell, 0.7, 10000);
		cell_step(&cell, 0.1, 50000 * effort->spike_times[i]);
		cell_pace_for(&cell, 0.8 * effort->onsets);
		code = session_run(session, &cell);
	}
	return code;
}

/* ---- One long spike ---- */

#define SPIKE 5.0 /* times what was before */
#define CALM  0.5 /* of what the worker can do */

static const struct subject {
	const char *query;
	double cost_us;
} subjects[] = { { "q12", 2 }, { "tokenize", 20 } };

#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))

static int run_spike(struct session *session, const char *series, const char *policy, size_t number)
{
	const struct effort *effort = effort_of(session);
	const struct subject *subject = &subjects[number];
	const double capacity = 1e6 / subject->cost_us;
	const double all_s = effort->spike_s + 2 * effort->calm_s;
	struct cell cell;

	cell_init(session, &cell, "spike", series, (double)number);
	snprintf(cell.label, sizeof(cell.label), "%s", subject->query);
	cell_burst(session, &cell, policy);
	cell.run.query = subject->query;
	cell.run.op_delay_us = subject->cost_us;
	set_usual_sizes(&cell);
	cell_step(&cell, effort->calm_s, CALM * capacity);
	cell_step(&cell, effort->spike_s, SPIKE * CALM * capacity);
	cell_step(&cell, effort->calm_s, CALM * capacity);
	cell_pace_for(&cell, all_s);
	/* Without spilling it would be at it for long. */
	cell.run.stop_after_s = all_s;
	return session_run(session, &cell);
}

static int run_spikes(struct session *session)
{
	const struct effort *effort = effort_of(session);
	int code = session_ready(session);

	session_note(session, NOTE_PARAMETER,
		"spike: one worker, half of what it can do for %g s, %g times as much as that for "
		"%g s, half again for %g s; q12 at 2 us an event, tokenize at 20 us (simulated); "
		"warm: %d functions %d ms away; cold: the same, none started, 150 ms to start one",
		effort->calm_s, SPIKE, effort->spike_s, effort->calm_s, WARM_FUNCTIONS,
		WARM_RTT_MS);
	for (size_t i = 0; i < SUBJECTS && !code; i++)
		code = run_spike(session, "none", "none", i);
	for (size_t i = 0; i < SUBJECTS && !code; i++)
		code = run_spike(session, "warm", "spillway", i);
	for (size_t i = 0; i < SUBJECTS && !code; i++) {
		code = session_endpoint(session, &(struct endpoint){ .concurrency = WARM_FUNCTIONS,
							 .rtt_ms = WARM_RTT_MS,
							 .cold_start_ms = 150 });
		if (!code)
			code = run_spike(session, "cold", "spillway", i);
	}
	return code;
}

/* ---- Never, always, spillway ---- */

static const struct rule {
	const char *name, *policy;
	double share;
} rules[] = { { "never ", "fixed", 0 }, { "always ", "fixed", 1 }, { "spillway ", "spillway", 0 } };

#define RULES      (sizeof(rules) / sizeof(rules[0]))
#define LOAD_COST  2.0
#define LOAD_BATCH 4096

static void load_cell(const struct session *session, struct cell *cell, const char *part,
	const char *series, unsigned number)
{
	cell_init(session, cell, part, series, number);
	cell->run.query = sw_nexmark_query_at(number)->name;
	snprintf(cell->label, sizeof(cell->label), "%s", cell->run.query);
	cell->run.op_delay_us = LOAD_COST;
	cell->run.batch_rows = LOAD_BATCH;
}

/* What one worker can do without spilling. */
static int run_capacity(struct session *session, unsigned number)
{
	const struct effort *effort = effort_of(session);
	struct cell cell;

	load_cell(session, &cell, "capacity", "never", number);
	cell.run.is_rate_limited = false;
	cell.run.generator.num_events = (int64_t)(effort->load_s * 1e6 / LOAD_COST);
	return session_run(session, &cell);
}

/* One run of each; *ratio: of the medians so far, NAN where there are none. */
static int run_round(
	struct session *session, unsigned number, double load, double capacity, double *ratio)
{
	double rates[RULES] = { NAN, NAN, NAN }, better;
	char names[RULES][NAME_BYTES];
	int code = 0;

	for (size_t i = 0; i < RULES && !code; i++) {
		struct cell cell;

		load_cell(
			session, &cell, "load", times_name(rules[i].name, load, names[i]), number);
		cell_burst(session, &cell, rules[i].policy);
		cell.run.spill_share = rules[i].share;
		cell_offer(&cell, load * capacity, effort_of(session)->load_s);
		code = session_run(session, &cell);
		rates[i] = rows_median(session, session->experiment, "load", names[i], number,
			FIGURE_EVENTS_PER_S);
	}
	better = fmax(rates[0], rates[1]);
	*ratio = better > 0 ? rates[2] / better : NAN;
	return code;
}

static int run_rules(struct session *session, unsigned number, double load, double capacity)
{
	char name[NAME_BYTES];
	unsigned rounds = 1;
	double ratio = NAN;
	struct row *row;
	int code = 0;

	for (unsigned round = 0; round < rounds && !code; round++) {
		session->repeat = round;
		code = run_round(session, number, load, capacity, &ratio);
		if (ratio < GOOD_RATIO)
			rounds = effort_of(session)->rounds;
	}
	session->repeat = 0;
	if (code || isnan(ratio))
		return code;
	row = session_row(session, "ratio", times_name("", load, name), number);
	if (!row)
		return EXIT_FAILED;
	snprintf(row->label, sizeof(row->label), "%s", sw_nexmark_query_at(number)->name);
	row->figures[FIGURE_RATIO] = ratio;
	return 0;
}

static int run_loads(struct session *session)
{
	const struct effort *effort = effort_of(session);
	int code = session_ready(session);

	session_note(session, NOTE_PARAMETER,
		"never, always, spillway: %s, %g us an event (simulated), one worker, %g s of "
		"events at multiples of what it can do; ratio: spillway's events/s to the better "
		"of "
		"none spilled and all spilled; where one run of each gives less than %g, medians "
		"of %u",
		effort->only ? effort->only : "each query", LOAD_COST, effort->load_s, GOOD_RATIO,
		effort->rounds);
	for (unsigned i = 0; i < sw_nexmark_query_count() && !code; i++) {
		double capacity;

		if (effort->only && strcmp(effort->only, sw_nexmark_query_at(i)->name) != 0)
			continue;
		code = run_capacity(session, i);
		capacity = rows_median(
			session, session->experiment, "capacity", "never", i, FIGURE_EVENTS_PER_S);
		for (size_t j = 0; effort->loads[j] > 0 && !code && capacity > 0; j++)
			code = run_rules(session, i, effort->loads[j], capacity);
	}
	return code;
}

/* ---- Nothing to do ---- */

#define OVERHEAD_EVENTS 50000000

/* One with the controller and one without; which comes first alternates. */
static int run_pair(struct session *session, unsigned pair)
{
	static const char *const policies[] = { "none", "spillway" };
	const size_t before = session->row_count;
	const struct row *first;
	struct row *row;
	double ratio;

	for (size_t i = 0; i < 2; i++) {
		const char *policy = policies[(i + pair) % 2];
		struct cell cell;
		int code;

		cell_init(session, &cell, "overhead", policy, 0);
		cell_burst(session, &cell, policy);
		cell.run.query = "q12";
		cell.run.is_rate_limited = false;
		set_usual_sizes(&cell);
		cell.run.generator.num_events = OVERHEAD_EVENTS;
		code = session_run(session, &cell);
		if (code)
			return code;
	}
	if (session->row_count != before + 2)
		return 0; /* one failed */
	first = &session->rows[before];
	ratio = first[1].figures[FIGURE_EVENTS_PER_S] / first[0].figures[FIGURE_EVENTS_PER_S];
	row = session_row(session, "overhead-pairs", "spillway", 0);
	if (!row)
		return EXIT_FAILED;
	row->figures[FIGURE_RATIO] = pair % 2 ? 1 / ratio : ratio;
	return 0;
}

static int run_overhead(struct session *session)
{
	const struct effort *effort = effort_of(session);
	int code = session_ready(session);

	session_note(session, NOTE_PARAMETER,
		"overhead: q12 as fast as one worker can, no simulated cost, %d events a run, %u "
		"runs of each by turns",
		OVERHEAD_EVENTS, effort->pairs);
	for (unsigned pair = 0; pair < effort->pairs && !code; pair++) {
		session->repeat = pair;
		code = run_pair(session, pair);
	}
	session->repeat = 0;
	return code;
}

static int run(struct session *session)
{
	int code = run_onsets(session);

	if (!code)
		code = run_spikes(session);
	if (!code)
		code = run_loads(session);
	return code ? code : run_overhead(session);
}

/* ---- Sentences ---- */

static void tell_onsets(const struct session *session, FILE *out)
{
	const struct experiment *self = session->experiment;
	struct extent extent;

	rows_extent(session, self, "onset", &extent);
	for (size_t i = 0; i < extent.x_count; i++) {
		double x = extent.x[i];

		fprintf(out,
			"Onset: from the begin of a spike of %gx to the first byte on the wire: "
			"median %s, 99th percentile %s, most %s, over %g onsets.\n",
			x,
			words_amount(rows_median(session, self, "onset", "spillway", x,
					     FIGURE_ONSET_P50_MS),
				"ms")
				.bytes,
			words_amount(rows_median(session, self, "onset", "spillway", x,
					     FIGURE_ONSET_P99_MS),
				"ms")
				.bytes,
			words_amount(rows_median(session, self, "onset", "spillway", x,
					     FIGURE_ONSET_MAX_MS),
				"ms")
				.bytes,
			rows_median(session, self, "onset", "spillway", x, FIGURE_ONSETS));
	}
}

static void tell_spikes(const struct session *session, FILE *out)
{
	const struct experiment *self = session->experiment;
	struct extent extent;

	rows_extent(session, self, "spike", &extent);
	for (size_t i = 0; i < extent.x_count; i++) {
		fprintf(out, "A spike of 5x, %s: ", extent.label[i]);
		for (size_t j = 0; j < extent.series_count; j++)
			fprintf(out, "%s%s p99 %s, source held back for %s", j ? "; " : "",
				extent.series[j],
				words_amount(rows_median(session, self, "spike", extent.series[j],
						     extent.x[i], FIGURE_P99_MS),
					"ms")
					.bytes,
				words_amount(rows_median(session, self, "spike", extent.series[j],
						     extent.x[i], FIGURE_HELD_BACK_S),
					"s")
					.bytes);
		fputs(".\n", out);
	}
}

static void tell_loads(const struct session *session, FILE *out)
{
	const struct experiment *self = session->experiment;
	double worst = INFINITY;
	const char *worst_series = NULL, *worst_label = NULL;
	unsigned count = 0, good = 0;
	struct extent extent;

	rows_extent(session, self, "ratio", &extent);
	for (size_t i = 0; i < extent.x_count; i++)
		for (size_t j = 0; j < extent.series_count; j++) {
			double ratio = rows_median(session, self, "ratio", extent.series[j],
				extent.x[i], FIGURE_RATIO);

			if (isnan(ratio))
				continue;
			count++;
			good += ratio >= GOOD_RATIO;
			if (ratio < worst) {
				worst = ratio;
				worst_series = extent.series[j];
				worst_label = extent.label[i];
			}
		}
	if (count > 0)
		fprintf(out,
			"Never or always: in %u of %u cases spillway did at least 97 %% of the "
			"better of the two; the least was %.1f %%, %s at %s.\n",
			good, count, 100 * worst, worst_label, worst_series);
}

static void tell_overhead(const struct session *session, FILE *out)
{
	const struct experiment *self = session->experiment;
	double ratio = rows_median(session, self, "overhead-pairs", "spillway", 0, FIGURE_RATIO);
	double least = INFINITY, most = 0;
	unsigned count = 0;

	for (size_t i = 0; i < session->row_count; i++) {
		const struct row *row = &session->rows[i];

		if (row->experiment != self || strcmp(row->part, "overhead-pairs") != 0)
			continue;
		least = fmin(least, row->figures[FIGURE_RATIO]);
		most = fmax(most, row->figures[FIGURE_RATIO]);
		count++;
	}
	if (count == 0)
		return;
	fprintf(out,
		"With nothing to do: throughput with the controller is %.2f %% %s than without "
		"(median of %u pairs, which lie from %+.1f %% to %+.1f %%).\n",
		100 * fabs(1 - ratio), ratio < 1 ? "less" : "more", count, 100 * (least - 1),
		100 * (most - 1));
}

static void tell(const struct session *session, FILE *out)
{
	tell_onsets(session, out);
	tell_spikes(session, out);
	tell_loads(session, out);
	tell_overhead(session, out);
}

const struct experiment experiment_reaction = {
	.name = "reaction",
	.title = "Reaction and its price",
	.question = "How soon does a spike leave, what does it do to latency, was it right to spill, "
		    "and what does the controller cost when there is nothing to do?",
	.repeats = 1,
	.run = run,
	.tell = tell,
	.charts = {
		{ .name = "onset", .part = "onset", .title = "Onset to wire, 99th percentile",
			.x_title = "spike, times the capacity", .y_title = "ms",
			.y = FIGURE_ONSET_P99_MS },
		{ .name = "spike-latency", .part = "spike",
			.title = "A spike of 5x: latency, 99th percentile", .y_title = "ms",
			.y = FIGURE_P99_MS, .kind = CHART_BARS, .log_y = true },
		{ .name = "spike-held-back", .part = "spike",
			.title = "A spike of 5x: source held back", .y_title = "s",
			.y = FIGURE_HELD_BACK_S, .kind = CHART_BARS },
		{ .name = "ratio", .part = "ratio",
			.title = "Throughput against the better of never and always",
			.y_title = "ratio", .y = FIGURE_RATIO, .kind = CHART_BARS, .has_table = true },
	},
};

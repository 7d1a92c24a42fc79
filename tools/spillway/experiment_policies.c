/* SPDX-License-Identifier: MIT */
#include "burst/burst.h"
#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"

/* policies: every policy on the same spikes. */

#define CAPACITY   10000.0 /* events/s of the worker, by the simulated cost */
#define RAMP_STEPS 60
#define SINE_STEPS 40

/* Each sets the steps of a period of so many seconds; in times of the capacity. */
static void square(struct cell *cell, double seconds)
{
	cell_step(cell, seconds / 2, 0.5 * CAPACITY);
	cell_step(cell, seconds / 2, 4 * CAPACITY);
}

static void sine(struct cell *cell, double seconds)
{
	for (int i = 0; i < SINE_STEPS; i++)
		cell_step(cell, seconds / SINE_STEPS,
			CAPACITY * (1.25 - cos(2 * M_PI * (i + 0.5) / SINE_STEPS)));
}

/* Ten times the capacity for 10 ms, five times a second. */
static void bursts(struct cell *cell, double seconds)
{
	(void)seconds;
	cell_step(cell, 0.19, 0.25 * CAPACITY);
	cell_step(cell, 0.01, 10 * CAPACITY);
}

static void ramp(struct cell *cell, double seconds)
{
	for (int i = 0; i < RAMP_STEPS; i++)
		cell_step(cell, seconds / RAMP_STEPS,
			CAPACITY * (0.1 + 2.9 * (i + 0.5) / RAMP_STEPS));
}

static const struct shape {
	const char *name;
	void (*set)(struct cell *cell, double seconds);
	double period_s, seconds, short_s;
} shapes[] = {
	{ "square", square, 5, 10, 0.8 },
	{ "sine", sine, 10, 10, 0 },
	{ "10 ms bursts", bursts, 0, 10, 0.8 },
	{ "ramp", ramp, 10, 10, 0 },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static int run_shape(struct session *session, size_t number)
{
	const struct shape *shape = &shapes[number];
	const double seconds = session->is_short ? shape->short_s : shape->seconds;
	const char *const *policies = sw_burst_policies();
	int code = 0;

	for (size_t i = 0; policies[i] && seconds > 0 && !code; i++) {
		struct cell cell;

		cell_init(session, &cell, "shapes", policies[i], (double)number);
		snprintf(cell.label, sizeof(cell.label), "%s", shape->name);
		cell_burst(session, &cell, policies[i]);
		cell.run.op_delay_us = 1e6 / CAPACITY;
		cell.run.batch_rows = 128;
		shape->set(&cell, session->is_short ? seconds : shape->period_s);
		cell_pace_for(&cell, seconds);
		code = session_run(session, &cell);
	}
	return code;
}

static int run(struct session *session)
{
	int code = session_ready(session);

	session_note(session, NOTE_PARAMETER,
		"tokenize, one worker, 0.1 ms an event (simulated: it can do %g events/s), %d warm "
		"functions %d ms away; the same events at the same times for each policy; fixed: "
		"half of the batches",
		CAPACITY, WARM_FUNCTIONS, WARM_RTT_MS);
	session_note(session, NOTE_PARAMETER,
		"square: 0.5 and 4 times what the worker can do; sine: 0.25 to 2.25 times; 10 ms "
		"bursts: 10 times for 10 ms, 0.25 times for 190 ms; ramp: 0.1 to 3 times");
	for (size_t i = 0; i < SHAPES && !code; i++)
		code = run_shape(session, i);
	return code;
}

static void tell_shape(const struct session *session, FILE *out, size_t number)
{
	const struct experiment *self = session->experiment;
	double least, none, ours;
	const char *best =
		rows_best(session, self, "shapes", (double)number, FIGURE_P99_MS, false, &least);

	if (!best)
		return;
	none = rows_median(session, self, "shapes", "none", (double)number, FIGURE_P99_MS);
	ours = rows_median(session, self, "shapes", "spillway", (double)number, FIGURE_P99_MS);
	fprintf(out, "%s: the 99th percentile of latency is least with %s, %s; spillway's is %s, ",
		shapes[number].name, best, words_amount(least, "ms").bytes,
		words_amount(ours, "ms").bytes);
	fprintf(out,
		"none's %s; spillway spilled %s of the batches, its source was held back for %s.\n",
		words_amount(none, "ms").bytes,
		words_amount(rows_median(session, self, "shapes", "spillway", (double)number,
				     FIGURE_SPILLED_PERCENT),
			"%")
			.bytes,
		words_amount(rows_median(session, self, "shapes", "spillway", (double)number,
				     FIGURE_HELD_BACK_S),
			"s")
			.bytes);
}

static void tell(const struct session *session, FILE *out)
{
	for (size_t i = 0; i < SHAPES; i++)
		tell_shape(session, out, i);
}

const struct experiment experiment_policies = {
	.name = "policies",
	.title = "Policies on the same spikes",
	.question = "Which rule meets which spike best?",
	.repeats = 1,
	.run = run,
	.tell = tell,
	.charts = {
		{ .name = "latency", .part = "shapes", .title = "Latency, 99th percentile",
			.y_title = "ms", .y = FIGURE_P99_MS, .kind = CHART_BARS, .log_y = true },
		{ .name = "held-back", .part = "shapes", .title = "Source held back",
			.y_title = "s", .y = FIGURE_HELD_BACK_S, .kind = CHART_BARS },
		{ .name = "spilled", .part = "shapes", .title = "Batches spilled",
			.y_title = "% of all", .y = FIGURE_SPILLED_PERCENT, .kind = CHART_BARS },
		{ .name = "completion", .part = "shapes", .title = "Completion time",
			.y_title = "s", .y = FIGURE_WALL_S, .kind = CHART_BARS },
	},
};

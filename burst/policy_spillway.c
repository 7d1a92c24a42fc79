/* SPDX-License-Identifier: MIT */
/*
 * spillway: a batch leaves when it would wait in the ring for longer than a function takes.
 *
 * The ring's wait is its fill times the time a batch takes here; both are measured, and so is the
 * function's time. So there is a fill from which on leaving is quicker: the threshold, which
 * producers apply by themselves the moment a spike comes. A full ring is always reason enough, for
 * what cannot enter it pushes back on the source. Where shipping a row takes as much of our CPU as
 * computing it, nothing leaves: the host would only get slower. What shipping costs is learned, for
 * each edge, from a few probes, sent only when there is pressure.
 *
 * Whether leaving is worth it is judged before a spike. During one it is judged once more, when the
 * probes have told what shipping costs; what is then on goes off only where it plainly costs too
 * much, and what is off stays off: a verdict that follows each measurement would flap.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "burst/burst.h"
#include "burst/policy.h"

#define MS_NS 1000000ull

/* Before anything is known. */
#define PRIOR_REMOTE_NS     20e6
#define PRIOR_SHIP_ROW_NS   10.0
#define PRIOR_SHIP_BATCH_NS 60e3
#define PRIOR_FACTOR        4.0  /* the prior is not further from the truth than this */
#define HOPELESS_FACTOR     16.0 /* so much dearer: not worth another look */
#define PLAINLY_FACTOR      1.25 /* dearer by this: what was on goes off */

enum {
	KNOWN_BATCHES = 16, /* shipped, from which on the learned cost is believed */
	PROBES_OUT = 2,     /* at once */
	KEPT_BATCHES = 4,   /* here, of all that the source can make */
	PROBE_LAST_MS = 100,
	PROBE_AGAIN_MS = 5000,    /* costs change: at the next spike from then on */
	PROBE_ENDLESS_MS = 60000, /* what lasts so long is no spike: again within it */
	SPIKE_OVER_MS = 500,      /* without pressure, and four times a function's time */
};

enum worth { WORTH_UNKNOWN, WORTH_NEVER, WORTH_PROBE, WORTH_ALWAYS };

struct state {
	enum worth worth;
	bool in_spike;
	uint64_t pressed_ns;                /* when there was last pressure */
	uint32_t threshold, threshold_rows; /* lowest of this spike */
	uint64_t judged_ns;  /* when probes began or it was found too dear; 0: never */
	uint64_t probe_from; /* shipped batches when the probes began */
};

static double ship_prior(const struct policy_view *view)
{
	const double rows = view->rows_per_batch > 1 ? view->rows_per_batch : 1;

	return PRIOR_SHIP_ROW_NS + PRIOR_SHIP_BATCH_NS / rows;
}

static bool cost_is_known(const struct policy_view *view)
{
	return view->shipped_batches >= KNOWN_BATCHES && view->ship_ns_per_row > 0;
}

static double ship_cost(const struct policy_view *view)
{
	return cost_is_known(view) ? view->ship_ns_per_row : ship_prior(view);
}

static enum worth judge_unknown(const struct state *state, const struct policy_view *view)
{
	const double ship_ns = ship_prior(view), local_ns = view->local_ns_per_row;

	if (state->in_spike && state->worth != WORTH_UNKNOWN)
		return state->worth;
	if (local_ns >= ship_ns * PRIOR_FACTOR)
		return WORTH_ALWAYS;
	return local_ns < ship_ns / PRIOR_FACTOR ? WORTH_NEVER : WORTH_PROBE;
}

/* The next spike is met by probes when the last ones are long ago. */
static enum worth judge_calm(const struct state *state, const struct policy_view *view)
{
	const double ship_ns = view->ship_ns_per_row, local_ns = view->local_ns_per_row;

	if (ship_ns < local_ns)
		return WORTH_ALWAYS;
	if (state->worth == WORTH_ALWAYS && ship_ns < local_ns * PLAINLY_FACTOR)
		return WORTH_ALWAYS;
	if (ship_ns > local_ns * HOPELESS_FACTOR)
		return WORTH_NEVER;
	return state->judged_ns == 0 || view->now_ns - state->judged_ns > PROBE_AGAIN_MS * MS_NS
		       ? WORTH_PROBE
		       : WORTH_NEVER;
}

static void begin_probes(struct state *state, const struct policy_view *view)
{
	state->judged_ns = view->now_ns;
	state->probe_from = view->shipped_batches;
}

static bool probes_go_on(const struct state *state, const struct policy_view *view)
{
	return view->shipped_batches - state->probe_from < KNOWN_BATCHES &&
	       view->now_ns - state->judged_ns < PROBE_LAST_MS * MS_NS;
}

static enum worth judge_spike(struct state *state, const struct policy_view *view)
{
	const double ship_ns = view->ship_ns_per_row, local_ns = view->local_ns_per_row;

	switch (state->worth) {
	case WORTH_ALWAYS:
		return ship_ns > local_ns * PLAINLY_FACTOR ? WORTH_NEVER : WORTH_ALWAYS;
	case WORTH_PROBE:
		if (probes_go_on(state, view))
			return WORTH_PROBE;
		return ship_ns < local_ns ? WORTH_ALWAYS : WORTH_NEVER;
	default:
		if (ship_ns > local_ns * HOPELESS_FACTOR ||
			view->now_ns - state->judged_ns < PROBE_ENDLESS_MS * MS_NS)
			return WORTH_NEVER;
		begin_probes(state, view);
		return WORTH_PROBE;
	}
}

static void judge(struct state *state, const struct policy_view *view)
{
	const enum worth before = state->worth;

	if (!cost_is_known(view))
		state->worth = judge_unknown(state, view);
	else if (state->in_spike)
		state->worth = judge_spike(state, view);
	else
		state->worth = judge_calm(state, view);
	if (state->worth == WORTH_NEVER && before != WORTH_NEVER)
		state->judged_ns = view->now_ns;
}

/* How long a batch that left now would be away. What is queued before it goes in rounds. */
static double remote_ns(const struct policy_view *view)
{
	const double once = view->remote_p90_ns > 0 ? view->remote_p90_ns : PRIOR_REMOTE_NS;
	const double window = view->window > 0 ? view->window : 1;

	return once * (1 + view->queued / window);
}

static uint32_t threshold_of(const struct policy_view *view, double away_ns)
{
	const double batches = ceil(away_ns / view->local_ns_per_batch);
	const uint32_t capacity = view->capacity > 0 ? view->capacity : 1;

	if (batches >= capacity)
		return capacity;
	return batches > 1 ? (uint32_t)batches : 1;
}

static uint32_t threshold_rows_of(const struct policy_view *view, double away_ns)
{
	const double rows = ceil(away_ns / view->local_ns_per_row);

	if (rows >= UINT32_MAX)
		return UINT32_MAX;
	return rows > 1 ? (uint32_t)rows : 1;
}

static uint32_t out_at_once(const struct policy_view *view)
{
	/* Half a window more than can fly, so that the next ones are ready. */
	uint32_t most = (view->window + view->window / 2) / (view->outlets ? view->outlets : 1);
	/* One is being worked on, and some wait: the worker must not be without. */
	uint32_t free_slots = view->slots > KEPT_BATCHES ? view->slots - KEPT_BATCHES : 1;

	if (most > free_slots)
		most = free_slots;
	return most > 0 ? most : 1;
}

/* A spike begins when the threshold is reached and is over some time after that was last so. */
static void note_pressure(
	struct state *state, const struct policy_view *view, const struct decision *decision)
{
	const double waiting = view->fill + view->backlog_batches;
	const uint64_t over_ns = SPIKE_OVER_MS * MS_NS + 4 * (uint64_t)remote_ns(view);

	if (waiting >= decision->threshold ||
		waiting * view->rows_per_batch >= decision->threshold_rows) {
		if (!state->in_spike && state->worth == WORTH_PROBE)
			begin_probes(state, view);
		state->in_spike = true;
		state->pressed_ns = view->now_ns;
	}
	if (state->in_spike && view->now_ns - state->pressed_ns > over_ns)
		state->in_spike = false;
}

static void set_thresholds(
	struct state *state, const struct policy_view *view, struct decision *decision)
{
	const double away_ns = remote_ns(view);
	const uint32_t batches = threshold_of(view, away_ns);
	const uint32_t rows = threshold_rows_of(view, away_ns);

	/* Not raised during a spike: what comes is more than can be run here, so no less would have
	 * to leave, only later, after a pause in which more waits. */
	if (!state->in_spike || batches < state->threshold)
		state->threshold = batches;
	if (!state->in_spike || rows < state->threshold_rows)
		state->threshold_rows = rows;
	decision->threshold = state->threshold;
	decision->threshold_rows = state->threshold_rows;
	decision->outstanding_max = out_at_once(view);
	decision->steal = view->fill == 0 && view->queued > 0;
	if (state->worth == WORTH_PROBE) {
		const uint32_t half = view->capacity / 2 > 0 ? view->capacity / 2 : 1;

		if (decision->threshold < half)
			decision->threshold = half;
		decision->threshold_rows = UINT32_MAX;
		if (decision->outstanding_max > PROBES_OUT)
			decision->outstanding_max = PROBES_OUT;
	}
}

/* "38", "3.4", "43700": three digits, never as a power of ten. */
static int put_ns(char *text, size_t bytes, double ns)
{
	return snprintf(text, bytes, ns < 1000 ? "%.3g" : "%.0f", ns);
}

static void tell(const struct state *state, const struct policy_view *view,
	const struct decision *decision, char *why, size_t why_bytes)
{
	char ship[32], local[32], what[64] = "never";
	char away[48] = "";

	put_ns(ship, sizeof(ship), ship_cost(view));
	put_ns(local, sizeof(local), view->local_ns_per_row);
	if (state->worth == WORTH_PROBE)
		snprintf(what, sizeof(what), "probes from %u batches on", decision->threshold);
	if (state->worth == WORTH_ALWAYS)
		snprintf(what, sizeof(what), "spills from %u batches or %u rows on",
			decision->threshold, decision->threshold_rows);
	if (state->worth != WORTH_NEVER)
		snprintf(away, sizeof(away), ", %.3g ms away", remote_ns(view) / 1e6);
	snprintf(why, why_bytes, "%s: %s ns to ship%s, %s ns to compute%s", what, ship,
		cost_is_known(view) ? "" : " (estimated)", local, away);
}

static void decide(const struct sw_burst_options *options, void *memory,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	struct state *state = memory;

	(void)options;
	if (view->unavailable) {
		decision->steal = view->fill == 0;
		snprintf(why, why_bytes, "not now: %s", view->unavailable);
		return;
	}
	if (view->local_ns_per_batch <= 0) {
		snprintf(why, why_bytes, "not yet: nothing was computed here to compare with");
		return;
	}
	judge(state, view);
	set_thresholds(state, view, decision);
	note_pressure(state, view, decision);
	decision->mode = state->worth == WORTH_NEVER ? DECISION_NEVER : DECISION_THRESHOLD;
	if (why_bytes > 0)
		tell(state, view, decision, why, why_bytes);
}

const struct policy policy_spillway = {
	.name = "spillway",
	.offers = true,
	.samples = true,
	.state_bytes = sizeof(struct state),
	.decide = decide,
};

/* SPDX-License-Identifier: MIT */
/*
 * spillway: a batch leaves when it would wait in the ring for longer than a function takes.
 *
 * The ring's wait is its fill times the time a batch takes here; both are measured, and so is the
 * function's time. So there is a fill from which on leaving is quicker: the threshold, which
 * producers apply by themselves the moment a spike comes. A full ring is always reason enough, for
 * what cannot enter it pushes back on the source. Where shipping a row takes as much of our CPU as
 * computing it, nothing leaves: the host would only get slower. What shipping costs is learned from
 * a few probes, sent only when there is pressure.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "burst/burst.h"
#include "burst/policy.h"

/* Before anything is known. */
#define PRIOR_REMOTE_NS     20e6
#define PRIOR_SHIP_ROW_NS   10.0
#define PRIOR_SHIP_BATCH_NS 60e3
#define PRIOR_FACTOR        4.0 /* the prior is not further from the truth than this */

enum {
	KNOWN_BATCHES = 16,    /* shipped, from which on the learned cost is believed */
	PROBES_OUT = 2,        /* at once */
	PROBE_AGAIN_MS = 5000, /* costs change */
	PROBE_LAST_MS = 100,
};

struct state {
	uint64_t probe_from_ns;
};

enum worth { WORTH_NEVER, WORTH_PROBE, WORTH_ALWAYS };

static double ship_prior(const struct policy_view *view)
{
	const double rows = view->rows_per_batch > 1 ? view->rows_per_batch : 1;

	return PRIOR_SHIP_ROW_NS + PRIOR_SHIP_BATCH_NS / rows;
}

static bool cost_is_known(const struct policy_view *view)
{
	return view->shipped_batches >= KNOWN_BATCHES && view->ship_ns_per_row > 0;
}

static enum worth worth_of(struct state *state, const struct policy_view *view, double *ship_ns)
{
	const double local = view->local_ns_per_row;

	if (!cost_is_known(view)) {
		*ship_ns = ship_prior(view);
		if (local >= *ship_ns * PRIOR_FACTOR)
			return WORTH_ALWAYS;
		return local < *ship_ns / PRIOR_FACTOR ? WORTH_NEVER : WORTH_PROBE;
	}
	*ship_ns = view->ship_ns_per_row;
	if (*ship_ns < local)
		return WORTH_ALWAYS;
	/* Far off: not even worth another look. */
	if (*ship_ns > local * PRIOR_FACTOR * PRIOR_FACTOR)
		return WORTH_NEVER;
	if (state->probe_from_ns == 0 ||
		view->now_ns - state->probe_from_ns > PROBE_AGAIN_MS * 1000000ull)
		state->probe_from_ns = view->now_ns;
	return view->now_ns - state->probe_from_ns < PROBE_LAST_MS * 1000000ull ? WORTH_PROBE
										: WORTH_NEVER;
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

	if (most > view->slots)
		most = view->slots;
	return most > 0 ? most : 1;
}

static void spill(const struct policy_view *view, double ship_ns, bool probe,
	struct decision *decision, char *why, size_t why_bytes)
{
	const double away_ns = remote_ns(view);
	size_t used;

	decision->mode = DECISION_THRESHOLD;
	decision->threshold = threshold_of(view, away_ns);
	decision->threshold_rows = threshold_rows_of(view, away_ns);
	decision->outstanding_max = out_at_once(view);
	decision->steal = view->fill == 0 && view->queued > 0;
	if (probe) {
		const uint32_t half = view->capacity / 2 > 0 ? view->capacity / 2 : 1;

		if (decision->threshold < half)
			decision->threshold = half;
		decision->threshold_rows = UINT32_MAX;
		if (decision->outstanding_max > PROBES_OUT)
			decision->outstanding_max = PROBES_OUT;
	}
	if (probe)
		snprintf(why, why_bytes, "probes from %u batches on", decision->threshold);
	else
		snprintf(why, why_bytes, "spills from %u batches or %u rows on",
			decision->threshold, decision->threshold_rows);
	used = strlen(why);
	snprintf(why + used, why_bytes - used,
		": %.3g ns to ship, %.3g ns to compute, %.3g ms away", ship_ns,
		view->local_ns_per_row, away_ns / 1e6);
}

static void decide(const struct sw_burst_options *options, void *memory,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	struct state *state = memory;
	double ship_ns = 0;

	(void)options;
	decision->mode = DECISION_NEVER;
	if (view->unavailable) {
		decision->steal = view->fill == 0;
		snprintf(why, why_bytes, "not now: %s", view->unavailable);
		return;
	}
	if (view->local_ns_per_batch <= 0) {
		snprintf(why, why_bytes, "not yet: nothing was computed here to compare with");
		return;
	}
	switch (worth_of(state, view, &ship_ns)) {
	case WORTH_NEVER:
		snprintf(why, why_bytes, "never: %.3g ns to ship%s, %.3g ns to compute", ship_ns,
			cost_is_known(view) ? "" : " (estimated)", view->local_ns_per_row);
		break;
	case WORTH_PROBE:
		spill(view, ship_ns, true, decision, why, why_bytes);
		break;
	case WORTH_ALWAYS:
		spill(view, ship_ns, false, decision, why, why_bytes);
		break;
	}
}

const struct policy policy_spillway = {
	.name = "spillway",
	.offers = true,
	.samples = true,
	.state_bytes = sizeof(struct state),
	.decide = decide,
};

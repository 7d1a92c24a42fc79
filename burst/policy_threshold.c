/* SPDX-License-Identifier: MIT */
/*
 * threshold: the rule by which cloud bursting was first tried on Flink: every 800 ms everything
 * leaves if the stage was busy for more than 6 % of the time, or else by chance, the likelier the
 * more rows come: if a random share of the rows a second is above 500.
 *
 * Kept is the rule. Batches are the engine's, flushed and sent without waiting for each other.
 */
#include <stdio.h>

#include "burst/burst.h"
#include "burst/policy_meter.h"

#define PERIOD_NS    800000000ull
#define BUSY_MOST    0.06
#define CHANCE_ROWS  500.0
#define RANDOM_RANGE 9007199254740992.0 /* 2^53 */

struct state {
	struct policy_meter meter;
	uint64_t draws;
	bool leaves;
};

/* SplitMix64 of the draw's number: repeatable by the seed, and different for each outlet. */
static double random_share(struct state *state, uint64_t seed, uint32_t outlet)
{
	uint64_t x = seed + ((uint64_t)outlet << 32) + ++state->draws * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	x ^= x >> 31;
	return (double)(x >> 11) / RANDOM_RANGE;
}

static void decide(const struct sw_burst_options *options, void *memory,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	struct state *state = memory;
	const struct policy_rates *rates = &state->meter.rates;

	if (policy_meter_read(&state->meter, view, PERIOD_NS)) {
		const double share = random_share(state, options->seed, view->outlet);

		state->leaves = rates->busy > BUSY_MOST || share * rates->arrived > CHANCE_ROWS;
	}
	if (policy_meter_decide(&state->meter, view, state->leaves, decision, why, why_bytes))
		snprintf(why, why_bytes,
			"%s: busy %.3g %% of the time (6 %% to leave), %.0f rows/s",
			state->leaves ? "all leave" : "all stay", rates->busy * 100,
			rates->arrived);
}

const struct policy policy_threshold = {
	.name = "threshold",
	.offers = true,
	.samples = true,
	.state_bytes = sizeof(struct state),
	.decide = decide,
};

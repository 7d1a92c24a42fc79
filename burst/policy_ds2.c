/* SPDX-License-Identifier: MIT */
/*
 * ds2: the rule of DS2 (Kalavri et al., OSDI 2018) with functions for instances: each second the
 * true rate of the stage is what it does per second of useful time, and what comes above that rate
 * leaves, sized in one step. What already waits does not count, as there.
 */
#include <stdio.h>

#include "burst/policy_meter.h"

#define PERIOD_NS 1000000000ull

struct state {
	struct policy_meter meter;
	double true_local; /* of the last period in which anything was run here */
	double share;
};

static void look(struct state *state)
{
	const struct policy_rates *rates = &state->meter.rates;

	if (rates->true_local > 0)
		state->true_local = rates->true_local;
	state->share = 0;
	if (state->true_local > 0 && rates->arrived > state->true_local)
		state->share = 1 - state->true_local / rates->arrived;
}

static void decide(const struct sw_burst_options *options, void *memory,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	struct state *state = memory;

	(void)options;
	if (policy_meter_read(&state->meter, view, PERIOD_NS))
		look(state);
	if (policy_meter_decide(&state->meter, view, state->share, decision, why, why_bytes))
		snprintf(why, why_bytes,
			"%.3g of all leave: %.0f rows/s come, true rate %.0f rows/s", state->share,
			state->meter.rates.arrived, state->true_local);
}

const struct policy policy_ds2 = {
	.name = "ds2",
	.offers = true,
	.samples = true,
	.state_bytes = sizeof(struct state),
	.decide = decide,
};

/* SPDX-License-Identifier: MIT */
/*
 * sponge: the rule of Sponge (Song et al., USENIX ATC 2023): a look each second; when what waits
 * would take longer than 2 s at the rate of this host, a share leaves that brings the rest down to
 * that rate, and a tenth more to work off what waits: min(0.95, 1 - mu / lambda + 0.1). It goes on
 * for 10 s after the last look at which so much waited, so that it does not come and go.
 */
#include <stdio.h>

#include "burst/policy_meter.h"

#define PERIOD_NS  1000000000ull
#define SLACK_NS   10000000000ull
#define TRIGGER_S  2.0
#define SHARE_MOST 0.95
#define SHARE_MORE 0.1

struct state {
	struct policy_meter meter;
	double capacity; /* mu, rows/s */
	double share;
	uint64_t until_ns; /* 0: not triggered */
};

static void look(struct state *state, const struct policy_view *view)
{
	const struct policy_rates *rates = &state->meter.rates;
	double share = 0;

	/* With nothing waiting the host has only shown what it can do at least. */
	if (rates->waiting > 0 ? rates->local > 0 : rates->local > state->capacity)
		state->capacity = rates->local;
	if (rates->waiting > TRIGGER_S * state->capacity)
		state->until_ns = view->now_ns + SLACK_NS;
	if (view->now_ns >= state->until_ns)
		state->until_ns = 0;
	if (state->until_ns && rates->arrived > 0)
		share = 1 - state->capacity / rates->arrived + SHARE_MORE;
	state->share = share < 0 ? 0 : share > SHARE_MOST ? SHARE_MOST : share;
}

static void tell(const struct state *state, char *why, size_t why_bytes)
{
	const struct policy_rates *rates = &state->meter.rates;

	if (state->until_ns)
		snprintf(why, why_bytes, "%.3g of all leave: %.0f rows/s come, %.0f rows/s here",
			state->share, rates->arrived, state->capacity);
	else
		snprintf(why, why_bytes,
			"all stay: %.0f rows wait, %.0f rows/s here (2 s to leave)", rates->waiting,
			state->capacity);
}

static void decide(const struct sw_burst_options *options, void *memory,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	struct state *state = memory;

	(void)options;
	if (policy_meter_read(&state->meter, view, PERIOD_NS))
		look(state, view);
	if (policy_meter_decide(&state->meter, view, state->share, decision, why, why_bytes))
		tell(state, why, why_bytes);
}

const struct policy policy_sponge = {
	.name = "sponge",
	.offers = true,
	.samples = true,
	.state_bytes = sizeof(struct state),
	.decide = decide,
};

/* SPDX-License-Identifier: MIT */
/* none: nothing leaves; what cannot be run in time pushes back on the source. */
#include <stdio.h>

#include "burst/policy.h"

static void decide(const struct sw_burst_options *options, void *state,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	(void)options;
	(void)state;
	(void)view;
	decision->mode = DECISION_NEVER;
	snprintf(why, why_bytes, "never: policy none");
}

const struct policy policy_none = {
	.name = "none",
	.decide = decide,
};

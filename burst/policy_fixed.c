/* SPDX-License-Identifier: MIT */
/*
 * fixed: a set share of the batches leaves, whatever the load: for tests, and as the never and
 * always to beat. Batch n leaves iff floor((n + 1) F) > floor(n F): spread evenly, and the same
 * batches in every run.
 */
#include <stdio.h>

#include "burst/burst.h"
#include "burst/policy.h"

bool policy_share_takes(double share, uint64_t number)
{
	/* long double: exact products for any number below 2^53 of a 53-bit share would need 106
	 * bits; 64 are enough for floor to be right but at ties, and repeatable always. */
	const long double before = (long double)share * (long double)number;
	const long double after = (long double)share * ((long double)number + 1);

	return (uint64_t)after > (uint64_t)before;
}

static void decide(const struct sw_burst_options *options, void *state,
	const struct policy_view *view, struct decision *decision, char *why, size_t why_bytes)
{
	(void)state;
	(void)view;
	decision->mode = options->spill_share > 0 ? DECISION_SHARE : DECISION_NEVER;
	decision->share = options->spill_share;
	snprintf(why, why_bytes, "fixed: %g of the batches, by their number", options->spill_share);
}

const struct policy policy_fixed = {
	.name = "fixed",
	.offers = true,
	.decide = decide,
};

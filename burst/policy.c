/* SPDX-License-Identifier: MIT */
/* The list of policies. */
#include "burst/policy.h"

#include <string.h>

#include "burst/burst.h"

static const struct policy *const policies[] = {
	&policy_none,
	&policy_fixed,
	&policy_threshold,
	&policy_sponge,
	&policy_ds2,
	&policy_spillway,
};

static const char *const names[] = { "none", "fixed", "threshold", "sponge", "ds2", "spillway",
	NULL };

const char *const *sw_burst_policies(void)
{
	return names;
}

const struct policy *policy_find(const char *name)
{
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (strcmp(policies[i]->name, name) == 0)
			return policies[i];
	}
	return NULL;
}

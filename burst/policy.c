/* SPDX-License-Identifier: MIT */
/* The list of policies, and what several of them measure. */
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

bool policy_meter_read(struct policy_meter *meter, const struct policy_view *view,
	uint64_t period_ns, struct policy_rates *rates)
{
	const double backlog_rows = view->backlog_batches * view->rows_per_batch;
	const double passed_ns = (double)(view->now_ns - meter->at_ns);
	const bool first = meter->at_ns == 0;

	if (!first && view->now_ns - meter->at_ns < period_ns)
		return false;
	if (!first) {
		const double local = (double)(view->local_rows - meter->local_rows);
		const double local_ns = (double)(view->local_ns - meter->local_ns);
		const double arrived = (double)(view->offered_rows - meter->offered_rows) +
				       backlog_rows - meter->backlog_rows;

		/* The backlog is an estimate, which may shrink faster than rows are made. */
		rates->arrived = arrived > 0 ? arrived / passed_ns * 1e9 : 0;
		rates->local = local / passed_ns * 1e9;
		rates->true_local = local_ns > 0 ? local / local_ns * 1e9 : 0;
		rates->busy = local_ns / passed_ns;
		rates->waiting = backlog_rows + view->fill * view->rows_per_batch;
	}
	meter->at_ns = view->now_ns;
	meter->offered_rows = view->offered_rows;
	meter->local_rows = view->local_rows;
	meter->local_ns = view->local_ns;
	meter->backlog_rows = backlog_rows;
	return !first;
}

void policy_set_share(const struct policy_view *view, double share, struct decision *decision)
{
	if (view->unavailable || share <= 0)
		return;
	decision->mode = DECISION_SHARE;
	decision->share = share;
}

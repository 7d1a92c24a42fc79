/* SPDX-License-Identifier: MIT */
/* Rates of a period, and what follows from a share: what threshold, sponge and ds2 have in common.
 */
#include "burst/policy_meter.h"

#include <stdio.h>

bool policy_meter_read(
	struct policy_meter *meter, const struct policy_view *view, uint64_t period_ns)
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
		struct policy_rates *rates = &meter->rates;

		/* The backlog is an estimate, which may shrink faster than rows are made. */
		rates->arrived = arrived > 0 ? arrived / passed_ns * 1e9 : 0;
		rates->local = local / passed_ns * 1e9;
		rates->true_local = local_ns > 0 ? local / local_ns * 1e9 : 0;
		rates->busy = local_ns / passed_ns;
		rates->waiting = backlog_rows + view->fill * view->rows_per_batch;
		meter->measured = true;
	}
	meter->at_ns = view->now_ns;
	meter->offered_rows = view->offered_rows;
	meter->local_rows = view->local_rows;
	meter->local_ns = view->local_ns;
	meter->backlog_rows = backlog_rows;
	return !first;
}

bool policy_meter_decide(const struct policy_meter *meter, const struct policy_view *view,
	double share, struct decision *decision, char *why, size_t why_bytes)
{
	if (!view->unavailable && share > 0) {
		decision->mode = DECISION_SHARE;
		decision->share = share;
	}
	if (why_bytes == 0)
		return false;
	if (view->unavailable)
		snprintf(why, why_bytes, "not now: %s", view->unavailable);
	else if (!meter->measured)
		snprintf(why, why_bytes, "not yet: nothing was measured");
	else
		return true;
	return false;
}

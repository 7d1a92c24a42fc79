/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_POLICY_METER_H
#define SW_BURST_POLICY_METER_H

#include "burst/policy.h"

/* For policies that look at rates once a period and let a share leave. */

/* Of one period. */
struct policy_rates {
	double arrived;    /* rows/s, made or due at the source */
	double local;      /* rows/s run here */
	double true_local; /* rows/s that would be run here if nothing else were; 0: none were */
	double busy;       /* share of the time that running them took */
	double waiting;    /* rows at the end, in the ring and due at the source */
};

/* Part of the policy's state. */
struct policy_meter {
	uint64_t at_ns, offered_rows, local_rows, local_ns;
	double backlog_rows;
	bool measured;             /* a period is over */
	struct policy_rates rates; /* of the last one that is */
};

/* True: a period is over, and meter->rates are its. */
bool policy_meter_read(
	struct policy_meter *meter, const struct policy_view *view, uint64_t period_ns);

/* The decision that this share leaves; what cannot leave (view->unavailable) stays. True: the
 * policy is asked why; else nobody asks, or it is said here, for it is not due to its rule. */
bool policy_meter_decide(const struct policy_meter *meter, const struct policy_view *view,
	double share, struct decision *decision, char *why, size_t why_bytes);

#endif

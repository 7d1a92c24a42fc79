/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_POLICY_H
#define SW_BURST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Policies: what decides whether a batch leaves. One file each, one line in policy.c. Private to
 * burst. A policy never touches the data path: it fills in decisions, which the controller
 * publishes to the producers.
 */

enum decision_mode {
	DECISION_NEVER,
	DECISION_SHARE,     /* by the batch's number */
	DECISION_THRESHOLD, /* by the ring's fill */
};

/* What a producer goes by; one per outlet. */
struct decision {
	enum decision_mode mode;
	double share;
	/* THRESHOLD: a batch leaves when so many batches wait in the ring (with backlog), or so
	 * many rows if those that wait are of this batch's size: batches grow under pressure, and
	 * what was learned of small ones must not hold back big ones. */
	uint32_t threshold, threshold_rows;
	uint32_t outstanding_max; /* THRESHOLD: batches out at once */
	bool steal; /* the consumer has nothing else to do: it may take back what is not sent yet */
};

/* What is known of an outlet and of the edge it belongs to; 0: not known (yet). */
struct policy_view {
	/* now */
	uint64_t now_ns;
	uint32_t outlet;           /* its number */
	uint32_t fill, capacity;   /* of this outlet's ring, batches */
	double backlog_batches;    /* due at the source, not made yet */
	uint32_t inflight, window; /* invocations at once: now, allowed */
	uint32_t queued;           /* batches that wait for the I/O thread, all outlets */
	uint32_t outlets;          /* in all */
	uint32_t slots;            /* of this outlet's ledger */
	const char *unavailable;   /* null: the endpoint can be used; else why not */
	/* sums of this outlet, only rising */
	uint64_t offered_rows;         /* left the producer, whichever way */
	uint64_t local_rows, local_ns; /* run by the consumer, and the time that took */
	/* learned */
	double local_ns_per_row, local_ns_per_batch, rows_per_batch;
	double ship_ns_per_row;   /* our own CPU */
	uint64_t shipped_batches; /* of the edge; ship_ns_per_row rests on them */
	double remote_p50_ns, remote_p90_ns;
};

struct sw_burst_options;

struct policy {
	const char *name;
	bool offers;        /* false: never spills, needs no endpoint */
	bool samples;       /* false: decides once, no controller thread */
	size_t state_bytes; /* per outlet, zeroed */
	/* Fills in the decision (NEVER and zeros so far), and why for people (the outlet's edge
	 * shows it). why_bytes 0: nobody asks. */
	void (*decide)(const struct sw_burst_options *options, void *state,
		const struct policy_view *view, struct decision *decision, char *why,
		size_t why_bytes);
};

extern const struct policy policy_none, policy_fixed, policy_threshold, policy_sponge, policy_ds2,
	policy_spillway;

/* Null: no such policy. */
const struct policy *policy_find(const char *name);

/* DECISION_SHARE: is batch `number` taken? */
bool policy_share_takes(double share, uint64_t number);

#endif

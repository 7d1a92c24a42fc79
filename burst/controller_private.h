/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_CONTROLLER_PRIVATE_H
#define SW_BURST_CONTROLLER_PRIVATE_H

#include "burst/burst_private.h"

/* The controller's own: controller.c (the loop, publishing), controller_learn.c (costs). Only its
 * thread looks at this while it runs. */

/* What the I/O thread has done for an edge, or all edges. */
struct ship_sums {
	uint64_t cpu_ns, weight, batches, rows;
};

struct edge_knowledge {
	uint32_t edge;
	double local_ns_per_row, local_ns_per_batch, rows_per_batch;
	uint64_t batches, rows, ns; /* sums when last looked at */

	double ship_ns_per_row;
	struct ship_sums ship; /* when last looked at */
	double ship_cost_ns;   /* of this edge since ship_ns_per_row was last brought up to date */
	uint64_t ship_batches, ship_rows; /* then */
};

struct controller {
	struct sw_burst *burst;
	pthread_t thread;
	bool started;
	_Atomic int stop;
	struct sw_waiter *waiter;

	uint32_t edge_count;
	struct edge_knowledge edges[BURST_EDGES_MAX];
	uint32_t *edge_of;              /* by outlet */
	struct sw_site_sample *samples; /* by outlet */
	uint8_t *states;                /* the policy's, by outlet */

	struct ship_sums ship; /* all edges', when last looked at; cpu_ns: the thread's */
	bool ship_begun;
	uint64_t stirred_ns; /* when there was last something to do */

	/* Snapshots: one published, `used` waiting for a grace period, the others free. */
	struct snapshot *snapshots[BURST_SNAPSHOTS];
	uint32_t current;
	struct decision *draft; /* by outlet */
	uint64_t why_at_ns;
};

/* Brings what edges cost here and to ship up to date with the samples and counters. */
void controller_learn(struct controller *controller);

#endif

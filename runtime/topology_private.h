/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_TOPOLOGY_PRIVATE_H
#define SW_RUNTIME_TOPOLOGY_PRIVATE_H

#include <hwloc.h>

#include "runtime/topology.h"

/* Shared by topology.c (reading), placement.c and topology_text.c. */

/* A processing unit that this process may use. */
struct unit {
	int cpu;       /* OS index */
	int rank;      /* logical index */
	int node;      /* OS index, -1: unknown */
	int node_rank; /* logical index of the node */
	int core;      /* logical index */
	int package;   /* logical index */
	int thread;    /* usable units of its core before it */
};

struct sw_topology {
	hwloc_topology_t hwloc;
	struct unit *unit; /* in the order in which they get workers */
	unsigned units;
	unsigned cores, nodes; /* among the units */
	const char *model;
};

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_TOPOLOGY_H
#define SW_RUNTIME_TOPOLOGY_H

#include <stdbool.h>
#include <stdio.h>

#include "runtime/api.h"

/*
 * Where workers go. Cores that this process may use (affinity mask, cgroup), in the order nodes are
 * filled: one worker a physical core first, its SMT siblings only when there are more workers than
 * cores; more workers than processing units share, round about.
 */

SW_BEGIN_DECLS

#define SW_WORKERS_MAX 256

struct sw_topology;

struct sw_place {
	int cpu;      /* OS index of the processing unit, -1: not pinned */
	int node;     /* OS index of its NUMA node, -1: unknown */
	int core;     /* logical index of the core */
	int package;  /* logical index of the package */
	bool sibling; /* its core has a worker already */
	bool shared;  /* its processing unit has a worker already */
	char why[96]; /* one clause for people, e.g. "core 1 of node 0, its own" */
};

/* Reads the machine (hwloc). SW_TOPOLOGY_XML in the environment is not read; hwloc's own
 * HWLOC_XMLFILE works for tests. 0 or -errno. */
SW_API SW_MUST_CHECK int sw_topology_open(struct sw_topology **topology, struct sw_error *error);
SW_API void sw_topology_close(struct sw_topology *topology);

SW_API unsigned sw_topology_cores(const struct sw_topology *topology); /* usable physical cores */
SW_API unsigned sw_topology_nodes(const struct sw_topology *topology);

/*
 * pin: "auto", "none", or a list of OS cpu numbers "0,2-5" (worker i on the i-th, round about).
 * workers: 0: one per usable core (or per listed cpu). Fills places[0 .. *workers), room for
 * SW_WORKERS_MAX. -EINVAL: bad list, a cpu that is not there, too many workers.
 */
SW_API SW_MUST_CHECK int sw_topology_place(const struct sw_topology *topology, const char *pin,
	unsigned *workers, struct sw_place *places, struct sw_error *error);

/* Pins the calling thread. 0, or -errno (the caller warns and goes on). place.cpu -1: no-op. */
SW_API int sw_topology_bind_self(const struct sw_place *place);

/* For people: packages, nodes, caches, cores. */
SW_API void sw_topology_print(const struct sw_topology *topology, FILE *out);
/* One-line model name of the cpu, "unknown" when it cannot be told; static until close. */
SW_API const char *sw_topology_cpu_model(const struct sw_topology *topology);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The machine as hwloc sees it, flattened to the processing units that this process may use, and
 * the placement of workers on them. Read once; nothing here changes afterwards.
 */

#include "runtime/topology.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/topology_private.h"

static int by_placement(const void *left, const void *right)
{
	const struct unit *a = left, *b = right;

	/* All first threads of cores before all second ones; within that node by node. */
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	if (a->node_rank != b->node_rank)
		return a->node_rank < b->node_rank ? -1 : 1;
	if (a->core != b->core)
		return a->core < b->core ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* The first NUMA node that the unit is local to: with several kinds of memory that is the main
 * one. Null: there is none. */
static hwloc_obj_t node_of(hwloc_topology_t hwloc, hwloc_obj_t unit)
{
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)))
		if (node->cpuset && hwloc_bitmap_isset(node->cpuset, unit->os_index))
			return node;
	return NULL;
}

static void describe_unit(hwloc_topology_t hwloc, hwloc_obj_t object, struct unit *unit)
{
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_CORE, object);
	hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, object);
	hwloc_obj_t node = node_of(hwloc, object);

	unit->cpu = (int)object->os_index;
	unit->rank = (int)object->logical_index;
	/* A machine whose cores are not told has one a unit. */
	unit->core = core ? (int)core->logical_index : (int)object->logical_index;
	unit->package = package ? (int)package->logical_index : 0;
	unit->node = node ? (int)node->os_index : -1;
	unit->node_rank = node ? (int)node->logical_index : INT_MAX;
}

/* What the affinity mask allows; hwloc leaves out by itself what the cgroup does not. Null: all,
 * since the topology is a file's, or the mask cannot be read. */
static hwloc_bitmap_t allowed_units(hwloc_topology_t hwloc)
{
	hwloc_bitmap_t allowed;

	if (!hwloc_topology_is_thissystem(hwloc))
		return NULL;
	allowed = hwloc_bitmap_alloc();
	if (!allowed)
		return NULL;
	if (hwloc_get_cpubind(hwloc, allowed, HWLOC_CPUBIND_PROCESS) ||
		hwloc_bitmap_iszero(allowed)) {
		hwloc_bitmap_free(allowed);
		return NULL;
	}
	return allowed;
}

static void count_units(struct sw_topology *topology)
{
	for (unsigned i = 0; i < topology->units; i++) {
		struct unit *unit = &topology->unit[i];
		bool new_node = true;

		for (unsigned k = 0; k < i; k++) {
			if (topology->unit[k].core == unit->core)
				unit->thread++;
			if (topology->unit[k].node == unit->node)
				new_node = false;
		}
		topology->cores += unit->thread == 0;
		topology->nodes += new_node;
	}
}

static int read_units(struct sw_topology *topology)
{
	int count = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_PU);
	hwloc_bitmap_t allowed = allowed_units(topology->hwloc);
	hwloc_obj_t object = NULL;

	topology->unit = calloc(count > 0 ? (size_t)count : 1, sizeof(*topology->unit));
	if (!topology->unit) {
		hwloc_bitmap_free(allowed);
		return -ENOMEM;
	}
	while ((object = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, object)))
		if (!allowed || hwloc_bitmap_isset(allowed, object->os_index))
			describe_unit(topology->hwloc, object, &topology->unit[topology->units++]);
	hwloc_bitmap_free(allowed);
	count_units(topology);
	qsort(topology->unit, topology->units, sizeof(*topology->unit), by_placement);
	return topology->units ? 0 : -ENODEV;
}

static const char *find_model(hwloc_topology_t hwloc)
{
	hwloc_obj_t package = hwloc_get_obj_by_type(hwloc, HWLOC_OBJ_PACKAGE, 0);
	const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;

	if (!model)
		model = hwloc_obj_get_info_by_name(hwloc_get_root_obj(hwloc), "CPUModel");
	return model ? model : "unknown";
}

int sw_topology_open(struct sw_topology **topology, struct sw_error *error)
{
	struct sw_topology *new = calloc(1, sizeof(*new));
	int rc = -ENOMEM;

	*topology = NULL;
	if (!new)
		return sw_error_set(error, rc, "topology: memory is out");
	if (hwloc_topology_init(&new->hwloc)) {
		free(new);
		return sw_error_set(error, rc, "topology: hwloc cannot start: memory is out");
	}
	if (hwloc_topology_load(new->hwloc)) {
		rc = errno ? -errno : -EIO;
		sw_error_set(error, rc,
			"topology: hwloc cannot read the machine: %s (is HWLOC_XMLFILE or "
			"HWLOC_SYNTHETIC set to something wrong?)",
			strerror(-rc));
		goto fail;
	}
	rc = read_units(new);
	if (rc) {
		sw_error_set(
			error, rc, "topology: no usable processing unit found: %s", strerror(-rc));
		goto fail;
	}
	new->model = find_model(new->hwloc);
	*topology = new;
	return 0;
fail:
	sw_topology_close(new);
	return rc;
}

void sw_topology_close(struct sw_topology *topology)
{
	if (!topology)
		return;
	hwloc_topology_destroy(topology->hwloc);
	free(topology->unit);
	free(topology);
}

unsigned sw_topology_cores(const struct sw_topology *topology)
{
	return topology->cores;
}

unsigned sw_topology_nodes(const struct sw_topology *topology)
{
	return topology->nodes;
}

const char *sw_topology_cpu_model(const struct sw_topology *topology)
{
	return topology->model;
}

int sw_topology_bind_self(const struct sw_place *place)
{
	size_t bytes;
	cpu_set_t *set;
	int rc;

	if (place->cpu < 0)
		return 0;
	set = CPU_ALLOC((size_t)place->cpu + 1);
	if (!set)
		return -ENOMEM;
	bytes = CPU_ALLOC_SIZE((size_t)place->cpu + 1);
	CPU_ZERO_S(bytes, set);
	CPU_SET_S((size_t)place->cpu, bytes, set);
	rc = sched_setaffinity(0, bytes, set) ? -errno : 0;
	CPU_FREE(set);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/* The machine, told to people. */

#include <stdlib.h>

#include "runtime/topology_private.h"

static void print_bytes(FILE *out, uint64_t bytes)
{
	if (bytes >= (uint64_t)1 << 30)
		fprintf(out, "%.1f GiB", (double)bytes / (double)((uint64_t)1 << 30));
	else if (bytes >= (uint64_t)1 << 20)
		fprintf(out, "%.1f MiB", (double)bytes / (double)((uint64_t)1 << 20));
	else
		fprintf(out, "%.0f KiB", (double)bytes / 1024.0);
}

static void print_cpus(FILE *out, hwloc_const_cpuset_t set)
{
	char *list = NULL;

	if (hwloc_bitmap_list_asprintf(&list, set) < 0)
		return;
	fprintf(out, "cpus %s", list);
	free(list);
}

static unsigned usable_cpus(const struct sw_topology *topology, hwloc_const_cpuset_t set)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < topology->units; i++)
		usable += hwloc_bitmap_isset(set, (unsigned)topology->unit[i].cpu) != 0;
	return usable;
}

/* Level by level: "L2 512 KiB x 8 (each for cpus like 0-1)" is more use than a tree of 200 lines.
 */
static void print_caches(const struct sw_topology *topology, FILE *out)
{
	static const hwloc_obj_type_t levels[] = { HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE,
		HWLOC_OBJ_L1CACHE };

	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		hwloc_obj_t cache = hwloc_get_obj_by_type(topology->hwloc, levels[i], 0);
		int count = hwloc_get_nbobjs_by_type(topology->hwloc, levels[i]);

		if (!cache || count < 1)
			continue;
		fprintf(out, "  L%u cache: %d of ", cache->attr->cache.depth, count);
		print_bytes(out, cache->attr->cache.size);
		fprintf(out, ", the first for ");
		print_cpus(out, cache->cpuset);
		fputc('\n', out);
	}
}

static void print_nodes(const struct sw_topology *topology, FILE *out)
{
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_NUMANODE, node))) {
		fprintf(out, "  node %u: ", node->os_index);
		print_bytes(out, node->attr->numanode.local_memory);
		fprintf(out, ", ");
		print_cpus(out, node->cpuset);
		fprintf(out, " (%u usable)\n", usable_cpus(topology, node->cpuset));
	}
}

static void print_cores(const struct sw_topology *topology, FILE *out)
{
	hwloc_obj_t core = NULL;

	while ((core = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_CORE, core))) {
		hwloc_obj_t package =
			hwloc_get_ancestor_obj_by_type(topology->hwloc, HWLOC_OBJ_PACKAGE, core);

		fprintf(out, "  core %u: ", core->logical_index);
		if (package)
			fprintf(out, "package %u, ", package->logical_index);
		print_cpus(out, core->cpuset);
		if (usable_cpus(topology, core->cpuset) == 0)
			fprintf(out, ", not for this process");
		fputc('\n', out);
	}
}

static void print_count(FILE *out, unsigned count, const char *thing, const char *end)
{
	fprintf(out, "%u %s%s%s", count, thing, count == 1 ? "" : "s", end);
}

void sw_topology_print(const struct sw_topology *topology, FILE *out)
{
	int packages = hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_PACKAGE);

	fprintf(out, "%s: ", topology->model);
	print_count(out, packages > 0 ? (unsigned)packages : 1, "package", ", ");
	print_count(out, topology->nodes, "usable node", ", ");
	print_count(out, topology->cores, "usable core", ", ");
	print_count(out, topology->units, "usable cpu", "\n");
	print_nodes(topology, out);
	print_caches(topology, out);
	print_cores(topology, out);
}

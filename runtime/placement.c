/* SPDX-License-Identifier: MIT */
/* Which worker goes to which processing unit, and why. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/topology_private.h"

static const struct unit *find_unit(const struct sw_topology *topology, long cpu)
{
	for (unsigned i = 0; i < topology->units; i++)
		if (topology->unit[i].cpu == cpu)
			return &topology->unit[i];
	return NULL;
}

static int by_cpu(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

/* "0-3,8": what could have been said. */
static void list_units(const struct sw_topology *topology, char *text, size_t size)
{
	int *cpus = calloc(topology->units, sizeof(*cpus));
	size_t used = 0;

	text[0] = '\0';
	if (!cpus)
		return;
	for (unsigned i = 0; i < topology->units; i++)
		cpus[i] = topology->unit[i].cpu;
	qsort(cpus, topology->units, sizeof(*cpus), by_cpu);
	for (unsigned i = 0, last; i < topology->units && used < size; i = last + 1) {
		for (last = i; last + 1 < topology->units && cpus[last + 1] == cpus[last] + 1;)
			last++;
		used += (size_t)snprintf(text + used, size - used, last > i ? "%s%d-%d" : "%s%d",
			i ? "," : "", cpus[i], cpus[last]);
	}
	free(cpus);
}

/* ---- The list of --pin ---- */

struct pin_list {
	const struct unit *units[SW_WORKERS_MAX];
	unsigned count;
};

static int add_range(const struct sw_topology *topology, const char *pin, long first, long last,
	struct pin_list *list, struct sw_error *error)
{
	char usable[96];

	if (last < first)
		return sw_error_set(error, -EINVAL, "pin list \"%.64s\": %ld-%ld: runs backwards",
			pin, first, last);
	for (long cpu = first; cpu <= last; cpu++) {
		const struct unit *unit = find_unit(topology, cpu);

		if (!unit) {
			list_units(topology, usable, sizeof(usable));
			return sw_error_set(error, -EINVAL,
				"pin list \"%.64s\": cpu %ld: not there, or not for this process "
				"(usable: %s)",
				pin, cpu, usable);
		}
		if (list->count == SW_WORKERS_MAX)
			return sw_error_set(error, -EINVAL, "pin list \"%.64s\": more than %d cpus",
				pin, SW_WORKERS_MAX);
		list->units[list->count++] = unit;
	}
	return 0;
}

/* A decimal number at *text, which moves behind it; -1: there is none, or it is absurd. */
static long parse_number(const char **text)
{
	char *end;
	long value;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	value = strtol(*text, &end, 10);
	*text = end;
	return errno || value > INT_MAX ? -1 : value;
}

static int parse_pin(const struct sw_topology *topology, const char *pin, struct pin_list *list,
	struct sw_error *error)
{
	const char *at = pin;

	do {
		long first = parse_number(&at);
		long last = first;
		int rc;

		if (first >= 0 && *at == '-') {
			at++;
			last = parse_number(&at);
		}
		if (first < 0 || last < 0 || (*at != ',' && *at != '\0'))
			return sw_error_set(error, -EINVAL,
				"pin list \"%.64s\": not understood (auto, none, or cpu numbers "
				"like "
				"0,2-5)",
				pin);
		rc = add_range(topology, pin, first, last, list, error);
		if (rc)
			return rc;
	} while (*at++ == ',');
	return 0;
}

/* ---- Placing ---- */

static void put_on(struct sw_place *places, unsigned worker, const struct unit *unit)
{
	struct sw_place *place = &places[worker];

	*place = (struct sw_place){
		.cpu = unit->cpu,
		.node = unit->node,
		.core = unit->core,
		.package = unit->package,
	};
	for (unsigned i = 0; i < worker; i++) {
		if (places[i].cpu == unit->cpu)
			place->shared = true;
		if (places[i].core == unit->core)
			place->sibling = true;
	}
}

static void explain(struct sw_place *place, bool listed)
{
	const char *how = listed ? "its own, as listed" : "its own";
	char where[32] = "";

	if (place->shared)
		how = listed ? "listed for two workers" : "shared: more workers than cpus";
	else if (place->sibling)
		how = listed ? "second thread, as listed"
			     : "second thread: more workers than cores";
	if (place->node >= 0)
		snprintf(where, sizeof(where), " of node %d", place->node);
	snprintf(place->why, sizeof(place->why), "core %d%s, %s", place->core, where, how);
}

static void place_nowhere(struct sw_place *place)
{
	*place = (struct sw_place){ .cpu = -1, .node = -1, .core = -1, .package = -1 };
	snprintf(place->why, sizeof(place->why), "not pinned: the system moves it as it likes");
}

int sw_topology_place(const struct sw_topology *topology, const char *pin, unsigned *workers,
	struct sw_place *places, struct sw_error *error)
{
	struct pin_list list = { .count = 0 };
	bool none = strcmp(pin, "none") == 0;
	bool listed = !none && strcmp(pin, "auto") != 0;
	unsigned count = *workers;

	if (count > SW_WORKERS_MAX)
		return sw_error_set(
			error, -EINVAL, "%u workers: at most %d", count, SW_WORKERS_MAX);
	if (listed) {
		int rc = parse_pin(topology, pin, &list, error);

		if (rc)
			return rc;
	}
	if (count == 0)
		count = listed ? list.count : topology->cores;
	if (count > SW_WORKERS_MAX)
		count = SW_WORKERS_MAX;
	for (unsigned i = 0; i < count; i++) {
		if (none) {
			place_nowhere(&places[i]);
			continue;
		}
		put_on(places, i,
			listed ? list.units[i % list.count] : &topology->unit[i % topology->units]);
		explain(&places[i], listed);
	}
	*workers = count;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Placement on made-up machines (hwloc's synthetic topologies) and a look at the real one. */
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/topology.h"

/* Two nodes of four cores of two threads; hwloc numbers the cpus 0..15 in that order. */
#define TWO_NODES "node:2 core:4 pu:2"

static struct sw_topology *open_synthetic(const char *description)
{
	struct sw_topology *topology;
	struct sw_error error = { .text = "" };

	setenv("HWLOC_SYNTHETIC", description, 1);
	if (sw_topology_open(&topology, &error))
		fail_msg("%s: %s", description, error.text);
	unsetenv("HWLOC_SYNTHETIC");
	return topology;
}

static unsigned place(const struct sw_topology *topology, const char *pin, unsigned workers,
	struct sw_place *places)
{
	struct sw_error error = { .text = "" };

	if (sw_topology_place(topology, pin, &workers, places, &error))
		fail_msg("pin %s: %s", pin, error.text);
	return workers;
}

static void test_counts(void **state)
{
	struct sw_topology *topology = open_synthetic(TWO_NODES);

	(void)state;
	assert_int_equal(sw_topology_cores(topology), 8);
	assert_int_equal(sw_topology_nodes(topology), 2);
	assert_non_null(sw_topology_cpu_model(topology));
	sw_topology_close(topology);
	topology = open_synthetic("pack:1 core:3 pu:1");
	assert_int_equal(sw_topology_cores(topology), 3);
	assert_int_equal(sw_topology_nodes(topology), 1);
	sw_topology_close(topology);
	sw_topology_close(NULL);
}

/* Node by node, a worker a core. */
static void test_up_to_one_a_core(void **state)
{
	static const unsigned counts[] = { 1, 4, 8 };
	struct sw_topology *topology = open_synthetic(TWO_NODES);
	struct sw_place places[SW_WORKERS_MAX];

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		assert_int_equal(place(topology, "auto", counts[k], places), counts[k]);
		for (unsigned i = 0; i < counts[k]; i++) {
			assert_int_equal(places[i].cpu, 2 * i);
			assert_int_equal(places[i].core, i);
			assert_int_equal(places[i].node, i / 4);
			assert_false(places[i].sibling || places[i].shared);
			assert_non_null(strstr(places[i].why, "its own"));
		}
	}
	assert_int_equal(place(topology, "auto", 0, places), 8);
	sw_topology_close(topology);
}

/* Then the second threads, then cpus are shared. */
static void test_more_than_cores(void **state)
{
	struct sw_topology *topology = open_synthetic(TWO_NODES);
	struct sw_place places[SW_WORKERS_MAX];

	(void)state;
	assert_int_equal(place(topology, "auto", 20, places), 20);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(places[i].cpu, 2 * i);
	for (unsigned i = 8; i < 16; i++) {
		assert_int_equal(places[i].cpu, 2 * (i - 8) + 1);
		assert_int_equal(places[i].node, (i - 8) / 4);
		assert_true(places[i].sibling);
		assert_false(places[i].shared);
		assert_non_null(strstr(places[i].why, "more workers than cores"));
	}
	for (unsigned i = 16; i < 20; i++) {
		assert_int_equal(places[i].cpu, 2 * (i - 16));
		assert_true(places[i].shared);
		assert_non_null(strstr(places[i].why, "more workers than cpus"));
	}
	assert_int_equal(place(topology, "auto", 16, places), 16);
	assert_true(places[15].sibling);
	sw_topology_close(topology);
}

static void test_none(void **state)
{
	struct sw_topology *topology = open_synthetic(TWO_NODES);
	struct sw_place places[SW_WORKERS_MAX];

	(void)state;
	assert_int_equal(place(topology, "none", 0, places), 8);
	assert_int_equal(place(topology, "none", 3, places), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(places[i].cpu, -1);
		assert_int_equal(places[i].node, -1);
		assert_non_null(strstr(places[i].why, "not pinned"));
	}
	assert_int_equal(sw_topology_bind_self(&places[0]), 0);
	sw_topology_close(topology);
}

static void test_lists(void **state)
{
	static const int wanted[] = { 15, 2, 3, 4, 15, 2 };
	struct sw_topology *topology = open_synthetic(TWO_NODES);
	struct sw_place places[SW_WORKERS_MAX];

	(void)state;
	assert_int_equal(place(topology, "15,2-4", 0, places), 4);
	assert_int_equal(place(topology, "15,2-4", 6, places), 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(places[i].cpu, wanted[i]);
		assert_int_equal(places[i].node, wanted[i] / 8);
		assert_int_equal(places[i].shared, i >= 4);
		assert_non_null(strstr(places[i].why, "listed"));
	}
	assert_true(places[2].sibling); /* 2 and 3 are threads of core 1 */
	assert_false(places[3].sibling);
	assert_int_equal(place(topology, "7", 0, places), 1);
	assert_int_equal(place(topology, "0-15", 2, places), 2);
	sw_topology_close(topology);
}

static void test_bad_lists(void **state)
{
	static const struct {
		const char *pin, *text;
	} bad[] = {
		{ "", "not understood" },
		{ "x", "not understood" },
		{ "1,", "not understood" },
		{ ",1", "not understood" },
		{ "1-", "not understood" },
		{ "-1", "not understood" },
		{ "1;2", "not understood" },
		{ "1 2", "not understood" },
		{ "99999999999999999999", "not understood" },
		{ "Auto", "not understood" },
		{ "4-2", "backwards" },
		{ "16", "cpu 16: not there, or not for this process (usable: 0-15)" },
		{ "0-2000000000", "cpu 16" },
		{ "0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,0-15,"
		  "0",
			"more than 256" },
	};
	struct sw_topology *topology = open_synthetic(TWO_NODES);
	struct sw_place places[SW_WORKERS_MAX];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sw_error error = { .text = "" };
		unsigned workers = 2;

		assert_int_equal(
			sw_topology_place(topology, bad[i].pin, &workers, places, &error), -EINVAL);
		assert_int_equal(error.code, -EINVAL);
		assert_int_equal(workers, 2);
		if (!strstr(error.text, bad[i].text))
			fail_msg("\"%s\": \"%s\"", bad[i].pin, error.text);
	}
	sw_topology_close(topology);
}

static void test_too_many_workers(void **state)
{
	struct sw_topology *topology = open_synthetic("node:4 core:100 pu:1");
	struct sw_place places[SW_WORKERS_MAX];
	struct sw_error error;
	unsigned workers = SW_WORKERS_MAX + 1;

	(void)state;
	assert_int_equal(sw_topology_place(topology, "auto", &workers, places, &error), -EINVAL);
	assert_non_null(strstr(error.text, "at most 256"));
	/* A machine that has more cores gets as many workers as there can be. */
	assert_int_equal(place(topology, "auto", 0, places), SW_WORKERS_MAX);
	sw_topology_close(topology);
}

static void test_print(void **state)
{
	struct sw_topology *topology = open_synthetic("pack:2 node:1 l3:1 core:2 pu:2");
	char text[4096] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	(void)state;
	sw_topology_print(topology, out);
	fclose(out);
	assert_non_null(strstr(text, "2 packages, 2 usable nodes, 4 usable cores, 8 usable cpus"));
	assert_non_null(strstr(text, "node 1: "));
	assert_non_null(strstr(text, "cpus 4-7 (4 usable)"));
	assert_non_null(strstr(text, "L3 cache: 2 of "));
	assert_non_null(strstr(text, "core 3: package 1, cpus 6-7"));
	sw_topology_close(topology);
}

static void test_broken_description(void **state)
{
	struct sw_topology *topology = (void *)1;
	struct sw_error error = { .text = "" };
	int rc;

	(void)state;
	setenv("HWLOC_XMLFILE", "/does/not/exist.xml", 1);
	rc = sw_topology_open(&topology, &error);
	unsetenv("HWLOC_XMLFILE");
	/* hwloc may fall back on the machine itself, or fail; both are clean. */
	if (rc) {
		assert_true(rc < 0);
		assert_null(topology);
		assert_true(strlen(error.text) > 0);
	} else {
		sw_topology_close(topology);
	}
}

/* The machine itself: places lie within the affinity mask, and pinning works. */
static void test_this_machine(void **state)
{
	struct sw_place places[SW_WORKERS_MAX];
	struct sw_topology *topology;
	struct sw_error error;
	cpu_set_t before, narrow, now;
	int first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	while (!CPU_ISSET(first, &before))
		first++;
	CPU_ZERO(&narrow);
	CPU_SET(first, &narrow);
	assert_int_equal(sched_setaffinity(0, sizeof(narrow), &narrow), 0);
	assert_int_equal(sw_topology_open(&topology, &error), 0);
	assert_int_equal(sw_topology_cores(topology), 1);
	assert_int_equal(place(topology, "auto", 2, places), 2);
	assert_int_equal(places[0].cpu, first);
	assert_true(places[1].shared);
	sw_topology_close(topology);

	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(sw_topology_open(&topology, &error), 0);
	place(topology, "auto", 0, places);
	assert_true(CPU_ISSET(places[0].cpu, &before));
	assert_int_equal(sw_topology_bind_self(&places[0]), 0);
	assert_int_equal(sched_getaffinity(0, sizeof(now), &now), 0);
	assert_int_equal(CPU_COUNT(&now), 1);
	assert_true(CPU_ISSET(places[0].cpu, &now));
	places[0].cpu = 100000;
	assert_true(sw_topology_bind_self(&places[0]) < 0);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	sw_topology_close(topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_up_to_one_a_core),
		cmocka_unit_test(test_more_than_cores),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_too_many_workers),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_broken_description),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

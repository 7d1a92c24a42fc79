/* SPDX-License-Identifier: MIT */

/*
 * Runs in the two-node guest, alone: workers and memory land where the topology's plan says. What
 * is true is asked of the kernel (getcpu, move_pages), not of the library.
 */

#include "numa_guest.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/pool.h"
#include "runtime/ring.h"
#include "runtime/topology.h"

#define NODES          2
#define CORES_PER_NODE 4
#define OTHER(node)    (1 - (node))
#define PAGE_BYTES     4096u
#define PAGES_MAX      64

static atomic_uint good_checks, bad_checks, complaints;

void check(bool good, const char *format, ...)
{
	char text[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Relaxed: only totals, read after the threads were joined. */
	atomic_fetch_add_explicit(good ? &good_checks : &bad_checks, 1, memory_order_relaxed);
	printf("%s: %s\n", good ? "ok" : "not ok", text);
	fflush(stdout);
}

bool memory_is_on(const void *start, size_t bytes, int node)
{
	uintptr_t first = (uintptr_t)start & ~(uintptr_t)(PAGE_BYTES - 1);
	uintptr_t end = (uintptr_t)start + bytes;
	void *pages[PAGES_MAX];
	int nodes[PAGES_MAX];
	unsigned count = 0, there = 0, elsewhere = 0;

	for (uintptr_t page = first; page < end && count < PAGES_MAX; page += PAGE_BYTES)
		pages[count++] = (void *)page;
	if (syscall(SYS_move_pages, 0, (unsigned long)count, pages, NULL, nodes, 0) != 0) {
		printf("# move_pages: %s\n", strerror(errno));
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		if (nodes[i] < 0)
			continue; /* never written to */
		there++;
		elsewhere += nodes[i] != node;
	}
	/* A few of a kind are enough. Relaxed: only a count. */
	if ((elsewhere || !there) &&
		atomic_fetch_add_explicit(&complaints, 1, memory_order_relaxed) < 10)
		printf("# %u of %u pages are not on node %d (first: %d)\n", elsewhere, there, node,
			nodes[0]);
	return there > 0 && elsewhere == 0;
}

static const struct sw_schema schema = {
	.columns = 3,
	.fields = {
		{ .name = "bidder", .type = SW_INT64 },
		{ .name = "price", .type = SW_INT64 },
		{ .name = "extra", .type = SW_TEXT, .text_bytes = 32 },
	},
};

/* Every batch of a pool made for `node`, touched from wherever this thread is. */
static void check_pool(int node, unsigned worker)
{
	struct sw_pool_options options = {
		.schema = &schema,
		.rows_max = 1024,
		.batches = 8,
		.slots = 1,
		.node = node,
	};
	struct sw_pool *pool = sw_pool_create(&options);
	struct sw_batch *batch;
	unsigned batches = 0, wrong = 0;

	if (!pool) {
		check(false, "worker %u: a pool on node %d can be made", worker, node);
		return;
	}
	while ((batch = sw_pool_get(pool))) {
		for (uint32_t c = 0; c < 2; c++) {
			memset(batch->columns[c].data, 1, 1024 * sizeof(int64_t));
			wrong +=
				!memory_is_on(batch->columns[c].data, 1024 * sizeof(int64_t), node);
		}
		memset(batch->columns[2].data, 1, 32 * 1024);
		wrong += !memory_is_on(batch->columns[2].data, 32 * 1024, node);
		wrong += !memory_is_on(batch, sizeof(*batch), node);
		batches++;
		if (batches == options.batches)
			break;
	}
	check(batches == options.batches && wrong == 0,
		"worker %u: %u batches of a pool for node %d are there", worker, batches, node);
	sw_pool_destroy(pool);
}

static void check_ring(int node, unsigned worker)
{
	struct sw_ring *ring = sw_ring_create(1024, node);
	int item;

	if (!ring) {
		check(false, "worker %u: a ring on node %d can be made", worker, node);
		return;
	}
	while (sw_ring_push(ring, &item))
		;
	check(memory_is_on(ring, 1024 * sizeof(void *), node),
		"worker %u: a ring for node %d is there", worker, node);
	/* And the question can be answered with no. */
	check(!memory_is_on(ring, 1024 * sizeof(void *), OTHER(node)),
		"worker %u: and is not on the other node", worker);
	sw_ring_destroy(ring);
}

struct worker {
	pthread_t thread;
	unsigned number;
	struct sw_place place;
};

static void *run_worker(void *context)
{
	struct worker *worker = context;
	const struct sw_place *place = &worker->place;
	unsigned cpu = 0, node = 0;
	int bound = sw_topology_bind_self(place);

	sched_yield();
	getcpu(&cpu, &node);
	check(bound == 0 && (int)cpu == place->cpu && (int)node == place->node,
		"worker %u: planned cpu %d node %d, is on cpu %u node %u", worker->number,
		place->cpu, place->node, cpu, node);
	check_pool(place->node, worker->number);
	check_ring(place->node, worker->number);
	if (worker->number == 0) {
		/* First touch from here would put it on the wrong node: only binding helps. */
		check_pool(OTHER(place->node), 0);
		check_ring(OTHER(place->node), 0);
	}
	return NULL;
}

static void check_plan(const struct sw_topology *topology, unsigned workers)
{
	struct sw_place places[SW_WORKERS_MAX];
	struct worker threads[NODES * CORES_PER_NODE];
	struct sw_error error = { 0 };
	unsigned per_node[NODES] = { 0 };
	bool seen[NODES * CORES_PER_NODE] = { false };
	unsigned twice = 0;

	if (sw_topology_place(topology, "auto", &workers, places, &error) != 0) {
		check(false, "a plan for %u workers: %s", workers, error.text);
		return;
	}
	for (unsigned i = 0; i < workers; i++) {
		printf("# worker %u: cpu %d node %d: %s\n", i, places[i].cpu, places[i].node,
			places[i].why);
		if (places[i].cpu < 0 || places[i].cpu >= NODES * CORES_PER_NODE ||
			places[i].node != places[i].cpu / CORES_PER_NODE) {
			check(false, "worker %u: cpu %d is of node %d", i, places[i].cpu,
				places[i].node);
			return;
		}
		per_node[places[i].node]++;
		twice += seen[places[i].cpu];
		seen[places[i].cpu] = true;
	}
	check(twice == 0, "%u workers: each has a core of its own", workers);
	if (workers == CORES_PER_NODE)
		check(per_node[0] == CORES_PER_NODE, "%u workers: node 0 is filled first", workers);
	for (unsigned i = 0; i < workers; i++) {
		threads[i] = (struct worker){ .number = i, .place = places[i] };
		pthread_create(&threads[i].thread, NULL, run_worker, &threads[i]);
	}
	for (unsigned i = 0; i < workers; i++)
		pthread_join(threads[i].thread, NULL);
}

int main(void)
{
	struct sw_topology *topology;
	struct sw_error error = { 0 };
	unsigned bad;

	if (sw_topology_open(&topology, &error) != 0) {
		check(false, "the topology can be read: %s", error.text);
	} else {
		sw_topology_print(topology, stdout);
		check(sw_topology_nodes(topology) == NODES, "%d nodes are seen", NODES);
		check(sw_topology_cores(topology) == NODES * CORES_PER_NODE, "%d cores are seen",
			NODES * CORES_PER_NODE);
		check_plan(topology, CORES_PER_NODE);
		check_plan(topology, NODES * CORES_PER_NODE);
		sw_topology_close(topology);
	}
	check_graph(NODES * CORES_PER_NODE);
	bad = atomic_load_explicit(&bad_checks, memory_order_relaxed);
	printf("NUMA GUEST: %s: %u good, %u bad\n", bad ? "FAILED" : "PASSED",
		atomic_load_explicit(&good_checks, memory_order_relaxed), bad);
	return bad != 0;
}

/* SPDX-License-Identifier: MIT */
/* What the controller learns of each edge: what a row costs here, and what shipping it costs. */
#include <string.h>

#include "burst/controller_private.h"

/* Weight of one new batch in what is learned; of one look at the shipping cost. */
#define BATCH_WEIGHT 0.1
#define SHIP_WEIGHT  0.3

enum {
	SHIP_BATCHES = 8, /* between two looks at the shipping cost */
	/* A request costs the I/O thread about as much as so many bytes do, beyond what is measured
	 * of each. */
	REQUEST_BYTES = 16384,
};

static double blend(double old, double new, double weight)
{
	return old > 0 ? old + (new - old) * weight : new;
}

static void learn_local(struct controller *controller)
{
	struct sw_burst *burst = controller->burst;

	for (uint32_t e = 0; e < controller->edge_count; e++) {
		struct edge_knowledge *edge = &controller->edges[e];
		uint64_t batches = 0, rows = 0, ns = 0;
		double weight;

		for (uint32_t i = 0; i < burst->outlet_count; i++) {
			if (controller->edge_of[i] != e)
				continue;
			batches += controller->samples[i].local_batches;
			rows += controller->samples[i].local_rows;
			ns += controller->samples[i].local_ns;
		}
		/* The counters are of different moments: a batch may be in one and not yet in the
		 * others. Over a few batches that evens out. */
		if (batches <= edge->batches || rows <= edge->rows || ns <= edge->ns)
			continue;
		batches -= edge->batches;
		rows -= edge->rows;
		ns -= edge->ns;
		weight = BATCH_WEIGHT * (double)batches;
		weight = weight > 0.5 ? 0.5 : weight;
		edge->local_ns_per_row =
			blend(edge->local_ns_per_row, (double)ns / (double)rows, weight);
		edge->rows_per_batch =
			blend(edge->rows_per_batch, (double)rows / (double)batches, weight);
		edge->local_ns_per_batch = edge->local_ns_per_row * edge->rows_per_batch;
		edge->batches += batches;
		edge->rows += rows;
		edge->ns += ns;
	}
}

static void sum_shipping(const struct controller *controller, uint32_t edge, struct ship_sums *sums)
{
	const struct sw_burst *burst = controller->burst;

	memset(sums, 0, sizeof(*sums));
	for (uint32_t i = 0; i < burst->outlet_count; i++) {
		const struct outlet *outlet = burst->outlets[i];

		if (controller->edge_of[i] != edge)
			continue;
		sums->cpu_ns += burst_get(&outlet->cpu_ns);
		sums->weight += burst_get(&outlet->wire_bytes) +
				burst_get(&outlet->wire_requests) * REQUEST_BYTES;
		sums->batches += burst_get(&outlet->shipped_batches);
		sums->rows += burst_get(&outlet->shipped_rows);
	}
}

static void begin_shipping(struct edge_knowledge *edge, const struct ship_sums *sums)
{
	edge->ship = *sums;
	edge->ship_batches = sums->batches;
	edge->ship_rows = sums->rows;
}

/* shared_ns_per_weight: what the thread has worked for nobody in particular, by what each sent. */
static void learn_shipping_of(
	struct edge_knowledge *edge, const struct ship_sums *sums, double shared_ns_per_weight)
{
	edge->ship_cost_ns += (double)(sums->cpu_ns - edge->ship.cpu_ns) +
			      (double)(sums->weight - edge->ship.weight) * shared_ns_per_weight;
	edge->ship = *sums;
	if (sums->batches - edge->ship_batches < SHIP_BATCHES || sums->rows <= edge->ship_rows)
		return;
	edge->ship_ns_per_row = blend(edge->ship_ns_per_row,
		edge->ship_cost_ns / (double)(sums->rows - edge->ship_rows), SHIP_WEIGHT);
	edge->ship_cost_ns = 0;
	edge->ship_batches = sums->batches;
	edge->ship_rows = sums->rows;
}

/*
 * The I/O thread's CPU time over the rows that came back, by edge. Encoding and reading are
 * measured for each; TLS and HTTP/2, done for all at once, are shared by requests and bytes.
 * Setting up does not count.
 */
static void learn_shipping(struct controller *controller)
{
	struct ship_sums of[BURST_EDGES_MAX], all = { 0 };
	uint64_t own_ns = 0;
	double shared_ns = 0;

	for (uint32_t e = 0; e < controller->edge_count; e++) {
		sum_shipping(controller, e, &of[e]);
		own_ns += of[e].cpu_ns - controller->edges[e].ship.cpu_ns;
		all.weight += of[e].weight;
		all.batches += of[e].batches;
	}
	if (all.batches == 0 ||
		(controller->ship_begun && all.batches - controller->ship.batches < SHIP_BATCHES))
		return;
	all.cpu_ns = burst_get(&controller->burst->counters.cpu_ns);
	/* The thread's time is noted once a turn, an edge's at once. */
	if (controller->ship_begun && all.cpu_ns - controller->ship.cpu_ns > own_ns)
		shared_ns = (double)(all.cpu_ns - controller->ship.cpu_ns - own_ns);
	if (all.weight > controller->ship.weight)
		shared_ns /= (double)(all.weight - controller->ship.weight);
	for (uint32_t e = 0; e < controller->edge_count; e++) {
		if (controller->ship_begun)
			learn_shipping_of(&controller->edges[e], &of[e], shared_ns);
		else
			begin_shipping(&controller->edges[e], &of[e]);
	}
	controller->ship = all;
	controller->ship_begun = true;
}

void controller_learn(struct controller *controller)
{
	learn_local(controller);
	learn_shipping(controller);
}

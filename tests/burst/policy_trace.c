/* SPDX-License-Identifier: MIT */
#include "tests/burst/policy_trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#define STEP_NS  250000.0
#define START_NS 1e12 /* policies take a time of 0 for none */
#define OFF_NS   500e6

enum { RECENT = 64, SHIP_BATCHES = 8, FLYING_MAX = 1024 };

/* ---- Loads ---- */

static double square(double seconds)
{
	return fmod(seconds, 20) >= 10 && fmod(seconds, 20) < 15 ? 4 : 0.5;
}

static double sine(double seconds)
{
	return 1 - 0.8 * cos(seconds / 10 * 2 * M_PI);
}

static double bursts(double seconds)
{
	return fmod(seconds, 1) >= 0.5 && fmod(seconds, 1) < 0.51 ? 10 : 0.5;
}

static double ramp(double seconds)
{
	return seconds * 3 / 40;
}

const struct trace trace_square = { "square", 40, 2, square };
const struct trace trace_sine = { "sine", 40, 4, sine };
const struct trace trace_bursts = { "bursts", 20, 20, bursts };
const struct trace trace_ramp = { "ramp", 40, 1, ramp };

/* ---- A run ---- */

struct flight {
	double arrived_ns, due_ns;
};

/* Batches by the time of their arrival; grows, never shrinks. */
struct list {
	double *arrived_ns;
	size_t head, count, capacity;
};

struct sim {
	const struct trace *trace;
	const struct trace_options *options;
	const struct policy *policy;
	void *state;
	uint64_t random;

	double now_ns, rows, busy_until_ns;
	uint64_t number;
	struct list due, ring, queued;
	struct flight flying[FLYING_MAX];
	uint32_t flying_count, flying_most;
	uint32_t out;

	struct policy_view view;
	struct decision decision;
	double recent_ns[RECENT];
	uint64_t shipped;

	double *latency_ns;
	size_t latency_count, latency_capacity;
	bool on;
	double last_out_ns, overload_ns;
	struct trace_result *result;
};

static void *grown(void *memory, size_t *capacity, size_t item)
{
	*capacity = *capacity ? *capacity * 2 : 1024;
	memory = realloc(memory, *capacity * item);
	assert_non_null(memory);
	return memory;
}

static void push(struct list *list, double arrived_ns)
{
	if (list->count == list->capacity)
		list->arrived_ns = grown(list->arrived_ns, &list->capacity, sizeof(double));
	list->arrived_ns[list->count++] = arrived_ns;
}

static uint32_t length(const struct list *list)
{
	return (uint32_t)(list->count - list->head);
}

static double pop(struct list *list)
{
	return list->arrived_ns[list->head++];
}

static double varied(struct sim *sim, double value)
{
	const double share = (double)random_below(&sim->random, 2001) / 1000 - 1;

	return value * (1 + sim->options->jitter * share);
}

static void ready(struct sim *sim, double arrived_ns, double ready_ns)
{
	if (sim->latency_count == sim->latency_capacity)
		sim->latency_ns = grown(sim->latency_ns, &sim->latency_capacity, sizeof(double));
	sim->latency_ns[sim->latency_count++] = ready_ns - arrived_ns;
}

/* ---- The producer ---- */

/* As wanted() in outlet.c, fill being what waits in the ring and at the source. */
static bool wanted(const struct sim *sim, uint32_t fill)
{
	const struct decision *decision = &sim->decision;

	if (sim->out >= sim->view.slots)
		return false;
	if (decision->mode == DECISION_SHARE)
		return policy_share_takes(decision->share, sim->number);
	if (decision->mode != DECISION_THRESHOLD || sim->out >= decision->outstanding_max)
		return false;
	return fill >= decision->threshold ||
	       (uint64_t)fill * sim->options->rows_per_batch >= decision->threshold_rows;
}

static void produce(struct sim *sim)
{
	const uint32_t rows = sim->options->rows_per_batch;
	const double load =
		sim->trace->load((sim->now_ns - START_NS) / 1e9) * sim->options->load_factor;

	if (load > 1 && sim->overload_ns == 0)
		sim->overload_ns = sim->now_ns;
	sim->rows += load * STEP_NS / sim->options->local_ns_per_row;
	for (; sim->rows >= rows; sim->rows -= rows)
		push(&sim->due, sim->now_ns);
	while (length(&sim->due) > 0) {
		if (wanted(sim, length(&sim->ring) + length(&sim->due) - 1)) {
			push(&sim->queued, pop(&sim->due));
			sim->out++;
			sim->result->spilled++;
			if (sim->result->first_ms < 0 && sim->overload_ns > 0)
				sim->result->first_ms = (sim->now_ns - sim->overload_ns) / 1e6;
		} else if (length(&sim->ring) < sim->options->capacity) {
			push(&sim->ring, pop(&sim->due));
		} else {
			break;
		}
		sim->number++;
		sim->view.offered_rows += rows;
	}
	if (length(&sim->due) > 0)
		sim->result->pushed_back_s += STEP_NS / 1e9;
}

/* ---- Here and there ---- */

static void learn(double *old, double new, double weight)
{
	*old = *old > 0 ? *old + (new - *old) * weight : new;
}

static void work(struct sim *sim)
{
	const uint32_t rows = sim->options->rows_per_batch;

	while (length(&sim->ring) > 0 && sim->busy_until_ns <= sim->now_ns) {
		const double cost_ns = varied(sim, sim->options->local_ns_per_row * rows);
		const double begin_ns = sim->now_ns - sim->busy_until_ns < STEP_NS
						? sim->busy_until_ns
						: sim->now_ns;

		sim->busy_until_ns = begin_ns + cost_ns;
		ready(sim, pop(&sim->ring), sim->busy_until_ns);
		sim->view.local_rows += rows;
		sim->view.local_ns += (uint64_t)cost_ns;
		learn(&sim->view.local_ns_per_row, cost_ns / rows, 0.1);
		sim->view.rows_per_batch = rows;
		sim->view.local_ns_per_batch = sim->view.local_ns_per_row * rows;
	}
}

static int by_value(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void answered(struct sim *sim, const struct flight *flight, double away_ns)
{
	double sorted[RECENT];
	const size_t count = sim->shipped + 1 < RECENT ? sim->shipped + 1 : RECENT;

	ready(sim, flight->arrived_ns, flight->due_ns);
	sim->out--;
	sim->recent_ns[sim->shipped++ % RECENT] = away_ns;
	memcpy(sorted, sim->recent_ns, sizeof(sorted));
	qsort(sorted, count, sizeof(sorted[0]), by_value);
	sim->view.remote_p50_ns = sorted[count / 2];
	sim->view.remote_p90_ns = sorted[count * 9 / 10];
	if (sim->shipped % SHIP_BATCHES == 0) {
		learn(&sim->view.ship_ns_per_row, varied(sim, sim->options->ship_ns_per_row), 0.3);
		sim->view.shipped_batches = sim->shipped;
	}
}

static void fly(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->flying_count; i++) {
		const struct flight flight = sim->flying[i];

		if (flight.due_ns > sim->now_ns)
			continue;
		sim->flying[i--] = sim->flying[--sim->flying_count];
		answered(sim, &flight, varied(sim, sim->options->remote_ms * 1e6));
	}
	while (length(&sim->queued) > 0 && sim->flying_count < sim->options->window) {
		double away_ns = varied(sim, sim->options->remote_ms * 1e6);

		if (sim->flying_count == sim->flying_most) {
			sim->flying_most++;
			away_ns += sim->options->cold_ms * 1e6;
		}
		sim->flying[sim->flying_count++] =
			(struct flight){ pop(&sim->queued), sim->now_ns + away_ns };
	}
}

/* ---- The controller ---- */

static void decide(struct sim *sim, char *why, size_t why_bytes)
{
	struct policy_view *view = &sim->view;

	view->now_ns = (uint64_t)sim->now_ns;
	view->fill = length(&sim->ring);
	view->backlog_batches = length(&sim->due);
	view->inflight = sim->flying_count;
	view->queued = length(&sim->queued);
	memset(&sim->decision, 0, sizeof(sim->decision));
	sim->policy->decide(&sim->options->burst, sim->state, view, &sim->decision, why, why_bytes);
}

static void note_flips(struct sim *sim)
{
	if (sim->out > 0)
		sim->last_out_ns = sim->now_ns;
	if (sim->on != (sim->now_ns - sim->last_out_ns < OFF_NS)) {
		sim->on = !sim->on;
		sim->result->flips++;
	}
}

static void quantiles(struct sim *sim)
{
	qsort(sim->latency_ns, sim->latency_count, sizeof(double), by_value);
	if (sim->latency_count == 0)
		return;
	sim->result->p50_ms = sim->latency_ns[sim->latency_count / 2] / 1e6;
	sim->result->p99_ms = sim->latency_ns[sim->latency_count * 99 / 100] / 1e6;
	sim->result->max_ms = sim->latency_ns[sim->latency_count - 1] / 1e6;
}

struct trace_options trace_options_default(const char *policy)
{
	return (struct trace_options){
		.policy = policy,
		.load_factor = 1,
		.local_ns_per_row = 2000,
		.ship_ns_per_row = 50,
		.remote_ms = 20,
		.jitter = 0.2,
		.rows_per_batch = 1000,
		.capacity = 64,
		.window = 64,
		.seed = 1,
		.burst = SW_BURST_OPTIONS_INIT,
	};
}

void trace_run(
	const struct trace *trace, const struct trace_options *options, struct trace_result *result)
{
	struct sim sim = { .trace = trace, .options = options, .result = result };

	memset(result, 0, sizeof(*result));
	result->first_ms = -1;
	sim.policy = policy_find(options->policy);
	assert_non_null(sim.policy);
	sim.state = calloc(1, sim.policy->state_bytes + 1);
	sim.random = options->seed * 2 + 1;
	sim.view.capacity = options->capacity;
	sim.view.window = options->window;
	sim.view.outlets = 1;
	sim.view.slots = 4 * options->window;
	for (sim.now_ns = START_NS; sim.now_ns < START_NS + trace->seconds * 1e9;
		sim.now_ns += STEP_NS) {
		produce(&sim);
		work(&sim);
		fly(&sim);
		decide(&sim, NULL, 0);
		note_flips(&sim);
	}
	decide(&sim, result->why, sizeof(result->why));
	/* What still waits has waited at least so long. */
	while (length(&sim.due) > 0)
		ready(&sim, pop(&sim.due), sim.now_ns);
	result->batches = sim.number;
	quantiles(&sim);
	free(sim.due.arrived_ns);
	free(sim.ring.arrived_ns);
	free(sim.queued.arrived_ns);
	free(sim.latency_ns);
	free(sim.state);
}

/* SPDX-License-Identifier: MIT */
/* The operator that runs a kernel, and what it has to do with outlets. */

#include <string.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

#define TIMED_NS    50000u
#define TIMED_EVERY 64u

size_t kernel_state_bytes(const struct sw_kernel *kernel)
{
	return kernel->scratch_bytes;
}

/* Simulated cost: the kernel takes so long for each event of the batch, all in all. */
static void burn(struct sw_instance *self, const struct sw_batch *batch, uint64_t begin_ns)
{
	uint64_t events = batch->events ? batch->events : sw_batch_count(batch);
	uint64_t delay_ns = self->stage->graph->options.op_delay_ns;

	sw_burn_until(begin_ns + events * delay_ns);
}

/* Sets the message; gives the code. */
static int fail(struct sw_instance *self, const struct sw_batch *batch, int code)
{
	const struct sw_kernel *kernel = self->stage->kernel;
	char text[200] = "";

	if (kernel->explain)
		kernel->explain(self->stage->kernel_config, batch, code, text, sizeof(text));
	return text[0] ? sw_instance_fail(self, code, "%s", text) : code;
}

static int run(
	struct sw_instance *self, void *state, struct sw_batch *batch, struct sw_batch **result)
{
	const struct sw_kernel *kernel = self->stage->kernel;
	struct sw_batch *out = batch;
	int code;

	if (!kernel->in_place) {
		out = sw_batch_new(self, 0);
		if (!out) {
			sw_release(self, batch);
			*result = NULL;
			return 0; /* cancelled */
		}
		sw_batch_copy_meta(out, batch);
	}
	code = kernel->run(self->stage->kernel_config, state, batch, out);
	if (code)
		code = fail(self, batch, code);
	if (out != batch)
		sw_release(self, batch);
	else
		batch->schema = kernel->out;
	*result = out;
	return code;
}

/* What rows take, by what they took lately; 0: not known. */
static uint64_t expected_ns(const struct sw_site *site, uint32_t rows)
{
	return counter_get(&site->recent_row_cost) * rows / COST_UNITS;
}

/* Little work is timed now and then only: two looks at the clock are a part of it. */
static bool is_timed(const struct sw_site *site, uint64_t expected)
{
	return expected == 0 || expected > TIMED_NS ||
	       counter_get(&site->local_batches) % TIMED_EVERY == 0;
}

static void learn_cost(struct sw_site *site, uint32_t rows, uint64_t ns)
{
	uint64_t before = counter_get(&site->recent_row_cost);
	uint64_t cost = rows > 0 ? ns * COST_UNITS / rows : before;

	/* Relaxed: read as a hint. */
	atomic_store_explicit(&site->recent_row_cost, before ? (7 * before + cost) / 8 : cost,
		memory_order_relaxed);
}

static void count_local(struct sw_site *site, uint32_t rows, uint64_t ns)
{
	counter_add(&site->local_batches, 1);
	counter_add(&site->local_rows, rows);
	counter_add(&site->local_ns, ns);
}

static int kernel_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct sw_site *site = self->current ? self->current->site : NULL;
	uint64_t delay_ns = self->stage->graph->options.op_delay_ns;
	uint32_t rows = sw_batch_count(batch);
	uint64_t ns = site ? expected_ns(site, rows) : 0;
	bool timed = delay_ns || (site && is_timed(site, ns));
	uint64_t begin_ns = timed ? sw_now_ns() : 0;
	struct sw_batch *out;
	int code;

	(void)input;
	if (delay_ns)
		burn(self, batch, begin_ns);
	code = run(self, state, batch, &out);
	if (site && timed) {
		ns = sw_now_ns() - begin_ns;
		learn_cost(site, rows, ns);
	}
	if (site)
		count_local(site, rows, ns);
	if (!out)
		return 0;
	if (code) {
		sw_release(self, out);
		return code;
	}
	sw_emit(self, 0, out);
	return 0;
}

void kernel_adopt(struct sw_instance *self, struct link *link, struct sw_outlet_result *result)
{
	(void)link;
	if (!result->answer) {
		instance_process(self, 0, result->original);
		return;
	}
	sw_batch_copy_meta(result->answer, result->original);
	sw_release(self, result->original);
	sw_emit(self, 0, result->answer);
}

const struct sw_operator sw_kernel_operator = {
	.name = "kernel",
	.process = kernel_process,
};

/* ---- What a controller may look at ---- */

void sw_site_sample(const struct sw_site *site, struct sw_site_sample *sample)
{
	const struct link *link = site->link;

	sample->fill = sw_ring_fill(link->ring);
	sample->capacity = sw_ring_capacity(link->ring);
	sample->backlog_events = counter_get(&link->from->backlog_events);
	sample->backlog_batches = counter_get(&link->from->backlog_batches);
	sample->offered_batches = counter_get(&link->batches);
	sample->offered_rows = counter_get(&link->rows);
	sample->local_batches = counter_get(&site->local_batches);
	sample->local_rows = counter_get(&site->local_rows);
	sample->local_ns = counter_get(&site->local_ns);
}

void sw_site_notify(struct sw_site *site)
{
	runner_notify(site->link->to->runner);
}

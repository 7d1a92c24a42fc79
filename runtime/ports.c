/* SPDX-License-Identifier: MIT */
/*
 * Where the program meets the graph: rows pushed in from its own threads, results dispatched on
 * them, and one descriptor to wait on.
 *
 * An input is two stages: `external` stands for the program's thread as a producer, `relay` passes
 * its batches on, on the workers. The gate decides between a push and the end that sw_graph_stop
 * brings: whoever moves it away from open goes first.
 *
 * Descriptor: the program arms it, looks again, then sleeps; who has something for the program
 * disarms it and, if it was armed, writes. Both sides exchange on `armed` (acquire and release), so
 * one of them sees the other: the program the news, or the other the arming.
 */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

/* ---- The descriptor ---- */

static void make_readable(int event_fd)
{
	uint64_t one = 1;

	if (write(event_fd, &one, sizeof(one)) < 0) {
		/* Only EAGAIN can be: then it is readable already. */
	}
}

void graph_signal(struct sw_graph *graph)
{
	if (atomic_exchange_explicit(&graph->armed, 0, memory_order_acq_rel))
		make_readable(graph->event_fd);
}

void graph_signal_all(struct sw_graph *graph)
{
	const int saved = errno; /* cancel may run in a signal handler */

	graph_signal(graph);
	for (unsigned i = 0; i < graph->input_count; i++)
		make_readable(graph->inputs[i]->event_fd);
	errno = saved;
}

int sw_graph_fd(struct sw_graph *graph)
{
	return graph->event_fd;
}

static bool dispatch_turn(struct sw_graph *graph)
{
	struct runner *runner = graph->program;

	return runner && runner_turn(runner, -1);
}

/* Handed over whole? Looked at after the threads have ended, so nothing more comes. */
static bool all_dispatched(struct sw_graph *graph)
{
	bool ended;

	pthread_mutex_lock(&graph->end_lock);
	ended = graph->running == 0;
	pthread_mutex_unlock(&graph->end_lock);
	return ended;
}

int sw_graph_dispatch(struct sw_graph *graph, int timeout_ms)
{
	struct pollfd descriptor = { .fd = graph->event_fd, .events = POLLIN };
	uint64_t count;

	if (dispatch_turn(graph))
		return 1;
	/* Empty the descriptor first: news from now on makes it readable again. */
	if (read(graph->event_fd, &count, sizeof(count)) < 0) {
		/* EAGAIN: there was none. */
	}
	atomic_exchange_explicit(&graph->armed, 1, memory_order_acq_rel);
	if (all_dispatched(graph)) {
		while (dispatch_turn(graph))
			continue;
		graph_signal(graph);
		return 0;
	}
	if (dispatch_turn(graph))
		return 1;
	if (timeout_ms != 0)
		poll(&descriptor, 1, timeout_ms);
	return 1;
}

/* ---- Inputs ---- */

static int external_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	(void)state;
	(void)input;
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator external_operator = {
	.name = "external",
	.process = external_process,
};

static int relay_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	uint64_t waiting = 0;

	(void)state;
	for (unsigned i = 0; i < self->inputs[input].link_count; i++)
		waiting += sw_ring_fill(self->inputs[input].links[i]->ring);
	sw_instance_count_events(self, batch->events);
	sw_instance_backlog(self, waiting * batch->events, waiting);
	sw_emit(self, 0, batch);
	return 0;
}

const struct sw_operator sw_relay_operator = {
	.name = "relay",
	.process = relay_process,
};

static struct sw_stage *add_external(struct sw_graph *graph, const char *name,
	const struct sw_schema *schema, struct sw_error *error)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *stage;

	options.name = name;
	options.op = &external_operator;
	options.inputs = 0;
	options.instances = 1;
	options.output_schemas[0] = schema;
	stage = sw_graph_add_stage(graph, &options, error);
	if (stage)
		stage->external = true;
	return stage;
}

static struct sw_stage *add_relay(struct sw_graph *graph, const char *name,
	const struct sw_schema *schema, struct sw_input *input, struct sw_error *error)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *stage;

	options.name = name;
	options.op = &sw_relay_operator;
	options.output_schemas[0] = schema;
	stage = sw_graph_add_stage(graph, &options, error);
	if (stage)
		stage->relays = input;
	return stage;
}

struct sw_stage *sw_graph_add_input(struct sw_graph *graph, const char *name,
	const struct sw_schema *schema, struct sw_input **result, struct sw_error *error)
{
	struct sw_input *input;

	if (graph->input_count == SW_INPUTS_MAX) {
		sw_error_set(error, -ENOSPC, "input %s: at most %d inputs", name, SW_INPUTS_MAX);
		return NULL;
	}
	input = aligned_alloc(SW_CACHE_LINE, sizeof(*input));
	if (!input) {
		sw_error_set(error, -ENOMEM, "input %s: out of memory", name);
		return NULL;
	}
	memset(input, 0, sizeof(*input));
	input->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (input->event_fd < 0) {
		sw_error_set(
			error, -errno, "input %s: event descriptor: %s", name, strerror(errno));
		free(input);
		return NULL;
	}
	input->graph = graph;
	input->schema = schema;
	/* From here on the graph frees it. */
	graph->inputs[graph->input_count++] = input;
	input->external = add_external(graph, name, schema, error);
	if (!input->external)
		goto fail;
	input->relay = add_relay(graph, name, schema, input, error);
	if (!input->relay)
		goto fail;
	if (sw_graph_connect(
		    graph, input->external, 0, input->relay, 0, SW_ROUTE_FORWARD, 0, error))
		goto fail;
	*result = input;
	return input->relay;
fail:
	graph->input_count--;
	close(input->event_fd);
	free(input);
	return NULL;
}

/* The program's thread as a producer; null before the graph has started and after its end. */
static struct sw_instance *producer(struct sw_input *input)
{
	if (atomic_load_explicit(&input->graph->phase, memory_order_acquire) != PHASE_RUNNING)
		return NULL;
	return &input->external->instances[0];
}

void input_room(struct sw_input *input)
{
	/* Exchanged on both sides, like `armed`: this one sees the wish, or want() the batch. */
	if (!atomic_exchange_explicit(&input->wanting, 0, memory_order_acq_rel))
		return;
	make_readable(input->event_fd);
	graph_signal(input->graph);
}

/* The input's thread is about to wait, on one descriptor or the other: it looks again after this.
 */
static void want(struct sw_input *input)
{
	uint64_t count;

	if (read(input->event_fd, &count, sizeof(count)) < 0) {
		/* EAGAIN: it was not readable. */
	}
	atomic_exchange_explicit(&input->wanting, 1, memory_order_acq_rel);
	atomic_exchange_explicit(&input->graph->armed, 1, memory_order_acq_rel);
}

int sw_input_fd(struct sw_input *input)
{
	return input->event_fd;
}

struct sw_batch *sw_input_batch(struct sw_input *input)
{
	struct sw_instance *self = producer(input);
	struct sw_batch *batch;

	if (!self || graph_stopping(input->graph) || graph_cancelled(input->graph))
		return NULL;
	batch = sw_pool_get(self->outputs[0].pool);
	if (batch)
		return batch;
	want(input);
	return sw_pool_get(self->outputs[0].pool);
}

static void store_watermark(struct sw_instance *self, int64_t watermark)
{
	struct output *output = &self->outputs[0];

	for (unsigned i = 0; i < output->link_count; i++) {
		struct link *link = output->links[i];

		/* R-WM -> A-WM (link_look in instance.c) */
		atomic_store_explicit(&link->watermark, watermark, memory_order_release);
		runner_notify(link->to->runner);
	}
}

static bool push_in_turn(struct sw_instance *self, struct sw_batch *batch)
{
	struct output *output = &self->outputs[0];
	uint64_t rows = sw_batch_count(batch);

	for (unsigned i = 0; i < output->link_count; i++) {
		struct link *link = output->links[output->turn++ % output->link_count];

		if (!sw_ring_push(link->ring, batch))
			continue;
		counter_add(&link->batches, 1);
		counter_add(&link->rows, rows);
		return true;
	}
	return false;
}

int sw_input_push(struct sw_input *input, struct sw_batch *batch, int64_t watermark)
{
	struct sw_instance *self = producer(input);
	int open = GATE_OPEN;
	bool pushed;

	if (self && batch->pool != self->outputs[0].pool)
		return -EINVAL;
	if (!self || input->finished || graph_stopping(input->graph) ||
		graph_cancelled(input->graph))
		return -ECANCELED;
	/* Acquire and release: orders this thread against the stop that closes the gate. */
	if (!atomic_compare_exchange_strong_explicit(
		    &input->gate, &open, GATE_PUSHING, memory_order_acq_rel, memory_order_relaxed))
		return -ECANCELED;
	batch->events = sw_batch_count(batch);
	if (!batch->intended_ns)
		batch->intended_ns = sw_now_ns();
	pushed = push_in_turn(self, batch);
	if (!pushed) {
		want(input);
		pushed = push_in_turn(self, batch);
	}
	if (pushed && (watermark > self->watermark_out || self->idle)) {
		if (watermark > self->watermark_out)
			self->watermark_out = watermark;
		self->idle = false;
		store_watermark(self, self->watermark_out);
	} else if (pushed) {
		for (unsigned i = 0; i < self->outputs[0].link_count; i++)
			runner_notify(self->outputs[0].links[i]->to->runner);
	}
	atomic_store_explicit(&input->gate, GATE_OPEN, memory_order_release);
	return pushed ? 0 : -EAGAIN;
}

int sw_input_idle(struct sw_input *input)
{
	struct sw_instance *self = producer(input);
	int open = GATE_OPEN;

	if (!self || input->finished || graph_stopping(input->graph) ||
		graph_cancelled(input->graph))
		return -ECANCELED;
	if (!atomic_compare_exchange_strong_explicit(
		    &input->gate, &open, GATE_PUSHING, memory_order_acq_rel, memory_order_relaxed))
		return -ECANCELED;
	self->idle = true;
	store_watermark(self, TIME_IDLE);
	atomic_store_explicit(&input->gate, GATE_OPEN, memory_order_release);
	return 0;
}

void sw_input_finish(struct sw_input *input)
{
	int open = GATE_OPEN;

	if (input->finished)
		return;
	input->finished = true;
	/* Sequentially consistent with the phase: this thread sees that the graph runs, or
	 * inputs_start() that the gate is closed; if both do, both store the same. */
	if (atomic_compare_exchange_strong(&input->gate, &open, GATE_CLOSED) &&
		atomic_load(&input->graph->phase) == PHASE_RUNNING)
		store_watermark(&input->external->instances[0], SW_TIME_END);
}

void inputs_start(struct sw_graph *graph)
{
	for (unsigned i = 0; i < graph->input_count; i++) {
		struct sw_input *input = graph->inputs[i];

		if (atomic_load(&input->gate) == GATE_CLOSED)
			store_watermark(&input->external->instances[0], SW_TIME_END);
	}
}

void input_close(struct sw_input *input)
{
	int open = GATE_OPEN;

	/* Once the gate is closed the program's thread stores no watermark any more. */
	if (atomic_compare_exchange_strong_explicit(
		    &input->gate, &open, GATE_CLOSED, memory_order_acq_rel, memory_order_relaxed))
		store_watermark(&input->external->instances[0], SW_TIME_END);
}

/* ---- Outputs ---- */

static int output_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	(void)state;
	(void)input;
	self->stage->on_batch(self->stage->on_batch_context, batch);
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator output_operator = {
	.name = "output",
	.process = output_process,
};

struct sw_stage *sw_graph_add_output(struct sw_graph *graph, const char *name,
	sw_output_fn on_batch, void *context, struct sw_error *error)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *stage;

	options.name = name;
	options.op = &output_operator;
	options.instances = 1;
	options.outputs = 0;
	options.measures_latency = true;
	stage = sw_graph_add_stage(graph, &options, error);
	if (!stage)
		return NULL;
	stage->dispatched = true;
	stage->on_batch = on_batch;
	stage->on_batch_context = context;
	return stage;
}

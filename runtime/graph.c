/* SPDX-License-Identifier: MIT */
/* Building a graph, starting it, waiting for it. */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

#define RING_SLOTS_MAX 65536u

static int options_check(const struct sw_graph_options *options, struct sw_error *error)
{
	if (options->size != sizeof(*options))
		return sw_error_set(error, -EINVAL, "graph options: size %zu: this library has %zu",
			options->size, sizeof(*options));
	if (options->batch_rows < 1 || options->batch_rows > SW_BATCH_ROWS_MAX)
		return sw_error_set(error, -EINVAL, "batch rows: %u: must be 1 to %u",
			options->batch_rows, SW_BATCH_ROWS_MAX);
	if (options->ring_slots < 2 || options->ring_slots > RING_SLOTS_MAX)
		return sw_error_set(error, -EINVAL, "ring slots: %u: must be 2 to %u",
			options->ring_slots, RING_SLOTS_MAX);
	return 0;
}

int sw_graph_create(
	const struct sw_graph_options *options, struct sw_graph **result, struct sw_error *error)
{
	struct sw_graph *graph;
	int code = options_check(options, error);

	if (code)
		return code;
	graph = calloc(1, sizeof(*graph));
	if (!graph)
		return sw_error_set(error, -ENOMEM, "graph: out of memory");
	graph->options = *options;
	if (!graph->options.max_state_bytes)
		graph->options.max_state_bytes = sw_memory_available_bytes() / 4 * 3;
	graph->event_fd = -1;
	/* Who waits before the first dispatch is told, too. */
	atomic_init(&graph->armed, 1);
	graph->stages_end = &graph->stages;
	graph->edges_end = &graph->edges;
	pthread_mutex_init(&graph->end_lock, NULL);
	pthread_cond_init(&graph->end_cond, NULL);
	graph->pin = strdup(options->pin ? options->pin : "auto");
	if (!graph->pin) {
		code = sw_error_set(error, -ENOMEM, "graph: out of memory");
		goto fail;
	}
	graph->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (graph->event_fd < 0) {
		code = sw_error_set(error, -errno, "graph: event descriptor: %s", strerror(errno));
		goto fail;
	}
	code = sw_topology_open(&graph->topology, error);
	if (code)
		goto fail;
	graph->workers = options->workers;
	code = sw_topology_place(
		graph->topology, graph->pin, &graph->workers, graph->places, error);
	if (code)
		goto fail;
	*result = graph;
	return 0;
fail:
	sw_graph_destroy(graph);
	return code;
}

static void stage_free(struct sw_stage *stage)
{
	free(stage->sized);
	free(stage);
}

void sw_graph_destroy(struct sw_graph *graph)
{
	struct sw_stage *stage;
	struct edge *edge;

	if (!graph)
		return;
	if (atomic_load_explicit(&graph->phase, memory_order_acquire) != PHASE_BUILDING) {
		sw_graph_cancel(graph);
		if (sw_graph_wait(graph, -1, NULL) < 0) {
			/* Cancelled or failed: nobody is left to be told. */
		}
	}
	graph_unplan(graph);
	while ((edge = graph->edges)) {
		graph->edges = edge->next;
		free(edge);
	}
	while ((stage = graph->stages)) {
		graph->stages = stage->next;
		stage_free(stage);
	}
	for (unsigned i = 0; i < graph->input_count; i++) {
		close(graph->inputs[i]->event_fd);
		free(graph->inputs[i]);
	}
	sw_topology_close(graph->topology);
	if (graph->event_fd >= 0)
		close(graph->event_fd);
	free(graph->pin);
	pthread_cond_destroy(&graph->end_cond);
	pthread_mutex_destroy(&graph->end_lock);
	free(graph);
}

uint32_t sw_graph_batch_rows(const struct sw_graph *graph)
{
	return graph->options.batch_rows;
}

/* ---- Build ---- */

struct sw_stage *sw_graph_add_stage(
	struct sw_graph *graph, const struct sw_stage_options *options, struct sw_error *error)
{
	struct sw_stage *stage;

	if (options->size != sizeof(*options) || !options->op || !options->name) {
		sw_error_set(error, -EINVAL, "stage options: size, name or operator is wrong");
		return NULL;
	}
	if (options->inputs > SW_PORTS_MAX || options->outputs > SW_PORTS_MAX ||
		options->instances > 1) {
		sw_error_set(error, -EINVAL,
			"stage %s: at most %d inputs and outputs, instances 0 (each worker) or 1",
			options->name, SW_PORTS_MAX);
		return NULL;
	}
	for (unsigned i = 0; i < options->outputs; i++) {
		const struct sw_schema *schema = options->output_schemas[i];

		if (!schema || schema->columns > SW_COLUMNS_MAX ||
			options->output_rows[i] > SW_BATCH_ROWS_MAX) {
			sw_error_set(error, -EINVAL,
				"stage %s: output %u: no schema, over %d columns or over %u rows",
				options->name, i, SW_COLUMNS_MAX, SW_BATCH_ROWS_MAX);
			return NULL;
		}
	}
	stage = calloc(1, sizeof(*stage));
	if (!stage) {
		sw_error_set(error, -ENOMEM, "stage %s: out of memory", options->name);
		return NULL;
	}
	stage->graph = graph;
	snprintf(stage->name, sizeof(stage->name), "%s", options->name);
	stage->op = options->op;
	stage->config = options->config;
	stage->single = options->instances == 1 || options->blocking;
	stage->blocking = options->blocking;
	stage->measures_latency = options->measures_latency;
	stage->inputs = options->inputs;
	stage->outputs = options->outputs;
	for (unsigned i = 0; i < options->outputs; i++) {
		stage->schemas[i] = options->output_schemas[i];
		stage->output_rows[i] = options->output_rows[i] ? options->output_rows[i]
								: graph->options.batch_rows;
		stage->output_text_bytes[i] = options->output_text_bytes[i];
	}
	*graph->stages_end = stage;
	graph->stages_end = &stage->next;
	graph->stage_count++;
	return stage;
}

struct sw_stage *sw_graph_add_kernel(struct sw_graph *graph, const char *name,
	const struct sw_kernel *kernel, const void *config, struct sw_error *error)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *stage;

	if (kernel->config_bytes > SW_KERNEL_CONFIG_MAX) {
		sw_error_set(error, -EINVAL, "kernel %s: configuration of %u bytes: at most %d",
			kernel->name, kernel->config_bytes, SW_KERNEL_CONFIG_MAX);
		return NULL;
	}
	options.name = name;
	options.op = &sw_kernel_operator;
	options.output_schemas[0] = kernel->out;
	stage = sw_graph_add_stage(graph, &options, error);
	if (!stage)
		return NULL;
	stage->kernel = kernel;
	if (kernel->config_bytes)
		memcpy(stage->kernel_config, config, kernel->config_bytes);
	stage->config = stage->kernel_config;
	return stage;
}

int sw_graph_connect(struct sw_graph *graph, struct sw_stage *from, unsigned output,
	struct sw_stage *to, unsigned input, enum sw_route route, unsigned key_column,
	struct sw_error *error)
{
	struct edge *edge;

	if (output >= from->outputs || from->out[output])
		return sw_error_set(error, -EINVAL, "stage %s: output %u: %s", from->name, output,
			output >= from->outputs ? "there is none" : "connected already");
	if (input >= to->inputs || to->in[input])
		return sw_error_set(error, -EINVAL, "stage %s: input %u: %s", to->name, input,
			input >= to->inputs ? "there is none" : "connected already");
	if (route == SW_ROUTE_KEYED && key_column >= from->schemas[output]->columns)
		return sw_error_set(error, -EINVAL,
			"stage %s: output %u: key column %u: there are %u", from->name, output,
			key_column, from->schemas[output]->columns);
	edge = calloc(1, sizeof(*edge));
	if (!edge)
		return sw_error_set(error, -ENOMEM, "edge: out of memory");
	edge->graph = graph;
	edge->index = graph->edge_count++;
	edge->from = from;
	edge->to = to;
	edge->output = output;
	edge->input = input;
	edge->route = route;
	edge->key_column = key_column;
	snprintf(edge->name, sizeof(edge->name), "%.40s -> %.40s", from->name, to->name);
	from->out[output] = edge;
	to->in[input] = edge;
	*graph->edges_end = edge;
	graph->edges_end = &edge->next;
	return 0;
}

/* ---- Run ---- */

void graph_warn(struct sw_graph *graph, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!graph->options.log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	graph->options.log(graph->options.log_context, text);
}

static int open_instances(struct sw_graph *graph, struct sw_error *error)
{
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next) {
		for (unsigned i = 0; i < stage->instance_count; i++) {
			struct sw_instance *instance = &stage->instances[i];
			struct sw_error detail = { 0 };
			int code;

			instance->opened = true;
			if (!stage->op->open)
				continue;
			code = stage->op->open(instance, instance->state, &detail);
			if (code)
				return sw_error_set(error, code, "%s",
					detail.text[0] ? detail.text : strerror(-code));
		}
	}
	return 0;
}

static void close_instances(struct sw_graph *graph)
{
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next) {
		for (unsigned i = 0; i < stage->instance_count; i++) {
			struct sw_instance *instance = &stage->instances[i];

			if (instance->opened && stage->op->close)
				stage->op->close(instance, instance->state);
			instance->opened = false;
		}
	}
}

/* Can this process pin? Tried on the building thread, which is then put back. */
static void warn_of_pinning(struct sw_graph *graph)
{
	cpu_set_t before;

	if (sched_getaffinity(0, sizeof(before), &before))
		return;
	for (unsigned i = 0; i < graph->workers; i++) {
		int code = sw_topology_bind_self(&graph->places[i]);

		if (code)
			graph_warn(graph, "worker %u: cannot pin to cpu %d: %s (it runs unpinned)",
				i, graph->places[i].cpu, strerror(-code));
	}
	if (sched_setaffinity(0, sizeof(before), &before))
		graph_warn(graph, "cannot restore the affinity of the starting thread: %s",
			strerror(errno));
}

static int start_threads(struct sw_graph *graph, struct sw_error *error)
{
	sigset_t all, before;
	int code = 0;

	/* The program's signals go to the program's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < graph->runner_count && !code; i++) {
		struct runner *runner = graph->runners[i];

		if (runner->kind != RUNNER_WORKER && runner->kind != RUNNER_SERVICE)
			continue;
		pthread_mutex_lock(&graph->end_lock);
		graph->running++;
		pthread_mutex_unlock(&graph->end_lock);
		code = pthread_create(&runner->thread, NULL, runner_main, runner);
		if (code) {
			pthread_mutex_lock(&graph->end_lock);
			graph->running--;
			pthread_mutex_unlock(&graph->end_lock);
			break;
		}
		runner->started = true;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code ? sw_error_set(error, -code, "cannot start a thread: %s", strerror(code)) : 0;
}

int sw_graph_start(struct sw_graph *graph, struct sw_error *error)
{
	const struct sw_outlet_provider *outlets = graph->options.outlets;
	int code;

	if (graph->phase != PHASE_BUILDING)
		return sw_error_set(error, -EALREADY, "graph: started already");
	code = graph_plan(graph, error);
	if (code)
		return code;
	code = open_instances(graph, error);
	if (code)
		goto fail;
	warn_of_pinning(graph);
	if (outlets) {
		code = outlets->start(outlets->context, error);
		if (code)
			goto fail;
		graph->outlets_started = true;
	}
	graph->start_ns = sw_now_ns();
	for (unsigned i = 0; i < graph->runner_count; i++)
		atomic_store_explicit(&graph->runners[i]->accounted_until_ns, graph->start_ns,
			memory_order_relaxed);
	atomic_store(&graph->phase, PHASE_RUNNING);
	inputs_start(graph);
	code = start_threads(graph, error);
	if (code) {
		sw_graph_cancel(graph);
		if (sw_graph_wait(graph, -1, NULL) < 0) {
			/* Cancelled, as was asked: the caller hears of the first failure. */
		}
		return code;
	}
	return 0;
fail:
	close_instances(graph);
	graph_unplan(graph);
	return code;
}

void sw_graph_stop(struct sw_graph *graph)
{
	atomic_store_explicit(&graph->stopping, 1, memory_order_relaxed);
	graph_signal_all(graph);
}

void sw_graph_cancel(struct sw_graph *graph)
{
	atomic_store_explicit(&graph->cancelled, 1, memory_order_relaxed);
	graph_signal_all(graph);
}

/* All threads have ended: joins them and tidies up, once. The caller holds end_lock. */
static void finish(struct sw_graph *graph)
{
	const struct sw_outlet_provider *outlets = graph->options.outlets;

	for (unsigned i = 0; i < graph->runner_count; i++) {
		if (graph->runners[i]->started)
			pthread_join(graph->runners[i]->thread, NULL);
		graph->runners[i]->started = false;
	}
	if (graph->outlets_started)
		outlets->stop(outlets->context);
	graph->outlets_started = graph->outlets_attached = false;
	close_instances(graph);
	atomic_store_explicit(&graph->phase, PHASE_ENDED, memory_order_release);
	graph_signal_all(graph);
}

int sw_graph_wait(struct sw_graph *graph, int timeout_ms, struct sw_error *error)
{
	struct timespec until;
	int code = 0;

	if (graph->phase == PHASE_BUILDING)
		return sw_error_set(error, -EINVAL, "graph: not started");
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&graph->end_lock);
	while (graph->running && !code) {
		if (timeout_ms < 0)
			pthread_cond_wait(&graph->end_cond, &graph->end_lock);
		else
			code = pthread_cond_timedwait(&graph->end_cond, &graph->end_lock, &until);
	}
	if (!graph->running) {
		code = 0;
		if (graph->phase != PHASE_ENDED)
			finish(graph);
	}
	pthread_mutex_unlock(&graph->end_lock);
	if (code)
		return -code;
	if (atomic_load_explicit(&graph->failing, memory_order_acquire))
		return sw_error_set(error, graph->failure.code, "%s", graph->failure.text);
	if (graph_cancelled(graph))
		return sw_error_set(error, -ECANCELED, "cancelled");
	return 0;
}

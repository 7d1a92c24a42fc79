/* SPDX-License-Identifier: MIT */
/*
 * The loop of a worker (or service thread): take turns with its instances, those further down
 * first; when there is nothing to do spin, yield, then sleep until notified.
 *
 * Progress: a turn never blocks by itself (blocking stages have threads of their own). In the
 * steady state a turn makes no system call, takes no lock and allocates nothing; the clock is read
 * through the vDSO. Each loop announces a quiescent state (liburcu, QSBR), so that what the control
 * plane publishes can be freed; a sleeping runner is offline.
 */

#include <sched.h>
#include <stdio.h>
#include <urcu-qsbr.h>

#include "runtime/clock.h"
#include "runtime/graph_private.h"

#define SPINS    256u
#define YIELDS   16u
#define SLEEP_NS 1000000u /* an upper bound: batches come home without a notice */
#define NAP_NS   50000u

#if SW_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* The library's fences are invisible to ThreadSanitizer: it is told of the order here, and of the
 * other half where grace periods are waited for. */
static void quiescent_state(struct runner *runner)
{
#if SW_TSAN
	__tsan_release(&runner->graph->options);
	if (runner->graph->options.outlets)
		__tsan_release((void *)runner->graph->options.outlets);
#else
	(void)runner;
#endif
	urcu_qsbr_quiescent_state();
}

void runner_notify(struct runner *runner)
{
	if (runner->kind == RUNNER_PROGRAM)
		graph_signal(runner->graph);
	else
		sw_waiter_notify(runner->waiter);
}

void runner_put(struct runner *runner, struct sw_batch *batch)
{
	struct sw_graph *graph = runner->graph;
	struct sw_input *home = NULL;

	for (unsigned i = 0; i < graph->input_count; i++)
		if (batch->pool == graph->inputs[i]->external->instances[0].outputs[0].pool)
			home = graph->inputs[i];
	sw_pool_put(batch, runner->slot);
	if (home)
		input_room(home);
}

bool runner_turn(struct runner *runner, int above)
{
	bool did = false;

	for (unsigned i = 0; i < runner->instance_count; i++) {
		struct sw_instance *instance = runner->instances[i];

		if ((int)instance->stage->rank <= above)
			break;
		did |= instance_turn(instance);
	}
	return did;
}

/* Waits a moment without a system call, then with one: others may need this very core. */
static void pause_a_moment(struct runner *runner)
{
	if (runner->spins++ < SPINS) {
		sw_cpu_relax();
	} else if (runner->spins < SPINS + YIELDS) {
		sched_yield();
	} else {
		urcu_qsbr_thread_offline();
		sw_waiter_wait(
			runner->waiter, sw_waiter_prepare(runner->waiter), sw_now_ns() + NAP_NS);
		urcu_qsbr_thread_online();
	}
}

void runner_wait_for_room(struct runner *runner, unsigned rank)
{
	uint64_t begin_ns;

	if (runner_turn(runner, (int)rank)) {
		runner->spins = 0;
		return;
	}
	begin_ns = sw_now_ns();
	pause_a_moment(runner);
	runner->waited_ns += sw_now_ns() - begin_ns;
}

/* ---- Time ---- */

static bool any_blocked(const struct runner *runner)
{
	for (unsigned i = 0; i < runner->instance_count; i++)
		if (runner->instances[i]->blocked)
			return true;
	return false;
}

/* Books the time since the last call: what was waited for room is back-pressure, the rest is busy
 * when something was done. */
static void account(struct runner *runner, bool did)
{
	uint64_t now_ns = sw_now_ns(), passed_ns = now_ns - runner->now_ns;
	uint64_t waited_ns = runner->waited_ns < passed_ns ? runner->waited_ns : passed_ns;

	counter_add(&runner->backpressured_ns, waited_ns);
	if (did)
		counter_add(&runner->busy_ns, passed_ns - waited_ns);
	else if (any_blocked(runner))
		counter_add(&runner->backpressured_ns, passed_ns - waited_ns);
	else
		counter_add(&runner->idle_ns, passed_ns - waited_ns);
	runner->waited_ns = 0;
	runner->turn_ns = passed_ns;
	runner->now_ns = now_ns;
	atomic_store_explicit(&runner->accounted_until_ns, now_ns, memory_order_relaxed);
}

/* ---- Nothing to do ---- */

/* What was held back for bigger batches goes now. */
static bool flush(struct runner *runner)
{
	bool did = false;

	for (unsigned i = runner->instance_count; i > 0; i--) {
		struct sw_instance *instance = runner->instances[i - 1];

		if (instance->ended && !instance->due_count)
			continue;
		if (instance->op->idle) {
			int code = instance->op->idle(instance, instance->state);

			if (code)
				instance_failed(instance, code);
		}
		did |= instance_flush(instance);
	}
	return did;
}

static bool all_ended(const struct runner *runner)
{
	for (unsigned i = 0; i < runner->instance_count; i++)
		if (!runner->instances[i]->ended)
			return false;
	return true;
}

static uint64_t sleep_until(const struct runner *runner)
{
	/* Nobody tells when a ring has room again or a batch is home: look soon. */
	uint64_t until_ns = runner->now_ns + (any_blocked(runner) ? NAP_NS : SLEEP_NS);

	for (unsigned i = 0; i < runner->instance_count; i++) {
		const struct sw_instance *instance = runner->instances[i];

		if (!instance->ended && instance->wake_at_ns && instance->wake_at_ns < until_ns)
			until_ns = instance->wake_at_ns;
	}
	return until_ns;
}

static void wait_for_work(struct runner *runner)
{
	uint32_t value;

	if (runner->spins++ < SPINS) {
		sw_cpu_relax();
		return;
	}
	if (runner->spins < SPINS + YIELDS) {
		sched_yield();
		return;
	}
	value = sw_waiter_prepare(runner->waiter);
	if (runner_turn(runner, -1)) {
		account(runner, true);
		runner->spins = 0;
		return;
	}
	urcu_qsbr_thread_offline();
	sw_waiter_wait(runner->waiter, value, sleep_until(runner));
	urcu_qsbr_thread_online();
}

/* ---- The thread ---- */

static void name_thread(const struct runner *runner)
{
	char name[16];

	snprintf(name, sizeof(name), "%s-%u",
		runner->kind == RUNNER_WORKER ? "sw-worker" : "sw-service", runner->slot % 1000);
	pthread_setname_np(pthread_self(), name);
}

static void run(struct runner *runner)
{
	runner->now_ns = runner->graph->start_ns;
	while (!graph_cancelled(runner->graph)) {
		bool did = runner_turn(runner, -1);

		account(runner, did);
		quiescent_state(runner);
		if (did) {
			runner->spins = 0;
			continue;
		}
		if (flush(runner)) {
			account(runner, true);
			continue;
		}
		if (all_ended(runner))
			return;
		wait_for_work(runner);
		account(runner, false);
	}
}

void *runner_main(void *arg)
{
	struct runner *runner = arg;
	struct sw_graph *graph = runner->graph;

	name_thread(runner);
	if (runner->kind == RUNNER_WORKER && sw_topology_bind_self(&runner->place)) {
		/* The starting thread has warned already; unpinned is slower, not wrong. */
	}
	urcu_qsbr_register_thread();
	run(runner);
	urcu_qsbr_unregister_thread();
	account(runner, false);
	pthread_mutex_lock(&graph->end_lock);
	if (!--graph->running) {
		atomic_store_explicit(&graph->end_ns, sw_now_ns(), memory_order_relaxed);
		pthread_cond_broadcast(&graph->end_cond);
	}
	pthread_mutex_unlock(&graph->end_lock);
	graph_signal(graph);
	return NULL;
}

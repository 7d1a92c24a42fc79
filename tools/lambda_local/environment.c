/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/environment.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/clock.h"
#include "tools/lambda_local/invocation.h"
#include "tools/lambda_local/process.h"
#include "tools/lambda_local/runtime_api.h"
#include "tools/lambda_local/server.h"

/* The real service gives a function ten seconds to start. */
#define START_NS 10000000000u
#define MS_NS    1000000u

static void released(struct ll_source *source)
{
	free(LL_CONTAINER(source, struct ll_environment, listener));
}

/* Frees it once it has neither a process nor a listener. */
static void collect(struct ll_environment *environment)
{
	if (environment->pid)
		return;
	*environment->link = environment->next;
	if (environment->next)
		environment->next->link = environment->link;
	ll_loop_remove(&environment->server->loop, &environment->listener);
}

static void put_on(struct ll_environment **list, struct ll_environment *environment)
{
	environment->next_free = *list;
	*list = environment;
}

static void take_off(struct ll_environment **list, struct ll_environment *environment)
{
	while (*list && *list != environment)
		list = &(*list)->next_free;
	if (*list)
		*list = environment->next_free;
}

void ll_environment_end(struct ll_environment *environment)
{
	if (environment->state == LL_ENDED)
		return;
	if (environment->state == LL_IDLE)
		take_off(&environment->function->idle, environment);
	if (environment->state == LL_ANSWERED)
		take_off(&environment->function->answered, environment);
	environment->state = LL_ENDED;
	environment->function->environments--;
	environment->invocation = NULL;
	ll_timer_clear(&environment->server->loop, &environment->timer);
	ll_api_close(environment);
	if (environment->pid)
		kill(-environment->pid, SIGKILL);
	else
		collect(environment);
}

/* Ends it, and its invocation if it has one, for a reason of its own. */
static void fail(struct ll_environment *environment, enum ll_outcome outcome, const char *type,
	const char *message)
{
	struct ll_invocation *invocation = environment->invocation;

	ll_environment_end(environment);
	if (!invocation)
		return;
	invocation->environment = NULL;
	ll_invocation_died(invocation, outcome, type, message);
}

/* It ended after its answer: what it would have had next has not run, and goes elsewhere. */
static void end_answered(struct ll_environment *environment)
{
	struct ll_invocation *invocation = environment->invocation;

	ll_environment_end(environment);
	if (!invocation)
		return;
	invocation->environment = NULL;
	ll_invocation_displaced(invocation);
}

static void timed_out(struct ll_timer *timer)
{
	struct ll_environment *environment = LL_CONTAINER(timer, struct ll_environment, timer);
	double limit_s = environment->server->options.timeout_ms / 1000.0;
	char message[80];

	if (environment->state == LL_ANSWERED) {
		end_answered(environment);
		return;
	}
	if (environment->state == LL_STARTING)
		limit_s = (double)(timer->due_ns - environment->started_ns) / 1e9;
	snprintf(message, sizeof(message), "Task timed out after %.2f seconds", limit_s);
	fail(environment, LL_TIMEOUT, "Sandbox.Timedout", message);
}

static void start_process(struct ll_environment *environment)
{
	struct ll_server *server = environment->server;
	uint64_t limit_ns = (uint64_t)server->options.timeout_ms * MS_NS;
	int pid = ll_process_start(environment);

	if (pid < 0) {
		char message[120];

		snprintf(message, sizeof(message), "Cannot start the runtime: %s", strerror(-pid));
		fail(environment, LL_ERROR, "Runtime.InvalidEntrypoint", message);
		return;
	}
	environment->pid = pid;
	environment->state = LL_STARTING;
	environment->started_ns = sw_now_ns();
	environment->timer.due = timed_out;
	ll_timer_set(&server->loop, &environment->timer,
		environment->started_ns + (limit_ns > START_NS ? limit_ns : START_NS));
}

static void cold_start_over(struct ll_timer *timer)
{
	start_process(LL_CONTAINER(timer, struct ll_environment, timer));
}

static int make(struct ll_server *server, struct ll_function *function,
	struct ll_environment **made, struct sw_error *error)
{
	struct ll_environment *environment = calloc(1, sizeof(*environment));
	int ret;

	*made = NULL;
	if (!environment)
		return sw_error_set(error, -ENOMEM, "environment: %s: no memory", function->name);
	environment->server = server;
	environment->function = function;
	environment->number = ++server->environments_made;
	environment->state = LL_COLD;
	environment->listener.release = released;
	ret = ll_api_listen(environment);
	if (ret) {
		free(environment);
		return sw_error_set(error, ret, "environment: %s: cannot listen on loopback: %s",
			function->name, strerror(-ret));
	}
	function->environments++;
	*made = environment;
	return 0;
}

/* All environments with a process or a listener, for finding one by its process. */
static void enlist(struct ll_environment *environment)
{
	struct ll_environment **head = &environment->server->environments;

	environment->next = *head;
	environment->link = head;
	if (*head)
		(*head)->link = &environment->next;
	*head = environment;
}

int ll_environment_acquire(struct ll_server *server, struct ll_function *function,
	struct ll_invocation *invocation, struct sw_error *error)
{
	struct ll_environment *environment = function->idle;
	uint64_t wait_ns = (uint64_t)server->options.cold_start_ms * MS_NS;
	int ret;

	if (environment) {
		function->idle = environment->next_free;
		environment->state = LL_BUSY;
		environment->invocation = invocation;
		invocation->environment = environment;
		invocation->environment_number = environment->number;
		/* Set anew once it has the event; this is for a process that never takes it. */
		ll_timer_set(&server->loop, &environment->timer,
			sw_now_ns() + (uint64_t)server->options.timeout_ms * MS_NS);
		ll_environment_ready(environment);
		return 0;
	}
	environment = function->answered;
	if (environment) {
		function->answered = environment->next_free;
		environment->invocation = invocation;
		invocation->environment = environment;
		invocation->environment_number = environment->number;
		return 0;
	}
	if (function->environments >= server->options.concurrency)
		return -EAGAIN;
	ret = make(server, function, &environment, error);
	if (ret)
		return ret;
	enlist(environment);
	environment->invocation = invocation;
	invocation->environment = environment;
	invocation->environment_number = environment->number;
	invocation->cold = true;
	environment->timer.due = cold_start_over;
	/* Also without a wait by the timer: starting can fail, and the caller is not done yet. */
	ll_timer_set(&server->loop, &environment->timer, sw_now_ns() + wait_ns);
	return 0;
}

static void become_idle(struct ll_environment *environment)
{
	ll_timer_clear(&environment->server->loop, &environment->timer);
	environment->state = LL_IDLE;
	put_on(&environment->function->idle, environment);
}

void ll_environment_ready(struct ll_environment *environment)
{
	if (environment->state == LL_STARTING)
		environment->state = LL_BUSY;
	if (environment->state == LL_ANSWERED && environment->invocation) {
		environment->state = LL_BUSY;
	} else if (environment->state == LL_ANSWERED) {
		take_off(&environment->function->answered, environment);
		become_idle(environment);
	}
	if (environment->state == LL_BUSY && environment->invocation && environment->waiting &&
		!environment->delivered)
		ll_api_deliver(environment);
}

void ll_environment_start_failed(struct ll_environment *environment, struct ll_bytes *answer)
{
	struct ll_invocation *invocation = environment->invocation;

	ll_environment_end(environment);
	if (invocation) {
		invocation->environment = NULL;
		ll_invocation_answered(invocation, answer, true);
	}
}

void ll_environment_delivered(struct ll_environment *environment)
{
	uint64_t limit_ns = (uint64_t)environment->server->options.timeout_ms * MS_NS;

	environment->delivered = true;
	environment->timer.due = timed_out;
	ll_timer_set(&environment->server->loop, &environment->timer, sw_now_ns() + limit_ns);
	ll_invocation_delivered(environment->invocation);
}

void ll_environment_release(struct ll_environment *environment)
{
	if (environment->state == LL_ENDED)
		return;
	environment->invocation = NULL;
	environment->delivered = false;
	environment->answered = false;
	if (environment->waiting) {
		become_idle(environment);
		return;
	}
	environment->state = LL_ANSWERED;
	put_on(&environment->function->answered, environment);
}

/* The process is gone: by our hand (the environment has ended), or by its own. */
static void process_gone(struct ll_environment *environment, int code, int status)
{
	char message[80];

	environment->pid = 0;
	if (environment->state == LL_ENDED) {
		collect(environment);
		return;
	}
	if (environment->state == LL_ANSWERED) {
		end_answered(environment);
		return;
	}
	if (code != CLD_EXITED)
		snprintf(message, sizeof(message), "Runtime exited with error: signal: %s",
			strsignal(status));
	else if (status)
		snprintf(message, sizeof(message), "Runtime exited with error: exit status %d",
			status);
	else
		snprintf(message, sizeof(message), "Runtime exited without providing a reason");
	fail(environment, LL_ERROR, "Runtime.ExitError", message);
}

void ll_environment_reap(struct ll_server *server)
{
	siginfo_t info;

	for (;;) {
		struct ll_environment *environment = server->environments;

		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		while (environment && environment->pid != info.si_pid)
			environment = environment->next;
		/* What it started itself goes too, as long as its group cannot be another's. */
		if (environment)
			kill(-info.si_pid, SIGKILL);
		waitpid(info.si_pid, NULL, 0);
		if (environment)
			process_gone(environment, info.si_code, info.si_status);
	}
}

void ll_environment_end_all(struct ll_server *server)
{
	struct ll_environment *environment, *next;

	for (environment = server->environments; environment; environment = next) {
		next = environment->next;
		fail(environment, LL_KILLED, "Runtime.ExitError",
			"Runtime exited with error: signal: killed");
	}
	while (server->environments) {
		environment = server->environments;
		if (waitpid(environment->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		environment->pid = 0;
		collect(environment);
	}
}

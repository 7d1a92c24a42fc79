/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_ENVIRONMENT_H
#define SW_LAMBDA_LOCAL_ENVIRONMENT_H

#include <sys/types.h>

#include "tools/lambda_local/ledger.h"
#include "tools/lambda_local/loop.h"
#include "tools/lambda_local/payload.h"

/*
 * Execution environments: one function process each, with a Runtime API listener of its own, so
 * that a process can only ask for its own events. An environment has one invocation at a time.
 *
 *   COLD      the added cold-start time passes      -> STARTING
 *   STARTING  its process starts and asks for the first event -> BUSY
 *   BUSY      has the event                         -> ANSWERED when it has answered
 *   ANSWERED  until it asks for the next event, within the time limit of the last -> IDLE; or BUSY,
 *             where an invocation was put to it meanwhile. One whose process ends or is ended
 *             instead goes to another environment: it has not run.
 *   IDLE      waits for an invocation, most recently used first -> BUSY
 *   ENDED     its process is killed or gone; memory stays until the process is reaped
 */

struct ll_server;
struct ll_invocation;
struct ll_api_connection;

enum ll_environment_state { LL_COLD, LL_STARTING, LL_BUSY, LL_ANSWERED, LL_IDLE, LL_ENDED };

struct ll_function {
	const char *name;
	const char *command;
	/* Most recently used first; those that answered have no invocation yet. */
	struct ll_environment *idle, *answered;
	uint32_t environments; /* not ended */
};

struct ll_environment {
	struct ll_source listener;
	struct ll_server *server;
	struct ll_function *function;
	uint32_t number;
	uint16_t port;
	enum ll_environment_state state;
	pid_t pid; /* 0: no process */
	/* What it works on, or will once it asks for it; null: nothing. */
	struct ll_invocation *invocation;
	bool delivered;                    /* the process has the invocation's event */
	bool answered;                     /* and has answered it */
	struct ll_api_connection *waiting; /* asked for an event and got none yet */
	struct ll_api_connection *connections;
	struct ll_timer timer;               /* the state's time limit, or the answer's delay */
	uint64_t started_ns;                 /* its process was started */
	struct ll_environment *next_free;    /* idle, or answered */
	struct ll_environment *next, **link; /* of all */
};

/*
 * Gives the invocation to a warm environment, idle or soon so, or to a new one. -EAGAIN: as many as
 * may be are busy; other errors: a new one could not be made (the text says why).
 */
int ll_environment_acquire(struct ll_server *server, struct ll_function *function,
	struct ll_invocation *invocation, struct sw_error *error);

/* The invocation is over: the environment is free for the next once its process asks for it. No-op
 * for an ended one. */
void ll_environment_release(struct ll_environment *environment);

/* Kills its processes and forgets its invocation; memory goes once the process is reaped. */
void ll_environment_end(struct ll_environment *environment);

/* From the Runtime API: a process asked for an event, or took one, or failed to start. */
void ll_environment_ready(struct ll_environment *environment);
void ll_environment_delivered(struct ll_environment *environment);
void ll_environment_start_failed(struct ll_environment *environment, struct ll_bytes *answer);

/* Collects processes that have ended, on SIGCHLD. */
void ll_environment_reap(struct ll_server *server);
/* Kills and collects all of them. */
void ll_environment_end_all(struct ll_server *server);

#endif

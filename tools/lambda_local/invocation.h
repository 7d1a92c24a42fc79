/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_INVOCATION_H
#define SW_LAMBDA_LOCAL_INVOCATION_H

#include "tools/lambda_local/environment.h"
#include "tools/lambda_local/faults.h"
#include "tools/lambda_local/http_event.h"
#include "tools/lambda_local/payload.h"

/* One execution of a function, from its acceptance to its answer. */

struct ll_server;
struct ll_stream;

#define LL_REQUEST_ID_BYTES 37 /* a UUID and its zero */

struct ll_invocation {
	struct ll_server *server;
	struct ll_function *function;
	struct ll_stream *stream;           /* null: nobody waits for the answer */
	struct ll_environment *environment; /* null: not placed, or over */
	uint32_t environment_number;        /* of the last one */
	struct ll_timer timer;              /* of a slow one: holds the answer back */
	struct ll_bytes payload, answer;
	struct ll_bytes headers; /* of an answer by HTTP */
	enum ll_kind kind;
	int status; /* of its answer */
	struct ll_work work;
	enum ll_fault fault;
	uint64_t number;       /* among those that may get a fault */
	uint64_t handed_ns;    /* the event began to be handed to the process */
	uint64_t delivered_ns; /* the same, once it has it whole; 0: it did not get it */
	uint64_t started_ns;   /* its environment's process was started */
	uint64_t billed_us, held_us;
	uint64_t start_us, end_us; /* since 1970 */
	bool cold, function_error;
	bool lost; /* the caller's stream or connection is gone */
	char id[LL_REQUEST_ID_BYTES];
};

/* A request that has come in whole. Everything is answered by ll_front_answer() in the end. */
struct ll_request {
	struct ll_stream *stream;
	const struct ll_http_request *http; /* null: the Invoke API */
	const char *function;               /* name, unescaped */
	const char *qualifier;              /* version or alias; empty: none */
	const char *type;                   /* X-Amz-Invocation-Type; empty: none */
	struct ll_bytes *payload;           /* taken when it is accepted */
	bool too_large;
	size_t payload_bytes; /* also of one that was too large to keep */
};

void ll_invocation_begin(struct ll_server *server, const struct ll_request *request);

/* The stream is no more; the function goes on, as in the real service. */
void ll_invocation_abandon(struct ll_invocation *invocation);

/* From the environment, before the first byte: the process may run before the last is booked. */
void ll_invocation_handed(struct ll_invocation *invocation);
/* From the environment. */
void ll_invocation_delivered(struct ll_invocation *invocation);
void ll_invocation_answered(
	struct ll_invocation *invocation, struct ll_bytes *answer, bool function_error);
void ll_invocation_oversized(struct ll_invocation *invocation, uint64_t bytes);
/* The environment ended before it answered: it is already taken off the invocation. */
void ll_invocation_died(struct ll_invocation *invocation, enum ll_outcome outcome, const char *type,
	const char *message);
/* The environment ended before it asked for the event; likewise. */
void ll_invocation_displaced(struct ll_invocation *invocation);

#endif

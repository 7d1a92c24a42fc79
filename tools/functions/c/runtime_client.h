/* SPDX-License-Identifier: MIT */
#ifndef SW_FUNCTIONS_RUNTIME_CLIENT_H
#define SW_FUNCTIONS_RUNTIME_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/*
 * The function's side of the Lambda Runtime API, on plain sockets: one kept-alive HTTP/1.1
 * connection, one request at a time, blocking. Used by one thread.
 */

#define RUNTIME_ID_BYTES 64

struct runtime_client {
	struct sockaddr_in address;
	char host[64]; /* as given, for the Host header and messages */
	int fd;        /* -1: not connected */
	/* What was received: the answer in hand, and perhaps more behind it. */
	char *in;
	size_t used, capacity;
	size_t consumed; /* bytes of the answer in hand, dropped before the next request */
};

struct runtime_event {
	char id[RUNTIME_ID_BYTES];
	uint64_t deadline_ms; /* since 1970, as told; 0: it was not */
	const char *payload;  /* borrowed until the client's next call */
	size_t payload_bytes;
};

/* api: "ADDRESS:PORT", as in AWS_LAMBDA_RUNTIME_API. Connects on first use. */
SW_MUST_CHECK int runtime_client_init(
	struct runtime_client *client, const char *api, struct sw_error *error);
void runtime_client_fini(struct runtime_client *client);

/* Waits for the next event. */
SW_MUST_CHECK int runtime_client_next(
	struct runtime_client *client, struct runtime_event *event, struct sw_error *error);

/* Answers the event, well or (failed) with an error's JSON. The service may find an answer too
 * large and refuse it: that is not an error here. */
SW_MUST_CHECK int runtime_client_answer(struct runtime_client *client, const char *id, bool failed,
	const char *body, size_t bytes, struct sw_error *error);

#endif

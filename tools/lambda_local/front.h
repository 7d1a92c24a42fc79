/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_FRONT_H
#define SW_LAMBDA_LOCAL_FRONT_H

#include <openssl/ssl.h>

#include "runtime/api.h"
#include "tools/lambda_local/http_event.h"
#include "tools/lambda_local/payload.h"

/* The Invoke API: HTTP/2 over TLS, many connections, many streams on each. */

struct ll_server;
struct ll_front;
struct ll_stream;
struct ll_invocation;

#define LL_CONNECTIONS_MAX 256
#define LL_STREAMS_MAX     128 /* of one connection at once */

/* Takes the context. *url (at least 300 bytes) gets the address to print. */
int ll_front_open(struct ll_front **front, struct ll_server *server, SSL_CTX *context, char *url,
	struct sw_error *error);
void ll_front_close(struct ll_front *front);

/* Sends what this round of the loop has gathered. */
void ll_front_flush(struct ll_front *front);

struct ll_answer {
	int status;
	const char *error_type; /* X-Amzn-ErrorType, static; null: none */
	const char *request_id;
	enum ll_kind kind;
	bool function_error;
	bool executed; /* function_us and cold are told */
	bool cold;
	uint64_t function_us;
	struct ll_bytes *headers; /* the function's, NAME\0VALUE\0 again and again; null: none */
	struct ll_bytes *body;    /* both are taken */
	size_t cut_bytes; /* so many bytes at the end of the body are promised but not sent */
};

/* Answers, after half of the round trip that is to be added. */
void ll_front_answer(struct ll_stream *stream, const struct ll_answer *answer);

/* From now on the stream's end is told to this invocation, or to none. */
void ll_front_attach(struct ll_stream *stream, struct ll_invocation *invocation);

/* Answers 503, and forgets its invocation, if that takes longer than an HTTP API waits. */
void ll_front_expect(struct ll_stream *stream);

/* Never answers: resets the stream once the function's time limit has passed since it came. */
void ll_front_hang(struct ll_stream *stream);

/* Closes the stream's connection by a TCP reset. */
void ll_front_reset(struct ll_stream *stream);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_FRONT_PRIVATE_H
#define SW_LAMBDA_LOCAL_FRONT_PRIVATE_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "tools/lambda_local/front.h"
#include "tools/lambda_local/invocation.h"
#include "tools/lambda_local/loop.h"

/* Shared by front.c (connections), front_stream.c (what happens on them) and front_dispatch.c (who
 * is to answer). */

#define LL_OUT_BYTES (64u << 10)

struct ll_front {
	struct ll_source listener;
	struct ll_server *server;
	struct ll_timer pause; /* until descriptors are to be had again */
	SSL_CTX *context;
	nghttp2_session_callbacks *callbacks;
	struct ll_connection *connections, *dirty;
	uint32_t connection_count;
};

struct ll_connection {
	struct ll_source source;
	struct ll_front *front;
	struct ll_timer timer; /* handshake's limit; later: more to read than one turn allows */
	SSL *ssl;
	nghttp2_session *session; /* null before the handshake is over */
	struct ll_stream *streams;
	struct ll_connection *next, **link;
	struct ll_connection *next_dirty;
	bool closed, dirty;
	bool blocked; /* the socket takes no more for now */
	bool unflushed;
	uint32_t out_size;
	uint8_t out[LL_OUT_BYTES];
};

struct ll_stream {
	struct ll_connection *connection;
	struct ll_stream *next, **link;
	struct ll_timer timer; /* half a round trip, or a hanging stream's end */
	int32_t id;
	bool is_post, too_long, too_large, hanging;
	char path[640], type[32];
	char method[16], authority[256];
	struct ll_bytes headers; /* NAME\0VALUE\0 again and again, where somebody wants them */
	struct ll_bytes payload;
	size_t payload_bytes;
	size_t held;                      /* counted in the server's held_bytes */
	struct ll_invocation *invocation; /* to be told of the stream's end */
	uint64_t arrived_ns;
	struct ll_answer answer;
	struct ll_bytes body, answer_headers; /* of the answer */
	size_t body_sent;
	char request_id[LL_REQUEST_ID_BYTES];
};

/* Session of a connection whose handshake is over. */
int ll_streams_open(struct ll_connection *connection);
/* Forgets all streams; their invocations go on for nobody. */
void ll_streams_close(struct ll_connection *connection);
int ll_streams_callbacks(nghttp2_session_callbacks **callbacks);

/* A request is there, whole, and half a round trip is over. */
void ll_stream_dispatch(struct ll_stream *stream);
/* An error of the service itself; takes the body. */
void ll_stream_answer_error(
	struct ll_stream *stream, int status, const char *type, struct ll_bytes *body);

/* The connection has something to send at the end of this round. */
void ll_connection_touch(struct ll_connection *connection);
/* reset: by a TCP reset, and whatever was not sent yet is lost. */
void ll_connection_close(struct ll_connection *connection, bool reset);

#endif

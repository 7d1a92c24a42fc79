/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_HTTP1_H
#define SW_LAMBDA_LOCAL_HTTP1_H

#include "tools/lambda_local/payload.h"

/* Reads HTTP/1.1 requests out of bytes as they come. Bounded: a head of at most LL_HEAD_BYTES_MAX,
 * a body of which at most LL_PAYLOAD_BYTES_MAX are kept (all are counted). */

#define LL_HEAD_BYTES_MAX (16u << 10)

enum ll_http1_state {
	LL_HTTP1_HEAD,
	LL_HTTP1_BODY,       /* left bytes more */
	LL_HTTP1_CHUNK_SIZE, /* a line with the chunk's length */
	LL_HTTP1_CHUNK,      /* left bytes more */
	LL_HTTP1_CHUNK_END,  /* the line end behind a chunk */
	LL_HTTP1_TRAILER,
	LL_HTTP1_DONE, /* a whole request is there */
	LL_HTTP1_BAD,  /* not HTTP, or beyond a limit */
};

struct ll_http1 {
	enum ll_http1_state state;
	char method[8], path[192];
	bool keep_alive;
	bool wants_continue; /* Expect: 100-continue was said, and the body is still to come */
	uint64_t left;
	uint64_t body_bytes; /* that came, kept or not */
	struct ll_bytes body;
	uint32_t used;
	char in[LL_HEAD_BYTES_MAX];
};

/* Where to read to: at least one byte of room, unless state is DONE or BAD. */
void *ll_http1_room(struct ll_http1 *request, size_t *room);
/* So many bytes were read there. Goes on until more are needed, or state is DONE or BAD. */
void ll_http1_read(struct ll_http1 *request, size_t bytes);
/* Forgets the request that is DONE, and goes on with what came behind it. */
void ll_http1_next(struct ll_http1 *request);

#endif

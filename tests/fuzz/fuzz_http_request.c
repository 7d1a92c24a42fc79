/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 as lambda-local reads it: the requests in a stream of bytes are the same in whatever
 * pieces they come. And the paths that are in them.
 */
#include <string.h>

#include "tests/fuzz/fuzz_http.h"
#include "tools/lambda_local/http1.h"
#include "tools/lambda_local/invoke_path.h"

enum { REQUESTS_MAX = 8 };

struct seen {
	char method[8], path[192];
	bool keep_alive;
	uint64_t body_bytes;
	uint8_t *body;
	size_t kept;
};

struct stream {
	unsigned count;
	struct seen requests[REQUESTS_MAX];
	enum ll_http1_state end;
};

static void check_path(const char *path)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789-_$:.";
	struct ll_invoke_path parsed;

	if (ll_invoke_path_parse(&parsed, path) != LL_PATH_INVOKE)
		return;
	FUZZ_CHECK(parsed.function[strspn(parsed.function, harmless)] == '\0');
	FUZZ_CHECK(parsed.qualifier[strspn(parsed.qualifier, harmless)] == '\0');
}

static void note(struct stream *stream, const struct ll_http1 *request)
{
	struct seen *seen = &stream->requests[stream->count++];

	strcpy(seen->method, request->method);
	strcpy(seen->path, request->path);
	seen->keep_alive = request->keep_alive;
	seen->body_bytes = request->body_bytes;
	seen->kept = request->body.size;
	seen->body = fuzz_copy(request->body.data, request->body.size);
	FUZZ_CHECK(seen->kept == seen->body_bytes);
	check_path(request->path);
}

static void read_stream(struct stream *stream, struct fuzz_input input, size_t step)
{
	/* Alone in its block: its end is the input's. */
	struct ll_http1 *request = malloc(sizeof(*request));

	FUZZ_CHECK(request);
	memset(request, 0, sizeof(*request));
	stream->count = 0;
	while (input.bytes && request->state != LL_HTTP1_BAD && stream->count < REQUESTS_MAX) {
		size_t room, bytes = step < input.bytes ? step : input.bytes;
		void *to = ll_http1_room(request, &room);

		FUZZ_CHECK(room > 0);
		bytes = bytes < room ? bytes : room;
		memcpy(to, input.at, bytes);
		input.at += bytes;
		input.bytes -= bytes;
		ll_http1_read(request, bytes);
		while (request->state == LL_HTTP1_DONE && stream->count < REQUESTS_MAX) {
			note(stream, request);
			ll_http1_next(request);
		}
	}
	stream->end = request->state;
	ll_bytes_free(&request->body);
	free(request);
}

void fuzz_request(uint8_t details, struct fuzz_input input)
{
	static struct stream whole, pieces;
	char *path = fuzz_text(input);

	check_path(path);
	free(path);
	read_stream(&whole, input, input.bytes);
	read_stream(&pieces, input, 1 + details % 64);
	FUZZ_CHECK(whole.count == pieces.count);
	FUZZ_CHECK(whole.count == REQUESTS_MAX || whole.end == pieces.end);
	for (unsigned i = 0; i < whole.count; i++) {
		const struct seen *a = &whole.requests[i], *b = &pieces.requests[i];

		FUZZ_CHECK(strcmp(a->method, b->method) == 0 && strcmp(a->path, b->path) == 0);
		FUZZ_CHECK(a->keep_alive == b->keep_alive && a->body_bytes == b->body_bytes);
		FUZZ_CHECK(memcmp(a->body, b->body, a->kept) == 0);
		free(a->body);
		free(b->body);
	}
}

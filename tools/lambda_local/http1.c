/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/http1.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Drops the first bytes of what was read. */
static void consume(struct ll_http1 *request, size_t bytes)
{
	request->used -= (uint32_t)bytes;
	memmove(request->in, request->in + bytes, request->used);
}

/* Length of the line at text without its end; *next is where the following one starts. -1: it is
 * not whole. */
static ptrdiff_t line_length(const char *text, size_t size, size_t *next)
{
	const char *end = memchr(text, '\n', size);
	size_t length;

	if (!end)
		return -1;
	length = (size_t)(end - text);
	*next = length + 1;
	if (length && text[length - 1] == '\r')
		length--;
	return (ptrdiff_t)length;
}

static bool is_value(const char *value, size_t size, const char *wanted)
{
	return strlen(wanted) == size && strncasecmp(value, wanted, size) == 0;
}

static bool parse_length(struct ll_http1 *request, const char *value, size_t size)
{
	uint64_t length = 0;

	if (size == 0 || size > 15)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!isdigit((unsigned char)value[i]))
			return false;
		length = length * 10 + (uint64_t)(value[i] - '0');
	}
	request->left = length;
	return true;
}

static bool parse_header(struct ll_http1 *request, const char *line, size_t size)
{
	const char *colon = memchr(line, ':', size);
	const char *value;
	size_t name_size, value_size;

	if (!colon)
		return false;
	name_size = (size_t)(colon - line);
	value = colon + 1;
	value_size = size - name_size - 1;
	while (value_size && (*value == ' ' || *value == '\t')) {
		value++;
		value_size--;
	}
	while (value_size && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
		value_size--;
	if (is_value(line, name_size, "content-length"))
		return parse_length(request, value, value_size);
	if (is_value(line, name_size, "transfer-encoding")) {
		request->state = LL_HTTP1_CHUNK_SIZE;
		return is_value(value, value_size, "chunked");
	}
	if (is_value(line, name_size, "connection")) {
		if (is_value(value, value_size, "close"))
			request->keep_alive = false;
		if (is_value(value, value_size, "keep-alive"))
			request->keep_alive = true;
	}
	if (is_value(line, name_size, "expect") && is_value(value, value_size, "100-continue"))
		request->wants_continue = true;
	return true;
}

static bool parse_request_line(struct ll_http1 *request, const char *line, size_t size)
{
	const char *path = memchr(line, ' ', size);
	const char *version;
	size_t method_size, path_size;

	if (!path)
		return false;
	method_size = (size_t)(path - line);
	path++;
	version = memchr(path, ' ', size - method_size - 1);
	if (!version)
		return false;
	path_size = (size_t)(version - path);
	if (method_size >= sizeof(request->method) || path_size >= sizeof(request->path) ||
		memchr(line, '\0', size))
		return false;
	if (size - method_size - path_size - 2 != 8 || memcmp(version + 1, "HTTP/1.", 7) != 0)
		return false;
	memcpy(request->method, line, method_size);
	request->method[method_size] = '\0';
	memcpy(request->path, path, path_size);
	request->path[path_size] = '\0';
	request->keep_alive = version[8] != '0';
	return true;
}

/* Reads the head if it is whole. False: more is needed, or it is bad. */
static bool parse_head(struct ll_http1 *request)
{
	char *blank = memmem(request->in, request->used, "\r\n\r\n", 4);
	size_t head_size, at, next = 0;
	bool good;

	if (!blank) {
		if (request->used == sizeof(request->in))
			request->state = LL_HTTP1_BAD;
		return false;
	}
	head_size = (size_t)(blank - request->in) + 4;
	request->state = LL_HTTP1_BODY;
	good = parse_request_line(
		request, request->in, (size_t)line_length(request->in, head_size, &next));
	for (at = next; good && at < head_size - 2; at += next) {
		ptrdiff_t length = line_length(request->in + at, head_size - at, &next);

		good = parse_header(request, request->in + at, (size_t)length);
	}
	consume(request, head_size);
	if (!good) {
		request->state = LL_HTTP1_BAD;
		return false;
	}
	if (request->state == LL_HTTP1_BODY && request->left <= LL_PAYLOAD_BYTES_MAX &&
		ll_bytes_reserve(&request->body, request->left) != 0)
		request->state = LL_HTTP1_BAD;
	return true;
}

/* Takes body bytes that lie in the input. */
static bool take_body(struct ll_http1 *request)
{
	size_t bytes = request->used < request->left ? request->used : (size_t)request->left;

	if (bytes) {
		request->body_bytes += bytes;
		if (request->body_bytes <= LL_PAYLOAD_BYTES_MAX &&
			ll_bytes_append(&request->body, request->in, bytes) != 0) {
			request->state = LL_HTTP1_BAD;
			return false;
		}
		request->left -= bytes;
		consume(request, bytes);
	}
	if (request->left)
		return false;
	request->state = request->state == LL_HTTP1_BODY ? LL_HTTP1_DONE : LL_HTTP1_CHUNK_END;
	return true;
}

/* The line before a chunk. False: there is no length, or one beyond all limits. */
static bool parse_chunk_size(struct ll_http1 *request, size_t length)
{
	size_t digits = 0;

	while (digits < length && isxdigit((unsigned char)request->in[digits]))
		digits++;
	if (digits == 0 || digits > 15)
		return false;
	/* What may follow is of no interest. */
	if (digits < length && !memchr("; \t", request->in[digits], 3))
		return false;
	/* The line end stops the number at the latest. */
	request->left = strtoull(request->in, NULL, 16);
	return true;
}

/* Reads one of the lines of chunked coding. */
static bool parse_chunk_line(struct ll_http1 *request)
{
	size_t next = 0;
	ptrdiff_t length = line_length(request->in, request->used, &next);

	if (length < 0) {
		if (request->used == sizeof(request->in))
			request->state = LL_HTTP1_BAD;
		return false;
	}
	if (request->state == LL_HTTP1_CHUNK_END) {
		request->state = length == 0 ? LL_HTTP1_CHUNK_SIZE : LL_HTTP1_BAD;
	} else if (request->state == LL_HTTP1_TRAILER) {
		if (length == 0)
			request->state = LL_HTTP1_DONE;
	} else {
		if (!parse_chunk_size(request, (size_t)length))
			request->state = LL_HTTP1_BAD;
		else
			request->state = request->left ? LL_HTTP1_CHUNK : LL_HTTP1_TRAILER;
	}
	consume(request, next);
	return request->state != LL_HTTP1_BAD;
}

static void advance(struct ll_http1 *request)
{
	bool more = true;

	while (more) {
		switch (request->state) {
		case LL_HTTP1_HEAD:
			more = parse_head(request);
			break;
		case LL_HTTP1_BODY:
		case LL_HTTP1_CHUNK:
			more = take_body(request);
			break;
		case LL_HTTP1_CHUNK_SIZE:
		case LL_HTTP1_CHUNK_END:
		case LL_HTTP1_TRAILER:
			more = parse_chunk_line(request);
			break;
		case LL_HTTP1_DONE:
		case LL_HTTP1_BAD:
			more = false;
		}
	}
	/* It is sending already. */
	if (request->body_bytes)
		request->wants_continue = false;
}

/* The rest of a body of known length that is kept goes straight to its place. */
static bool reads_directly(const struct ll_http1 *request)
{
	return request->state == LL_HTTP1_BODY && request->used == 0 &&
	       request->body_bytes + request->left <= LL_PAYLOAD_BYTES_MAX;
}

void *ll_http1_room(struct ll_http1 *request, size_t *room)
{
	if (reads_directly(request)) {
		*room = (size_t)request->left;
		return request->body.data + request->body.size;
	}
	*room = sizeof(request->in) - request->used;
	return request->in + request->used;
}

void ll_http1_read(struct ll_http1 *request, size_t bytes)
{
	if (reads_directly(request)) {
		request->body.size += bytes;
		request->body_bytes += bytes;
		request->left -= bytes;
	} else {
		request->used += (uint32_t)bytes;
	}
	advance(request);
}

void ll_http1_next(struct ll_http1 *request)
{
	request->state = LL_HTTP1_HEAD;
	request->body.size = 0;
	request->left = 0;
	request->body_bytes = 0;
	request->wants_continue = false;
	advance(request);
}

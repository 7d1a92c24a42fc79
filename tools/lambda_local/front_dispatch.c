/* SPDX-License-Identifier: MIT */
/* Requests that have come in whole: which service they are for, and whether it takes them. */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tools/lambda_local/front_private.h"
#include "tools/lambda_local/invoke_path.h"
#include "tools/lambda_local/server.h"
#include "tools/lambda_local/signature.h"

/* An error before it came to an invocation. */
static void answer_plainly(struct ll_stream *stream, int status, const char *type, const char *text)
{
	struct ll_bytes body = { 0 };

	ll_bytes_format(&body, "{\"Type\":\"User\",\"message\":\"%s\"}", text);
	ll_stream_answer_error(stream, status, type, &body);
}

/* False: it was answered, for it is not well signed. */
static bool check_signature(struct ll_stream *stream)
{
	const struct ll_server *server = stream->connection->front->server;
	const struct ll_signed_request request = {
		.method = stream->method,
		.target = stream->path,
		.authority = stream->authority,
		.service = strncmp(stream->path, "/api/", 5) == 0 ? "execute-api" : "lambda",
		.headers = stream->headers.data,
		.headers_bytes = stream->headers.size,
		.body = stream->payload.data,
		.body_bytes = stream->payload.size,
	};
	struct ll_refusal refusal;
	struct ll_bytes body = { 0 };

	/* Of a body that is too large not all was kept; it is refused for that. */
	if (!server->signatures || stream->too_large ||
		ll_signature_check(server->signatures, &request, time(NULL), &refusal))
		return true;
	ll_bytes_format(&body, "{\"message\":\"%s\"}", refusal.message);
	ll_stream_answer_error(stream, 403, refusal.type, &body);
	return false;
}

static void source_of(const struct ll_stream *stream, char *text, socklen_t bytes)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);

	if (getpeername(stream->connection->source.fd, (struct sockaddr *)&peer, &size) != 0 ||
		getnameinfo((struct sockaddr *)&peer, size, text, bytes, NULL, 0, NI_NUMERICHOST) !=
			0)
		text[0] = '\0';
}

/* A Function URL or an HTTP API: any method, any path. */
static void dispatch_http(struct ll_stream *stream)
{
	char source[64];
	struct ll_http_path path;
	const struct ll_http_request http = {
		.path = &path,
		.method = stream->method,
		.authority = stream->authority,
		.source_ip = source,
		.headers = &stream->headers,
		.body = &stream->payload,
	};
	struct ll_request request = {
		.stream = stream,
		.http = &http,
		.type = "",
		.qualifier = "",
		.payload = &stream->payload,
		.too_large = stream->too_large,
		.payload_bytes = stream->payload_bytes,
	};
	struct ll_bytes body = { 0 };

	if (!ll_http_path_parse(&path, stream->path)) {
		ll_bytes_format(&body, "{\"message\":\"Not Found\"}");
		ll_stream_answer_error(stream, 404, NULL, &body);
		return;
	}
	source_of(stream, source, sizeof(source));
	request.function = path.function;
	ll_invocation_begin(stream->connection->front->server, &request);
}

void ll_stream_dispatch(struct ll_stream *stream)
{
	struct ll_invoke_path path;
	enum ll_path kind = ll_invoke_path_parse(&path, stream->path);

	if (stream->too_long || kind == LL_PATH_BAD_NAME) {
		answer_plainly(stream, 400, "InvalidParameterValueException",
			"The function's name, qualifier or invocation type is malformed or too "
			"long");
	} else if (!check_signature(stream)) {
		return;
	} else if (ll_http_path_is(stream->path)) {
		dispatch_http(stream);
	} else if (kind == LL_PATH_UNKNOWN) {
		answer_plainly(stream, 404, "UnknownOperationException",
			"Only /2015-03-31/functions/NAME/invocations, /url/NAME and /api/NAME are "
			"served");
	} else if (!stream->is_post) {
		answer_plainly(stream, 405, "MethodNotAllowedException", "Only POST invokes");
	} else {
		struct ll_request request = {
			.stream = stream,
			.function = path.function,
			.qualifier = path.qualifier,
			.type = stream->type,
			.payload = &stream->payload,
			.too_large = stream->too_large,
			.payload_bytes = stream->payload_bytes,
		};

		ll_invocation_begin(stream->connection->front->server, &request);
	}
}

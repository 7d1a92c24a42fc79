/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "tools/lambda_local/front_private.h"
#include "tools/lambda_local/server.h"

/* Above the largest payload: a caller never has to wait for the window while it posts one. */
#define STREAM_WINDOW     (8 << 20)
#define CONNECTION_WINDOW (64 << 20)
#define ANSWER_HEADERS    48 /* 32 of them a function's */
#define HEADERS_BYTES_MAX (64 << 10)
#define CANCELS_BURST     100000
#define CANCELS_PER_S     20000

static struct ll_loop *loop_of(struct ll_stream *stream)
{
	return &stream->connection->front->server->loop;
}

static uint64_t half_trip_ns(const struct ll_stream *stream)
{
	return stream->connection->front->server->options.rtt_ms * (uint64_t)500000;
}

static void destroy(struct ll_stream *stream)
{
	ll_timer_clear(loop_of(stream), &stream->timer);
	if (stream->invocation)
		ll_invocation_abandon(stream->invocation);
	stream->connection->front->server->held_bytes -= stream->held;
	*stream->link = stream->next;
	if (stream->next)
		stream->next->link = stream->link;
	ll_bytes_free(&stream->headers);
	ll_bytes_free(&stream->payload);
	ll_bytes_free(&stream->body);
	ll_bytes_free(&stream->answer_headers);
	free(stream);
}

void ll_streams_close(struct ll_connection *connection)
{
	while (connection->streams)
		destroy(connection->streams);
}

void ll_front_attach(struct ll_stream *stream, struct ll_invocation *invocation)
{
	stream->invocation = invocation;
}

void ll_front_reset(struct ll_stream *stream)
{
	ll_connection_close(stream->connection, true);
}

static void reset_stream(struct ll_stream *stream, uint32_t code)
{
	nghttp2_submit_rst_stream(stream->connection->session, NGHTTP2_FLAG_NONE, stream->id, code);
	ll_connection_touch(stream->connection);
}

static void hung(struct ll_timer *timer)
{
	reset_stream(LL_CONTAINER(timer, struct ll_stream, timer), NGHTTP2_INTERNAL_ERROR);
}

void ll_front_hang(struct ll_stream *stream)
{
	uint32_t timeout_ms = stream->connection->front->server->options.timeout_ms;

	stream->timer.due = hung;
	ll_timer_set(loop_of(stream), &stream->timer,
		stream->arrived_ns + timeout_ms * (uint64_t)1000000);
}

/* --- answers --- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t size,
	uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct ll_stream *stream = source->ptr;
	size_t end = stream->body.size - stream->answer.cut_bytes;
	size_t left = end - stream->body_sent;

	(void)session;
	(void)id;
	(void)context;
	if (left < size)
		size = left;
	if (size)
		memcpy(to, stream->body.data + stream->body_sent, size);
	stream->body_sent += size;
	if (stream->body_sent == end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)size;
}

static void add_header(nghttp2_nv *headers, size_t *count, const char *name, const char *value)
{
	headers[(*count)++] = (nghttp2_nv){
		.name = (uint8_t *)name,
		.value = (uint8_t *)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
	};
}

/* Whether one of them is the content's type. */
static bool add_function_headers(struct ll_stream *stream, nghttp2_nv *headers, size_t *count)
{
	const struct ll_bytes *own = &stream->answer_headers;
	const char *end = own->data + own->size;
	bool typed = false;

	for (const char *name = own->data; name < end;) {
		const char *value = name + strlen(name) + 1;

		typed = typed || strcmp(name, "content-type") == 0;
		add_header(headers, count, name, value);
		name = value + strlen(value) + 1;
	}
	return typed;
}

static void send_answer(struct ll_timer *timer)
{
	struct ll_stream *stream = LL_CONTAINER(timer, struct ll_stream, timer);
	const struct ll_answer *answer = &stream->answer;
	nghttp2_data_provider body = { .source.ptr = stream, .read_callback = read_body };
	nghttp2_nv headers[ANSWER_HEADERS];
	char status[12], length[24], function_us[24];
	size_t count = 0;
	bool typed;

	snprintf(status, sizeof(status), "%d", answer->status);
	add_header(headers, &count, ":status", status);
	typed = add_function_headers(stream, headers, &count);
	if (!typed)
		add_header(headers, &count, "content-type", "application/json");
	snprintf(length, sizeof(length), "%zu", stream->body.size);
	if (answer->status != 204)
		add_header(headers, &count, "content-length", length);
	add_header(headers, &count,
		answer->kind == LL_GATEWAY ? "apigw-requestid" : "x-amzn-requestid",
		stream->request_id);
	if (answer->error_type)
		add_header(headers, &count, "x-amzn-errortype", answer->error_type);
	if (answer->function_error)
		add_header(headers, &count, "x-amz-function-error", "Unhandled");
	if (answer->executed) {
		snprintf(function_us, sizeof(function_us), "%llu",
			(unsigned long long)answer->function_us);
		if (answer->kind == LL_INVOKE)
			add_header(headers, &count, "x-amz-executed-version", "$LATEST");
		add_header(headers, &count, "x-spillway-function-us", function_us);
		if (answer->cold)
			add_header(headers, &count, "x-spillway-cold", "1");
	}
	if (nghttp2_submit_response(stream->connection->session, stream->id, headers, count,
		    stream->body.size ? &body : NULL) != 0)
		reset_stream(stream, NGHTTP2_INTERNAL_ERROR);
	ll_connection_touch(stream->connection);
}

void ll_front_answer(struct ll_stream *stream, const struct ll_answer *answer)
{
	stream->answer = *answer;
	stream->body = *answer->body;
	*answer->body = (struct ll_bytes){ 0 };
	if (answer->headers) {
		stream->answer_headers = *answer->headers;
		*answer->headers = (struct ll_bytes){ 0 };
	}
	snprintf(stream->request_id, sizeof(stream->request_id), "%s", answer->request_id);
	ll_timer_clear(loop_of(stream), &stream->timer);
	stream->timer.due = send_answer;
	if (half_trip_ns(stream))
		ll_timer_set(loop_of(stream), &stream->timer, sw_now_ns() + half_trip_ns(stream));
	else
		send_answer(&stream->timer);
}

void ll_stream_answer_error(
	struct ll_stream *stream, int status, const char *type, struct ll_bytes *body)
{
	struct ll_answer answer = {
		.status = status,
		.error_type = type,
		.request_id = "00000000-0000-4000-8000-000000000000",
		.body = body,
	};

	ll_front_answer(stream, &answer);
}

static void expected_for_long(struct ll_timer *timer)
{
	struct ll_stream *stream = LL_CONTAINER(timer, struct ll_stream, timer);
	struct ll_bytes body = { 0 };

	if (stream->invocation)
		ll_invocation_abandon(stream->invocation);
	stream->invocation = NULL;
	ll_bytes_format(&body, "{\"message\":\"Service Unavailable\"}");
	ll_stream_answer_error(stream, 503, NULL, &body);
}

void ll_front_expect(struct ll_stream *stream)
{
	const uint32_t timeout_ms = stream->connection->front->server->options.api_timeout_ms;

	stream->timer.due = expected_for_long;
	ll_timer_set(loop_of(stream), &stream->timer,
		stream->arrived_ns + timeout_ms * (uint64_t)1000000);
}

/* --- requests --- */

static void dispatch(struct ll_timer *timer)
{
	ll_stream_dispatch(LL_CONTAINER(timer, struct ll_stream, timer));
}

static void request_complete(struct ll_stream *stream)
{
	stream->arrived_ns = sw_now_ns();
	stream->timer.due = dispatch;
	if (half_trip_ns(stream))
		ll_timer_set(
			loop_of(stream), &stream->timer, stream->arrived_ns + half_trip_ns(stream));
	else
		ll_stream_dispatch(stream);
}

static struct ll_stream *find(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct ll_connection *connection = context;
	struct ll_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	stream->connection = connection;
	stream->id = frame->hd.stream_id;
	stream->next = connection->streams;
	stream->link = &connection->streams;
	if (stream->next)
		stream->next->link = &stream->next;
	connection->streams = stream;
	nghttp2_session_set_stream_user_data(session, stream->id, stream);
	return 0;
}

static bool is_named(const char *name, const uint8_t *given, size_t size)
{
	return strlen(name) == size && memcmp(name, given, size) == 0;
}

static void keep(
	struct ll_stream *stream, char *to, size_t capacity, const uint8_t *value, size_t size)
{
	if (size >= capacity) {
		stream->too_long = true;
		return;
	}
	memcpy(to, value, size);
	to[size] = '\0';
}

/* Makes room for the body at once where its length is told. Not more than is allowed, and only a
 * little of what has not come yet: a length costs the sender nothing. */
static void expect_body(struct ll_stream *stream, const uint8_t *value, size_t size)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < size && i < 12 && value[i] >= '0' && value[i] <= '9'; i++)
		bytes = bytes * 10 + (value[i] - '0');
	if (bytes <= 512u << 10 && ll_bytes_reserve(&stream->payload, bytes) != 0)
		return;
}

/* What a signature may cover, or an event tells. */
static void keep_header(struct ll_stream *stream, const uint8_t *name, size_t name_size,
	const uint8_t *value, size_t size)
{
	if (is_named(":method", name, name_size)) {
		keep(stream, stream->method, sizeof(stream->method), value, size);
	} else if (is_named(":authority", name, name_size)) {
		keep(stream, stream->authority, sizeof(stream->authority), value, size);
	} else if (name[0] != ':' && (stream->connection->front->server->signatures ||
					     ll_http_path_is(stream->path))) {
		if (stream->headers.size + name_size + size > HEADERS_BYTES_MAX ||
			ll_bytes_append(&stream->headers, name, name_size) ||
			ll_bytes_append(&stream->headers, "", 1) ||
			ll_bytes_append(&stream->headers, value, size) ||
			ll_bytes_append(&stream->headers, "", 1))
			stream->too_long = true;
	}
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_size, const uint8_t *value, size_t size, uint8_t flags, void *context)
{
	struct ll_stream *stream = find(session, frame->hd.stream_id);

	(void)flags;
	(void)context;
	if (!stream || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	keep_header(stream, name, name_size, value, size);
	if (is_named(":method", name, name_size))
		stream->is_post = is_named("POST", value, size);
	else if (is_named(":path", name, name_size))
		keep(stream, stream->path, sizeof(stream->path), value, size);
	else if (is_named("content-length", name, name_size))
		expect_body(stream, value, size);
	else if (is_named("x-amz-invocation-type", name, name_size)) {
		keep(stream, stream->type, sizeof(stream->type), value, size);
		/* It is quoted in an answer. */
		if (strpbrk(stream->type, "\"\\"))
			stream->too_long = true;
	}
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
	size_t size, void *context)
{
	struct ll_connection *connection = context;
	struct ll_server *server = connection->front->server;
	struct ll_stream *stream = find(session, id);

	(void)flags;
	if (!stream)
		return 0;
	stream->payload_bytes += size;
	if (stream->payload_bytes > LL_PAYLOAD_BYTES_MAX)
		stream->too_large = true;
	if (stream->too_large)
		return 0;
	if (server->held_bytes + size > LL_HELD_BYTES_MAX ||
		ll_bytes_append(&stream->payload, data, size) != 0) {
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
		return 0;
	}
	stream->held += size;
	server->held_bytes += size;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct ll_stream *stream;

	(void)context;
	if ((frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) ||
		!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	stream = find(session, frame->hd.stream_id);
	if (stream)
		request_complete(stream);
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct ll_stream *stream = find(session, id);

	(void)code;
	(void)context;
	if (stream)
		destroy(stream);
	return 0;
}

int ll_streams_callbacks(nghttp2_session_callbacks **made)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	*made = callbacks;
	return 0;
}

/* Callers cancel what they need no longer, a hedge's loser for one: far more often than the library
 * takes for an attack by default. Cancelling saves them nothing here: the function goes on. */
static int set_options(nghttp2_option **made)
{
	nghttp2_option *option;

	if (nghttp2_option_new(&option) != 0)
		return -ENOMEM;
	nghttp2_option_set_stream_reset_rate_limit(option, CANCELS_BURST, CANCELS_PER_S);
	nghttp2_option_set_no_closed_streams(option, 1);
	*made = option;
	return 0;
}

int ll_streams_open(struct ll_connection *connection)
{
	nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LL_STREAMS_MAX },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
	};
	nghttp2_session *session;
	nghttp2_option *option;
	int ret;

	if (set_options(&option) != 0)
		return -ENOMEM;
	ret = nghttp2_session_server_new2(
		&session, connection->front->callbacks, connection, option);
	nghttp2_option_del(option);
	if (ret != 0)
		return -ENOMEM;
	connection->session = session;
	if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
		    sizeof(settings) / sizeof(settings[0])) != 0 ||
		nghttp2_session_set_local_window_size(
			session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) != 0)
		return -EIO;
	ll_connection_touch(connection);
	return 0;
}

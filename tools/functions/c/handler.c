/* SPDX-License-Identifier: MIT */
#include "tools/functions/c/handler.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "runtime/clock.h"
#include "tools/functions/c/envelope.h"

#define TEXT_BYTES_MAX (256u << 20) /* of one column: more is refused */
#define MS_NS          1000000ull

/* How the answer's frame is wrapped: for Invoke, and for a caller by HTTP. */
struct wrapping {
	const char *head, *tail;
};

static const struct wrapping by_invoke = { "{\"frame\":\"", "\"}" };
static const struct wrapping by_http = {
	"{\"statusCode\":200,\"headers\":{\"content-type\":\"application/octet-stream\"},"
	"\"isBase64Encoded\":true,\"body\":\"",
	"\"}",
};

struct buffer {
	char *data;
	size_t capacity;
};

/* A kernel that was asked for, and what it keeps. As many as there are kernels. */
struct instance {
	const struct sw_kernel *kernel;
	struct instance *next;
	struct sw_batch *in, *out; /* null until needed */
	size_t in_text_bytes, out_text_bytes;
	void *scratch;
};

struct handler {
	const struct sw_kernel *(*find)(const char *name);
	struct instance *instances; /* most recently made first */
	struct buffer frame, answer, text;
	uint64_t deadline_ms; /* since 1970; 0: none */
};

struct handler *handler_create(const struct sw_kernel *(*find)(const char *name))
{
	struct handler *handler = calloc(1, sizeof(*handler));

	if (handler)
		handler->find = find;
	return handler;
}

void handler_destroy(struct handler *handler)
{
	struct instance *instance, *next;

	if (!handler)
		return;
	for (instance = handler->instances; instance; instance = next) {
		next = instance->next;
		sw_batch_destroy(instance->in);
		sw_batch_destroy(instance->out);
		free(instance->scratch);
		free(instance);
	}
	free(handler->frame.data);
	free(handler->answer.data);
	free(handler->text.data);
	free(handler);
}

void handler_limit(struct handler *handler, uint64_t deadline_ms)
{
	handler->deadline_ms = deadline_ms;
}

/* Room for at least `bytes`; what was in it is lost. */
static int buffer_reserve(struct buffer *buffer, size_t bytes)
{
	if (buffer->capacity >= bytes)
		return 0;
	free(buffer->data);
	buffer->capacity = bytes + bytes / 4;
	buffer->data = malloc(buffer->capacity);
	if (!buffer->data)
		buffer->capacity = 0;
	return buffer->data ? 0 : -ENOMEM;
}

/* The instance of the frame's kernel, made if need be. */
static int find_instance(struct handler *handler, const struct sw_frame_header *header,
	struct instance **found, struct sw_error *error)
{
	const struct sw_kernel *kernel = handler->find(header->kernel);
	struct instance *instance = handler->instances;

	if (!kernel)
		return sw_error_set(
			error, -ENOENT, "kernel: %s: this function has none such", header->kernel);
	if (kernel->version != header->kernel_version)
		return sw_error_set(error, -EPROTO,
			"kernel: %s: version %u was asked for, this function has version %u",
			header->kernel, header->kernel_version, kernel->version);
	if (kernel->config_bytes != header->config_bytes)
		return sw_error_set(error, -EPROTO,
			"kernel: %s: %u bytes of settings (%u expected)", header->kernel,
			header->config_bytes, kernel->config_bytes);
	while (instance && instance->kernel != kernel)
		instance = instance->next;
	if (!instance) {
		instance = calloc(1, sizeof(*instance));
		if (instance && kernel->scratch_bytes)
			instance->scratch = calloc(1, kernel->scratch_bytes);
		if (!instance || (kernel->scratch_bytes && !instance->scratch)) {
			free(instance);
			return sw_error_set(
				error, -ENOMEM, "kernel: %s: no memory", header->kernel);
		}
		instance->kernel = kernel;
		instance->next = handler->instances;
		handler->instances = instance;
	}
	*found = instance;
	return 0;
}

/* Empties *batch, or makes another if it has not the room. text_bytes 0: the schema's own. */
static int prepare(struct sw_batch **batch, size_t *text_capacity, const struct sw_schema *schema,
	uint32_t rows, size_t text_bytes, struct sw_error *error)
{
	if (*batch && (*batch)->capacity >= rows && *text_capacity >= text_bytes) {
		sw_batch_reset(*batch);
		return 0;
	}
	if (*batch && rows < (*batch)->capacity)
		rows = (*batch)->capacity;
	if (text_bytes < *text_capacity)
		text_bytes = *text_capacity;
	sw_batch_destroy(*batch);
	*batch = sw_batch_create(schema, rows ? rows : 1, text_bytes);
	*text_capacity = text_bytes;
	if (!*batch)
		return sw_error_set(error, -ENOMEM, "batch: %u rows, %zu bytes of text: no memory",
			rows, text_bytes);
	return 0;
}

static size_t text_in(const struct sw_batch *batch)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		if (batch->columns[i].offsets)
			bytes += (size_t)batch->columns[i].offsets[batch->rows];
	}
	return bytes;
}

/* Frame to batch, with more room for text until it fits: only decoding tells how much there is. */
static int decode(const char *frame, size_t frame_bytes, struct instance *instance,
	struct sw_frame_header *header, struct sw_error *error)
{
	size_t text_bytes = instance->in_text_bytes;
	uint32_t rows = header->rows;
	int ret;

	for (;;) {
		ret = prepare(&instance->in, &instance->in_text_bytes, instance->kernel->in, rows,
			text_bytes, error);
		if (ret)
			return ret;
		ret = sw_frame_decode(frame, frame_bytes, header, instance->in, error);
		if (ret != -ENOSPC || text_bytes >= TEXT_BYTES_MAX)
			return ret;
		text_bytes = text_bytes ? text_bytes * 4 : frame_bytes * 2 + 65536;
		if (text_bytes > TEXT_BYTES_MAX)
			text_bytes = TEXT_BYTES_MAX;
	}
}

/* Runs the kernel on what is in instance->in; *result is where its rows are. */
static int run_kernel(struct instance *instance, const struct sw_frame_header *header,
	struct sw_batch **result, struct sw_error *error)
{
	const struct sw_kernel *kernel = instance->kernel;
	struct sw_batch *in = instance->in;
	uint32_t rows = in->rows;
	size_t text_bytes = text_in(in);
	int ret;

	*result = in;
	if (!kernel->in_place) {
		if (kernel->limits)
			kernel->limits(header->config, in->rows, text_bytes, &rows, &text_bytes);
		if (rows > SW_BATCH_ROWS_MAX)
			return sw_error_set(error, -E2BIG,
				"kernel: %s: %u rows could become %u (at most %d)", kernel->name,
				in->rows, rows, SW_BATCH_ROWS_MAX);
		ret = prepare(&instance->out, &instance->out_text_bytes, kernel->out, rows,
			text_bytes ? text_bytes : 1, error);
		if (ret)
			return ret;
		*result = instance->out;
		sw_batch_copy_meta(instance->out, in);
	}
	ret = kernel->run(header->config, instance->scratch, in, *result);
	if (kernel->in_place)
		in->schema = kernel->out;
	if (ret) {
		char why[200] = "";

		if (kernel->explain)
			kernel->explain(header->config, in, ret, why, sizeof(why));
		return sw_error_set(error, ret, "kernel: %s: batch %llu: %s", kernel->name,
			(unsigned long long)header->seq, why[0] ? why : strerror(-ret));
	}
	return 0;
}

/* The result as a frame in handler->frame. */
static int encode(struct handler *handler, struct sw_frame_header *header,
	const struct sw_batch *result, size_t *bytes, struct sw_error *error)
{
	size_t bound = sw_frame_bound(result);
	ptrdiff_t frame_bytes;

	header->kind = SW_FRAME_ANSWER;
	if (buffer_reserve(&handler->frame, bound) != 0)
		return sw_error_set(error, -ENOMEM, "answer: %zu bytes: no memory", bound);
	frame_bytes = sw_frame_encode(header, result, handler->frame.data, bound);
	if (frame_bytes < 0)
		return sw_error_set(error, (int)frame_bytes, "answer: %zu bytes: %s", bound,
			strerror((int)-frame_bytes));
	*bytes = (size_t)frame_bytes;
	return 0;
}

/* handler->frame as JSON in handler->answer. */
static int wrap(struct handler *handler, size_t frame_bytes, const struct wrapping *wrapping,
	size_t *bytes, struct sw_error *error)
{
	const size_t tail = strlen(wrapping->tail);
	size_t at = strlen(wrapping->head);

	*bytes = at + sw_base64_bytes(frame_bytes) + tail;
	if (buffer_reserve(&handler->answer, *bytes) != 0)
		return sw_error_set(error, -ENOMEM, "answer: %zu bytes: no memory", *bytes);
	memcpy(handler->answer.data, wrapping->head, at);
	at += sw_base64_encode(handler->frame.data, frame_bytes, handler->answer.data + at);
	memcpy(handler->answer.data + at, wrapping->tail, tail);
	return 0;
}

/* ---- Time ---- */

/* How long the caller and the service wait from now on. */
static uint64_t time_left(const struct handler *handler, const struct sw_frame_header *header)
{
	uint64_t left_ns = UINT64_MAX, now_ms = (uint64_t)sw_wall_ms();

	if (handler->deadline_ms)
		left_ns =
			handler->deadline_ms > now_ms ? (handler->deadline_ms - now_ms) * MS_NS : 0;
	if (header->deadline_ms && header->deadline_ms * MS_NS < left_ns)
		left_ns = header->deadline_ms * MS_NS;
	return left_ns;
}

/* Nobody waits for an answer after the deadline: it would cost, and change nothing. */
static int check_time(uint64_t needed_ns, uint64_t left_ns, struct sw_error *error)
{
	if (needed_ns <= left_ns)
		return 0;
	return sw_error_set(error, -ETIME, "event: %llu ms needed, %llu ms left",
		(unsigned long long)(needed_ns / MS_NS), (unsigned long long)(left_ns / MS_NS));
}

static uint64_t cost_of(const struct sw_frame_header *header)
{
	uint64_t events = header->events ? header->events : header->rows, cost_ns;

	return __builtin_mul_overflow(events, header->op_delay_ns, &cost_ns) ? UINT64_MAX : cost_ns;
}

static void sleep_cost(uint64_t cost_ns, uint64_t begin_ns)
{
	uint64_t until_ns = begin_ns + cost_ns;
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / 1000000000u),
		.tv_nsec = (long)(until_ns % 1000000000u),
	};

	if (cost_ns == 0)
		return;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* The frame, which may lie in handler->frame, to its answer there. */
static int run_frame(struct handler *handler, const char *frame, size_t frame_bytes, size_t *bytes,
	struct sw_error *error)
{
	uint64_t begin_ns = sw_now_ns(), left_ns;
	struct sw_frame_header header;
	struct instance *instance = NULL;
	struct sw_batch *result, shape;
	int ret;

	ret = sw_frame_peek(frame, frame_bytes, &header, error);
	if (!ret && header.kind != SW_FRAME_REQUEST)
		ret = sw_error_set(error, -EPROTO, "event: frame: not a request");
	if (!ret)
		ret = find_instance(handler, &header, &instance, error);
	if (!ret)
		ret = decode(frame, frame_bytes, instance, &header, error);
	if (ret)
		return ret;
	left_ns = time_left(handler, &header);
	ret = check_time(cost_of(&header), left_ns, error);
	if (ret)
		return ret;
	sleep_cost(cost_of(&header), begin_ns);
	/* A kernel that works in place may turn its batch's columns into others. */
	shape = *instance->in;
	ret = run_kernel(instance, &header, &result, error);
	if (!ret)
		ret = encode(handler, &header, result, bytes, error);
	if (!ret)
		ret = check_time(sw_now_ns() - begin_ns, left_ns, error);
	*instance->in = shape;
	return ret;
}

/* The frame's Base64, as it lies in the event. */
static int find_frame(const char *payload, size_t payload_bytes, bool http, const char **digits,
	size_t *digit_count, struct sw_error *error)
{
	if (http && !sw_envelope_true(payload, payload_bytes, "isBase64Encoded"))
		return sw_error_set(error, -EINVAL,
			"event: no binary \"body\" in it (a frame as application/octet-stream "
			"expected)");
	if (!sw_envelope_string(
		    payload, payload_bytes, http ? "body" : "frame", digits, digit_count))
		return sw_error_set(error, -EINVAL,
			"event: no \"frame\" in it ({\"frame\": \"BASE64\"} expected)");
	return 0;
}

static int run(struct handler *handler, const char *payload, size_t payload_bytes, bool http,
	size_t *bytes, struct sw_error *error)
{
	const char *digits;
	size_t digit_count, answer_bytes;
	ptrdiff_t frame_bytes;
	int ret;

	ret = find_frame(payload, payload_bytes, http, &digits, &digit_count, error);
	if (ret)
		return ret;
	if (buffer_reserve(&handler->frame, digit_count / 4 * 3 + 3) != 0)
		return sw_error_set(error, -ENOMEM, "event: %zu bytes: no memory", payload_bytes);
	frame_bytes = sw_base64_decode(digits, digit_count, handler->frame.data);
	if (frame_bytes < 0)
		return sw_error_set(error, -EBADMSG, "event: frame: not Base64");
	ret = run_frame(handler, handler->frame.data, (size_t)frame_bytes, &answer_bytes, error);
	if (ret)
		return ret;
	return wrap(handler, answer_bytes, http ? &by_http : &by_invoke, bytes, error);
}

static const char *error_type(int code)
{
	switch (code) {
	case -EBADMSG:
		return "Spillway.BrokenFrame";
	case -EPROTO:
		return "Spillway.OtherVersion";
	case -ENOENT:
		return "Spillway.UnknownKernel";
	case -ENOMEM:
		return "Spillway.OutOfMemory";
	case -EINVAL:
		return "Spillway.BadEvent";
	case -ETIME:
		return "Spillway.DeadlinePassed";
	default:
		return "Spillway.KernelFailed";
	}
}

/* Who is to blame: the caller, or us. */
static int status_of(int code)
{
	switch (code) {
	case -EBADMSG:
	case -EPROTO:
	case -ENOENT:
	case -EINVAL:
		return 400;
	default:
		return 500;
	}
}

/* A caller by HTTP gets the error in an answer of the function's own: the service would not tell
 * what it was. */
static int print_error(char *to, size_t bytes, bool http, int code, const char *text)
{
	if (!http)
		return snprintf(to, bytes, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", text,
			error_type(code));
	return snprintf(to, bytes,
		"{\"statusCode\":%d,\"headers\":{\"content-type\":\"application/json\","
		"\"x-spillway-error\":\"%s\"},\"body\":\"{\\\"errorMessage\\\":\\\"%s\\\","
		"\\\"errorType\\\":\\\"%s\\\"}\"}",
		status_of(code), error_type(code), text, error_type(code));
}

/* The error as JSON. */
static void tell(struct handler *handler, int code, bool http, struct sw_error *error,
	const char **answer, size_t *answer_bytes)
{
	for (char *c = error->text; *c; c++) {
		/* It goes between quotes, and may name what a stranger sent. */
		if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '\'';
	}
	*answer = "{}";
	*answer_bytes = 2;
	if (buffer_reserve(&handler->text, 1024) == 0) {
		*answer = handler->text.data;
		*answer_bytes = (size_t)print_error(
			handler->text.data, handler->text.capacity, http, code, error->text);
	}
}

int handler_run(struct handler *handler, const char *payload, size_t payload_bytes,
	const char **answer, size_t *answer_bytes)
{
	const bool http = sw_envelope_is_http(payload, payload_bytes);
	struct sw_error error = { .text = "" };
	int ret = run(handler, payload, payload_bytes, http, answer_bytes, &error);

	*answer = handler->answer.data;
	if (ret)
		tell(handler, ret, http, &error, answer, answer_bytes);
	return http ? 0 : ret;
}

int handler_run_frame(struct handler *handler, const char *frame, size_t frame_bytes,
	const char **answer, size_t *answer_bytes)
{
	struct sw_error error = { .text = "" };
	int ret = run_frame(handler, frame, frame_bytes, answer_bytes, &error);

	*answer = handler->frame.data;
	if (ret)
		tell(handler, ret, false, &error, answer, answer_bytes);
	return ret;
}

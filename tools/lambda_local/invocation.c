/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/invocation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/clock.h"
#include "tools/lambda_local/front.h"
#include "tools/lambda_local/server.h"

#define SLOW_FACTOR 10
#define SLOW_NS_MIN 500000000u /* added at least */

static uint64_t wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* A version 4 UUID of 122 bits that do not repeat within a run. */
static void make_id(struct ll_server *server, char id[LL_REQUEST_ID_BYTES])
{
	uint64_t high = ll_faults_bits(server->id_key, server->ids++);
	uint64_t low = ll_faults_bits(server->id_key, server->ids++);

	snprintf(id, LL_REQUEST_ID_BYTES, "%08llx-%04llx-4%03llx-%04llx-%012llx",
		(unsigned long long)(high >> 32), (unsigned long long)(high >> 16 & 0xffff),
		(unsigned long long)(high & 0xfff),
		(unsigned long long)(low >> 48 & 0x3fff) | 0x8000,
		(unsigned long long)(low & 0xffffffffffffu));
}

static void destroy(struct ll_invocation *invocation)
{
	ll_timer_clear(&invocation->server->loop, &invocation->timer);
	ll_bytes_free(&invocation->payload);
	ll_bytes_free(&invocation->answer);
	ll_bytes_free(&invocation->headers);
	free(invocation);
}

/* Answers with an error of the service itself: the function did not run. */
static void refuse(struct ll_stream *stream, const char *id, int status, const char *type,
	const char *format, ...) __attribute__((format(printf, 5, 6)));

static void refuse(struct ll_stream *stream, const char *id, int status, const char *type,
	const char *format, ...)
{
	struct ll_bytes body = { 0 };
	struct ll_answer answer = {
		.status = status, .error_type = type, .request_id = id, .body = &body
	};
	char text[768];
	va_list arguments;

	if (!stream)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* Without memory the answer has no body; its status says the most. */
	ll_bytes_append(&body, text, strlen(text));
	ll_front_answer(stream, &answer);
}

/* In the words of whatever is in front of the function. */
static void refuse_throttled(struct ll_stream *stream, enum ll_kind kind, const char *id)
{
	if (kind == LL_GATEWAY) {
		refuse(stream, id, 429, NULL, "{\"message\":\"Too Many Requests\"}");
		return;
	}
	refuse(stream, id, 429, "TooManyRequestsException",
		"{\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\","
		"\"Type\":\"User\",\"message\":\"Rate Exceeded.\"}");
}

/* What a caller by HTTP gets for it. What the function says to be an error is one. */
static enum ll_outcome shape(struct ll_invocation *invocation, enum ll_outcome outcome)
{
	const bool is_gateway = invocation->kind == LL_GATEWAY;

	if (!invocation->function_error &&
		ll_http_answer(&invocation->answer, &invocation->status, &invocation->headers) == 0)
		return invocation->status >= 400 && outcome == LL_OK ? LL_ERROR : outcome;
	invocation->status = is_gateway ? 500 : 502;
	ll_bytes_free(&invocation->headers);
	invocation->answer.size = 0;
	ll_bytes_format(&invocation->answer, is_gateway ? "{\"message\":\"%s\"}" : "%s",
		"Internal Server Error");
	return outcome == LL_OK ? LL_ERROR : outcome;
}

static void corrupt(struct ll_invocation *invocation)
{
	const uint64_t bits = ll_faults_bits(~invocation->server->options.seed, invocation->number);
	struct ll_bytes *answer = &invocation->answer;

	if (invocation->kind == LL_INVOKE)
		ll_payload_corrupt(answer, bits);
	else if (invocation->status == 200 && answer->size > 0)
		answer->data[bits % answer->size] ^= 1;
}

/* Sends the answer the way the fault wants it. */
static void deliver_answer(struct ll_invocation *invocation)
{
	struct ll_stream *stream = invocation->stream;
	struct ll_answer answer = {
		.status = invocation->status,
		.kind = invocation->kind,
		.request_id = invocation->id,
		.function_error = invocation->function_error && invocation->kind == LL_INVOKE,
		.executed = true,
		.cold = invocation->cold,
		.function_us = invocation->billed_us,
		.headers = &invocation->headers,
		.body = &invocation->answer,
	};

	if (!stream)
		return;
	ll_front_attach(stream, NULL);
	invocation->stream = NULL;
	switch (invocation->fault) {
	case LL_FAULT_TIMEOUT:
		ll_front_hang(stream);
		return;
	case LL_FAULT_RESET:
		ll_front_reset(stream);
		return;
	case LL_FAULT_TRUNCATE:
		answer.cut_bytes = invocation->answer.size - invocation->answer.size / 2;
		break;
	case LL_FAULT_CORRUPT:
		corrupt(invocation);
		break;
	default:
		break;
	}
	ll_front_answer(stream, &answer);
}

static enum ll_outcome outcome_of(const struct ll_invocation *invocation, enum ll_outcome outcome)
{
	if (outcome != LL_OK)
		return outcome;
	switch (invocation->fault) {
	case LL_FAULT_ERROR:
		return LL_ERROR;
	case LL_FAULT_TIMEOUT:
		return LL_TIMEOUT;
	case LL_FAULT_TRUNCATE:
	case LL_FAULT_CORRUPT:
		return LL_CORRUPT;
	case LL_FAULT_RESET:
		return LL_RESET;
	default:
		return invocation->lost ? LL_RESET : LL_OK;
	}
}

static void record(struct ll_invocation *invocation, enum ll_outcome outcome, uint32_t environment)
{
	struct ll_execution execution = {
		.work = invocation->work,
		.function = invocation->function->name,
		.environment = environment,
		.start_us = invocation->start_us,
		.end_us = invocation->end_us,
		.cold = invocation->cold,
		.outcome = outcome_of(invocation, outcome),
	};

	ll_ledger_add(&invocation->server->ledger, &execution);
}

/* Runs it once more, for nobody. */
static void repeat(struct ll_invocation *invocation)
{
	struct ll_server *server = invocation->server;

	invocation->fault = LL_FAULT_NONE;
	invocation->cold = false;
	invocation->lost = false;
	invocation->delivered_ns = 0;
	invocation->function_error = false;
	invocation->start_us = wall_us();
	ll_bytes_free(&invocation->answer);
	ll_bytes_free(&invocation->headers);
	if (ll_environment_acquire(server, invocation->function, invocation, NULL) != 0)
		destroy(invocation);
}

/* The end, however it came about. The environment, if it lives, is free before the answer leaves.
 */
static void finish(struct ll_invocation *invocation, enum ll_outcome outcome)
{
	struct ll_environment *environment = invocation->environment;

	if (invocation->kind != LL_INVOKE)
		outcome = shape(invocation, outcome);
	record(invocation, outcome, invocation->environment_number);
	invocation->environment = NULL;
	if (environment)
		ll_environment_release(environment);
	deliver_answer(invocation);
	if (invocation->fault == LL_FAULT_DUPLICATE && outcome == LL_OK)
		repeat(invocation);
	else
		destroy(invocation);
}

static void held_back(struct ll_timer *timer)
{
	struct ll_invocation *invocation = LL_CONTAINER(timer, struct ll_invocation, timer);

	invocation->end_us = wall_us();
	invocation->billed_us += invocation->held_us;
	finish(invocation, invocation->function_error ? LL_ERROR : LL_OK);
}

static void set_end(struct ll_invocation *invocation)
{
	uint64_t now_ns = sw_now_ns();
	uint64_t from_ns = invocation->delivered_ns ? invocation->delivered_ns : now_ns;

	/* The start of a cold environment is billed. */
	if (invocation->cold && invocation->started_ns)
		from_ns = invocation->started_ns;
	invocation->end_us = wall_us();
	invocation->billed_us = (now_ns - from_ns) / 1000;
}

void ll_invocation_handed(struct ll_invocation *invocation)
{
	invocation->handed_ns = sw_now_ns();
	invocation->start_us = wall_us();
}

void ll_invocation_delivered(struct ll_invocation *invocation)
{
	struct ll_environment *environment = invocation->environment;

	invocation->delivered_ns = invocation->handed_ns;
	invocation->started_ns = environment->started_ns;
	if (invocation->fault == LL_FAULT_KILL) {
		invocation->environment = NULL;
		ll_environment_end(environment);
		ll_invocation_died(invocation, LL_KILLED, "Runtime.ExitError",
			"Runtime exited with error: signal: killed");
	}
}

void ll_invocation_answered(
	struct ll_invocation *invocation, struct ll_bytes *answer, bool function_error)
{
	invocation->function_error = function_error;
	invocation->answer = *answer;
	*answer = (struct ll_bytes){ 0 };
	set_end(invocation);
	if (invocation->fault == LL_FAULT_ERROR && !function_error) {
		invocation->function_error = true;
		invocation->answer.size = 0;
		ll_bytes_format(&invocation->answer, "{\"errorMessage\":\"Fault made on "
						     "purpose\",\"errorType\":\"InjectedError\"}");
	}
	if (invocation->fault == LL_FAULT_SLOW && invocation->environment) {
		invocation->held_us = invocation->billed_us * (SLOW_FACTOR - 1);
		if (invocation->held_us < SLOW_NS_MIN / 1000)
			invocation->held_us = SLOW_NS_MIN / 1000;
		invocation->timer.due = held_back;
		ll_timer_set(&invocation->server->loop, &invocation->timer,
			sw_now_ns() + invocation->held_us * 1000);
		return;
	}
	finish(invocation, function_error ? LL_ERROR : LL_OK);
}

void ll_invocation_oversized(struct ll_invocation *invocation, uint64_t bytes)
{
	set_end(invocation);
	invocation->function_error = true;
	ll_bytes_format(&invocation->answer,
		"{\"errorMessage\":\"Response payload size (%llu bytes) exceeded maximum allowed "
		"payload size (%u bytes).\",\"errorType\":\"Function.ResponseSizeTooLarge\"}",
		(unsigned long long)bytes, LL_PAYLOAD_BYTES_MAX);
	finish(invocation, LL_ERROR);
}

void ll_invocation_died(struct ll_invocation *invocation, enum ll_outcome outcome, const char *type,
	const char *message)
{
	set_end(invocation);
	invocation->function_error = true;
	invocation->answer.size = 0;
	ll_bytes_format(&invocation->answer,
		"{\"errorType\":\"%s\",\"errorMessage\":\"RequestId: %s Error: %s\"}", type,
		invocation->id, message);
	finish(invocation, outcome);
}

void ll_invocation_abandon(struct ll_invocation *invocation)
{
	invocation->stream = NULL;
	invocation->lost = true;
}

static struct ll_function *find_function(struct ll_server *server, const char *name)
{
	for (uint32_t i = 0; i < server->function_count; i++) {
		if (strcmp(server->functions[i].name, name) == 0)
			return &server->functions[i];
	}
	return NULL;
}

/* Finds it an environment, or refuses it on that stream and destroys it. False: refused. Else it
 * may be over and gone by now. */
static bool acquire(struct ll_invocation *invocation, struct ll_stream *stream)
{
	const enum ll_kind kind = invocation->kind;
	char id[LL_REQUEST_ID_BYTES];
	struct sw_error error;
	int ret;

	memcpy(id, invocation->id, sizeof(id));
	ret = ll_environment_acquire(invocation->server, invocation->function, invocation, &error);
	if (!ret)
		return true;
	if (stream)
		ll_front_attach(stream, NULL);
	destroy(invocation);
	if (ret == -EAGAIN)
		refuse_throttled(stream, kind, id);
	else
		refuse(stream, id, 500, "ServiceException",
			"{\"Type\":\"Service\",\"Message\":\"%s\"}", error.text);
	return false;
}

static void place(struct ll_invocation *invocation, bool event)
{
	struct ll_stream *stream = invocation->stream;
	const enum ll_kind kind = invocation->kind;
	char id[LL_REQUEST_ID_BYTES];

	memcpy(id, invocation->id, sizeof(id));
	if (event)
		invocation->stream = NULL;
	else
		ll_front_attach(stream, invocation);
	if (kind == LL_GATEWAY)
		ll_front_expect(stream);
	if (acquire(invocation, stream) && event)
		refuse(stream, id, 202, NULL, "%s", "");
}

void ll_invocation_displaced(struct ll_invocation *invocation)
{
	acquire(invocation, invocation->stream);
}

static void accept_request(struct ll_server *server, struct ll_function *function,
	const struct ll_request *request, const char *id)
{
	struct ll_invocation *invocation = calloc(1, sizeof(*invocation));

	if (!invocation) {
		refuse(request->stream, id, 500, "ServiceException",
			"{\"Type\":\"Service\",\"Message\":\"Out of memory\"}");
		return;
	}
	invocation->server = server;
	invocation->function = function;
	invocation->stream = request->stream;
	invocation->kind = request->http ? request->http->path->kind : LL_INVOKE;
	invocation->status = 200;
	invocation->number = server->invocations++;
	invocation->fault =
		ll_faults_draw(&server->options.faults, server->options.seed, invocation->number);
	invocation->start_us = wall_us();
	memcpy(invocation->id, id, LL_REQUEST_ID_BYTES);
	if (invocation->fault == LL_FAULT_THROTTLE) {
		refuse_throttled(request->stream, invocation->kind, id);
		destroy(invocation);
		return;
	}
	invocation->payload = *request->payload;
	*request->payload = (struct ll_bytes){ 0 };
	if (server->ledger.fd >= 0)
		ll_payload_peek(&invocation->payload, &invocation->work);
	place(invocation, strcmp(request->type, "Event") == 0);
}

/* A Function URL's or an HTTP API's: what the function gets is an event that tells of it. */
static void begin_http(struct ll_server *server, struct ll_function *function,
	const struct ll_request *request, const char *id)
{
	struct ll_bytes event = { 0 };
	int ret = 0;

	if (function && !request->too_large)
		ret = ll_http_event(&event, request->http, id);
	if (!function) {
		refuse(request->stream, id, 404, NULL, "{\"message\":\"Not Found\"}");
	} else if (ret == -EINVAL) {
		refuse(request->stream, id, 400, NULL, "{\"message\":\"Bad Request\"}");
	} else if (ret) {
		refuse(request->stream, id, 500, NULL, "{\"message\":\"Internal Server Error\"}");
	} else if (request->too_large || event.size > LL_PAYLOAD_BYTES_MAX) {
		refuse(request->stream, id, 413, NULL,
			"{\"message\":\"Request Entity Too Large\"}");
	} else {
		ll_bytes_free(request->payload);
		*request->payload = event;
		event = (struct ll_bytes){ 0 };
		accept_request(server, function, request, id);
	}
	ll_bytes_free(&event);
}

void ll_invocation_begin(struct ll_server *server, const struct ll_request *request)
{
	struct ll_function *function = find_function(server, request->function);
	struct ll_stream *stream = request->stream;
	char id[LL_REQUEST_ID_BYTES], why[256];

	make_id(server, id);
	if (request->http) {
		begin_http(server, function, request, id);
	} else if (!function ||
		   (request->qualifier[0] && strcmp(request->qualifier, "$LATEST") != 0)) {
		refuse(stream, id, 404, "ResourceNotFoundException",
			"{\"Type\":\"User\",\"Message\":\"Function not found: "
			"arn:aws:lambda:us-east-1:000000000000:function:%s%s%s\"}",
			request->function, request->qualifier[0] ? ":" : "", request->qualifier);
	} else if (request->too_large) {
		refuse(stream, id, 413, "RequestTooLargeException",
			"{\"Type\":\"User\",\"message\":\"%zu byte payload is too large for the "
			"RequestResponse invocation type (limit %u bytes)\"}",
			request->payload_bytes, LL_PAYLOAD_BYTES_MAX);
	} else if (request->type[0] && strcmp(request->type, "RequestResponse") != 0 &&
		   strcmp(request->type, "Event") != 0 && strcmp(request->type, "DryRun") != 0) {
		refuse(stream, id, 400, "InvalidParameterValueException",
			"{\"Type\":\"User\",\"message\":\"Invocation type %s is none of "
			"RequestResponse, Event, DryRun\"}",
			request->type);
	} else if (request->payload->size == 0 && ll_bytes_append(request->payload, "{}", 2) != 0) {
		refuse(stream, id, 500, "ServiceException",
			"{\"Type\":\"Service\",\"Message\":\"Out of memory\"}");
	} else if (!ll_payload_valid(request->payload, why, sizeof(why))) {
		refuse(stream, id, 400, "InvalidRequestContentException",
			"{\"Type\":\"User\",\"message\":\"Could not parse request body into json: "
			"%s\"}",
			why);
	} else if (strcmp(request->type, "DryRun") == 0) {
		refuse(stream, id, 204, NULL, "%s", "");
	} else {
		accept_request(server, function, request, id);
	}
}

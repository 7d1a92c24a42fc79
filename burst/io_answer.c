/* SPDX-License-Identifier: MIT */
/* Answers: from {"frame":"..."}, or the frame itself, to a batch. Everything in them is hostile. */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "burst/base64.h"
#include "burst/io_private.h"
#include "burst/wire.h"

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
		at++;
	return at;
}

/* Finds the text of "frame" in an object that has nothing else, if it stands there as it is. */
static char *find_alone(char *body, size_t bytes, size_t *characters)
{
	static const char parts[][8] = { "{", "\"frame\"", ":", "\"" };
	const char *at = body, *end = body + bytes;
	const char *text;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const size_t length = strlen(parts[i]);

		at = skip_space(at, end);
		if ((size_t)(end - at) < length || memcmp(at, parts[i], length) != 0)
			return NULL;
		at += length;
	}
	text = at;
	at = memchr(text, '"', (size_t)(end - text));
	if (!at)
		return NULL;
	*characters = (size_t)(at - text);
	/* Some writers of JSON escape '/' or '='. */
	if (memchr(text, '\\', *characters))
		return NULL;
	at = skip_space(at + 1, end);
	if (at == end || *at != '}' || skip_space(at + 1, end) != end)
		return NULL;
	return body + (text - body);
}

/* Any JSON object with a "frame": its text is copied over the body. */
static char *find_in_json(char *body, size_t bytes, size_t *characters)
{
	/* Of two frames neither is to be believed. */
	json_t *object = json_loadb(body, bytes, JSON_REJECT_DUPLICATES, NULL);
	const json_t *frame = json_object_get(object, "frame");
	char *found = NULL;

	if (json_is_string(frame)) {
		*characters = json_string_length(frame);
		memcpy(body, json_string_value(frame), *characters);
		found = body;
	}
	json_decref(object);
	return found;
}

static bool is_answer_to(const struct sw_frame_header *header, const struct request *request)
{
	const struct sw_kernel *kernel = request->outlet->site.kernel;

	return header->kind == SW_FRAME_ANSWER && header->job == request->outlet->burst->job &&
	       header->edge == request->outlet->site.edge && header->seq == request->seq &&
	       header->kernel_version == kernel->version &&
	       strcmp(header->kernel, kernel->name) == 0;
}

/* The frame in {"frame": "BASE64"}, decoded over the body; null, with the error set: none. */
static char *unwrap(struct sw_exchange *exchange, size_t *frame_bytes, struct sw_error *error)
{
	size_t characters = 0;
	ptrdiff_t bytes;
	char *text = find_alone(exchange->answer, exchange->answer_bytes, &characters);

	if (!text)
		text = find_in_json(exchange->answer, exchange->answer_bytes, &characters);
	if (!text) {
		sw_error_set(error, -EBADMSG, "answer: not {\"frame\": \"...\"}");
		return NULL;
	}
	bytes = sw_base64_decode(text, characters, text);
	if (bytes < 0) {
		sw_error_set(error, -EBADMSG, "answer: frame: not Base64");
		return NULL;
	}
	*frame_bytes = (size_t)bytes;
	return text;
}

/* Null, with the error set: the body has no frame that answers the request. */
static uint8_t *read_frame(struct request *request, size_t *frame_bytes, struct sw_error *error)
{
	struct sw_exchange *exchange = &request->exchange;
	struct sw_frame_header header;
	char *text = exchange->answer;

	*frame_bytes = exchange->answer_bytes;
	if (!exchange->bare && request->outlet->burst->endpoint.contract != SW_BURST_CONTRACT_HTTP)
		text = unwrap(exchange, frame_bytes, error);
	if (!text)
		return NULL;
	if (sw_frame_peek(text, *frame_bytes, &header, error))
		return NULL;
	if (!is_answer_to(&header, request)) {
		sw_error_set(error, -EBADMSG, "answer: frame: is of another request");
		return NULL;
	}
	return (uint8_t *)text;
}

enum answer_state answer_read(
	struct request *request, struct sw_batch **batch, struct sw_error *error)
{
	struct outlet *outlet = request->outlet;
	struct sw_exchange *exchange = &request->exchange;
	struct sw_frame_header header;
	uint8_t *frame = NULL;
	size_t bytes = 0;
	int rc;

	/* A frame that waited for room was read before. */
	if (request->state == REQUEST_NO_ROOM) {
		frame = (uint8_t *)exchange->answer;
		bytes = exchange->answer_bytes;
	} else {
		if (exchange->cut) {
			sw_error_set(error, -EBADMSG, "answer: is longer than %zu bytes",
				exchange->answer_max);
			return ANSWER_CORRUPT;
		}
		if (exchange->answer_bytes == 0) {
			sw_error_set(error, -EBADMSG, "answer: is empty");
			return ANSWER_CORRUPT;
		}
		frame = read_frame(request, &bytes, error);
		if (!frame)
			return ANSWER_CORRUPT;
	}
	*batch = sw_pool_get(outlet->answers);
	if (!*batch) {
		memmove(exchange->answer, frame, bytes);
		exchange->answer_bytes = bytes;
		return ANSWER_NO_ROOM;
	}
	rc = sw_frame_decode(frame, bytes, &header, *batch, error);
	if (!rc && ledger_adopt(request->slot, request->generation))
		return ANSWER_ADOPTED;
	sw_pool_put(*batch, outlet->site.slot);
	*batch = NULL;
	if (!rc)
		return ANSWER_LATE;
	return rc == -ENOSPC ? ANSWER_TOO_BIG : ANSWER_CORRUPT;
}

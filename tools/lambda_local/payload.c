/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/payload.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "tools/functions/c/envelope.h"

/* Base64 digits, a multiple of four, that hold all that sw_frame_peek() wants. */
#define PEEK_DIGITS ((SW_FRAME_PEEK_BYTES + 2) / 3 * 4)

int ll_bytes_reserve(struct ll_bytes *bytes, size_t more)
{
	size_t capacity = bytes->capacity ? bytes->capacity : 1024;
	char *data;

	if (bytes->capacity - bytes->size >= more)
		return 0;
	while (capacity - bytes->size < more)
		capacity *= 2;
	data = realloc(bytes->data, capacity);
	if (!data)
		return -ENOMEM;
	bytes->data = data;
	bytes->capacity = capacity;
	return 0;
}

int ll_bytes_append(struct ll_bytes *bytes, const void *data, size_t size)
{
	int ret = ll_bytes_reserve(bytes, size);

	if (ret)
		return ret;
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	return 0;
}

int ll_bytes_format(struct ll_bytes *bytes, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (size < 0)
		return -EINVAL;
	if ((size_t)size >= sizeof(text))
		size = sizeof(text) - 1;
	return ll_bytes_append(bytes, text, (size_t)size);
}

void ll_bytes_free(struct ll_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct ll_bytes){ 0 };
}

void ll_payload_peek(const struct ll_bytes *payload, struct ll_work *work)
{
	uint8_t head[PEEK_DIGITS / 4 * 3];
	struct sw_frame_header header;
	const char *frame;
	ptrdiff_t bytes;
	size_t digits;

	*work = (struct ll_work){ 0 };
	if (!sw_envelope_string(payload->data, payload->size,
		    sw_envelope_is_http(payload->data, payload->size) ? "body" : "frame", &frame,
		    &digits))
		return;
	bytes = sw_base64_decode(frame, digits < PEEK_DIGITS ? digits : PEEK_DIGITS, head);
	if (bytes < 0 || sw_frame_peek(head, (size_t)bytes, &header, NULL) != 0)
		return;
	work->known = true;
	work->job = header.job;
	work->seq = header.seq;
	work->edge = header.edge;
	work->attempt = header.attempt;
	work->rows = header.rows;
}

/* True for exactly {"frame":"..."} with nothing to escape in the string: every batch's payload. It
 * is most of the traffic, and a parser that builds a tree of it would cost more than all the rest.
 */
static bool is_plain_frame(const char *json, size_t size)
{
	static const char head[] = "{\"frame\":\"";
	const uint64_t ones = 0x0101010101010101u, highs = ones << 7;
	uint64_t odd = 0;
	size_t at, end;

	if (size < sizeof(head) + 1 || memcmp(json, head, sizeof(head) - 1) != 0 ||
		memcmp(json + size - 2, "\"}", 2) != 0)
		return false;
	end = size - 2;
	for (at = sizeof(head) - 1; at + 8 <= end; at += 8) {
		uint64_t text, quote, slash;

		/* Eight at once: high bit set, below 0x20, or equal to '"' or '\'. May take the
		 * byte above a true hit for another hit, never misses one. */
		memcpy(&text, json + at, 8);
		quote = text ^ (ones * '"');
		slash = text ^ (ones * '\\');
		odd |= text | ((text - ones * 0x20) & ~text);
		odd |= ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
	}
	if (odd & highs)
		return false;
	for (; at < end; at++) {
		unsigned char byte = (unsigned char)json[at];

		if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\')
			return false;
	}
	return true;
}

bool ll_payload_valid(const struct ll_bytes *payload, char *why, size_t why_bytes)
{
	json_error_t error;
	json_t *json;

	if (is_plain_frame(payload->data, payload->size))
		return true;
	json = json_loadb(payload->data, payload->size,
		JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	if (!json) {
		snprintf(why, why_bytes, "%s (at byte %d)", error.text, error.position);
		/* It is put between quotes in the answer. */
		for (char *c = why; *c; c++) {
			if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20)
				*c = '\'';
		}
		return false;
	}
	json_decref(json);
	return true;
}

bool ll_payload_corrupt(struct ll_bytes *payload, uint64_t bits)
{
	const char *frame;
	size_t digits, at;

	/* The last four digits are left alone: padding, or bits that count for nothing. */
	if (!sw_envelope_frame(payload->data, payload->size, &frame, &digits) || digits <= 4)
		return false;
	at = (size_t)(frame - payload->data) + bits % (digits - 4);
	payload->data[at] = payload->data[at] == 'A' ? 'B' : 'A';
	return true;
}

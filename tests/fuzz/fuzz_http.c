/* SPDX-License-Identifier: MIT */
/*
 * HTTP from both sides. Here: an answer's header lines and body as libcurl hands them over, and
 * JSON bodies, where our own reader of {"frame": "..."} must find what a parser of JSON finds.
 */
#include "tests/fuzz/fuzz_http.h"

#include <string.h>

#include <jansson.h>

#include "burst/base64.h"
#include "burst/client_private.h"
#include "burst/wire.h"
#include "tools/functions/c/envelope.h"
#include "tools/lambda_local/payload.h"

char *fuzz_text(struct fuzz_input input)
{
	char *text = malloc(input.bytes + 1);

	FUZZ_CHECK(text);
	if (input.bytes)
		memcpy(text, input.at, input.bytes);
	text[input.bytes] = '\0';
	return text;
}

/* ---- Answers ---- */

/* The bytes before the next line end or the end, without it. */
static struct fuzz_input take_line(struct fuzz_input *input)
{
	const uint8_t *end = memchr(input->at, '\n', input->bytes);
	struct fuzz_input line = { input->at, end ? (size_t)(end - input->at) : input->bytes };
	const size_t taken = line.bytes + (end != NULL);

	input->at += taken;
	input->bytes -= taken;
	return line;
}

static void fuzz_answer(uint8_t details, struct fuzz_input input)
{
	struct sw_exchange exchange = { .answer_max = 16 * (size_t)details };
	struct client_easy easy = { .exchange = &exchange };
	const size_t piece = 1 + details % 7;

	while (input.bytes) {
		const struct fuzz_input line = take_line(&input);
		char *copy = fuzz_copy(line.at, line.bytes);

		FUZZ_CHECK(client_header(copy, 1, line.bytes, &easy) == line.bytes);
		free(copy);
		if (line.bytes == 0)
			break;
	}
	while (input.bytes) {
		const size_t bytes = piece < input.bytes ? piece : input.bytes;

		if (client_write((char *)input.at, 1, bytes, &easy) != bytes)
			break;
		input.at += bytes;
		input.bytes -= bytes;
	}
	FUZZ_CHECK(exchange.answer_bytes <= exchange.answer_max);
	FUZZ_CHECK(exchange.answer_bytes <= exchange.answer_capacity);
	client_describe(&exchange, details);
	for (const char *at = exchange.detail; *at; at++)
		FUZZ_CHECK(*at >= ' ' && *at <= '~');
	free(exchange.answer);
}

/* ---- Bodies ---- */

/* Without escapes, both must find the same. */
static void compare_frames(const struct ll_bytes *payload)
{
	json_t *json = json_loadb(
		payload->data, payload->size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	const json_t *found = json_object_get(json, "frame");
	const char *frame;
	size_t bytes;

	if (json && !memchr(payload->data, '\\', payload->size)) {
		const bool any = sw_envelope_frame(payload->data, payload->size, &frame, &bytes);

		FUZZ_CHECK(any == json_is_string(found));
		if (any) {
			FUZZ_CHECK(bytes == json_string_length(found));
			FUZZ_CHECK(memcmp(frame, json_string_value(found), bytes) == 0);
		}
	}
	json_decref(json);
}

/* There is one text for some bytes, and no other is taken for it. */
static void check_base64(struct fuzz_input input)
{
	uint8_t *bytes = malloc(input.bytes / 4 * 3 + 1);
	char *text = malloc(input.bytes + 1);
	ptrdiff_t count;

	FUZZ_CHECK(bytes && text);
	count = sw_base64_decode((const char *)input.at, input.bytes, bytes);
	if (count >= 0) {
		FUZZ_CHECK(sw_base64_bytes((size_t)count) == input.bytes);
		FUZZ_CHECK(sw_base64_encode(bytes, (size_t)count, text) == input.bytes);
		FUZZ_CHECK(memcmp(text, input.at, input.bytes) == 0);
	}
	free(bytes);
	free(text);
}

static size_t differences(const uint8_t *a, const char *b, size_t bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += a[i] != (uint8_t)b[i];
	return count;
}

static void fuzz_body(uint8_t details, struct fuzz_input input)
{
	struct ll_bytes payload = {
		.data = fuzz_copy(input.at, input.bytes),
		.size = input.bytes,
		.capacity = input.bytes,
	};
	char why[256] = "";
	struct ll_work work;
	bool valid = ll_payload_valid(&payload, why, sizeof(why));

	FUZZ_CHECK(valid || why[0]);
	FUZZ_CHECK(strpbrk(why, "\"\\\n") == NULL);
	compare_frames(&payload);
	check_base64(input);
	ll_payload_peek(&payload, &work);
	if (ll_payload_corrupt(&payload, details * 0x0101010101u))
		FUZZ_CHECK(differences(input.at, payload.data, input.bytes) == 1);
	else
		FUZZ_CHECK(differences(input.at, payload.data, input.bytes) == 0);
	ll_bytes_free(&payload);
}

/* ---- Inputs ---- */

enum part { ANSWER, BODY, REQUEST, SIGNATURE, CREDENTIALS_JSON, CREDENTIALS_FILE, PARTS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	const enum part part = (enum part)(fuzz_byte(&input) % PARTS);
	const uint8_t details = fuzz_byte(&input);

	switch (part) {
	case ANSWER:
		fuzz_answer(details, input);
		break;
	case BODY:
		fuzz_body(details, input);
		break;
	case REQUEST:
		fuzz_request(details, input);
		break;
	case SIGNATURE:
		fuzz_signature(details, input);
		break;
	case CREDENTIALS_JSON:
		fuzz_credentials_json(input);
		break;
	default:
		fuzz_credentials_file(input);
		break;
	}
	return 0;
}

static const char *const samples[PARTS] = {
	[ANSWER] = "HTTP/2 200\r\nx-amz-function-error: Unhandled\r\n"
		   "x-spillway-function-us: 1234\r\nx-spillway-cold: 1\r\n\n{\"frame\":\"AAAA\"}",
	[BODY] = "{\"a\":[1,{\"frame\":\"BBBB\"}],\"frame\" : \"AAAA\",\"b\":\"\\\"\"}",
	[REQUEST] =
		"POST /2015-03-31/functions/f:v1/invocations?Qualifier=%24LATEST HTTP/1.1\r\n"
		"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n{\"frame\":\"AAAA\"}"
		"GET /a HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
		"a;b\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
	[CREDENTIALS_JSON] = "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"B\\/\",\"Token\":\"C\","
			     "\"Expiration\":\"2026-11-22T10:00:00.5Z\",\"Code\":1,\"x\":\"\\n\"}",
	[CREDENTIALS_FILE] = "[a]\naws_access_key_id = A ; b\naws_secret_access_key=B\n# c\n"
			     "[profile b]\n  x=y\naws_session_token = C\nrole_arn=r\n",
};

/* As lambda-local looks at it: the head alone. */
static size_t frame_sample(uint8_t *data, size_t used, size_t max)
{
	const uint8_t head[SW_FRAME_PEEK_BYTES] = { 'S', 'P', 'L', 'W', SW_FRAME_VERSION, 1 };
	char text[(SW_FRAME_PEEK_BYTES + 2) / 3 * 4 + 1];

	text[sw_base64_encode(head, sizeof(head), text)] = '\0';
	used = fuzz_put(data, used, max, "{\"frame\":\"");
	used = fuzz_put(data, used, max, text);
	return fuzz_put(data, used, max, "\"}");
}

static size_t sample(uint8_t *data, size_t max, uint64_t *random)
{
	const enum part part = (enum part)random_below(random, PARTS);

	data[0] = (uint8_t)part;
	data[1] = (uint8_t)random_below(random, 256);
	if (part == SIGNATURE)
		return fuzz_signature_sample(data, 2, max);
	if (part == BODY && random_below(random, 2))
		return frame_sample(data, 2, max);
	return fuzz_put(data, 2, max, samples[part]);
}

static const char *const words[] = { "\r\n", "\r\n\r\n", "\n", " ", "\t", ":", ";", "/", "%2",
	"%24", "=", "[", "]", "{", "}", "\"", "\\", "\"frame\"", "\"frame\":\"", "\\u0000", "\\\"",
	",", "x-amz-function-error:", "x-spillway-function-us:", "x-spillway-cold:", "x-amz-date",
	"18446744073709551615", "1152921504606846976", "-1", "6291556", "6291557", "ffffffff", "0x",
	"Content-Length: ", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
	"HTTP/1.1\r\n", "POST ", "/2015-03-31/functions/", "/invocations",
	"?Qualifier=", "function:", "Credential=", "SignedHeaders=", "Signature=", "/aws4_request",
	"host;x-amz-date", "host;", "AWS4-HMAC-SHA256 ", "x-amz-security-token", "20261122T100000Z",
	"lambda", "../", "?a=b&", "AccessKeyId", "SecretAccessKey", "Token", "Expiration",
	"aws_access_key_id=", "aws_secret_access_key=", "aws_session_token=", "[profile ",
	"default]\n", "role_arn=", NULL };

const struct fuzz_target fuzz_target = { .sample = sample, .words = words };

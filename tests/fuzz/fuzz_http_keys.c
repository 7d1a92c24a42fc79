/* SPDX-License-Identifier: MIT */
/*
 * Signatures of requests, and credentials as endpoints and files give them. Files are stood in for,
 * as is the memory for secrets, which is too slow to have anew each time.
 */
#include <string.h>

#include <jansson.h>

#include "burst/credentials_private.h"
#include "burst/secret.h"
#include "burst/sigv4.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_http.h"
#include "tools/lambda_local/signature.h"

static const char file_name[] = FUZZ_FOLDER "/credentials";

void *__wrap_sw_secret_alloc(size_t bytes);
void __wrap_sw_secret_free(void *secret, size_t bytes);

/* A file's text gets as much as there is, and a zero, for a sanitizer to see more being read. */
void *__wrap_sw_secret_alloc(size_t bytes)
{
	return calloc(1, bytes == CREDENTIALS_FILE_MAX ? fuzz_file.input.bytes + 1 : bytes);
}

void __wrap_sw_secret_free(void *secret, size_t bytes)
{
	(void)bytes;
	free(secret);
}

/* ---- Signatures ---- */

static const char key_file[] = "[a]\naws_access_key_id=AKIDEXAMPLE\n"
			       "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n";
static const char secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
static const char now_text[] = "20261122T100000Z";

/* Target and headers, each part ended by a zero: TARGET NAME VALUE NAME VALUE ... */
void fuzz_signature(uint8_t details, struct fuzz_input input)
{
	static struct ll_signatures *signatures;
	struct ll_signed_request request = { .method = "POST", .authority = "localhost:3001" };
	struct ll_refusal refusal = { .type = NULL };
	char *text = fuzz_text(input);
	time_t now = 0;
	size_t target;

	if (!signatures) {
		fuzz_file.input =
			(struct fuzz_input){ (const uint8_t *)key_file, sizeof(key_file) - 1 };
		FUZZ_CHECK(ll_signatures_open(&signatures, file_name, NULL) == 0);
	}
	FUZZ_CHECK(sw_sigv4_time_parse(now_text, &now) == 0);
	target = strlen(text) + 1;
	request.target = text;
	if (target < input.bytes) {
		request.headers = text + target;
		request.headers_bytes = input.bytes + 1 - target;
		/* A name without a value. */
		for (size_t at = 0, part = 0; at < request.headers_bytes; part++) {
			at += strlen(request.headers + at) + 1;
			if (at == request.headers_bytes && part % 2 == 0)
				request.headers_bytes = 0;
		}
	}
	request.service = "lambda";
	request.body = "{}";
	request.body_bytes = 2;
	if (!ll_signature_check(signatures, &request, now + 2 * (details % 200), &refusal)) {
		FUZZ_CHECK(refusal.type && refusal.message[0]);
		for (const char *at = refusal.message; *at; at++)
			FUZZ_CHECK(*at >= ' ' && *at <= '~' && *at != '"' && *at != '\\');
	}
	free(text);
}

size_t fuzz_signature_sample(uint8_t *data, size_t used, size_t max)
{
	const struct sw_sigv4_header headers[] = { { "host", "localhost:3001" },
		{ "x-amz-date", now_text } };
	const struct sw_sigv4_request signing = {
		.method = "POST",
		.target = "/a/../f?b=c&a=%20",
		.headers = headers,
		.header_count = 2,
		.body = "{}",
		.body_bytes = 2,
	};
	char signature[SW_SIGV4_SIGNATURE_BYTES], text[512];
	struct sw_sigv4_key key;
	int bytes;

	FUZZ_CHECK(sw_sigv4_derive(&key, secret, now_text, "eu-west-1", "lambda") == 0);
	FUZZ_CHECK(sw_sigv4_signature(&key, &signing, now_text, signature) == 0);
	bytes = snprintf(text, sizeof(text),
		"%s%cx-amz-date%c%s%cauthorization%cAWS4-HMAC-SHA256 "
		"Credential=AKIDEXAMPLE/20261122/eu-west-1/lambda/aws4_request, "
		"SignedHeaders=host;x-amz-date, Signature=%s",
		signing.target, 0, 0, now_text, 0, 0, signature);
	for (int i = 0; i < bytes && used < max; i++)
		data[used++] = (uint8_t)text[i];
	return used;
}

/* ---- Credentials ---- */

static void check_keys(const struct sw_keys *keys)
{
	const char *const texts[] = { keys->access_key, keys->secret_key, keys->session_token };

	FUZZ_CHECK(keys->access_key[0] && keys->secret_key[0]);
	for (unsigned i = 0; i < 3; i++) {
		for (const char *at = texts[i]; *at; at++)
			FUZZ_CHECK(*at > ' ' && *at <= '~');
	}
}

/* What a parser of JSON finds is what was read. */
static void compare(const char *body, const struct sw_keys *keys)
{
	json_t *json = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	const char *access = json_string_value(json_object_get(json, "AccessKeyId"));
	const char *token = json_string_value(json_object_get(json, "Token"));

	if (json && access)
		FUZZ_CHECK(strcmp(access, keys->access_key) == 0);
	if (json && token)
		FUZZ_CHECK(strcmp(token, keys->session_token) == 0);
	json_decref(json);
}

void fuzz_credentials_json(struct fuzz_input input)
{
	static struct sw_keys keys;
	struct sw_error error = { .text = "" };
	char *body = fuzz_text(input);

	if (credentials_json_read(body, &keys, &error) == 0) {
		check_keys(&keys);
		compare(body, &keys);
	} else {
		FUZZ_CHECK(error.text[0]);
	}
	free(body);
}

static int each(void *context, const char *profile, const struct sw_keys *keys)
{
	unsigned *count = context;

	FUZZ_CHECK(profile[0]);
	check_keys(keys);
	++*count;
	return 0;
}

void fuzz_credentials_file(struct fuzz_input input)
{
	static struct sw_keys keys;
	struct credentials_places places = { .profile = "a", .config_file = (char *)file_name };
	struct sw_error error = { .text = "" };
	unsigned count = 0;
	int rc;

	fuzz_file.input = input;
	rc = sw_credentials_read_file(file_name, each, &count, &error);
	FUZZ_CHECK(rc >= 0 || error.text[0]);
	memset(&keys, 0, sizeof(keys));
	for (int config = 0; config < 2; config++) {
		fuzz_file.input = input;
		rc = credentials_file_find(&places, &keys, &error);
		FUZZ_CHECK(rc >= 0 || error.text[0]);
		if (rc == 1)
			check_keys(&keys);
		memset(&keys, 0, sizeof(keys));
		places = (struct credentials_places){
			.profile = "b", .profile_given = true, .credentials_file = (char *)file_name
		};
	}
}

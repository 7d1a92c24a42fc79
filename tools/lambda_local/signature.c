/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/signature.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "burst/credentials.h"
#include "burst/secret.h"
#include "burst/sigv4.h"

enum {
	KEYS_MAX = 16,
	SKEW_S = 300,
	FIELD_BYTES = 256,
	NAMES_BYTES = 1024, /* of signed headers */
};

#define ALGORITHM     "AWS4-HMAC-SHA256"
#define NOT_SIGNED    "MissingAuthenticationTokenException"
#define NOT_WHOLE     "IncompleteSignatureException"
#define WRONG         "InvalidSignatureException"
#define NOT_KNOWN     "UnrecognizedClientException"
#define UNKNOWN_TOKEN "The security token included in the request is invalid."

struct ll_signatures {
	uint32_t count;
	struct sw_keys keys[KEYS_MAX];
};

/* The Authorization header, taken apart. */
struct claim {
	char access_key[SW_ACCESS_KEY_BYTES], date[9];
	char region[SW_SIGV4_REGION_BYTES], service[SW_SIGV4_SERVICE_BYTES];
	char names[NAMES_BYTES]; /* signed headers, by semicolons */
	char signature[SW_SIGV4_SIGNATURE_BYTES];
};

static bool refuse(struct ll_refusal *refusal, const char *type, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Gives false. What requests bring into the message must not end its JSON text. */
static bool refuse(struct ll_refusal *refusal, const char *type, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
	va_end(arguments);
	refusal->type = type;
	for (char *at = refusal->message; *at; at++) {
		if (*at == '"' || *at == '\\' || *at < ' ' || *at > '~')
			*at = '\'';
	}
	return false;
}

/* ---- Keys ---- */

static int take_keys(void *context, const char *profile, const struct sw_keys *keys)
{
	struct ll_signatures *signatures = context;

	(void)profile;
	if (signatures->count == KEYS_MAX)
		return -E2BIG;
	signatures->keys[signatures->count++] = *keys;
	return 0;
}

int ll_signatures_open(struct ll_signatures **made, const char *path, struct sw_error *error)
{
	struct ll_signatures *signatures = sw_secret_alloc(sizeof(*signatures));
	int ret;

	if (!signatures)
		return sw_error_set(error, -ENOMEM, "--require-signature: no memory");
	ret = sw_credentials_read_file(path, take_keys, signatures, error);
	if (ret == -E2BIG)
		sw_error_set(error, ret, "--require-signature: %s: more than %d profiles", path,
			KEYS_MAX);
	if (!ret && signatures->count == 0)
		ret = sw_error_set(error, -EINVAL,
			"--require-signature: %s: no keys in it (aws_access_key_id and "
			"aws_secret_access_key in a [profile])",
			path);
	if (ret) {
		ll_signatures_close(signatures);
		return ret;
	}
	*made = signatures;
	return 0;
}

void ll_signatures_close(struct ll_signatures *signatures)
{
	sw_secret_free(signatures, sizeof(*signatures));
}

static const struct sw_keys *find_keys(
	const struct ll_signatures *signatures, const char *access_key)
{
	for (uint32_t i = 0; i < signatures->count; i++) {
		if (strcmp(signatures->keys[i].access_key, access_key) == 0)
			return &signatures->keys[i];
	}
	return NULL;
}

/* ---- Requests ---- */

/* The next header at *at; false: there is none. */
static bool next_header(
	const struct ll_signed_request *request, size_t *at, struct sw_sigv4_header *header)
{
	if (*at >= request->headers_bytes)
		return false;
	header->name = request->headers + *at;
	header->value = header->name + strlen(header->name) + 1;
	*at += (size_t)(header->value - header->name) + strlen(header->value) + 1;
	return true;
}

static const char *value_of(const struct ll_signed_request *request, const char *name)
{
	struct sw_sigv4_header header;

	for (size_t at = 0; next_header(request, &at, &header);) {
		if (strcmp(header.name, name) == 0)
			return header.value;
	}
	return NULL;
}

/* Copies what stands behind `name` up to a comma or blank. */
static bool take_field(const char *text, const char *name, char *to, size_t to_bytes)
{
	const char *at = strstr(text, name);
	size_t bytes;

	if (!at)
		return false;
	at += strlen(name);
	bytes = strcspn(at, ", ");
	if (bytes == 0 || bytes >= to_bytes)
		return false;
	memcpy(to, at, bytes);
	to[bytes] = '\0';
	return true;
}

/* Splits ACCESS-KEY/DATE/REGION/SERVICE/aws4_request from its end. */
static bool split_credential(char *credential, struct claim *claim)
{
	struct {
		char *to;
		size_t bytes;
	} parts[] = {
		{ NULL, 0 },
		{ claim->service, sizeof(claim->service) },
		{ claim->region, sizeof(claim->region) },
		{ claim->date, sizeof(claim->date) },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *slash = strrchr(credential, '/');

		if (!slash || (i == 0 && strcmp(slash, "/aws4_request") != 0))
			return false;
		if (parts[i].to && strlen(slash + 1) >= parts[i].bytes)
			return false;
		if (parts[i].to)
			strcpy(parts[i].to, slash + 1);
		*slash = '\0';
	}
	if (strlen(credential) >= sizeof(claim->access_key))
		return false;
	strcpy(claim->access_key, credential);
	return true;
}

static bool take_claim(const char *authorization, struct claim *claim, struct ll_refusal *refusal)
{
	char credential[FIELD_BYTES + SW_ACCESS_KEY_BYTES];
	const char *missing = NULL;

	if (!take_field(authorization, "Credential=", credential, sizeof(credential)))
		missing = "Credential";
	else if (!take_field(authorization, "SignedHeaders=", claim->names, sizeof(claim->names)))
		missing = "SignedHeaders";
	else if (!take_field(
			 authorization, "Signature=", claim->signature, sizeof(claim->signature)))
		missing = "Signature";
	if (missing)
		return refuse(refusal, NOT_WHOLE, "Authorization header requires '%s' parameter.",
			missing);
	if (!split_credential(credential, claim))
		return refuse(refusal, NOT_WHOLE,
			"Credential must have exactly 5 slash-delimited elements, e.g. "
			"keyid/date/region/service/term");
	return true;
}

static bool check_scope(const struct claim *claim, const char *service, const char *date,
	time_t now, struct ll_refusal *refusal)
{
	char now_text[SW_SIGV4_TIME_BYTES], edge[SW_SIGV4_TIME_BYTES];
	time_t at = 0;

	if (sw_sigv4_time_parse(date, &at))
		return refuse(refusal, NOT_WHOLE,
			"Date must be in ISO-8601 'basic format'. Got '%.40s'. See "
			"http://en.wikipedia.org/wiki/ISO_8601",
			date);
	if (strncmp(claim->date, date, 8) != 0)
		return refuse(refusal, WRONG,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
			"date from HTTP: '%s' != '%.8s', from '%s'.",
			claim->date, date, date);
	if (strcmp(claim->service, service) != 0)
		return refuse(refusal, WRONG,
			"Credential should be scoped to correct service: '%s'.", service);
	sw_sigv4_time(now, now_text);
	sw_sigv4_time(at < now ? now - SKEW_S : now + SKEW_S, edge);
	if (at < now - SKEW_S)
		return refuse(refusal, WRONG,
			"Signature expired: %s is now earlier than %s (%s - 5 min.)", date, edge,
			now_text);
	if (at > now + SKEW_S)
		return refuse(refusal, WRONG,
			"Signature not yet current: %s is still later than %s (%s + 5 min.)", date,
			edge, now_text);
	return true;
}

static bool is_listed(const char *names, const char *name)
{
	const size_t bytes = strlen(name);

	while (*names) {
		const size_t length = strcspn(names, ";");

		if (length == bytes && memcmp(names, name, bytes) == 0)
			return true;
		names += length + (names[length] == ';');
	}
	return false;
}

/* Gathers the signed headers. The host must be one of them, and all that AWS means something by. */
static bool gather(const struct ll_signed_request *request, const struct claim *claim,
	struct sw_sigv4_header *headers, uint32_t *count, struct ll_refusal *refusal)
{
	struct sw_sigv4_header header = { "host", request->authority };

	*count = 0;
	if (!is_listed(claim->names, "host"))
		return refuse(refusal, WRONG,
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS "
			"Authorization.");
	headers[(*count)++] = header;
	for (size_t at = 0; next_header(request, &at, &header);) {
		const bool listed = is_listed(claim->names, header.name);

		if (strcmp(header.name, "host") == 0)
			continue;
		if (!listed && strncmp(header.name, "x-amz-", 6) == 0)
			return refuse(refusal, WRONG,
				"'%.100s' must be a 'SignedHeader' in the AWS Authorization.",
				header.name);
		if (!listed)
			continue;
		if (*count == SW_SIGV4_HEADERS_MAX)
			return refuse(refusal, WRONG, "Too many signed headers.");
		headers[(*count)++] = header;
	}
	return true;
}

/* The key's own signature of what came must be the one that came. */
static bool compare(const struct ll_signed_request *request, const struct claim *claim,
	const struct sw_keys *keys, const char *date, struct ll_refusal *refusal)
{
	struct sw_sigv4_header headers[SW_SIGV4_HEADERS_MAX];
	struct sw_sigv4_request signing = {
		.method = request->method,
		.target = request->target,
		.headers = headers,
		.body = request->body,
		.body_bytes = request->body_bytes,
	};
	char signature[SW_SIGV4_SIGNATURE_BYTES];
	struct sw_sigv4_key key;
	int ret;

	if (!gather(request, claim, headers, &signing.header_count, refusal))
		return false;
	ret = sw_sigv4_derive(&key, keys->secret_key, date, claim->region, claim->service);
	if (!ret)
		ret = sw_sigv4_signature(&key, &signing, date, signature);
	explicit_bzero(&key, sizeof(key));
	if (!ret && strlen(claim->signature) == strlen(signature) &&
		CRYPTO_memcmp(signature, claim->signature, strlen(signature)) == 0)
		return true;
	return refuse(refusal, WRONG,
		"The request signature we calculated does not match the signature you provided. "
		"Check your AWS Secret Access Key and signing method. Consult the service "
		"documentation for details.");
}

bool ll_signature_check(const struct ll_signatures *signatures,
	const struct ll_signed_request *request, time_t now, struct ll_refusal *refusal)
{
	const char *authorization = value_of(request, "authorization");
	const char *date = value_of(request, "x-amz-date");
	const char *token = value_of(request, "x-amz-security-token");
	const struct sw_keys *keys;
	struct claim claim;

	if (!authorization || strncmp(authorization, ALGORITHM " ", sizeof(ALGORITHM)) != 0)
		return refuse(refusal, NOT_SIGNED, "Missing Authentication Token");
	if (!take_claim(authorization, &claim, refusal))
		return false;
	if (!date)
		return refuse(refusal, NOT_WHOLE,
			"Authorization header requires existence of either a 'X-Amz-Date' or a "
			"'Date' header.");
	keys = find_keys(signatures, claim.access_key);
	if (!keys || strcmp(keys->session_token, token ? token : "") != 0)
		return refuse(refusal, NOT_KNOWN, UNKNOWN_TOKEN);
	return check_scope(&claim, request->service, date, now, refusal) &&
	       compare(request, &claim, keys, date, refusal);
}

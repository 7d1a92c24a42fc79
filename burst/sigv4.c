/* SPDX-License-Identifier: MIT */
/*
 * The canonical request is not put together in memory: its parts go straight into the hash. What
 * has to be sorted first (query, header names) has a maximum.
 */
#include "burst/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

/* A hash in progress; errors stay until its end. */
struct sink {
	EVP_MD_CTX *context;
	int rc;
};

static void put(struct sink *sink, const char *data, size_t bytes)
{
	if (!sink->rc && EVP_DigestUpdate(sink->context, data, bytes) != 1)
		sink->rc = -EIO;
}

static void put_text(struct sink *sink, const char *text)
{
	put(sink, text, strlen(text));
}

static void to_hex(const unsigned char hash[32], char hex[SW_SIGV4_SIGNATURE_BYTES])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 32; i++) {
		*hex++ = digits[hash[i] >> 4];
		*hex++ = digits[hash[i] & 15];
	}
	*hex = '\0';
}

static int hmac(const void *key, size_t key_bytes, const char *text, unsigned char hash[32])
{
	return HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)text, strlen(text),
		       hash, NULL)
		       ? 0
		       : -EIO;
}

/* ---- Time ---- */

void sw_sigv4_time(time_t at, char text[SW_SIGV4_TIME_BYTES])
{
	struct tm utc;

	gmtime_r(&at, &utc);
	strftime(text, SW_SIGV4_TIME_BYTES, "%Y%m%dT%H%M%SZ", &utc);
}

int sw_sigv4_time_parse(const char *text, time_t *at)
{
	char again[SW_SIGV4_TIME_BYTES];
	struct tm utc = { 0 };
	const char *end = strptime(text, "%Y%m%dT%H%M%SZ", &utc);

	if (!end || *end)
		return -EINVAL;
	*at = timegm(&utc);
	/* strptime lets digits and days pass that are not there. */
	sw_sigv4_time(*at, again);
	return strcmp(again, text) == 0 ? 0 : -EINVAL;
}

/* ---- Keys ---- */

int sw_sigv4_derive(struct sw_sigv4_key *key, const char *secret, const char *time,
	const char *region, const char *service)
{
	char first[4 + 1024];
	unsigned char *bytes = key->bytes;
	int first_bytes, rc;

	if (strlen(region) >= sizeof(key->region) || strlen(service) >= sizeof(key->service))
		return -ENAMETOOLONG;
	first_bytes = snprintf(first, sizeof(first), "AWS4%s", secret);
	if ((size_t)first_bytes >= sizeof(first)) {
		explicit_bzero(first, sizeof(first));
		return -ENAMETOOLONG;
	}
	snprintf(key->date, sizeof(key->date), "%.8s", time);
	strcpy(key->region, region);
	strcpy(key->service, service);
	rc = hmac(first, (size_t)first_bytes, key->date, bytes);
	explicit_bzero(first, sizeof(first));
	if (!rc)
		rc = hmac(bytes, 32, region, bytes);
	if (!rc)
		rc = hmac(bytes, 32, service, bytes);
	if (!rc)
		rc = hmac(bytes, 32, "aws4_request", bytes);
	return rc;
}

/* ---- Path ---- */

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

/* Percent-encodes one byte; gives how many characters it has become. */
static size_t escape(char c, char to[3])
{
	static const char digits[] = "0123456789ABCDEF";

	if (is_unreserved(c)) {
		to[0] = c;
		return 1;
	}
	to[0] = '%';
	to[1] = digits[(unsigned char)c >> 4];
	to[2] = digits[(unsigned char)c & 15];
	return 3;
}

static void put_segment(struct sink *sink, const char *segment, size_t bytes)
{
	char escaped[3];

	for (size_t i = 0; i < bytes; i++)
		put(sink, escaped, escape(segment[i], escaped));
}

/* Without empty and dot segments, and encoded once more: the services but S3 want it so. */
static void put_path(struct sink *sink, const char *path, size_t bytes)
{
	struct {
		uint16_t at, bytes;
	} kept[SW_SIGV4_TARGET_MAX / 2 + 1];
	size_t count = 0;

	for (size_t at = 0; at < bytes;) {
		const char *slash = memchr(path + at, '/', bytes - at);
		const size_t length = slash ? (size_t)(slash - (path + at)) : bytes - at;

		if (length == 2 && memcmp(path + at, "..", 2) == 0) {
			count -= count > 0;
		} else if (length > 0 && !(length == 1 && path[at] == '.')) {
			kept[count].at = (uint16_t)at;
			kept[count++].bytes = (uint16_t)length;
		}
		at += length + 1;
	}
	for (size_t i = 0; i < count; i++) {
		put(sink, "/", 1);
		put_segment(sink, path + kept[i].at, kept[i].bytes);
	}
	if (count == 0 || path[bytes - 1] == '/')
		put(sink, "/", 1);
}

/* ---- Query ---- */

struct parameter {
	const char *name, *value; /* decoded and encoded again */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes it as a text with a terminator at *to, and moves *to behind. */
static int reencode(char **to, const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		char c = from[i];

		if (c == '%') {
			const int high = i + 2 < bytes ? hex_digit(from[i + 1]) : -1;
			const int low = i + 2 < bytes ? hex_digit(from[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		*to += escape(c, *to);
	}
	*(*to)++ = '\0';
	return 0;
}

static int by_name_and_value(const void *a, const void *b)
{
	const struct parameter *left = a, *right = b;
	const int order = strcmp(left->name, right->name);

	return order ? order : strcmp(left->value, right->value);
}

static void put_query(struct sink *sink, const char *query)
{
	struct parameter parameters[SW_SIGV4_PARAMETERS_MAX];
	/* Each byte becomes three at most; each parameter ends twice. */
	char texts[3 * SW_SIGV4_TARGET_MAX + 2 * SW_SIGV4_PARAMETERS_MAX];
	char *to = texts;
	size_t count = 0;

	while (*query && !sink->rc) {
		const size_t bytes = strcspn(query, "&");
		const size_t name_bytes = strcspn(query, "=&");
		const size_t skipped = name_bytes + (name_bytes < bytes);

		if (count == SW_SIGV4_PARAMETERS_MAX) {
			sink->rc = -E2BIG;
			return;
		}
		if (bytes > 0) {
			parameters[count].name = to;
			sink->rc = reencode(&to, query, name_bytes);
			parameters[count++].value = to;
			if (!sink->rc)
				sink->rc = reencode(&to, query + skipped, bytes - skipped);
		}
		query += bytes + (query[bytes] == '&');
	}
	if (sink->rc)
		return;
	qsort(parameters, count, sizeof(parameters[0]), by_name_and_value);
	for (size_t i = 0; i < count; i++) {
		put(sink, "&", i > 0);
		put_text(sink, parameters[i].name);
		put(sink, "=", 1);
		put_text(sink, parameters[i].value);
	}
}

/* ---- Headers ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks at its ends; several within it are one. */
static void put_value(struct sink *sink, const char *value)
{
	bool begun = false;

	while (*value) {
		const char *word = value;

		while (*value && !is_blank(*value))
			value++;
		if (value > word) {
			put(sink, " ", begun);
			put(sink, word, (size_t)(value - word));
			begun = true;
		}
		while (is_blank(*value))
			value++;
	}
}

static void put_lower(struct sink *sink, const char *name)
{
	for (; *name; name++) {
		const char c = (char)tolower((unsigned char)*name);

		put(sink, &c, 1);
	}
}

/* Insertion: stable, so that values of one name keep their order. */
static int sort_headers(const struct sw_sigv4_request *request,
	const struct sw_sigv4_header *sorted[SW_SIGV4_HEADERS_MAX])
{
	if (request->header_count > SW_SIGV4_HEADERS_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < request->header_count; i++) {
		uint32_t at = i;

		for (; at > 0 && strcasecmp(sorted[at - 1]->name, request->headers[i].name) > 0;
			at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &request->headers[i];
	}
	return 0;
}

static bool is_same_name(const struct sw_sigv4_header *const *sorted, uint32_t i)
{
	return i > 0 && strcasecmp(sorted[i]->name, sorted[i - 1]->name) == 0;
}

static void put_headers(
	struct sink *sink, const struct sw_sigv4_header *const *sorted, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (is_same_name(sorted, i)) {
			put(sink, ",", 1);
		} else {
			put(sink, "\n", i > 0);
			put_lower(sink, sorted[i]->name);
			put(sink, ":", 1);
		}
		put_value(sink, sorted[i]->value);
	}
	put(sink, "\n\n", count > 0 ? 2 : 1);
	for (uint32_t i = 0; i < count; i++) {
		if (is_same_name(sorted, i))
			continue;
		put(sink, ";", i > 0);
		put_lower(sink, sorted[i]->name);
	}
}

/* ---- Signature ---- */

static void put_request(struct sink *sink, const struct sw_sigv4_request *request,
	const struct sw_sigv4_header *const *sorted)
{
	const size_t path_bytes = strcspn(request->target, "?");
	const char *query = request->target + path_bytes;
	char body_hex[SW_SIGV4_SIGNATURE_BYTES];
	unsigned char body_hash[32];

	put_text(sink, request->method);
	put(sink, "\n", 1);
	put_path(sink, request->target, path_bytes);
	put(sink, "\n", 1);
	put_query(sink, query + (*query == '?'));
	put(sink, "\n", 1);
	put_headers(sink, sorted, request->header_count);
	put(sink, "\n", 1);
	if (!SHA256(request->body, request->body_bytes, body_hash))
		sink->rc = -EIO;
	to_hex(body_hash, body_hex);
	put_text(sink, body_hex);
}

static int hash_request(const struct sw_sigv4_request *request, char hex[SW_SIGV4_SIGNATURE_BYTES])
{
	const struct sw_sigv4_header *sorted[SW_SIGV4_HEADERS_MAX];
	struct sink sink = { EVP_MD_CTX_new(), sort_headers(request, sorted) };
	unsigned char hash[32];

	if (!sink.context)
		return -ENOMEM;
	if (strlen(request->target) > SW_SIGV4_TARGET_MAX)
		sink.rc = -E2BIG;
	if (!sink.rc && EVP_DigestInit_ex(sink.context, EVP_sha256(), NULL) != 1)
		sink.rc = -EIO;
	if (!sink.rc)
		put_request(&sink, request, sorted);
	if (!sink.rc && EVP_DigestFinal_ex(sink.context, hash, NULL) != 1)
		sink.rc = -EIO;
	EVP_MD_CTX_free(sink.context);
	if (!sink.rc)
		to_hex(hash, hex);
	return sink.rc;
}

int sw_sigv4_signature(const struct sw_sigv4_key *key, const struct sw_sigv4_request *request,
	const char *time, char signature[SW_SIGV4_SIGNATURE_BYTES])
{
	char hex[SW_SIGV4_SIGNATURE_BYTES], text[320];
	unsigned char hash[32];
	int rc = hash_request(request, hex);

	if (rc)
		return rc;
	snprintf(text, sizeof(text), ALGORITHM "\n%.16s\n%s/%s/%s/aws4_request\n%s", time,
		key->date, key->region, key->service, hex);
	rc = hmac(key->bytes, sizeof(key->bytes), text, hash);
	if (!rc)
		to_hex(hash, signature);
	return rc;
}

/* Appends to a text that has a terminator; false: it does not fit. */
static bool append(char *text, size_t text_bytes, size_t *used, const char *more)
{
	const size_t bytes = strlen(more);

	if (*used + bytes >= text_bytes)
		return false;
	memcpy(text + *used, more, bytes + 1);
	*used += bytes;
	return true;
}

static bool append_names(
	const struct sw_sigv4_request *request, char *text, size_t text_bytes, size_t *used)
{
	const struct sw_sigv4_header *sorted[SW_SIGV4_HEADERS_MAX];
	size_t first;
	bool fits = sort_headers(request, sorted) == 0;

	for (uint32_t i = 0; fits && i < request->header_count; i++) {
		if (is_same_name(sorted, i))
			continue;
		fits = i == 0 || append(text, text_bytes, used, ";");
		first = *used;
		fits = fits && append(text, text_bytes, used, sorted[i]->name);
		for (size_t at = first; at < *used; at++)
			text[at] = (char)tolower((unsigned char)text[at]);
	}
	return fits;
}

int sw_sigv4_authorization(const struct sw_sigv4_key *key, const char *access_key,
	const struct sw_sigv4_request *request, const char *time, char *text, size_t text_bytes)
{
	char signature[SW_SIGV4_SIGNATURE_BYTES];
	size_t used;
	int rc = sw_sigv4_signature(key, request, time, signature);

	if (rc)
		return rc;
	used = (size_t)snprintf(text, text_bytes,
		ALGORITHM " Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=", access_key,
		key->date, key->region, key->service);
	if (used >= text_bytes || !append_names(request, text, text_bytes, &used) ||
		!append(text, text_bytes, &used, ", Signature=") ||
		!append(text, text_bytes, &used, signature))
		return -ENOSPC;
	return 0;
}

/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/http_event.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nghttp2/nghttp2.h>

#include "burst/base64.h"
#include "tools/functions/c/envelope.h"

#define ANSWER_HEADERS_MAX 32

/* --- paths --- */

static enum ll_kind kind_of(const char *path)
{
	if (strncmp(path, "/url/", 5) == 0)
		return LL_URL;
	return strncmp(path, "/api/", 5) == 0 ? LL_GATEWAY : LL_INVOKE;
}

bool ll_http_path_is(const char *path)
{
	return kind_of(path) != LL_INVOKE;
}

bool ll_http_path_parse(struct ll_http_path *parsed, const char *path)
{
	const char *name = path + strlen("/url/"), *rest, *query;
	size_t bytes;

	parsed->kind = kind_of(path);
	if (parsed->kind == LL_INVOKE)
		return false;
	bytes = strcspn(name, "/?");
	if (bytes == 0 || bytes >= sizeof(parsed->function))
		return false;
	memcpy(parsed->function, name, bytes);
	parsed->function[bytes] = '\0';
	rest = parsed->kind == LL_URL ? name + bytes : name - 1;
	query = strchr(rest, '?');
	snprintf(parsed->path, sizeof(parsed->path), "%s%.*s", rest[0] == '/' ? "" : "/",
		(int)strcspn(rest, "?"), rest);
	parsed->query = query ? query + 1 : "";
	return true;
}

/* --- events --- */

/* Text that need not be any. */
static json_t *text_of(const char *bytes, size_t size)
{
	json_t *text = json_stringn(bytes, size);

	return text ? text : json_string("?");
}

static void put_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, text_of(text, strlen(text)));
}

/* One that came twice is one with a comma in it. */
static void put_header(json_t *headers, const char *name, const char *value)
{
	const char *before = json_string_value(json_object_get(headers, name));
	char *both = NULL;

	if (before && asprintf(&both, "%s,%s", before, value) < 0)
		both = NULL;
	put_text(headers, name, both ? both : value);
	free(both);
}

static json_t *headers_of(const struct ll_http_request *request)
{
	json_t *headers = json_object();
	const char *end = request->headers->data + request->headers->size;

	for (const char *name = request->headers->data; name < end;) {
		const char *value = name + strlen(name) + 1;

		put_header(headers, name, value);
		name = value + strlen(value) + 1;
	}
	if (request->authority[0])
		put_text(headers, "host", request->authority);
	put_text(headers, "x-forwarded-for", request->source_ip);
	put_text(headers, "x-forwarded-proto", "https");
	return headers;
}

static json_t *context_of(const struct ll_http_request *request, const char *id, json_t *headers)
{
	const bool is_gateway = request->path->kind == LL_GATEWAY;
	const char *agent = json_string_value(json_object_get(headers, "user-agent"));
	json_t *context = json_object(), *http = json_object();
	struct timespec now;
	struct tm parts;
	char text[64];

	put_text(http, "method", request->method);
	put_text(http, "path", request->path->path);
	put_text(http, "protocol", "HTTP/1.1");
	put_text(http, "sourceIp", request->source_ip);
	put_text(http, "userAgent", agent ? agent : "");
	put_text(context, "accountId", is_gateway ? "000000000000" : "anonymous");
	put_text(context, "apiId", is_gateway ? "local" : request->path->function);
	put_text(context, "domainName", request->authority);
	put_text(context, "domainPrefix", is_gateway ? "local" : request->path->function);
	json_object_set_new(context, "http", http);
	put_text(context, "requestId", id);
	put_text(context, "routeKey", "$default");
	put_text(context, "stage", "$default");
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S +0000", &parts);
	put_text(context, "time", text);
	json_object_set_new(context, "timeEpoch",
		json_integer((json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000));
	return context;
}

/* All but the body. */
static char *dump_head(const struct ll_http_request *request, const char *id)
{
	json_t *event = json_object(), *headers = headers_of(request);
	char *text;

	put_text(event, "version", "2.0");
	put_text(event, "routeKey", "$default");
	put_text(event, "rawPath", request->path->path);
	put_text(event, "rawQueryString", request->path->query);
	json_object_set(event, "headers", headers);
	json_object_set_new(event, "requestContext", context_of(request, id, headers));
	text = json_dumps(event, JSON_COMPACT);
	json_decref(headers);
	json_decref(event);
	return text;
}

static bool ends_with(const char *text, size_t size, const char *end)
{
	const size_t bytes = strlen(end);

	return size >= bytes && strncasecmp(text + size - bytes, end, bytes) == 0;
}

/* What comes as text is handed on as text, everything else as Base64. */
static bool is_text(const struct ll_bytes *headers)
{
	static const char *const types[] = { "application/json", "application/javascript",
		"application/xml" };
	const char *end = headers->data + headers->size, *type = "";
	size_t size;

	for (const char *name = headers->data; name < end;) {
		const char *value = name + strlen(name) + 1;

		if (strcmp(name, "content-type") == 0)
			type = value;
		name = value + strlen(value) + 1;
	}
	size = strcspn(type, "; ");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (size == strlen(types[i]) && strncasecmp(type, types[i], size) == 0)
			return true;
	}
	return strncasecmp(type, "text/", 5) == 0 || ends_with(type, size, "+json") ||
	       ends_with(type, size, "+xml");
}

/* -EINVAL: it is no text. */
static int append_text(struct ll_bytes *event, const struct ll_bytes *body)
{
	json_t *text = json_stringn(body->data, body->size);
	char *quoted = text ? json_dumps(text, JSON_ENCODE_ANY) : NULL;
	int ret = -EINVAL;

	if (quoted)
		ret = ll_bytes_append(event, ",\"body\":", 8);
	if (!ret)
		ret = ll_bytes_append(event, quoted, strlen(quoted));
	free(quoted);
	json_decref(text);
	return ret;
}

static int append_digits(struct ll_bytes *event, const struct ll_bytes *body)
{
	int ret = ll_bytes_append(event, ",\"body\":\"", 9);

	if (!ret)
		ret = ll_bytes_reserve(event, sw_base64_bytes(body->size) + 1);
	if (ret)
		return ret;
	event->size += sw_base64_encode(body->data, body->size, event->data + event->size);
	return ll_bytes_append(event, "\"", 1);
}

int ll_http_event(struct ll_bytes *event, const struct ll_http_request *request, const char *id)
{
	char *head = dump_head(request, id);
	const bool digits = request->body->size > 0 && !is_text(request->headers);
	int ret;

	if (!head)
		return -ENOMEM;
	ret = ll_bytes_append(event, head, strlen(head) - 1);
	free(head);
	if (!ret && request->body->size > 0)
		ret = digits ? append_digits(event, request->body)
			     : append_text(event, request->body);
	return ret ? ret
		   : ll_bytes_format(event, ",\"isBase64Encoded\":%s}", digits ? "true" : "false");
}

/* --- answers --- */

/* What HTTP/2 says by other means, or not at all. */
static bool is_dropped(const char *name)
{
	static const char *const names[] = { "connection", "content-length", "keep-alive",
		"proxy-connection", "transfer-encoding", "upgrade" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* To be freed. */
static char *text_of_header(const json_t *value)
{
	char *text;

	if (json_is_string(value))
		return strdup(json_string_value(value));
	if (!json_is_number(value))
		return json_dumps(value, JSON_ENCODE_ANY);
	return asprintf(&text, "%.17g", json_number_value(value)) < 0 ? NULL : text;
}

static int append_header(struct ll_bytes *headers, const char *name, const json_t *value)
{
	const size_t at = headers->size, name_bytes = strlen(name);
	char *text = text_of_header(value);
	int ret = -EINVAL;

	if (!text)
		return -ENOMEM;
	if (nghttp2_check_header_value((const uint8_t *)text, strlen(text)))
		ret = ll_bytes_append(headers, name, name_bytes + 1);
	for (size_t i = 0; !ret && i < name_bytes; i++)
		headers->data[at + i] = (char)tolower((unsigned char)headers->data[at + i]);
	if (!ret && !nghttp2_check_header_name((const uint8_t *)headers->data + at, name_bytes))
		ret = -EINVAL;
	if (!ret && is_dropped(headers->data + at))
		headers->size = at;
	else if (!ret)
		ret = ll_bytes_append(headers, text, strlen(text) + 1);
	free(text);
	return ret;
}

static int take_headers(const json_t *answer, struct ll_bytes *headers)
{
	json_t *given = json_object_get(answer, "headers");
	const char *name;
	json_t *value;
	int ret = 0;

	if (given && !json_is_object(given) && !json_is_null(given))
		return -EINVAL;
	if (json_object_size(given) > ANSWER_HEADERS_MAX)
		return -EINVAL;
	json_object_foreach(given, name, value)
	{
		ret = append_header(headers, name, value);
		if (ret)
			return ret;
	}
	return 0;
}

/* The answer's tree. A body that is nothing but Base64 is left out of it: it is most of the
 * answer, and is told by digits. */
static json_t *parse(const struct ll_bytes *answer, const char **digits, size_t *count)
{
	struct ll_bytes rest = { 0 };
	json_t *tree = NULL;

	*digits = NULL;
	if (sw_envelope_string(answer->data, answer->size, "body", digits, count) &&
		ll_bytes_append(&rest, answer->data, (size_t)(*digits - answer->data)) == 0 &&
		ll_bytes_append(&rest, *digits + *count,
			answer->size - (size_t)(*digits + *count - answer->data)) == 0)
		tree = json_loadb(rest.data, rest.size, JSON_ALLOW_NUL, NULL);
	ll_bytes_free(&rest);
	if (json_is_true(json_object_get(tree, "isBase64Encoded")))
		return tree;
	json_decref(tree);
	*digits = NULL;
	return json_loadb(answer->data, answer->size,
		JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

/* Puts the body in the answer's place. */
static int take_body(struct ll_bytes *answer, const json_t *tree, const char *digits, size_t count)
{
	const json_t *body = json_object_get(tree, "body");
	ptrdiff_t bytes;

	if (digits) {
		bytes = sw_base64_decode(digits, count, answer->data);
		answer->size = bytes < 0 ? 0 : (size_t)bytes;
		return bytes < 0 ? -EINVAL : 0;
	}
	answer->size = 0;
	if (body && !json_is_string(body) && !json_is_null(body))
		return -EINVAL;
	return ll_bytes_append(answer, json_string_value(body), json_string_length(body));
}

int ll_http_answer(struct ll_bytes *answer, int *status, struct ll_bytes *headers)
{
	const char *digits;
	size_t count;
	json_t *tree = parse(answer, &digits, &count);
	const json_t *code = json_object_get(tree, "statusCode");
	int ret;

	*status = 200;
	if (!tree)
		return -EINVAL;
	if (!code) {
		/* All of it is the body. */
		json_decref(tree);
		return 0;
	}
	*status = (int)json_number_value(code);
	ret = json_is_number(code) && *status >= 200 && *status <= 599 ? 0 : -EINVAL;
	if (!ret)
		ret = take_headers(tree, headers);
	if (!ret)
		ret = take_body(answer, tree, digits, count);
	json_decref(tree);
	return ret;
}

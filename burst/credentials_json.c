/* SPDX-License-Identifier: MIT */
/*
 * Credentials as endpoints give them: one JSON object of texts. Read in place, without a library
 * that would leave copies of secrets in freed memory.
 */
#include "burst/credentials_private.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "burst/secret.h"

struct cursor {
	const char *at;
	bool broken;
};

static char peek(struct cursor *cursor)
{
	while (*cursor->at == ' ' || *cursor->at == '\t' || *cursor->at == '\r' ||
		*cursor->at == '\n')
		cursor->at++;
	return *cursor->at;
}

static bool take(struct cursor *cursor, char c)
{
	if (peek(cursor) != c)
		return false;
	cursor->at++;
	return true;
}

/* What stands behind a backslash; 0: nothing that a key may need. */
static char unescape(char c)
{
	return c == '"' || c == '\\' || c == '/' ? c : '\0';
}

/* A text, with its terminator; too long or too strange for `to`: broken. to null: is skipped. */
static void take_text(struct cursor *cursor, char *to, size_t to_bytes)
{
	size_t used = 0;

	cursor->broken = cursor->broken || !take(cursor, '"');
	while (!cursor->broken && *cursor->at != '"') {
		char c = *cursor->at++;

		if (c == '\\') {
			c = unescape(*cursor->at);
			/* In what is skipped, anything may be escaped. */
			cursor->broken = *cursor->at == '\0' || (to && c == '\0');
			cursor->at += !cursor->broken;
		} else if ((unsigned char)c < 0x20) {
			cursor->broken = true;
		}
		if (to && used + 1 >= to_bytes)
			cursor->broken = true;
		if (to && !cursor->broken)
			to[used++] = c;
	}
	if (cursor->broken)
		return;
	cursor->at++;
	if (to)
		to[used] = '\0';
}

/* Where the value of this name goes. */
static const struct target {
	const char *name;
	size_t offset, bytes;
} targets[] = {
	{ "AccessKeyId", offsetof(struct sw_keys, access_key), SW_ACCESS_KEY_BYTES },
	{ "SecretAccessKey", offsetof(struct sw_keys, secret_key), SW_SECRET_KEY_BYTES },
	{ "Token", offsetof(struct sw_keys, session_token), SW_SESSION_TOKEN_BYTES },
};

static void take_value(
	struct cursor *cursor, const char *name, struct sw_keys *keys, char expiration[32])
{
	if (peek(cursor) != '"') {
		/* A number or a word. Nothing in it is wanted; objects and lists are not known. */
		const size_t bytes = strcspn(cursor->at, ",}[{\"");

		cursor->at += bytes;
		cursor->broken = cursor->broken || bytes == 0;
		return;
	}
	if (strcmp(name, "Expiration") == 0) {
		take_text(cursor, expiration, 32);
		return;
	}
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (strcmp(name, targets[i].name) == 0) {
			take_text(cursor, (char *)keys + targets[i].offset, targets[i].bytes);
			return;
		}
	}
	take_text(cursor, NULL, 0);
}

static bool is_key(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

int credentials_json_read(const char *body, struct sw_keys *keys, struct sw_error *error)
{
	struct cursor cursor = { .at = body };
	char name[64], expiration[32] = "";

	explicit_bzero(keys, sizeof(*keys));
	cursor.broken = !take(&cursor, '{');
	while (!cursor.broken) {
		take_text(&cursor, name, sizeof(name));
		cursor.broken = cursor.broken || !take(&cursor, ':');
		if (!cursor.broken)
			take_value(&cursor, name, keys, expiration);
		if (cursor.broken || !take(&cursor, ','))
			break;
	}
	if (cursor.broken || !take(&cursor, '}') || peek(&cursor) != '\0')
		return sw_error_set(error, -EBADMSG, "its answer is no JSON object of texts");
	if (!keys->access_key[0] || !keys->secret_key[0])
		return sw_error_set(
			error, -EBADMSG, "its answer has no AccessKeyId or no SecretAccessKey");
	if (!is_key(keys->access_key) || !is_key(keys->secret_key) || !is_key(keys->session_token))
		return sw_error_set(error, -EBADMSG, "its answer has characters that no key has");
	if (!expiration[0])
		return 0;
	keys->expires_s = credentials_time(expiration);
	if (keys->expires_s < 0)
		return sw_error_set(error, -EBADMSG, "its answer's Expiration is not a time");
	return 0;
}

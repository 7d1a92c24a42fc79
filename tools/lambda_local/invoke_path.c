/* SPDX-License-Identifier: MIT */
#include "tools/lambda_local/invoke_path.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes percent-encoding. False: it does not fit, is malformed, or has a character that no name
 * has. */
static bool unescape(char *to, size_t capacity, const char *from, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		char c = from[i];

		if (c == '%') {
			int high = i + 2 < size ? hex_digit(from[i + 1]) : -1;
			int low = i + 2 < size ? hex_digit(from[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (!isalnum((unsigned char)c) && !(c && strchr("-_$:.", c)))
			return false;
		if (used + 1 == capacity)
			return false;
		to[used++] = c;
	}
	to[used] = '\0';
	return true;
}

static bool parse_query(struct ll_invoke_path *parsed, const char *query)
{
	static const char key[] = "Qualifier=";

	while (*query) {
		size_t size = strcspn(query, "&");

		if (strncmp(query, key, sizeof(key) - 1) == 0 &&
			!unescape(parsed->qualifier, sizeof(parsed->qualifier),
				query + sizeof(key) - 1, size - (sizeof(key) - 1)))
			return false;
		query += size;
		query += *query == '&';
	}
	return true;
}

enum ll_path ll_invoke_path_parse(struct ll_invoke_path *parsed, const char *path)
{
	static const char head[] = "/2015-03-31/functions/", tail[] = "/invocations";
	static const char part[] = "function:";
	const char *name = path + sizeof(head) - 1;
	size_t size;
	char full[256], *start, *colon;

	memset(parsed, 0, sizeof(*parsed));
	if (strncmp(path, head, sizeof(head) - 1) != 0)
		return LL_PATH_UNKNOWN;
	size = strcspn(name, "/?");
	path = name + size;
	if (size == 0 || strncmp(path, tail, sizeof(tail) - 1) != 0)
		return LL_PATH_UNKNOWN;
	path += sizeof(tail) - 1;
	if (*path != '\0' && *path != '?')
		return LL_PATH_UNKNOWN;
	if (!unescape(full, sizeof(full), name, size))
		return LL_PATH_BAD_NAME;
	start = strstr(full, part);
	start = start ? start + sizeof(part) - 1 : full;
	colon = strchr(start, ':');
	if (colon) {
		*colon++ = '\0';
		if (strlen(colon) >= sizeof(parsed->qualifier))
			return LL_PATH_BAD_NAME;
		strcpy(parsed->qualifier, colon);
	}
	if (strlen(start) >= sizeof(parsed->function))
		return LL_PATH_BAD_NAME;
	strcpy(parsed->function, start);
	if (*path == '?' && !parse_query(parsed, path + 1))
		return LL_PATH_BAD_NAME;
	return LL_PATH_INVOKE;
}

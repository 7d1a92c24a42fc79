/* SPDX-License-Identifier: MIT */
#include "tools/functions/c/envelope.h"

#include <string.h>

/* Index of the quote that ends the string whose first character is json[start]; size: none. */
static size_t string_end(const char *json, size_t size, size_t start)
{
	size_t at = start;

	while (at < size) {
		const char *quote = memchr(json + at, '"', size - at);
		size_t end, slashes = 0;

		if (!quote)
			break;
		end = (size_t)(quote - json);
		while (end - slashes > start && json[end - slashes - 1] == '\\')
			slashes++;
		if (slashes % 2 == 0)
			return end;
		at = end + 1;
	}
	return size;
}

static size_t skip_space(const char *json, size_t size, size_t at)
{
	while (at < size &&
		(json[at] == ' ' || json[at] == '\t' || json[at] == '\n' || json[at] == '\r'))
		at++;
	return at;
}

/* Index of the first character of the string that follows a key ending at `at`; size: none does. */
static size_t value_start(const char *json, size_t size, size_t at)
{
	at = skip_space(json, size, at + 1);
	if (at >= size || json[at] != ':')
		return size;
	at = skip_space(json, size, at + 1);
	if (at >= size || json[at] != '"')
		return size;
	return at + 1;
}

bool sw_envelope_frame(const char *json, size_t size, const char **frame, size_t *frame_size)
{
	static const char key[] = "frame";
	size_t depth = 0;

	for (size_t at = 0; at < size; at++) {
		size_t start, end;

		if (json[at] == '{' || json[at] == '[')
			depth++;
		if (json[at] == '}' || json[at] == ']')
			depth--;
		if (json[at] != '"')
			continue;
		start = at + 1;
		end = string_end(json, size, start);
		if (depth == 1 && end < size && end - start == sizeof(key) - 1 &&
			memcmp(json + start, key, sizeof(key) - 1) == 0) {
			start = value_start(json, size, end);
			if (start < size) {
				end = string_end(json, size, start);
				*frame = json + start;
				*frame_size = end - start;
				return end < size;
			}
		}
		at = end;
	}
	return false;
}

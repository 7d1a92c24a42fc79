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

/* Index of the first character of the named member's value; size: there is no such member. */
static size_t find_value(const char *json, size_t size, const char *name)
{
	const size_t name_size = strlen(name);
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
		at = end;
		if (depth != 1 || end >= size || end - start != name_size ||
			memcmp(json + start, name, name_size) != 0)
			continue;
		/* A string of that text may also be a value. */
		start = skip_space(json, size, end + 1);
		if (start < size && json[start] == ':')
			return skip_space(json, size, start + 1);
	}
	return size;
}

bool sw_envelope_string(
	const char *json, size_t size, const char *name, const char **text, size_t *text_size)
{
	size_t start = find_value(json, size, name), end;

	if (start >= size || json[start] != '"')
		return false;
	end = string_end(json, size, ++start);
	*text = json + start;
	*text_size = end - start;
	return end < size;
}

bool sw_envelope_true(const char *json, size_t size, const char *name)
{
	const size_t start = find_value(json, size, name);

	return size - start >= 4 && memcmp(json + start, "true", 4) == 0;
}

bool sw_envelope_frame(const char *json, size_t size, const char **frame, size_t *frame_size)
{
	return sw_envelope_string(json, size, "frame", frame, frame_size);
}

bool sw_envelope_is_http(const char *json, size_t size)
{
	const char *version;
	size_t version_size;

	return sw_envelope_string(json, size, "version", &version, &version_size) &&
	       version_size == 3 && memcmp(version, "2.0", 3) == 0;
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_FUNCTIONS_ENVELOPE_H
#define SW_FUNCTIONS_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

/* Members of the outermost object of a JSON text, which needs no zero at its end and may be
 * anything. What is found is borrowed from it. */

/*
 * The string value of the first member of that name, not unescaped (Base64 has nothing to escape);
 * false when there is no such value.
 */
bool sw_envelope_string(
	const char *json, size_t size, const char *name, const char **text, size_t *text_size);

/* Whether the first member of that name is true. */
bool sw_envelope_true(const char *json, size_t size, const char *name);

/* The Base64 of {"frame":"BASE64"}. */
bool sw_envelope_frame(const char *json, size_t size, const char **frame, size_t *frame_size);

/* Whether it is an event of a Function URL or an HTTP API (format 2.0). */
bool sw_envelope_is_http(const char *json, size_t size);

#endif

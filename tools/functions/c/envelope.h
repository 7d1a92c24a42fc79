/* SPDX-License-Identifier: MIT */
#ifndef SW_FUNCTIONS_ENVELOPE_H
#define SW_FUNCTIONS_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the string value of "frame" in the outermost object of a JSON text, as in
 * {"frame":"BASE64"}. *frame is borrowed from json and not unescaped (base64 has nothing to
 * escape). The text needs no zero at its end and may be anything; false when there is no such
 * value.
 */
bool sw_envelope_frame(const char *json, size_t size, const char **frame, size_t *frame_size);

#endif

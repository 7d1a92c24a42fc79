/* SPDX-License-Identifier: MIT */
#ifndef SW_FUNCTIONS_DIALBACK_H
#define SW_FUNCTIONS_DIALBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/functions/c/handler.h"

/*
 * The function's side of dial-back: an event that invites it to connect to the runtime, and the
 * work that it gets there until it has to leave. What goes over the wire stands in
 * burst/README.md. One thread.
 */

#define DIALBACK_ANSWER_BYTES 512

/* The event is an invitation, well made or not. */
bool dialback_invited(const char *json, size_t bytes);

/*
 * Does what the invitation says. deadline_ms: since 1970, when this invocation ends; 0: unknown.
 * Writes a summary, or with -errno an error, as JSON of *answer_bytes.
 */
SW_MUST_CHECK int dialback_serve(struct handler *handler, const char *json, size_t bytes,
	uint64_t deadline_ms, char answer[DIALBACK_ANSWER_BYTES], size_t *answer_bytes);

#endif

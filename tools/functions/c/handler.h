/* SPDX-License-Identifier: MIT */
#ifndef SW_FUNCTIONS_HANDLER_H
#define SW_FUNCTIONS_HANDLER_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"
#include "runtime/kernel.h"

/*
 * What the function does with an event: {"frame": "BASE64"} in, the kernel's answer as
 * {"frame": "BASE64"} out; or a caller's HTTP request (format 2.0) in, with the frame for its body,
 * and the HTTP answer out. Buffers, batches and scratch are kept between events. One thread.
 */

struct handler;

/* find gives a kernel by name, or null. Null: no memory. */
struct handler *handler_create(const struct sw_kernel *(*find)(const char *name));
void handler_destroy(struct handler *handler);

/* The service's time limit for what is run from now on, in ms since 1970; 0, as at first: none. */
void handler_limit(struct handler *handler, uint64_t deadline_ms);

/*
 * 0: *answer (borrowed until the next call) is the answer's JSON. -errno: *answer is the JSON of
 * the error, to be handed in as such; a caller by HTTP gets it by an answer instead. Sleeps as long
 * as the frame's simulated cost says; -ETIME where that, or all of it, takes longer than the caller
 * or the service waits.
 */
SW_MUST_CHECK int handler_run(struct handler *handler, const char *payload, size_t payload_bytes,
	const char **answer, size_t *answer_bytes);
/* The same for a bare frame: a good answer is one, too. The frame is not the handler's. */
SW_MUST_CHECK int handler_run_frame(struct handler *handler, const char *frame, size_t frame_bytes,
	const char **answer, size_t *answer_bytes);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_DIAL_HALL_H
#define SW_TESTS_BURST_DIAL_HALL_H

#include <stdatomic.h>

#include "burst/burst_private.h"

/*
 * A transport for dial-back to wrap: what is invited gets a thread, which does what a function
 * would do, or something else; what is invoked is answered at once.
 */

struct hall {
	const struct sw_kernel *(*find)(const char *name);
	/* The number-th to be invited; on a thread of its own. 0: it ended well. */
	int (*visit)(struct hall *hall, const char *body, size_t bytes, uint32_t number);
	_Atomic uint64_t *clock_ns; /* null: the real one */
	uint32_t invoke_us;         /* that each invocation takes, beside its work */

	_Atomic uint32_t invited, invoked, at_once, at_once_most;
};

/* What burst_create_with wants; the hall outlives the burst. */
struct transport_source hall_source(struct hall *hall);

/* The kernels of the graphs in tests/runtime/graph_fixture.h. */
const struct sw_kernel *hall_find(const char *name);

/* A visit by the function in C, as it is. */
int hall_visit(struct hall *hall, const char *body, size_t bytes);

#endif

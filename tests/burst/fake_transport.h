/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_FAKE_TRANSPORT_H
#define SW_TESTS_BURST_FAKE_TRANSPORT_H

#include <stdatomic.h>

#include "burst/burst_private.h"

/*
 * Functions without a network: an exchange runs the kernel when it is submitted and comes back
 * later, or comes back as the fault that a seeded choice makes of it. What is asked by a frame as
 * it is is answered so, else by JSON. Runs on the burst's I/O thread.
 */

enum fake_fault {
	FAKE_NONE,
	FAKE_ERROR,    /* the function fails */
	FAKE_TIMEOUT,  /* no answer; the function ran */
	FAKE_RESET,    /* the connection breaks; the function ran */
	FAKE_TRUNCATE, /* half of the answer, as if it were whole */
	FAKE_CORRUPT,  /* a bit of the frame is wrong */
	FAKE_GARBAGE,  /* an answer that is none */
	FAKE_THROTTLE, /* 429 */
	FAKE_OTHER,    /* the answer to another request */
	FAKE_SLOW,     /* a good answer, much later */
	FAKE_REFUSE,   /* no connection */
	FAKE_SILENCE,  /* it did not run, and nothing is heard until the deadline */
	FAKE_FAULTS,
};

struct fake_options {
	const struct sw_kernel *const *kernels; /* ended by null */
	uint32_t shares[FAKE_SILENCE];          /* per thousand requests */
	uint32_t latency_us, slow_us;
	uint32_t row_us;      /* more for each row */
	uint32_t function_us; /* as billed; 0: 100 */
	bool cost_untold;     /* no word of what is billed */
	uint32_t concurrency; /* more at once are throttled; 0: no limit */
	uint64_t seed;
	_Atomic int dead;   /* every request is refused while it is set */
	_Atomic int silent; /* nothing is answered while it is set, and nothing runs */
	bool wrong_certificate;
	/* Of a good answer's body, by blanks behind the JSON, where it has fewer; what is beyond
	 * the exchange's answer_max is cut, as by the client. 0: as it is. */
	size_t answer_bytes;
	/* The time, ns, as the test sets it between turns of the I/O thread's loop, and nothing
	 * waits; null: the real one. */
	const uint64_t *clock;
};

struct fake_counts {
	_Atomic uint64_t requests, runs, warm_ups, empty, faults[FAKE_FAULTS];
	_Atomic uint64_t flying_most; /* requests at once */
	/* warm_ups: connections tried; empty: requests without rows, among the others */
};

struct fake {
	struct fake_options options;
	struct fake_counts counts;
};

/* What burst_create_with wants; the fake outlives the burst. */
struct transport_source fake_source(struct fake *fake);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_TRANSPORT_H
#define SW_BURST_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "burst/burst.h"
#include "runtime/api.h"

/*
 * How invocations get to functions and answers back; a table, so that tests can put a fake in.
 * Private to burst. All calls on the I/O thread, but wakeup.
 */

enum sw_outcome {
	SW_OUTCOME_ANSWER,    /* a whole body came back */
	SW_OUTCOME_NOT_RUN,   /* surely not run: no connection, no environment */
	SW_OUTCOME_THROTTLED, /* surely not run: too many at once */
	SW_OUTCOME_FUNCTION,  /* ran, and failed */
	SW_OUTCOME_TIMEOUT,   /* unknown: no answer within the deadline */
	SW_OUTCOME_BROKEN,    /* unknown: reset, truncated, a server's error */
	SW_OUTCOME_PERMANENT, /* will fail again: wrong certificate, no such function, no HTTP/2 */
	SW_OUTCOMES,
};

/* One request and what came of it. The I/O thread owns it; the transport borrows it from submit
 * until it is returned by next, or cancelled. */
struct sw_exchange {
	/* Set before submit; body lives as long as the exchange is in flight. */
	const char *body;
	size_t body_bytes;
	uint32_t deadline_ms;
	bool warm_up; /* no invocation: opens a connection, any answer will do */
	bool bare;    /* by dial-back, no invocation: the body is a frame, and so is the answer */

	/* The answer's body; a buffer that the transport grows up to answer_max and reuses. Freed
	 * by the I/O thread. */
	char *answer;
	size_t answer_bytes, answer_capacity, answer_max;

	/* Set by the transport. */
	enum sw_outcome outcome;
	bool cut;                /* the body is longer than is taken; it is not whole */
	uint64_t retry_after_ms; /* not again before, as told with a failure; 0: not told */
	uint64_t sent_ns;        /* first byte handed over; 0: none was */
	uint64_t function_us;    /* billed, as told; 0: not told */
	bool cold;               /* as told */
	char detail[160];        /* of failures, for people */

	void *handle; /* the transport's own */
};

struct sw_transport;

struct sw_transport_ops {
	/* Takes the exchange on its way. 0, or -errno: it was not taken. */
	int (*submit)(struct sw_transport *transport, struct sw_exchange *exchange);
	/* Ends an exchange that next has not returned; it will not be. */
	void (*cancel)(struct sw_transport *transport, struct sw_exchange *exchange);
	/* Moves bytes; waits up to timeout_ms for something to do. */
	void (*poll)(struct sw_transport *transport, uint32_t timeout_ms);
	/* The next exchange that has ended; null: none. */
	struct sw_exchange *(*next)(struct sw_transport *transport);
	/* Any thread: ends a poll, or the next one at once. */
	void (*wakeup)(struct sw_transport *transport);
	/* Optional: polls end when this descriptor can be read, too. */
	void (*watch)(struct sw_transport *transport, int fd);
	/* The clock that deadlines and back-off go by, ns. */
	uint64_t (*now_ns)(struct sw_transport *transport);
	void (*close)(struct sw_transport *transport);
};

struct dialback;

struct sw_transport {
	const struct sw_transport_ops *ops;
	struct dialback *dialback; /* null: functions do not dial back */
};

/* What the libcurl client needs; strings are copied. */
struct sw_client_options {
	const char *endpoint, *ca_file;
	const char *function; /* of no use for SW_BURST_CONTRACT_HTTP */
	enum sw_burst_contract contract;
	const char *region; /* null: by the host, or the environment */
	enum sw_burst_sign sign;
	uint32_t max_inflight;
	void (*log)(
		void *context, const char *text); /* on threads of the client's; null: dropped */
	void *log_context;
};

/* Opens no connection yet. 0 or -errno with the error set. */
SW_MUST_CHECK int sw_client_open(const struct sw_client_options *options,
	struct sw_transport **transport, struct sw_error *error);

#endif

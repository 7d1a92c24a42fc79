/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_DIALBACK_H
#define SW_BURST_DIALBACK_H

#include "burst/transport.h"

/*
 * Dial-back: a function is invoked with an invitation, connects to us, and works through frames
 * until it has to leave. Private to burst; all calls on the I/O thread, but open and close. What
 * goes over the wire stands in burst/README.md.
 */

struct dial_counters; /* burst_private.h */

struct dialback_options {
	const char *listen;    /* HOST:PORT; port 0: any. Copied */
	const char *advertise; /* HOST:PORT that functions connect to; null: as listen. Copied */
	uint32_t connections_max;
	uint32_t life_ms; /* an invitation is good so long */
	struct dial_counters *counters;
	void (*log)(void *context, const char *text); /* null: dropped */
	void *log_context;
};

/* One invitation: an event for a function, and the secret in it, which is good for one connection.
 */
struct dial_ticket {
	const char *body; /* the event; until the ticket is void */
	size_t body_bytes;
	bool used;       /* the function has come */
	uint64_t frames; /* that it answered */
};

/*
 * Listens, and wraps `inner`, which it takes: bare exchanges go to functions that have come, all
 * others to `inner`. 0 or -errno with the error set; then `inner` is still the caller's.
 */
SW_MUST_CHECK int dialback_open(const struct dialback_options *options, struct sw_transport *inner,
	struct sw_transport **transport, struct sw_error *error);

/* A bare exchange would find a function that takes it now. */
bool dialback_has_place(const struct dialback *dialback);
/* Functions that have come, and that are to come. */
uint32_t dialback_connected(const struct dialback *dialback);
uint32_t dialback_awaited(const struct dialback *dialback);
/* How long it takes, about, until one of them has room, if none has. */
uint64_t dialback_wait_ns(const struct dialback *dialback);

/* Null: as many as connections_max are out. */
struct dial_ticket *dialback_invite(struct dialback *dialback);
/* Its invocation has ended: so does the connection that was made with it. */
void dialback_void(struct dialback *dialback, struct dial_ticket *ticket);
/* Lets all go that have come, and whoever is still to come. */
void dialback_dismiss(struct dialback *dialback);

#endif

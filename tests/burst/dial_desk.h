/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_DIAL_DESK_H
#define SW_TESTS_BURST_DIAL_DESK_H

#include <pthread.h>

#include "tests/burst/dial_guests.h"
#include "tests/burst/dial_hall.h"

/* One runtime that listens for functions, by a clock of the test's own, and one other side at a
 * time, which does what the test says on a thread of its own. */

enum { DESK_ANSWER_MAX = 1000, DESK_LIFE_MS = 60000, DESK_TURNS_MAX = 4000 };

struct desk {
	struct hall hall;
	struct dial_counters counters;
	_Atomic uint64_t clock_ns;
	struct sw_transport *transport;
	struct dialback *dialback;
	struct dial_ticket *ticket;
	struct address address;
	char log[200];

	/* The other side's thread. */
	pthread_t thread;
	void (*other)(struct desk *desk);
	int how, rc;
	size_t bytes;
	_Atomic int done;
};

void desk_open(struct desk *desk);
void desk_close(struct desk *desk);
/* A turn of the I/O thread's loop. */
void desk_turn(struct desk *desk);
void desk_pass(struct desk *desk, uint64_t ms);
/* These callers do not know a good-bye: they are cut off when the time for it is over. */
void desk_dismiss(struct desk *desk);
void desk_begin(struct desk *desk, void (*other)(struct desk *desk));
/* Until the other side has ended, and what it did at last is seen. */
void desk_finish(struct desk *desk);
void desk_wait_for(struct desk *desk, uint32_t connections);

/* An exchange of GUEST_FRAME_BYTES. */
void desk_exchange(struct sw_exchange *exchange, uint8_t *frame);
/* The next that has ended. */
struct sw_exchange *desk_next(struct desk *desk);

#endif

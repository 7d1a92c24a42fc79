/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_DIAL_GUESTS_H
#define SW_TESTS_BURST_DIAL_GUESTS_H

#include "burst/dialback_private.h"
#include "tools/functions/c/dialback_link.h"

/* Those who connect to a runtime that listens for functions: strangers of all kinds, and functions
 * that are let in and then do what they should not. Blocking, each on a thread of its own. */

enum { GUEST_FRAME_BYTES = 200, GUEST_MORE_MAX = 700 };

struct address {
	char host[32], port[8];
	uint8_t print[32], token[32];
};

enum stranger {
	NO_TLS,
	LEAVES_AT_ONCE,
	WRONG_TOKEN,
	ALMOST_THE_TOKEN,
	SHORT_HELLO,
	ENDLESS_HELLO,
	SENDS_A_FRAME,
	SAYS_GOODBYE,
	BABBLES,
	SAYS_NOTHING,
	STRANGERS,
};

enum conduct {
	ANSWERS,
	FAILS,
	ANSWERS_ANOTHER,
	FAILS_AT_ANOTHER,
	ANSWERS_TOO_MUCH,
	ANSWERS_TOO_LITTLE,
	ANSWERS_HALF,
	SAYS_HELLO_AGAIN,
	TALKS_NONSENSE,
	NEVER_ANSWERS,
	ANSWERS_AND_LEAVES,
	CONDUCTS,
};

void guest_read(const char *body, size_t bytes, struct address *address);
int guest_plain_socket(const struct address *address);
void guest_stranger(const struct address *address, enum stranger how);

/* A TLS connection, and nothing said; null: there is none. */
struct dialback_link *guest_call(const struct address *address);
/* Says a message whose head tells so many bytes in all; behind the head come GUEST_MORE_MAX at
 * most. 0 or -errno. */
int guest_say(struct dialback_link *link, uint32_t what, uint32_t bytes, const void *more,
	size_t more_bytes);
/* Null: was not let in. */
struct dialback_link *guest_come_in(const struct address *address);
/* Answers a frame, of which so many bytes count, this way or the other. 0 or -errno. */
int guest_answer(struct dialback_link *link, const uint8_t *frame, enum conduct how);
/* Until the other side ends it; closes the link. */
void guest_see_it_end(struct dialback_link *link);
/* Comes in, takes one frame and answers it. */
void guest_behave(const struct address *address, enum conduct how);

#endif

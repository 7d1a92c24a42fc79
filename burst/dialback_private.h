/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_DIALBACK_PRIVATE_H
#define SW_BURST_DIALBACK_PRIVATE_H

#include <openssl/ssl.h>

#include "burst/burst_private.h"
#include "burst/dialback.h"

/* dialback.c (the transport, time), dialback_connection.c (one connection), dialback_receive.c
 * (what comes by it), dialback_ticket.c (who may come), dialback_listen.c (address, key and
 * certificate). */

static const uint8_t dial_magic[4] = { 'S', 'P', 'L', 'D' }; /* of messages */

enum {
	DIAL_DEPTH = 2,          /* frames on their way to one function, the one in work included */
	DIAL_STRANGERS_MAX = 64, /* connections that have not said who they are */
	DIAL_HELLO_MS = 5000,    /* in which they have to */
	DIAL_IDLE_MS = 500,      /* without work a function is let go */
	DIAL_LEAVE_MS = 5000,    /* after a good-bye the connection ends */
	DIAL_SILENCE_MS = 5000,  /* a function that hears nothing so long leaves */

	DIAL_HEAD_BYTES = 12, /* magic, what it is, bytes in all: of messages and of frames */
	DIAL_KEY_AT = 12,     /* in a frame: attempt, job, seq, edge */
	DIAL_KEY_BYTES = 24,
	DIAL_TOKEN_BYTES = 32,
	DIAL_PRINT_BYTES = 32,     /* SHA-256 of the certificate */
	DIAL_MESSAGE_MAX = 640,    /* of all that is not a frame */
	DIAL_INVITATION_MAX = 768, /* the event's bytes */
	DIAL_ADDRESS_MAX = 300,
};

enum dial_message {
	DIAL_HELLO = 1, /* function: its token */
	DIAL_WELCOME,   /* runtime: frames may follow */
	DIAL_ERROR,     /* function: the key of a frame that failed, why as JSON */
	DIAL_GOODBYE,   /* either: the last thing it says, but for answers */
};

enum dial_state {
	DIAL_STRANGER,
	DIAL_WELCOMED,
	DIAL_LEAVING, /* gets no more frames */
	DIAL_DEAD,    /* closed; freed after the poll */
};

struct dial_link {
	struct dial_link *prev, *next;
};

/* A frame on its way to a function, or its answer on its way back. */
struct dial_place {
	struct sw_exchange *exchange; /* null: cancelled, the answer is dropped */
	uint8_t key[DIAL_KEY_BYTES];
	uint64_t due_ns;
};

struct ticket;

struct dial_connection {
	struct dial_link link; /* first: of the list that its state and load put it in */
	struct dialback *dialback;
	enum dial_state state;
	SSL *ssl;
	int fd;
	bool wants_write;  /* waits to be able to */
	uint64_t way_ns;   /* there and back, without anybody's work */
	uint64_t since_ns; /* accepted, or its last answer, or its good-bye */
	struct ticket *ticket;
	char peer[64];

	/* Oldest first; the first `sent` of them are wholly on their way. */
	struct dial_place places[DIAL_DEPTH];
	uint32_t place_count, sent;
	size_t sent_bytes; /* of the next one's frame */

	/* Messages of ours that wait. */
	uint8_t out[2 * DIAL_HEAD_BYTES];
	size_t out_bytes, out_at;
	bool out_begun;

	/* What comes: head or message here, a frame's rest into its exchange. */
	uint8_t in[DIAL_MESSAGE_MAX];
	size_t in_bytes, in_wanted;
	bool in_frame;
	uint32_t answering; /* index of the place */
	size_t rest;        /* bytes of the frame that are still to come */
};

struct ticket {
	struct dial_ticket base; /* first */
	bool out, open;          /* handed out; its token is still good */
	uint64_t until_ns;
	struct dial_connection *connection;
	struct ticket *next; /* of the free ones */
	uint8_t token[DIAL_TOKEN_BYTES];
	char body[DIAL_INVITATION_MAX];
};

struct dialback {
	struct sw_transport base;
	struct sw_transport *inner;
	struct dial_counters *counters;
	void (*log)(void *context, const char *text);
	void *log_context;
	uint64_t told_ns;

	int listener, epoll;
	SSL_CTX *tls;
	char address[DIAL_ADDRESS_MAX]; /* that functions are told */
	char print[2 * DIAL_PRINT_BYTES + 1];
	uint32_t life_ms;

	struct ticket *tickets, *free_tickets; /* in secret memory */
	uint32_t ticket_count, awaited;

	struct dial_link strangers, leaving, dead;
	struct dial_link by_load[DIAL_DEPTH + 1]; /* most recently used first */
	uint32_t stranger_count, connected;
	bool dismissed;      /* who comes may go */
	uint64_t service_ns; /* that a function takes for a frame, smoothed; 0: not known */
	uint64_t way_ns;     /* of the latest to come */
	uint64_t looked_ns;

	/* Exchanges that have ended: a ring of as many as there can be. */
	struct sw_exchange **ended;
	uint32_t ended_size, ended_count, ended_at;
};

/* dialback.c */
void dialback_ended(struct dialback *dialback, struct sw_exchange *exchange);
void dialback_tell(struct dialback *dialback, const char *format, ...) SW_PRINTF(2, 3);

/* dialback_listen.c: the listener, its certificate, and what functions are told of them. */
int dialback_listen(
	struct dialback *dialback, const struct dialback_options *options, struct sw_error *error);

/* dialback_ticket.c */
int dialback_tickets_create(struct dialback *dialback, uint32_t count);
void dialback_tickets_destroy(struct dialback *dialback);
/* Null: no good; *why says so. The token is used up by it. */
struct ticket *dialback_redeem(struct dialback *dialback, const uint8_t *token, const char **why);

/* dialback_connection.c */
void dial_list_init(struct dial_link *list);
static inline struct dial_connection *dial_first(const struct dial_link *list)
{
	return list->next == list ? NULL : (struct dial_connection *)list->next;
}
static inline struct dial_connection *dial_last(const struct dial_link *list)
{
	return list->prev == list ? NULL : (struct dial_connection *)list->prev;
}
/* Takes the socket, or closes it. */
void dial_accept(struct dialback *dialback, int fd, const char *peer);
void dial_give(struct dial_connection *connection, struct sw_exchange *exchange);
void dial_withdraw(struct dial_connection *connection, struct sw_exchange *exchange);
/* Events of epoll's. */
void dial_ready(struct dial_connection *connection);
void dial_say_goodbye(struct dial_connection *connection);
/* Ends it with all that is on its way. */
void dial_close(struct dial_connection *connection, enum sw_outcome outcome, const char *why);
/* Of dead ones. */
void dial_free(struct dial_connection *connection);

/* For dialback_receive.c. */
uint64_t dial_now_ns(const struct dial_connection *connection);
void dial_set_state(struct dial_connection *connection, enum dial_state state);
/* To the front of the list that it belongs to now. */
void dial_relist(struct dial_connection *connection);
/* Queues it; what has come is dealt with before anything is written. */
void dial_say(struct dial_connection *connection, enum dial_message message);
/* Takes the exchange off its place. */
void dial_end_exchange(struct dial_connection *connection, uint32_t index, enum sw_outcome outcome,
	const char *why);

/* dialback_receive.c */
/* A head is what comes next. */
void dial_want_message(struct dial_connection *connection);
/* Where the next bytes go, and how many may. */
size_t dial_room(struct dial_connection *connection, void **to);
/* They are there. Null, or what is wrong with what has come. */
const char *dial_take(struct dial_connection *connection, size_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_IO_PRIVATE_H
#define SW_BURST_IO_PRIVATE_H

#include "burst/burst_private.h"
#include "burst/dialback.h"

/* The I/O thread's own: io.c (the loop), io_request.c (a request's life), io_answer.c (answers),
 * io_limits.c (breaker, window, retries, money), io_hedge.c, io_prewarm.c. Nothing of this is seen
 * by another thread. */

enum {
	IO_RECENT = 64,      /* round trips that the quantiles rest on */
	IO_RECENT_STEP = 16, /* new ones between two looks at them */
	/* A function that dials back leaves in time; if not, its invocation ends so much later. */
	IO_VISIT_GRACE_MS = 2000,
	/* Each holds a stream for long: the client has 128, and others need some, too. */
	IO_VISITS_MAX = 96,
};

enum request_state {
	REQUEST_FREE,
	REQUEST_FLYING,
	REQUEST_BACKOFF, /* to be sent again at due_ns */
	REQUEST_NO_ROOM, /* its answer waits for a batch of the pool */
};

struct usual;

/* One slot's way to a function; a hedged slot has two. Without a slot: a prewarm. */
struct request {
	struct sw_exchange exchange;
	enum request_state state;
	struct request *next; /* of the free ones */

	struct outlet *outlet;
	struct ledger_slot *slot;
	uint64_t generation;
	/* Copied while ENCODING: the slot may be in other use later. */
	uint64_t seq, onset_ns;
	uint32_t rows;

	uint32_t attempt, tries; /* number of the next attempt; those that count as failed so far */
	uint32_t waits;          /* back-offs so far */
	uint64_t first_ns;       /* first submit */
	uint64_t due_ns;
	struct request *twin; /* the other one of a hedged slot; null: none */
	bool hedge, first;    /* first: the slot's first attempt is flying */

	uint8_t *frame;
	size_t frame_bytes, frame_capacity;
	char *body;
	size_t body_capacity;
};

/* A function's invocation with an invitation to dial back. */
struct visit {
	struct sw_exchange exchange; /* first */
	struct dial_ticket *ticket;  /* null: it is idle */
	struct visit *next;          /* of the idle ones */
};

struct io {
	struct sw_burst *burst;
	struct sw_transport *transport;
	pthread_t thread;
	bool started;

	struct request *requests, *idle;
	uint32_t request_count;
	uint32_t busy;    /* requests that are not free */
	uint32_t flying;  /* invocations in flight, visits among them */
	uint32_t dialled; /* bare exchanges in flight, which are none */
	uint32_t no_room, backing_off;
	uint32_t turn; /* outlet to take from next */
	struct sw_exchange warm;
	bool warming;
	bool told_unfit; /* a batch or an answer that does not fit was logged */

	/* io_visit.c */
	struct visit *visits, *idle_visits;
	uint32_t visit_count, visiting;
	uint64_t invite_at_ns, invite_wait_ns; /* after one that came to nothing */
	bool told_uninvited;
	bool parting; /* the run is over: who does not come any more has not failed */

	uint64_t random;

	/* io_limits.c */
	double window;        /* invocations at once that the peer bears */
	double window_goal;   /* up to here it grows quickly */
	double retries_saved; /* that may be sent after all that went before */
	uint32_t failures_in_row;
	uint64_t failed_ns; /* when the last of them was counted */
	bool tried;         /* the first warm-up has ended: nothing is sent before */
	bool breaker_open;  /* nothing is sent but probes for a connection */
	bool troubled;      /* it was open, and nothing has gone well since */
	uint64_t probe_at_ns, probe_wait_ns;
	double purse_usd;           /* what may still be put aside now */
	double aside_usd;           /* by what is in flight */
	uint64_t purse_ns;          /* when it was last filled */
	bool broke;                 /* too little for long: batches are run locally */
	uint64_t window_cut_ns;     /* when the window was last made smaller */
	uint64_t recent[IO_RECENT]; /* round trips, ns */
	uint32_t recent_count, recent_at;
	uint64_t told_ns[SW_OUTCOMES]; /* when a failure of this kind was last logged */

	/* io_hedge.c */
	double hedges_saved;
	struct usual *usual; /* by edge and size of batch */

	/* io_prewarm.c */
	uint32_t prewarms_due;
	uint64_t prewarm_at_ns; /* when more are due */
	uint64_t prewarms;      /* ever sent */
};

/* io_request.c */
struct request *request_take(struct io *io); /* null: all are in use */
void request_free(struct io *io, struct request *request);
/* Encodes the slot's batch (ENCODING) and sends it off, or gives it up. */
void request_begin(struct io *io, struct request *request);
/* False: it could not be sent; the request is still the caller's. */
bool request_send(struct io *io, struct request *request);
/* Makes the frame; 0 or -errno. */
int request_encode(struct request *request, const struct sw_batch *batch);
/* Asks for a batch in flight once more; nothing where that is impossible. */
void request_send_twin(struct io *io, struct request *request);
/* Something went wrong with its last attempt: again later, or given up. */
void request_failed(struct io *io, struct request *request, enum sw_outcome outcome);
void request_give_up(struct io *io, struct request *request);
/* At the end: in flight, and nobody waits for it. */
void request_cancel(struct io *io, struct request *request);
/* An exchange has ended. */
void request_ended(struct io *io, struct request *request);
/* The slot is decided: hand it to the consumer; frees the request. answer null: reclaimed. */
void request_decided(struct io *io, struct request *request, struct sw_batch *answer);

/* io_visit.c */
int visits_make(struct io *io, uint32_t count);
void visits_free(struct io *io);
/* Batches wait, and nobody is there to take them: perhaps one more is to be invited. */
void visits_ask(struct io *io, uint64_t now_ns);
/* Nobody is there, or about to be, or no more may come: a batch may be an invocation of its own. */
bool visits_fail(const struct io *io, uint64_t now_ns);
bool visits_has(const struct io *io, const struct sw_exchange *exchange);
void visits_ended(struct io *io, struct sw_exchange *exchange);
/* All are to go, for the run is over: waits a little for what they cost. */
void visits_dismiss(struct io *io);

/* io_answer.c */
enum answer_state { ANSWER_ADOPTED, ANSWER_LATE, ANSWER_CORRUPT, ANSWER_TOO_BIG, ANSWER_NO_ROOM };
/* Reads the body of a good answer; ADOPTED: the slot is the caller's to hand over, with *batch.
 * `text` says what is wrong with a CORRUPT or TOO_BIG one. */
enum answer_state answer_read(
	struct request *request, struct sw_batch **batch, struct sw_error *error);

/* io_limits.c */
void limits_begin(struct io *io, uint64_t now_ns);
bool limits_spent(const struct io *io);             /* all invocations that may be */
bool limits_has_room(const struct io *io);          /* for one more, in window and purse */
bool limits_may_go(struct io *io, uint64_t now_ns); /* a batch, whichever way */
bool limits_may_send(struct io *io);                /* and connected, and a request is free */
bool limits_usable(struct io *io, uint64_t now_ns); /* not: everything is to be reclaimed */
bool limits_probe_due(struct io *io, uint64_t now_ns);
/* How a connection that was tried ended. */
void limits_connected(struct io *io);
void limits_not_connected(
	struct io *io, enum sw_outcome outcome, const char *detail, uint64_t now_ns);
void limits_good(struct io *io, bool invoked);
void limits_learn(struct io *io, uint64_t round_trip_ns);
void limits_bad(struct io *io, enum sw_outcome outcome, const char *detail, uint64_t now_ns);
/* What this invocation may cost at the dearest could be put aside. */
bool limits_affords(const struct io *io, uint32_t deadline_ms);
/* For each invocation sent: what it may cost at the dearest; once it has ended: what it cost. */
void limits_put_aside(struct io *io, const struct sw_exchange *exchange);
void limits_pay(struct io *io, const struct sw_exchange *exchange, uint64_t round_trip_ns);
uint64_t limits_backoff_ns(struct io *io, uint32_t waits);
/* A batch was sent for the first time: that pays for some of a retry. */
void limits_fresh(struct io *io);
/* True: the batch may be sent again, which is paid by that. */
bool limits_may_retry(struct io *io, enum sw_outcome outcome);

/* io_hedge.c: 0 or -ENOMEM. */
int hedge_begin(struct io *io);
void hedge_end(struct io *io);
void hedge_learn(struct io *io, const struct request *request, uint64_t round_trip_ns);
/* What 95 of 100 answers to such batches take at most; 0: too few are known. */
double hedge_usual_ns(const struct io *io, const struct request *request);
void hedge_count(struct io *io, bool second); /* a request was sent */
/* Asks once more for the batch that is the latest, if one is late and it is paid for. */
void hedge_latest(struct io *io, uint64_t now_ns);

/* io_prewarm.c */
void prewarm_look(struct io *io, uint64_t now_ns); /* sends what is due */
void prewarm_ended(struct io *io, struct request *request);

/* io.c: its parts, for tests that have a clock of their own instead of the thread. */
int io_open(struct sw_burst *burst, struct io **io, struct sw_error *error);
void io_close(struct io *io); /* null is fine */
void io_begin(struct io *io);
void io_turn(struct io *io); /* waits once, then does all there is to do */
void io_finish(struct io *io);

static inline uint64_t io_now(struct io *io)
{
	return io->transport->ops->now_ns(io->transport);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Second requests for slow batches: what is out for longer than 95 of 100 answers of its kind took
 * is asked for once more, the latest first, and the first answer counts (Dean and Barroso: The tail
 * at scale, 2013). They are paid for by the other requests, so that they stay few.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "burst/io_private.h"

/* Each request that is none pays for so much of a second one ... */
#define HEDGE_SHARE 0.03
/* ... and at most so many are saved up: of any R requests in a row at most 0.03 R + 3 are second.
 */
#define HEDGE_SAVED 3

/* The quantile is followed in steps of this share of itself, up 19 times as far as down, so that it
 * rests where one of 20 is above it: no list of answers, and it forgets. */
#define USUAL_QUANTILE 0.95
#define USUAL_STEP     0.05
/* It begins so far above the first answers' geometric mean, which a few slow ones hardly move. */
#define USUAL_BEGIN 1.5

enum {
	USUAL_SIZES = 17, /* rows up to 1, 2, 4, ... 65536: a larger batch takes longer */
	USUAL_LEAST = 32, /* answers before it is relied upon */
};

/* How long answers to an edge's batches of one size take. */
struct usual {
	double p95_ns; /* of fewer than USUAL_LEAST: their mean */
	uint32_t answers;
};

int hedge_begin(struct io *io)
{
	const size_t edges = io->burst->edge_count ? io->burst->edge_count : 1;

	io->usual = calloc(edges * USUAL_SIZES, sizeof(*io->usual));
	return io->usual ? 0 : -ENOMEM;
}

void hedge_end(struct io *io)
{
	free(io->usual);
}

static struct usual *usual_of(const struct io *io, const struct request *request)
{
	const uint32_t rows = request->rows;
	const uint32_t size = rows <= 1 ? 0 : 32 - (uint32_t)__builtin_clz(rows - 1);

	return &io->usual[(size_t)request->outlet->edge_place * USUAL_SIZES + size];
}

void hedge_learn(struct io *io, const struct request *request, uint64_t round_trip_ns)
{
	struct usual *usual = usual_of(io, request);
	const double ns = (double)round_trip_ns;

	if (usual->answers == 0) {
		usual->p95_ns = ns;
	} else if (usual->answers < USUAL_LEAST) {
		usual->p95_ns *= pow(ns / usual->p95_ns, 1.0 / (usual->answers + 1));
		if (usual->answers + 1 == USUAL_LEAST)
			usual->p95_ns *= USUAL_BEGIN;
	} else if (ns > usual->p95_ns) {
		usual->p95_ns *= 1 + USUAL_STEP * USUAL_QUANTILE;
	} else {
		usual->p95_ns *= 1 - USUAL_STEP * (1 - USUAL_QUANTILE);
	}
	if (usual->answers < USUAL_LEAST)
		usual->answers++;
}

double hedge_usual_ns(const struct io *io, const struct request *request)
{
	const struct usual *usual = usual_of(io, request);

	return usual->answers < USUAL_LEAST ? 0 : usual->p95_ns;
}

void hedge_count(struct io *io, bool second)
{
	if (second)
		io->hedges_saved -= 1;
	else if (io->hedges_saved + HEDGE_SHARE < HEDGE_SAVED)
		io->hedges_saved += HEDGE_SHARE;
	else
		io->hedges_saved = HEDGE_SAVED;
}

/* By how much it is late; below 1: it is not, or a second one makes no sense. */
static double lateness(const struct io *io, const struct request *request, uint64_t now_ns)
{
	const uint64_t sent_ns = request->exchange.sent_ns;
	double usual_ns;

	if (request->state != REQUEST_FLYING || !request->slot || request->twin || request->hedge ||
		sent_ns == 0 || now_ns <= sent_ns ||
		!ledger_undecided(request->slot, request->generation))
		return 0;
	usual_ns = hedge_usual_ns(io, request);
	return usual_ns > 0 ? (double)(now_ns - sent_ns) / usual_ns : 0;
}

void hedge_latest(struct io *io, uint64_t now_ns)
{
	struct request *latest = NULL;
	double most = 1;

	if (io->flying == 0 || io->hedges_saved < 1 || io->troubled || !limits_may_send(io) ||
		!limits_usable(io, now_ns))
		return;
	for (uint32_t i = 0; i < io->request_count; i++) {
		const double late = lateness(io, &io->requests[i], now_ns);

		if (late > most) {
			most = late;
			latest = &io->requests[i];
		}
	}
	if (latest)
		request_send_twin(io, latest);
}

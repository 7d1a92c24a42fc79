/* SPDX-License-Identifier: MIT */

/*
 * cep3, price drop: in the bids of one (auction, bidder) A, then any number of bids above A's price
 * less 50, then C below it, less than 5 s after A. A bid of exactly A's price less 50, or one that
 * comes too late, fails the attempt, and the bid after A is the next A. After a match it is the one
 * after C.
 *
 *	SELECT auction, bidder, drop_time, drop_diff
 *	FROM bid MATCH_RECOGNIZE (PARTITION BY auction, bidder ORDER BY dateTime
 *		MEASURES C.dateTime AS drop_time, A.price - C.price AS drop_diff
 *		AFTER MATCH SKIP PAST LAST ROW
 *		PATTERN (A B* C) WITHIN 5 s WITH B AS price > A.price - 50, C AS price < A.price -
 *50)
 *
 * The bids from the open attempt's A on are kept. Whether an attempt is over, and how, is said by
 * the first later bid at or below A's price less 50. It is found by going from A to the next bid
 * with a lower price, from there to the next with a still lower one, and so on: with whole numbers
 * that are 50 steps at most, and as many for the attempts from later bids, however many bids are
 * kept.
 *
 * Plan: cep.c.
 */

#include <errno.h>
#include <string.h>

#include "nexmark/cep_private.h"

#define DROP       50
#define WITHIN_MS  5000
#define BIDS_FIRST 4u

/* Bids of a key have numbers, which rise by one and turn over. */
struct bid {
	int64_t time, price;
	uint32_t lower;  /* the next with a lower price; its own number: there is none yet */
	uint32_t before; /* the last before it without a higher price, if it is kept still */
};

/* The bids that are kept, in a ring; as long as there has been only one at a time, in place. */
struct attempts {
	uint32_t first, end; /* numbers: the open attempt's A, and what comes after the last */
	uint32_t capacity;   /* a power of two; 0: the bid is in place */
	union {
		struct bid one;
		struct bid *ring;
	} bids;
};

static struct bid *bid_at(struct attempts *attempts, uint32_t number)
{
	if (!attempts->capacity)
		return &attempts->bids.one;
	return attempts->bids.ring + (number & (attempts->capacity - 1));
}

static bool is_kept(const struct attempts *attempts, uint32_t number)
{
	return number - attempts->first < attempts->end - attempts->first;
}

static int grow(struct sw_heap *heap, struct attempts *attempts)
{
	uint32_t capacity = attempts->capacity ? 2 * attempts->capacity : BIDS_FIRST;
	struct bid *ring = capacity ? sw_heap_alloc(heap, capacity * sizeof(*ring)) : NULL;

	if (!ring)
		return -ENOMEM;
	for (uint32_t number = attempts->first; number != attempts->end; number++)
		ring[number & (capacity - 1)] = *bid_at(attempts, number);
	if (attempts->capacity)
		sw_heap_free(heap, attempts->bids.ring, attempts->capacity * sizeof(*ring));
	attempts->bids.ring = ring;
	attempts->capacity = capacity;
	return 0;
}

static int keep_bid(struct sw_heap *heap, struct attempts *attempts, int64_t time, int64_t price)
{
	uint32_t number = attempts->end, before = number - 1;
	uint32_t room = attempts->capacity ? attempts->capacity : 1;

	if (number - attempts->first == room && grow(heap, attempts))
		return -ENOMEM;
	/* It is the next lower one for those, from the last back, that have a higher price and none
	 * yet. */
	while (is_kept(attempts, before) && bid_at(attempts, before)->price > price) {
		struct bid *bid = bid_at(attempts, before);

		bid->lower = number;
		before = bid->before;
	}
	attempts->end++;
	*bid_at(attempts, number) = (struct bid){ time, price, number, before };
	return 0;
}

static bool is_too_late(const struct bid *a, int64_t time)
{
	return (uint64_t)time - (uint64_t)a->time >= WITHIN_MS;
}

static int give_drop(struct sw_pattern_call *call, const struct bid *c, uint64_t drop)
{
	int64_t match[] = { c->time, (int64_t)drop };

	if (drop > INT64_MAX)
		return sw_instance_fail(call->self, -EOVERFLOW,
			"price drop: auction %lld: prices are too far apart for a difference of 64 "
			"bits",
			(long long)call->keys[0]);
	return sw_pattern_give(call, match, 2);
}

/* The attempt from the first bid; every bid before `now` is there. 1: it stays open; 0: it is over,
 * and `first` is where the next one starts; or -errno. */
static int attempt(struct sw_pattern_call *call, struct attempts *attempts, int64_t now)
{
	const struct bid *a = bid_at(attempts, attempts->first), *c = a;
	uint32_t number = attempts->first;
	uint64_t drop = 0; /* of prices of 64 bits: may need all 64 */

	while (drop < DROP && c->lower != number) {
		number = c->lower;
		c = bid_at(attempts, number);
		drop = (uint64_t)a->price - (uint64_t)c->price;
	}
	if (drop < DROP && !is_too_late(a, now))
		return 1;
	attempts->first++;
	if (drop <= DROP || is_too_late(a, c->time))
		return 0;
	attempts->first = number + 1;
	return give_drop(call, c, drop);
}

static int attempt_all(struct sw_pattern_call *call, struct attempts *attempts, int64_t now)
{
	int code = 0;

	while (!code && attempts->first != attempts->end)
		code = attempt(call, attempts, now);
	if (code)
		return code < 0 ? code : SW_PATTERN_KEEP;
	if (attempts->capacity)
		sw_heap_free(
			call->heap, attempts->bids.ring, attempts->capacity * sizeof(struct bid));
	memset(attempts, 0, sizeof(*attempts));
	return SW_PATTERN_FORGET;
}

static int take_bid(struct sw_pattern_call *call, void *state, int64_t time, int64_t price)
{
	int code = keep_bid(call->heap, state, time, price);

	return code ? code : attempt_all(call, state, time);
}

static int expire(struct sw_pattern_call *call, void *state, int64_t now, int64_t *oldest)
{
	struct attempts *attempts = state;
	int code = attempt_all(call, attempts, now);

	if (code == SW_PATTERN_KEEP)
		*oldest = bid_at(attempts, attempts->first)->time;
	return code;
}

static const struct sw_pattern pattern = {
	.state_bytes = sizeof(struct attempts),
	.take = take_bid,
	.expire = expire,
	.wait_ms = WITHIN_MS,
};

static const struct sw_schema schema_result = {
	.columns = 4,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_TIME("drop_time"),
		FIELD_ID("drop_diff") },
};

static int cep3_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	cep_plan(plan, &pattern, &schema_result);
	return 0;
}

const struct query query_cep3 = {
	.about = {
		.name = "cep3",
		.title = "price drop",
		.columns = "auction,bidder,drop_time,drop_diff",
		.reads = CEP_READS,
		.keys = "auction,bidder",
		.spills = "rows",
		.state = "bids until the watermark has passed them; per (auction, bidder) the bids "
			 "of the last 5 s that wait for a drop",
	},
	.plan = cep3_plan,
};

/* SPDX-License-Identifier: MIT */

/*
 * cep2, cheap period, overlapping: runs as in cep1, but the next one may start at the bid after the
 * first of the run before. Runs overlap so, and those that are broken by the same bid share their
 * last. A run without an end hides all that would start after it.
 *
 *	as cep1, with AFTER MATCH SKIP TO NEXT ROW
 *
 * While the first run is open its bids are kept. The bid that breaks it breaks, or finds broken,
 *all runs that start at one of them; and it is too dear to start one.
 *
 * Plan: cep.c.
 */

#include <errno.h>
#include <string.h>

#include "nexmark/cep_private.h"

#define BIDS_FIRST 2u

struct bid {
	int64_t time;
	int64_t price; /* once the run is broken: see give_runs() */
};

struct open_run {
	cep_sum excess; /* of its first bid's run: below 0 */
	struct bid *bids;
	uint64_t count, capacity;
};

static int keep_bid(struct sw_heap *heap, struct open_run *run, int64_t time, int64_t price)
{
	if (run->count == run->capacity) {
		uint64_t capacity = run->capacity ? 2 * run->capacity : BIDS_FIRST;
		struct bid *grown = sw_heap_alloc(heap, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		if (run->count > 0)
			memcpy(grown, run->bids, run->count * sizeof(*grown));
		sw_heap_free(heap, run->bids, run->capacity * sizeof(*grown));
		run->bids = grown;
		run->capacity = capacity;
	}
	run->bids[run->count++] = (struct bid){ time, price };
	return 0;
}

/*
 * Gives the runs from each of the bids, the last first. A run passes over one that starts at a
 * later bid as a whole: as long as the inner one is open, so is the outer, for its excess is lower.
 * So where the run of a bid ends (ends[]; a dear bid at itself) and its excess then (in the place
 * of its price: 0 or more, and no more than that of the bid that broke it) are all that is looked
 * at of it, and once only: runs that lie in one that is passed over are not looked at again.
 */
static int give_runs(
	struct sw_pattern_call *call, struct open_run *run, uint64_t *ends, int64_t last_price)
{
	int64_t last_excess = last_price - CEP_CHEAP;
	struct bid *bids = run->bids;
	int code = 0;

	for (uint64_t start = run->count; start-- > 0 && !code;) {
		cep_sum sum = cep_excess(bids[start].price);
		uint64_t end = start;

		while (sum < 0) {
			uint64_t next = end + 1;
			int64_t excess = next == run->count ? last_excess : bids[next].price;

			end = next == run->count ? next : ends[next];
			sum += excess;
		}
		ends[start] = end;
		bids[start].price = (int64_t)sum;
		if (end > start) {
			cep_sum broken_by = end == run->count ? last_excess : bids[end].price;
			int64_t match[] = { bids[start].time, bids[end - 1].time,
				cep_average(sum - broken_by, end - start) };

			code = sw_pattern_give(call, match, 3);
		}
	}
	return code;
}

static int take_bid(struct sw_pattern_call *call, void *state, int64_t time, int64_t price)
{
	struct open_run *run = state;
	cep_sum excess = run->excess + cep_excess(price);
	uint64_t *ends;
	int code;

	if (excess < 0) {
		run->excess = excess;
		code = keep_bid(call->heap, run, time, price);
		return code ? code : SW_PATTERN_KEEP;
	}
	ends = sw_heap_alloc(call->heap, run->count * sizeof(*ends));
	if (!ends)
		return -ENOMEM;
	code = give_runs(call, run, ends, price);
	sw_heap_free(call->heap, ends, run->count * sizeof(*ends));
	sw_heap_free(call->heap, run->bids, run->capacity * sizeof(*run->bids));
	return code ? code : SW_PATTERN_FORGET;
}

static const struct sw_pattern pattern = {
	.state_bytes = sizeof(struct open_run),
	.begins = cep_is_cheap,
	.take = take_bid,
};

static int cep2_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	cep_plan(plan, &pattern, &cep_cheap_result);
	return 0;
}

const struct query query_cep2 = {
	.about = {
		.name = "cep2",
		.title = "cheap period, overlapping",
		.columns = CEP_CHEAP_COLUMNS,
		.reads = CEP_READS,
		.keys = "auction,bidder",
		.spills = "rows",
		.state = "bids until the watermark has passed them; per (auction, bidder) with an "
			 "open run the run's bids",
	},
	.plan = cep2_plan,
};

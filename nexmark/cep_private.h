/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_CEP_PRIVATE_H
#define SW_NEXMARK_CEP_PRIVATE_H

#include "nexmark/queries_private.h"
#include "operators/pattern.h"

/* What the pattern queries have in common: all of them look at the bids of one (auction, bidder).
 */

/* The plan of a query with this pattern and these columns, the first two being the key. */
void cep_plan(
	struct query_plan *plan, const struct sw_pattern *pattern, const struct sw_schema *result);

/* ---- Cheap periods (cep1, cep2) ---- */

/* A run goes on while the average of its prices is below this. */
#define CEP_CHEAP 10000

/* Sums of any number of any prices, in states that are aligned to 8 bytes. */
typedef __int128 cep_sum __attribute__((aligned(8)));

/* What a price adds to a run's excess, the sum of its prices over CEP_CHEAP: the run's average is
 * below that as long as the excess is below 0. */
static inline cep_sum cep_excess(int64_t price)
{
	return (cep_sum)price - CEP_CHEAP;
}

/* The truncated average of the prices of a run. */
static inline int64_t cep_average(cep_sum excess, uint64_t count)
{
	return (int64_t)((excess + (cep_sum)count * CEP_CHEAP) / (cep_sum)count);
}

static inline bool cep_is_cheap(int64_t price)
{
	return price < CEP_CHEAP;
}

extern const struct sw_schema cep_cheap_result;

#define CEP_CHEAP_COLUMNS "auction,bidder,start_tstamp,end_tstamp,avg_price"
#define CEP_READS         "bid.seq,bid.auction,bid.bidder,bid.price,bid.dateTime"

#endif

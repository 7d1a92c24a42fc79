/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_DAYS_PRIVATE_H
#define SW_NEXMARK_DAYS_PRIVATE_H

#include "nexmark/queries_private.h"
#include "operators/groups.h"

/* Days of UTC, numbered from 1970-01-01 on: what the statistics by day group by. */

#define MINUTE_MS 60000

#define RANK_2_PRICE 10000 /* the least of each rank; rank 1 is what is below */
#define RANK_3_PRICE 1000000

static inline int64_t day_of(int64_t time_ms)
{
	return time_ms / DAY_MS - (time_ms % DAY_MS < 0);
}

/* 0, 1 or 2 */
static inline unsigned rank_of(int64_t price)
{
	return (price >= RANK_2_PRICE) + (price >= RANK_3_PRICE);
}

/* One day of all the batch's rows, so that none need be looked at; false: they differ, or their
 * range is not known. */
static inline bool days_all_the_same(const struct sw_batch *batch)
{
	return batch->time_min_ms <= batch->time_max_ms &&
	       day_of(batch->time_min_ms) == day_of(batch->time_max_ms);
}

/* YYYY-MM-DD, in text; the year has more digits or a sign where it needs them. */
struct sw_text day_text(int64_t day, char text[SW_GROUP_TEXT_BYTES]);
/* HH:MM of a time, in text. */
struct sw_text minute_text(int64_t time_ms, char text[SW_GROUP_TEXT_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_BEST_BIDS_PRIVATE_H
#define SW_NEXMARK_BEST_BIDS_PRIVATE_H

#include <errno.h>

#include "nexmark/groups_private.h"
#include "nexmark/selection_private.h"

/*
 * What the bids' kernels of q4, q6 and q9 share: whatever the interval of an auction is, of its
 * bids at one time only the best can win. It selects them, and copies nothing.
 */

struct best_bids {
	struct groups groups;         /* by auction and time; a group's row is its best bid's */
	bool best[SW_BATCH_ROWS_MAX]; /* of each row */
};

struct best_bids_columns {
	const int64_t *auctions, *prices, *times;
	const int64_t *seqs; /* null: of equal bids any */
};

static inline bool best_bids_better(const struct best_bids_columns *columns, uint32_t a, uint32_t b)
{
	if (columns->prices[a] != columns->prices[b])
		return columns->prices[a] > columns->prices[b];
	return columns->seqs && columns->seqs[a] < columns->seqs[b];
}

/* Is this bid the best of its group so far? Then the former one no longer is. */
static inline void best_bids_add(
	struct best_bids *best, const struct best_bids_columns *columns, uint32_t row)
{
	struct groups *groups = &best->groups;
	int64_t auction = columns->auctions[row], time = columns->times[row];
	uint64_t hash = ((uint64_t)auction + (uint64_t)time * 31) * 0x9E3779B97F4A7C15u;
	uint32_t i = (uint32_t)(hash >> 40) & groups->mask;

	for (; groups->slots[i].epoch == groups->epoch; i = (i + 1) & groups->mask) {
		uint32_t other = groups->slots[i].row;

		if (columns->auctions[other] != auction || columns->times[other] != time)
			continue;
		if (best_bids_better(columns, row, other)) {
			best->best[other] = false;
			best->best[row] = true;
			groups->slots[i].row = row;
		} else {
			best->best[row] = false;
		}
		return;
	}
	groups->slots[i] = (struct group_slot){ groups->epoch, row };
	best->best[row] = true;
}

static inline int best_bids_select(
	struct best_bids *best, const struct best_bids_columns *columns, struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);

	if (rows > SW_BATCH_ROWS_MAX || batch->rows > SW_BATCH_ROWS_MAX)
		return -EINVAL;
	groups_begin(&best->groups, rows);
	for (uint32_t i = 0; i < rows; i++)
		best_bids_add(best, columns, sw_batch_row(batch, i));
	select_marked(batch, best->best);
	return 0;
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_GROUPS_PRIVATE_H
#define SW_NEXMARK_GROUPS_PRIVATE_H

#include <string.h>

#include "runtime/batch.h"

/*
 * What the partials of aggregates have in common: finding a batch's groups by a pair of keys. A
 * group's number is the row of the output that it gets. Open addressing, at most half full; a slot
 * is in use when its epoch is the current one, so nothing is cleared between batches. Part of a
 * kernel's scratch.
 */

#define GROUP_SLOTS (2 * SW_BATCH_ROWS_MAX)

struct group_slot {
	uint32_t epoch, row;
};

struct groups {
	uint32_t epoch, mask, rows;
	struct group_slot slots[GROUP_SLOTS];
};

/* For an input of at most `rows` groups, SW_BATCH_ROWS_MAX or fewer. */
static inline void groups_begin(struct groups *groups, uint32_t rows)
{
	if (++groups->epoch == 0) {
		memset(groups->slots, 0, sizeof(groups->slots));
		groups->epoch = 1;
	}
	groups->rows = 0;
	groups->mask = 63;
	while (groups->mask + 1 < 2 * rows)
		groups->mask = 2 * groups->mask + 1;
}

/*
 * The row of group (a, b), whose keys the caller keeps in as[row] and bs[row]; true: it is new,
 * with its keys stored, and its other columns are the caller's to set. bs may be null (b is then
 * 0).
 */
static inline bool groups_find(
	struct groups *groups, int64_t *as, int64_t *bs, int64_t a, int64_t b, uint32_t *row)
{
	uint64_t hash = ((uint64_t)a + (uint64_t)b * 31) * 0x9E3779B97F4A7C15u;
	uint32_t i = (uint32_t)(hash >> 40) & groups->mask;

	for (; groups->slots[i].epoch == groups->epoch; i = (i + 1) & groups->mask) {
		*row = groups->slots[i].row;
		if (as[*row] == a && (!bs || bs[*row] == b))
			return false;
	}
	*row = groups->rows++;
	groups->slots[i] = (struct group_slot){ groups->epoch, *row };
	as[*row] = a;
	if (bs)
		bs[*row] = b;
	return true;
}

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_INTERVAL_BEST_PRIVATE_H
#define SW_OPERATORS_INTERVAL_BEST_PRIVATE_H

#include "operators/due.h"
#include "operators/interval_best.h"
#include "operators/key_map.h"
#include "operators/row.h"
#include "operators/slab.h"

/* What interval_best.c knows of the keys, and interval_best_give.c gives. */

struct interval {
	int64_t from, until, order;
	union {
		struct sw_row *row; /* where rows of intervals are kept */
		int64_t number;     /* else: of the one column that a result wants beside these */
	};
	struct interval *next; /* of the same entry */
};

struct best {
	int64_t value, time, order;
	struct sw_row *row;              /* null where rows of points are not kept */
	const struct interval *interval; /* null: there is none */
};

/* A point without its interval so far. If nothing is forgotten: every point, and the owner of its
 * row. */
struct point {
	int64_t value, time, order;
	struct sw_row *row;
	struct point *next;
};

/* A key; with SUMS, a key and a value of the group's column. */
struct entry {
	struct sw_due due; /* first */
	int64_t key, group;
	struct interval interval; /* the first one, if `has_interval` */
	struct best best, given;
	struct point *points; /* of the key's first entry */
	uint32_t number;
	uint32_t next;       /* entry of the same key and another group; 0: none */
	uint32_t next_dirty; /* 0: the last */
	bool has_interval, dirty;
};

/* What differences of values of 64 bits add up to, in memory that is aligned to 8 bytes. */
typedef __int128 best_sum __attribute__((aligned(8)));

/* SUMS: what is to be given for a group. */
struct sum {
	best_sum sum;
	int64_t group, count;
	uint32_t next; /* 0: the last */
	bool touched;
};

/* Where a column of the result is taken from. */
enum source {
	SOURCE_ROW,
	SOURCE_KEY,
	SOURCE_FROM,
	SOURCE_UNTIL,
	SOURCE_INTERVAL_ORDER,
	SOURCE_NUMBER,
	SOURCE_TIME,
	SOURCE_VALUE,
	SOURCE_POINT_ORDER,
};

enum { IN_INTERVALS, IN_POINTS };

struct interval_best {
	const struct sw_interval_best_config *config;
	struct sw_heap *heap;
	/* An input's rows are kept where the result wants more of them than is known anyway. */
	bool keeps_rows[2];
	uint8_t sources[SW_COLUMNS_MAX]; /* enum source, of the result's columns */
	unsigned number_column;          /* of the intervals: their number */
	struct sw_key_map keys;
	struct sw_slab entries;
	uint32_t dirty; /* the list's first; 0: none */
	struct sw_due_queue due;
	struct sw_row_layout layouts[2];
	struct sw_key_map groups; /* -> sums */
	struct sw_slab sums;
	uint32_t touched; /* the list's first; 0: none */
};

static inline struct entry *entry_at(const struct interval_best *state, uint32_t number)
{
	return sw_slab_at(&state->entries, number);
}

/*
 * Gives what became of the dirty entries, which are none afterwards, and of those that have come
 * due: *due, a list of their `due`. 0 or -errno; when the graph is being cancelled, 0.
 */
int interval_best_give(struct sw_instance *self, struct interval_best *state, int64_t watermark,
	struct sw_due **due);

#endif

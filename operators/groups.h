/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_GROUPS_H
#define SW_OPERATORS_GROUPS_H

#include "operators/row_writer.h"
#include "operators/slab.h"

/*
 * Groups of an aggregate and what has become of them since their rows were last given. How a group
 * is found is its owner's matter. In the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

#define SW_GROUP_KEYS_MAX   2
#define SW_GROUP_VALUES_MAX 16
#define SW_GROUP_TEXT_BYTES 64
#define SW_GROUP_LINE_BYTES 64u /* of the caches */

/*
 * The row of a group: a value for each column of the result that is made. text has
 * SW_GROUP_TEXT_BYTES for texts that are made; they are read before the next call with the same.
 */
typedef void (*sw_group_row_fn)(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text);

#define SW_GROUP_WHY_BYTES 160

/*
 * Can a group's row hold its values? If not, and why is not null: a message of at most
 * SW_GROUP_WHY_BYTES with its end, which names the group and the limit.
 */
typedef bool (*sw_group_fits_fn)(
	void *context, const int64_t *keys, const int64_t *values, char *why);

/* How rows are made of groups. */
struct sw_group_rows {
	const struct sw_schema *schema; /* of a changelog: the output's */
	sw_group_row_fn row;
	void *context;
	/* The columns that it makes; those behind them are of 64 bits, and the first of the group's
	 * values. 0: it makes all. */
	uint32_t made;
	/* Null: nothing. The row of a group with these keys is made soon: with step 0 what it needs
	 * is fetched, with step 1, later, what that points at. */
	void (*fetch)(void *context, const int64_t *keys, unsigned step);
	/* Null: rows hold all values. A group whose row does not is given when it does again; at
	 * the end of time it is -EOVERFLOW. */
	sw_group_fits_fn fits;
};

struct sw_group {
	int64_t keys[SW_GROUP_KEYS_MAX];
	uint32_t next[2]; /* the owner's, for lists */
	uint32_t change;  /* 1 + its place among the changes; 0: unchanged */
	int64_t values[];
};

struct sw_groups {
	struct sw_heap *heap;
	struct sw_slab slab;
	unsigned values;
	unsigned live; /* a group has a row while this value of it is over 0 */
	/* The groups that changed, and the values of each when their rows were last given. */
	uint32_t *changed;
	int64_t *before;
	uint32_t changes, capacity;
};

/* A sum of 128 bits, kept in two values. */
static inline __int128 sw_group_wide(int64_t low, int64_t high)
{
	return (__int128)((unsigned __int128)high << 64 | (uint64_t)low);
}

SW_API void sw_groups_init(
	struct sw_groups *groups, struct sw_heap *heap, unsigned values, unsigned live);
/* A new group's number, its keys and values 0; 0: the heap's limit is reached. */
SW_API SW_MUST_CHECK uint32_t sw_groups_take(struct sw_groups *groups);
/* Forgets a group whose changes were given. */
SW_API void sw_groups_drop(struct sw_groups *groups, uint32_t number);
/* Remembers an unchanged group's values. False: the heap's limit is reached. */
SW_API SW_MUST_CHECK bool sw_groups_remember(struct sw_groups *groups, uint32_t number);
/* Gives what the changes do to the rows, at this watermark, on output 0. As sw_row_write, but for
 * cancelled graphs: 0; and -EOVERFLOW, see struct sw_group_rows. */
SW_API SW_MUST_CHECK int sw_groups_give(struct sw_groups *groups, struct sw_instance *self,
	int64_t watermark, const struct sw_group_rows *rows);

static inline struct sw_group *sw_groups_at(const struct sw_groups *groups, uint32_t number)
{
	return (struct sw_group *)sw_slab_at(&groups->slab, number);
}

/* The group is used soon: fetches its first two lines. */
SW_FETCHES void sw_groups_prefetch(const struct sw_groups *groups, uint32_t number)
{
	const char *group = (const char *)sw_groups_at(groups, number);

	__builtin_prefetch(group, 1);
	__builtin_prefetch(group + SW_GROUP_LINE_BYTES, 1);
}

/* Fails with what makes a group's values too large for its row; -EOVERFLOW. */
SW_API int sw_groups_too_large(
	struct sw_instance *self, const struct sw_group_rows *rows, const struct sw_group *group);

/* The group, whose values the caller is about to change; null: the heap's limit is reached. */
static inline struct sw_group *sw_groups_change(struct sw_groups *groups, uint32_t number)
{
	struct sw_group *group = sw_groups_at(groups, number);

	if (!group->change && !sw_groups_remember(groups, number))
		return NULL;
	return group;
}

SW_END_DECLS

#endif

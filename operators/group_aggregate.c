/* SPDX-License-Identifier: MIT */
/*
 * A group is found by its first key; groups that differ in the second are in a chain, the newest
 * first, as long as it is short, and from then on in a table of pairs. What the watermark has
 * passed is forgotten a few groups with each batch.
 */

#include "operators/group_aggregate.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/key_map.h"
#include "operators/pair_map.h"
#include "operators/periods.h"

#define CHAIN_MAX   8u
#define FORGET_MORE 64u /* groups forgotten with a batch, beside as many as it has rows */

/* A group's links: of its chain, of its period. */
enum { IN_CHAIN, IN_PERIOD };

struct period {
	struct sw_period base;
	uint32_t groups; /* the first of them */
};

struct aggregate {
	struct sw_groups groups;
	struct sw_key_map chains;
	struct sw_pair_map pairs;
	struct sw_periods periods;
	struct period *passed; /* what is left of them is to be forgotten */
};

static int aggregate_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_group_aggregate_config *config = sw_instance_config(self);
	struct sw_heap *heap = sw_instance_heap(self);
	struct aggregate *aggregate = state;
	unsigned wide = 0;

	for (unsigned v = 0; v < config->values; v++)
		wide += config->ops[v] == SW_GROUP_WIDE_SUM;
	assert(wide <= 1);
	assert(config->keys > 0 && config->keys <= SW_GROUP_KEYS_MAX);
	assert(config->values <= SW_GROUP_VALUES_MAX && config->live < config->values);
	if (!heap)
		return sw_error_set(error, -ENOMEM, "group aggregate: out of address space");
	sw_groups_init(&aggregate->groups, heap, config->values + wide, config->live);
	sw_key_map_init(&aggregate->chains, heap, sw_instance_state_mode(self));
	sw_pair_map_init(&aggregate->pairs, heap);
	sw_periods_init(&aggregate->periods, heap, sizeof(struct period), config->period_ms);
	return 0;
}

/* ---- Finding groups ---- */

/* The group, 0 if there is none; *length: of its chain as far as it was followed. */
static uint32_t find(const struct aggregate *aggregate, const int64_t *keys, unsigned *length)
{
	uint32_t number = sw_key_map_get(&aggregate->chains, keys[0]);

	for (*length = 0; number; ++*length) {
		const struct sw_group *group = sw_groups_at(&aggregate->groups, number);

		if (group->keys[1] == keys[1])
			return number;
		number = group->next[IN_CHAIN];
	}
	if (*length < CHAIN_MAX && !sw_pair_map_count(&aggregate->pairs))
		return 0;
	return sw_pair_map_get(&aggregate->pairs, keys[0], keys[1]);
}

/* A new group, found from now on; 0: the heap's limit is reached. */
static uint32_t add(struct aggregate *aggregate, const struct sw_group_aggregate_config *config,
	const int64_t *keys, unsigned length)
{
	uint32_t number = sw_groups_take(&aggregate->groups);
	struct sw_group *group;
	uint32_t *place;

	if (!number)
		return 0;
	group = sw_groups_at(&aggregate->groups, number);
	memcpy(group->keys, keys, sizeof(group->keys));
	place = length < CHAIN_MAX ? sw_key_map_put(&aggregate->chains, keys[0])
				   : sw_pair_map_put(&aggregate->pairs, keys[0], keys[1]);
	if (!place)
		return 0;
	group->next[IN_CHAIN] = *place;
	*place = number;
	if (config->period_ms) {
		struct period *period = (struct period *)sw_periods_get(
			&aggregate->periods, keys[config->keys - 1]);

		if (!period)
			return 0;
		group->next[IN_PERIOD] = period->groups;
		period->groups = number;
	}
	return number;
}

/* ---- Forgetting them ---- */

/* -EOVERFLOW: no row could be given for it, and none will be. */
static int forget(struct sw_instance *self, struct aggregate *aggregate, uint32_t number)
{
	const struct sw_group_aggregate_config *config = sw_instance_config(self);
	const struct sw_group *group = sw_groups_at(&aggregate->groups, number);
	uint32_t at = sw_key_map_get(&aggregate->chains, group->keys[0]);

	if (group->change)
		return sw_groups_too_large(self, &config->rows, group);
	if (at == number && group->next[IN_CHAIN]) {
		*sw_key_map_put(&aggregate->chains, group->keys[0]) = group->next[IN_CHAIN];
	} else if (at == number) {
		sw_key_map_remove(&aggregate->chains, group->keys[0]);
	} else {
		struct sw_group *before = NULL;

		for (; at && at != number; at = before->next[IN_CHAIN])
			before = sw_groups_at(&aggregate->groups, at);
		if (at)
			before->next[IN_CHAIN] = group->next[IN_CHAIN];
		else
			sw_pair_map_remove(&aggregate->pairs, group->keys[0], group->keys[1]);
	}
	sw_groups_drop(&aggregate->groups, number);
	return 0;
}

/* At most so many of the groups whose periods have passed. */
static int forget_some(struct sw_instance *self, struct aggregate *aggregate, uint32_t most)
{
	struct period *period;
	int code = 0;

	for (; most > 0 && !code && (period = aggregate->passed); most--) {
		uint32_t number = period->groups;

		if (!number) {
			aggregate->passed = (struct period *)sw_period_next(&period->base);
			sw_periods_drop(&aggregate->periods, &period->base);
			continue;
		}
		period->groups = sw_groups_at(&aggregate->groups, number)->next[IN_PERIOD];
		code = forget(self, aggregate, number);
	}
	return code;
}

static void pass_periods(struct aggregate *aggregate, int64_t watermark)
{
	struct sw_period *first = sw_periods_pass(&aggregate->periods, watermark), *last = first;

	if (!first)
		return;
	while (sw_period_next(last))
		last = sw_period_next(last);
	last->due.next = aggregate->passed ? &aggregate->passed->base.due : NULL;
	aggregate->passed = (struct period *)first;
}

/* ---- Rows ---- */

static void add_wide(int64_t *low, int64_t *high, int64_t with)
{
	__int128 sum = sw_group_wide(*low, *high) + with;

	*low = (int64_t)sum;
	*high = (int64_t)(sum >> 64);
}

static void first_values(const struct sw_group_aggregate_config *config, struct sw_group *group,
	unsigned value, int64_t first)
{
	group->values[value] = first;
	if (config->ops[value] == SW_GROUP_WIDE_SUM)
		group->values[config->values] = first < 0 ? -1 : 0;
}

/* False: a sum is over 64 bits. */
static bool combine(const struct sw_group_aggregate_config *config, struct sw_group *group,
	unsigned value, int64_t with)
{
	int64_t *to = &group->values[value];

	switch (config->ops[value]) {
	case SW_GROUP_MIN:
		*to = with < *to ? with : *to;
		return true;
	case SW_GROUP_MAX:
		*to = with > *to ? with : *to;
		return true;
	case SW_GROUP_WIDE_SUM:
		add_wide(to, &group->values[config->values], with);
		return true;
	default:
		return !__builtin_add_overflow(*to, with, to);
	}
}

static int add_row(struct sw_instance *self, struct aggregate *aggregate,
	const struct sw_batch *batch, uint32_t row)
{
	const struct sw_group_aggregate_config *config = sw_instance_config(self);
	const struct sw_column *values = batch->columns + config->keys;
	int64_t keys[SW_GROUP_KEYS_MAX] = { 0 };
	struct sw_group *group;
	unsigned length;
	uint32_t number;
	bool known;

	for (unsigned k = 0; k < config->keys; k++)
		keys[k] = ((const int64_t *)batch->columns[k].data)[row];
	number = find(aggregate, keys, &length);
	known = number != 0;
	if (!known)
		number = add(aggregate, config, keys, length);
	group = number ? sw_groups_change(&aggregate->groups, number) : NULL;
	if (!group)
		return -ENOMEM;
	for (unsigned v = 0; v < config->values; v++) {
		int64_t with = ((const int64_t *)values[v].data)[row];

		if (!known)
			first_values(config, group, v, with);
		else if (!combine(config, group, v, with))
			return sw_instance_fail(self, -EOVERFLOW, "%s: a sum is over 64 bits",
				batch->schema->fields[config->keys + v].name);
	}
	return 0;
}

static int aggregate_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);
	struct aggregate *aggregate = state;
	int code = 0;

	(void)input;
	if (aggregate->passed)
		code = forget_some(self, aggregate, rows + FORGET_MORE);
	for (uint32_t i = 0; i < rows && !code; i++)
		code = add_row(self, aggregate, batch, sw_batch_row(batch, i));
	sw_release(self, batch);
	return code;
}

static int aggregate_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	const struct sw_group_aggregate_config *config = sw_instance_config(self);
	struct aggregate *aggregate = state;
	int code = sw_groups_give(&aggregate->groups, self, watermark, &config->rows);

	if (!code && config->period_ms)
		pass_periods(aggregate, watermark);
	return code;
}

const struct sw_operator sw_group_aggregate = {
	.name = "group aggregate",
	.state_bytes = sizeof(struct aggregate),
	.open = aggregate_open,
	.process = aggregate_process,
	.advance = aggregate_advance,
};

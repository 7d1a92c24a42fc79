/* SPDX-License-Identifier: MIT */
/*
 * Pairs of a text and an id are mostly new, and as many as events. So they are kept by the id: each
 * has a small set of the groups it was seen in, which is near those of the ids about as old, and
 * these are what is asked for. A table of all pairs would miss the caches with every row. Groups
 * are found by their text, which knows the one of its latest period.
 */

#include "operators/text_statistics.h"

#include <assert.h>
#include <errno.h>

#include "operators/id_set.h"
#include "operators/pair_map.h"
#include "operators/periods.h"
#include "operators/text_table.h"

#define ROWS_AHEAD  16u /* whose groups are fetched together */
#define FORGET_MORE 64u /* sets forgotten with a batch, beside as many as it has rows */

enum { KEY_TEXT, KEY_PERIOD };

#define VALUES (sizeof(struct sw_statistics) / sizeof(int64_t))
/* A group is there as soon as its first id is. */
#define LIVE (offsetof(struct sw_statistics, ids[0].all) / sizeof(int64_t))

/* The groups that an id was seen in; bits: its classes there. */
struct id_entry {
	struct sw_id_set groups;
	uint32_t next; /* of the era */
};

/* What is forgotten together: a period, or where none passes, all there is. */
struct era {
	struct sw_period base;
	bool open;
	struct sw_key_map ids[SW_STATISTICS_KINDS];
	uint32_t entries, groups; /* the first of each */
};

struct statistics {
	struct sw_heap *heap;
	enum sw_state_mode mode;
	struct sw_text_table texts; /* note: the latest group */
	struct sw_groups groups;
	struct sw_pair_map pairs; /* text and period -> group */
	struct sw_slab entries;
	struct sw_periods eras;
	struct era *passed; /* what is left of them is to be forgotten */
};

static int statistics_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_text_statistics_config *config = sw_instance_config(self);
	struct sw_heap *heap = sw_instance_heap(self);
	struct statistics *statistics = state;

	static_assert(VALUES <= SW_GROUP_VALUES_MAX, "a group holds the figures");
	static_assert(SW_STATISTICS_CLASSES <= SW_ID_SET_BITS, "an entry holds the classes");
	static_assert(sizeof(struct id_entry) == 64, "an entry is a cache line");
	if (!heap)
		return sw_error_set(error, -ENOMEM, "text statistics: out of address space");
	statistics->heap = heap;
	statistics->mode = sw_instance_state_mode(self);
	sw_text_table_init(&statistics->texts, heap);
	sw_groups_init(&statistics->groups, heap, VALUES, LIVE);
	sw_pair_map_init(&statistics->pairs, heap);
	sw_slab_init(&statistics->entries, heap, sizeof(struct id_entry));
	sw_periods_init(&statistics->eras, heap, sizeof(struct era),
		config->passes ? config->period_ms : 0);
	return 0;
}

/* ---- Finding things ---- */

static struct era *era_of(struct statistics *statistics, int64_t period)
{
	int64_t number = statistics->eras.period_ms ? period : 0;
	struct era *era = (struct era *)sw_periods_get(&statistics->eras, number);

	if (era && !era->open) {
		for (unsigned kind = 0; kind < SW_STATISTICS_KINDS; kind++)
			sw_key_map_init(&era->ids[kind], statistics->heap, statistics->mode);
		era->open = true;
	}
	return era;
}

/* The group of a text whose latest is another, or none; 0: the heap's limit is reached. */
static uint32_t find_group(
	struct statistics *statistics, struct era *era, uint32_t text, int64_t period)
{
	uint32_t *place = sw_pair_map_put(&statistics->pairs, text, period), number;
	struct sw_group *group;

	if (!place)
		return 0;
	number = *place;
	if (!number) {
		number = sw_groups_take(&statistics->groups);
		if (!number || number > SW_ID_SET_NUMBER_MAX)
			return number;
		*place = number;
		group = sw_groups_at(&statistics->groups, number);
		group->keys[KEY_TEXT] = text;
		group->keys[KEY_PERIOD] = period;
		((struct sw_statistics *)group->values)->latest_ms = SW_TIME_MIN;
		group->next[0] = era->groups;
		era->groups = number;
	}
	sw_text_table_at(&statistics->texts, text)->note = number;
	return number;
}

static uint32_t group_of(
	struct statistics *statistics, struct era *era, uint32_t text, int64_t period)
{
	uint32_t number = sw_text_table_at(&statistics->texts, text)->note;

	if (number) {
		const struct sw_group *group = sw_groups_at(&statistics->groups, number);

		if (group->keys[KEY_TEXT] == text && group->keys[KEY_PERIOD] == period)
			return number;
	}
	return find_group(statistics, era, text, period);
}

/* Adds a class to an id's in a group. Those it had; -ENOMEM: the heap's limit is reached. */
static int add_class(struct statistics *statistics, struct era *era, unsigned kind, int64_t id,
	uint32_t group, unsigned class)
{
	uint32_t number = sw_key_map_get(&era->ids[kind], id), *place;
	struct id_entry *entry;

	if (!number) {
		place = sw_key_map_put(&era->ids[kind], id);
		number = place ? sw_slab_take(&statistics->entries) : 0;
		if (!number)
			return -ENOMEM;
		*place = number;
		entry = sw_slab_at(&statistics->entries, number);
		entry->next = era->entries;
		era->entries = number;
	}
	entry = sw_slab_at(&statistics->entries, number);
	return sw_id_set_add(&entry->groups, statistics->heap, group, 1u << class);
}

/* ---- Rows ---- */

static int64_t number_at(const struct sw_batch *batch, unsigned column, uint32_t row)
{
	return ((const int64_t *)batch->columns[column].data)[row];
}

static int add_row(struct sw_instance *self, struct statistics *statistics,
	const struct sw_batch *batch, uint32_t row, uint32_t text)
{
	const struct sw_text_statistics_config *config = sw_instance_config(self);
	int64_t time_ms = number_at(batch, config->time, row);
	int64_t number = number_at(batch, config->number, row);
	int64_t period = time_ms / config->period_ms - (time_ms % config->period_ms < 0);
	unsigned class = (number >= config->bounds[0]) + (number >= config->bounds[1]);
	struct era *era = era_of(statistics, period);
	uint32_t group = era ? group_of(statistics, era, text, period) : 0;
	struct sw_group *changed = group ? sw_groups_change(&statistics->groups, group) : NULL;
	struct sw_statistics *figures;

	if (!changed)
		return -ENOMEM;
	if (group > SW_ID_SET_NUMBER_MAX)
		return sw_instance_fail(self, -EOVERFLOW, "statistics: over %u groups",
			(unsigned)SW_ID_SET_NUMBER_MAX);
	figures = (struct sw_statistics *)changed->values;
	figures->rows[class]++;
	if (time_ms > figures->latest_ms)
		figures->latest_ms = time_ms;
	for (unsigned kind = 0; kind < SW_STATISTICS_KINDS; kind++) {
		int classes = add_class(statistics, era, kind,
			number_at(batch, config->ids[kind], row), group, class);

		if (classes < 0)
			return classes;
		figures->ids[kind].all += !classes;
		figures->ids[kind].of_class[class] += !(classes >> class & 1);
	}
	return 0;
}

/* At most ROWS_AHEAD rows, from the i-th that counts on. */
static int add_rows(struct sw_instance *self, struct statistics *statistics,
	const struct sw_batch *batch, uint32_t first, uint32_t rows)
{
	const struct sw_text_statistics_config *config = sw_instance_config(self);
	uint32_t texts[ROWS_AHEAD];
	int code = 0;

	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, first + i), group;

		texts[i] = sw_text_table_of(&statistics->texts, &batch->columns[config->text], row);
		if (!texts[i])
			return -ENOMEM;
		group = sw_text_table_at(&statistics->texts, texts[i])->note;
		if (group) {
			const char *at = (const char *)sw_groups_at(&statistics->groups, group);

			__builtin_prefetch(at, 1);
			__builtin_prefetch(at + 64, 1);
		}
	}
	for (uint32_t i = 0; i < rows && !code; i++)
		code = add_row(self, statistics, batch, sw_batch_row(batch, first + i), texts[i]);
	return code;
}

/* ---- Forgetting ---- */

/* At most so many of the ids whose periods have passed; groups go with the last of them. */
static void forget_some(struct statistics *statistics, uint32_t most)
{
	struct era *era;

	for (; most > 0 && (era = statistics->passed); most--) {
		if (era->entries) {
			uint32_t number = era->entries;
			struct id_entry *entry = sw_slab_at(&statistics->entries, number);

			era->entries = entry->next;
			sw_id_set_fini(&entry->groups, statistics->heap);
			sw_slab_give(&statistics->entries, number);
		} else if (era->groups) {
			uint32_t number = era->groups;
			const struct sw_group *group = sw_groups_at(&statistics->groups, number);

			era->groups = group->next[0];
			sw_pair_map_remove(
				&statistics->pairs, group->keys[KEY_TEXT], group->keys[KEY_PERIOD]);
			sw_groups_drop(&statistics->groups, number);
		} else {
			statistics->passed = (struct era *)sw_period_next(&era->base);
			sw_periods_drop(&statistics->eras, &era->base);
		}
	}
}

static void pass_eras(struct statistics *statistics, int64_t watermark)
{
	struct sw_period *first = sw_periods_pass(&statistics->eras, watermark), *last = first;

	for (struct sw_period *era = first; era; era = sw_period_next(era)) {
		for (unsigned kind = 0; kind < SW_STATISTICS_KINDS; kind++)
			sw_key_map_clear(&((struct era *)era)->ids[kind]);
		last = era;
	}
	if (!first)
		return;
	last->due.next = statistics->passed ? &statistics->passed->base.due : NULL;
	statistics->passed = (struct era *)first;
}

/* ---- The operator ---- */

static int statistics_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);
	struct statistics *statistics = state;
	int code = 0;

	(void)input;
	if (statistics->passed)
		forget_some(statistics, rows + FORGET_MORE);
	for (uint32_t i = 0; i < rows && !code; i += ROWS_AHEAD)
		code = add_rows(
			self, statistics, batch, i, rows - i < ROWS_AHEAD ? rows - i : ROWS_AHEAD);
	sw_release(self, batch);
	return code;
}

struct row_context {
	const struct sw_text_statistics_config *config;
	const struct sw_text_table *texts;
	/* Of the last row: it is nearly always the next one's, too. */
	int64_t period;
	struct sw_text period_text; /* null bytes: there is none yet */
	char period_bytes[SW_GROUP_TEXT_BYTES];
};

/* Both rows of an update are of one group, and so of one period. */
static void make_row(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text)
{
	struct row_context *of = context;

	if (!of->period_text.bytes || of->period != keys[KEY_PERIOD]) {
		of->period = keys[KEY_PERIOD];
		of->period_text = of->config->period_text(of->period, of->period_bytes);
	}
	of->config->row(sw_text_table_at(of->texts, (uint32_t)keys[KEY_TEXT])->text,
		of->period_text, (const struct sw_statistics *)values, row, text);
}

static int statistics_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	const struct sw_text_statistics_config *config = sw_instance_config(self);
	struct statistics *statistics = state;
	struct row_context context = { .config = config, .texts = &statistics->texts };
	struct sw_group_rows rows = { .schema = config->out, .row = make_row, .context = &context };
	int code = sw_groups_give(&statistics->groups, self, watermark, &rows);

	if (!code && statistics->eras.period_ms)
		pass_eras(statistics, watermark);
	return code;
}

const struct sw_operator sw_text_statistics = {
	.name = "text statistics",
	.state_bytes = sizeof(struct statistics),
	.open = statistics_open,
	.process = statistics_process,
	.advance = statistics_advance,
};

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
#include <string.h>

#include "operators/id_set.h"
#include "operators/pair_map.h"
#include "operators/periods.h"
#include "operators/text_table.h"

#define ROWS_AHEAD  16u /* whose groups and ids are fetched together */
#define FORGET_MORE 64u /* sets forgotten with a batch, beside as many as it has rows */

enum { KEY_TEXT, KEY_PERIOD };
enum { OUT_TEXT, OUT_PERIOD, OUT_LATEST, OUT_ROWS, OUT_FIGURES };

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
	/* The last row's period, which is nearly always the next one's, too; null: there is none.
	 */
	struct era *era;
	int64_t period;
	uint64_t begin_ms;
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

static int64_t number_of(int64_t time_ms, int64_t length_ms)
{
	return time_ms / length_ms - (time_ms % length_ms < 0);
}

/* Numbers without a sign do not overflow. */
static uint64_t begin_of(int64_t time_ms, int64_t length_ms)
{
	return (uint64_t)number_of(time_ms, length_ms) * (uint64_t)length_ms;
}

/* Makes a time's period the last row's; false: the heap's limit is reached. */
static bool go_to(struct statistics *statistics, int64_t time_ms, int64_t period_ms)
{
	if (statistics->era && (uint64_t)time_ms - statistics->begin_ms < (uint64_t)period_ms)
		return true;
	statistics->period = number_of(time_ms, period_ms);
	statistics->begin_ms = begin_of(time_ms, period_ms);
	statistics->era = era_of(statistics, statistics->period);
	return statistics->era != NULL;
}

/* The group of a text whose latest is another, or none; 0: the heap's limit is reached. */
static uint32_t find_group(struct statistics *statistics, uint32_t text)
{
	uint32_t *place = sw_pair_map_put(&statistics->pairs, text, statistics->period), number;
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
		group->keys[KEY_PERIOD] = statistics->period;
		((struct sw_statistics *)group->values)->latest_ms = SW_TIME_MIN;
		group->next[0] = statistics->era->groups;
		statistics->era->groups = number;
	}
	sw_text_table_at(&statistics->texts, text)->note = number;
	return number;
}

/* The group of a text, whose latest is or was `latest`. */
static uint32_t group_of(struct statistics *statistics, uint32_t text, uint32_t latest)
{
	if (latest) {
		const struct sw_group *group = sw_groups_at(&statistics->groups, latest);

		if (group->keys[KEY_TEXT] == text && group->keys[KEY_PERIOD] == statistics->period)
			return latest;
	}
	return find_group(statistics, text);
}

/* Null: the heap's limit is reached. */
static struct id_entry *entry_of(struct statistics *statistics, unsigned kind, int64_t id)
{
	struct era *era = statistics->era;
	struct id_entry *entry;
	uint32_t *place;

	assert(era);
	place = sw_key_map_put(&era->ids[kind], id);
	if (!place)
		return NULL;
	if (*place)
		return sw_slab_at(&statistics->entries, *place);
	*place = sw_slab_take(&statistics->entries);
	if (!*place)
		return NULL;
	entry = sw_slab_at(&statistics->entries, *place);
	entry->next = era->entries;
	era->entries = *place;
	return entry;
}

/* ---- Rows ---- */

/* A batch's columns, and what they mean. */
struct columns {
	const struct sw_text_statistics_config *config;
	const struct sw_column *text;
	const int64_t *ids[SW_STATISTICS_KINDS], *number, *time;
};

static void find_columns(const struct sw_text_statistics_config *config,
	const struct sw_batch *batch, struct columns *columns)
{
	columns->config = config;
	columns->text = &batch->columns[config->text];
	columns->number = batch->columns[config->number].data;
	columns->time = batch->columns[config->time].data;
	for (unsigned kind = 0; kind < SW_STATISTICS_KINDS; kind++)
		columns->ids[kind] = batch->columns[config->ids[kind]].data;
}

/* A row, and what was found of it before those ahead of it were added. */
struct found_row {
	uint32_t row, text;
	uint32_t latest;       /* the text's group; 0: none */
	const struct era *era; /* where its ids were looked for; null: nowhere */
	struct id_entry *entries[SW_STATISTICS_KINDS]; /* null: none */
};

/* Adds a row's ids to its group's, and the group to theirs. */
static int add_ids(struct statistics *statistics, const struct columns *columns,
	const struct found_row *found, uint32_t group, unsigned class,
	struct sw_statistics *figures)
{
	for (unsigned kind = 0; kind < SW_STATISTICS_KINDS; kind++) {
		struct id_entry *entry =
			found->era == statistics->era ? found->entries[kind] : NULL;
		int classes;

		if (!entry)
			entry = entry_of(statistics, kind, columns->ids[kind][found->row]);
		if (!entry)
			return -ENOMEM;
		classes = sw_id_set_add(&entry->groups, statistics->heap, group, 1u << class);
		if (classes < 0)
			return classes;
		figures->ids[kind].all += !classes;
		figures->ids[kind].of_class[class] += !(classes >> class & 1);
	}
	return 0;
}

static int add_row(struct sw_instance *self, struct statistics *statistics,
	const struct columns *columns, const struct found_row *found)
{
	const struct sw_text_statistics_config *config = columns->config;
	int64_t time_ms = columns->time[found->row], number = columns->number[found->row];
	unsigned class = (number >= config->bounds[0]) + (number >= config->bounds[1]);
	bool there = go_to(statistics, time_ms, config->period_ms);
	uint32_t group = there ? group_of(statistics, found->text, found->latest) : 0;
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
	return add_ids(statistics, columns, found, group, class, figures);
}

/* Its ids are most likely of the last row's period. */
static void find_row(
	const struct statistics *statistics, const struct columns *columns, struct found_row *found)
{
	const struct era *era = statistics->era;

	found->era = era;
	found->latest = sw_text_table_at(&statistics->texts, found->text)->note;
	if (found->latest)
		sw_groups_prefetch(&statistics->groups, found->latest);
	for (unsigned kind = 0; kind < SW_STATISTICS_KINDS; kind++) {
		int64_t id = columns->ids[kind][found->row];
		uint32_t number = era ? sw_key_map_get(&era->ids[kind], id) : 0;

		found->entries[kind] = number ? sw_slab_at(&statistics->entries, number) : NULL;
		if (number)
			__builtin_prefetch(found->entries[kind], 1);
	}
}

/* At most ROWS_AHEAD rows, from the i-th that counts on. */
static int add_rows(struct sw_instance *self, struct statistics *statistics,
	const struct sw_batch *batch, const struct columns *columns, uint32_t first, uint32_t rows)
{
	struct found_row found[ROWS_AHEAD];
	int code = 0;

	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, first + i);
		uint32_t text = sw_text_table_of(&statistics->texts, columns->text, row);

		if (!text)
			return -ENOMEM;
		found[i].row = row;
		found[i].text = text;
		__builtin_prefetch(sw_text_table_at(&statistics->texts, text));
	}
	for (uint32_t i = 0; i < rows; i++)
		find_row(statistics, columns, &found[i]);
	for (uint32_t i = 0; i < rows && !code; i++)
		code = add_row(self, statistics, columns, &found[i]);
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
	statistics->era = NULL;
	last->due.next = statistics->passed ? &statistics->passed->base.due : NULL;
	statistics->passed = (struct era *)first;
}

/* ---- The operator ---- */

static int statistics_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	uint32_t rows = sw_batch_count(batch);
	struct statistics *statistics = state;
	struct columns columns;
	int code = 0;

	(void)input;
	find_columns(sw_instance_config(self), batch, &columns);
	if (statistics->passed)
		forget_some(statistics, rows + FORGET_MORE);
	for (uint32_t i = 0; i < rows && !code; i += ROWS_AHEAD)
		code = add_rows(self, statistics, batch, &columns, i,
			rows - i < ROWS_AHEAD ? rows - i : ROWS_AHEAD);
	sw_release(self, batch);
	return code;
}

struct row_context {
	const struct sw_text_statistics_config *config;
	const struct sw_text_table *texts;
	/* Of the last row: they are nearly always the next one's, too. */
	int64_t period;
	uint64_t latest_begin_ms;
	struct sw_text period_text, latest_text; /* null bytes: there is none yet */
	char period_bytes[SW_GROUP_TEXT_BYTES], latest_bytes[SW_GROUP_TEXT_BYTES];
};

/* The other row of an update may have another one: each has its copy. */
static struct sw_text latest_text(struct row_context *of, int64_t latest_ms, char *text)
{
	int64_t step_ms = of->config->latest_step_ms;

	if (!of->latest_text.bytes ||
		(uint64_t)latest_ms - of->latest_begin_ms >= (uint64_t)step_ms) {
		of->latest_begin_ms = begin_of(latest_ms, step_ms);
		of->latest_text = of->config->latest_text(latest_ms, of->latest_bytes);
	}
	memcpy(text, of->latest_bytes, SW_GROUP_TEXT_BYTES);
	return (struct sw_text){ text, of->latest_text.size };
}

/* Both rows of an update are of one group, and so of one period. */
static void make_row(
	void *context, const int64_t *keys, const int64_t *values, union sw_value *row, char *text)
{
	const struct sw_statistics *figures = (const struct sw_statistics *)values;
	struct row_context *of = context;

	if (!of->period_text.bytes || of->period != keys[KEY_PERIOD]) {
		of->period = keys[KEY_PERIOD];
		of->period_text = of->config->period_text(of->period, of->period_bytes);
	}
	row[OUT_TEXT].text = sw_text_table_at(of->texts, (uint32_t)keys[KEY_TEXT])->text;
	row[OUT_PERIOD].text = of->period_text;
	row[OUT_LATEST].text = latest_text(of, figures->latest_ms, text);
	row[OUT_ROWS].number = 0;
	for (unsigned i = 0; i < SW_STATISTICS_CLASSES; i++)
		row[OUT_ROWS].number += figures->rows[i];
}

static void fetch_text(void *context, const int64_t *keys, unsigned step)
{
	const struct row_context *of = context;
	const struct sw_text_entry *entry = sw_text_table_at(of->texts, (uint32_t)keys[KEY_TEXT]);

	__builtin_prefetch(step == 0 ? (const void *)entry : entry->text.bytes);
}

static int statistics_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	const struct sw_text_statistics_config *config = sw_instance_config(self);
	struct statistics *statistics = state;
	struct row_context context = { .config = config, .texts = &statistics->texts };
	struct sw_group_rows rows = { .schema = config->out,
		.row = make_row,
		.context = &context,
		.made = OUT_FIGURES,
		.fetch = fetch_text };
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

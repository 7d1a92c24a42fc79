/* SPDX-License-Identifier: MIT */
/* What an interval join gives as the watermark rises: at most one change of each row. */

#include <errno.h>

#include "operators/interval_best_private.h"
#include "operators/row_writer.h"

/* ---- Rows ---- */

/* A column that is known without a row. */
static int64_t number_of(enum source source, const struct best *best, int64_t key)
{
	switch (source) {
	case SOURCE_FROM:
		return best->interval->from;
	case SOURCE_UNTIL:
		return best->interval->until;
	case SOURCE_INTERVAL_ORDER:
		return best->interval->order;
	case SOURCE_NUMBER:
		return best->interval->number;
	case SOURCE_TIME:
		return best->time;
	case SOURCE_VALUE:
		return best->value;
	case SOURCE_POINT_ORDER:
		return best->order;
	case SOURCE_KEY:
	case SOURCE_ROW:
		break;
	}
	return key;
}

static int write_row(struct interval_best *state, struct sw_row_writer *writer, int64_t key,
	const struct best *best, enum sw_change change)
{
	const struct sw_interval_best_config *config = state->config;
	const struct sw_row *rows[2] = { best->interval->row, best->row };
	union sw_value values[SW_COLUMNS_MAX];

	for (unsigned i = 0; i < config->columns; i++) {
		unsigned input = config->from[i].input, column = config->from[i].column;
		const struct sw_row_layout *layout = &state->layouts[input];

		if (state->sources[i] != SOURCE_ROW)
			values[i].number = number_of((enum source)state->sources[i], best, key);
		else if (layout->texts >> column & 1)
			values[i].text = sw_row_text(layout, rows[input], column);
		else
			values[i].number = sw_row_int64(layout, rows[input], column);
	}
	return sw_row_write(writer, values, change);
}

/* Of points whose rows are not kept, equal ones are the same. */
static bool same_row(const struct best *a, const struct best *b)
{
	return a->interval == b->interval && a->row == b->row && a->value == b->value &&
	       a->time == b->time && a->order == b->order;
}

/* From what was given of the entry to `best`, which may be none. */
static int change_row(struct interval_best *state, struct sw_row_writer *writer,
	struct entry *entry, const struct best *best)
{
	struct best given = entry->given;
	int code = 0;

	if (same_row(&given, best))
		return 0;
	if (given.interval)
		code = write_row(state, writer, entry->key, &given,
			best->interval ? SW_CHANGE_UPDATE_BEFORE : SW_CHANGE_DELETE);
	if (!code && best->interval)
		code = write_row(state, writer, entry->key, best,
			given.interval ? SW_CHANGE_UPDATE_AFTER : SW_CHANGE_INSERT);
	entry->given = *best;
	if (state->config->forgets && given.row != best->row)
		sw_row_free(state->heap, given.row);
	return code;
}

/* Gives an entry's row as it is at this watermark. */
static int give_row(struct interval_best *state, struct sw_row_writer *writer, struct entry *entry,
	int64_t watermark)
{
	const struct best none = { .interval = NULL };
	const struct best *best = &entry->best;

	if (state->config->gives == SW_INTERVAL_CLOSED && best->interval &&
		best->interval->until >= watermark && watermark != SW_TIME_END) {
		if (entry->due.link)
			sw_due_remove(&entry->due);
		sw_due_put(&state->due, &entry->due, best->interval->until);
		best = &none;
	}
	return change_row(state, writer, entry, best);
}

/* ---- Sums ---- */

/* 0: the limit is reached. */
static uint32_t new_sum(struct interval_best *state, int64_t group)
{
	uint32_t number = sw_slab_take(&state->sums), *place;

	place = number ? sw_key_map_put(&state->groups, group) : NULL;
	if (!place)
		return 0;
	*place = number;
	((struct sum *)sw_slab_at(&state->sums, number))->group = group;
	return number;
}

/* Null: the limit is reached. */
static struct sum *get_sum(struct interval_best *state, int64_t group)
{
	uint32_t number = sw_key_map_get(&state->groups, group);
	struct sum *sum;

	if (!number)
		number = new_sum(state, group);
	if (!number)
		return NULL;
	sum = sw_slab_at(&state->sums, number);
	if (!sum->touched) {
		sum->touched = true;
		sum->next = state->touched;
		state->touched = number;
	}
	return sum;
}

static int add_sum(struct interval_best *state, struct entry *entry)
{
	struct sum *sum;

	if (entry->given.interval && entry->given.value == entry->best.value)
		return 0;
	sum = get_sum(state, entry->group);
	if (!sum)
		return -ENOMEM;
	sum->sum += entry->best.value;
	if (entry->given.interval)
		sum->sum -= entry->given.value;
	sum->count += !entry->given.interval;
	entry->given = entry->best;
	return 0;
}

/* As much of a sum as a row holds. */
static int64_t part_of(best_sum sum)
{
	return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

/* In as many rows as it takes. */
static int give_sum(struct sw_row_writer *writer, struct sum *sum)
{
	int code;

	do {
		int64_t part = part_of(sum->sum);
		union sw_value values[3] = { { .number = sum->group }, { .number = part },
			{ .number = sum->count } };

		sum->sum -= part;
		sum->count = 0;
		code = sw_row_write(writer, values, SW_CHANGE_INSERT);
	} while (sum->sum != 0 && !code);
	return code;
}

static int give_sums(struct interval_best *state, struct sw_row_writer *writer)
{
	int code = 0;

	while (state->touched && !code) {
		struct sum *sum = sw_slab_at(&state->sums, state->touched);

		state->touched = sum->next;
		sum->touched = false;
		code = give_sum(writer, sum);
	}
	return code;
}

/* Those first whose best changed: a row that is to be given later is put into the queue. */
static int give_dirty(struct interval_best *state, struct sw_row_writer *writer, int64_t watermark)
{
	bool sums = state->config->gives == SW_INTERVAL_SUMS;
	int code = 0;

	while (state->dirty && !code) {
		struct entry *entry = entry_at(state, state->dirty);

		state->dirty = entry->next_dirty;
		entry->dirty = false;
		code = sums ? add_sum(state, entry) : give_row(state, writer, entry, watermark);
	}
	return code || !sums ? code : give_sums(state, writer);
}

int interval_best_give(struct sw_instance *self, struct interval_best *state, int64_t watermark,
	struct sw_due **due)
{
	struct sw_row_writer writer;
	int code;

	sw_row_writer_begin(&writer, self, 0, watermark);
	code = give_dirty(state, &writer, watermark);
	*due = sw_due_take(&state->due, watermark);
	if (state->config->gives == SW_INTERVAL_CLOSED)
		for (struct sw_due *item = *due; item && !code; item = item->next)
			code = give_row(state, &writer, (struct entry *)item, watermark);
	sw_row_writer_end(&writer);
	return code == -ECANCELED ? 0 : code;
}

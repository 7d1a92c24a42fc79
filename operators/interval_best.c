/* SPDX-License-Identifier: MIT */
/*
 * A point meets the intervals of its key when the later of the two arrives. It waits where it can
 * still meet one; most points meet theirs at once, and lose against the best so far without
 * anything being copied.
 */

#include "operators/interval_best.h"

#include <errno.h>

#include "operators/interval_best_private.h"

/* ---- What the result wants ---- */

/* What a column of an input is to the join. */
static enum source source_of(
	const struct sw_interval_best_config *config, unsigned input, unsigned column)
{
	static const uint8_t sources[2][5] = { { SOURCE_KEY, SOURCE_FROM, SOURCE_UNTIL,
						       SOURCE_INTERVAL_ORDER, SOURCE_NUMBER },
		{ SOURCE_KEY, SOURCE_TIME, SOURCE_VALUE, SOURCE_POINT_ORDER, SOURCE_ROW } };
	const struct sw_interval_columns *intervals = &config->intervals;
	const struct sw_point_columns *points = &config->points;
	const unsigned known[2][4] = { { intervals->key, intervals->from, intervals->until,
					       intervals->order },
		{ points->key, points->time, points->value, points->order } };
	unsigned i = 0;

	while (i < 4 && known[input][i] != column)
		i++;
	return (enum source)sources[input][i];
}

/* Of an interval one number can be kept; of more columns, or of a text, the row is, and then all
 * of its columns are taken from that. */
static void find_sources(struct interval_best *state)
{
	const struct sw_interval_best_config *config = state->config;

	state->number_column = SW_COLUMNS_MAX;
	if (config->gives == SW_INTERVAL_SUMS)
		return;
	for (unsigned i = 0; i < config->columns; i++) {
		unsigned input = config->from[i].input, column = config->from[i].column;
		enum source source = source_of(config, input, column);

		state->sources[i] = source;
		if (source == SOURCE_ROW)
			state->keeps_rows[input] = true;
		if (source != SOURCE_NUMBER)
			continue;
		if (config->schemas[input]->fields[column].type == SW_TEXT ||
			(state->number_column != SW_COLUMNS_MAX && state->number_column != column))
			state->keeps_rows[input] = true;
		state->number_column = column;
	}
	for (unsigned i = 0; i < config->columns; i++)
		if (state->keeps_rows[config->from[i].input])
			state->sources[i] = SOURCE_ROW;
	for (unsigned i = 0; i < 2; i++)
		if (state->keeps_rows[i])
			sw_row_layout_init(&state->layouts[i], config->schemas[i]);
}

static int best_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct interval_best *state = state_bytes;
	enum sw_state_mode mode = sw_instance_state_mode(self);

	state->config = sw_instance_config(self);
	state->heap = sw_instance_heap(self);
	if (!state->heap)
		return sw_error_set(error, -ENOMEM, "interval join: no memory for its state");
	sw_key_map_init(&state->keys, state->heap, mode);
	sw_slab_init(&state->entries, state->heap, sizeof(struct entry));
	sw_key_map_init(&state->groups, state->heap, mode);
	sw_slab_init(&state->sums, state->heap, sizeof(struct sum));
	find_sources(state);
	return 0;
}

/* ---- Entries ---- */

static struct entry *new_entry(struct interval_best *state, int64_t key)
{
	uint32_t number = sw_slab_take(&state->entries);
	struct entry *entry = number ? entry_at(state, number) : NULL;

	if (entry) {
		entry->key = key;
		entry->number = number;
	}
	return entry;
}

/* The first entry of the key, if need be a new one; null: the limit is reached. */
static struct entry *get_entry(struct interval_best *state, int64_t key)
{
	uint32_t number = sw_key_map_get(&state->keys, key), *place;
	struct entry *entry;

	if (number)
		return entry_at(state, number);
	entry = new_entry(state, key);
	place = entry ? sw_key_map_put(&state->keys, key) : NULL;
	if (!place)
		return NULL;
	*place = entry->number;
	return entry;
}

static void free_points(struct interval_best *state, struct entry *entry)
{
	while (entry->points) {
		struct point *point = entry->points;

		entry->points = point->next;
		sw_row_free(state->heap, point->row);
		sw_heap_free(state->heap, point, sizeof(*point));
	}
}

/* Only where things are forgotten: an entry without others of its key. */
static void free_entry(struct interval_best *state, struct entry *entry)
{
	free_points(state, entry);
	if (entry->best.row != entry->given.row)
		sw_row_free(state->heap, entry->best.row);
	sw_row_free(state->heap, entry->given.row);
	if (state->keeps_rows[IN_INTERVALS])
		sw_row_free(state->heap, entry->interval.row);
	sw_key_map_remove(&state->keys, entry->key);
	sw_slab_give(&state->entries, entry->number);
}

static void reschedule(struct interval_best *state, struct entry *entry, int64_t at)
{
	if (entry->due.link)
		sw_due_remove(&entry->due);
	sw_due_put(&state->due, &entry->due, at);
}

/* ---- A point meets an interval ---- */

static bool better(const struct point *point, const struct best *best)
{
	if (!best->interval || point->value != best->value)
		return !best->interval || point->value > best->value;
	if (point->time != best->time)
		return point->time < best->time;
	return point->order < best->order;
}

/* Takes the point's row. */
static void set_best(struct interval_best *state, struct entry *entry, const struct point *point,
	const struct interval *interval)
{
	if (state->config->forgets && entry->best.row != entry->given.row)
		sw_row_free(state->heap, entry->best.row);
	entry->best =
		(struct best){ point->value, point->time, point->order, point->row, interval };
	/* What is given at its end need not be looked at before. */
	if (entry->dirty || (state->config->forgets && state->config->gives == SW_INTERVAL_CLOSED))
		return;
	entry->dirty = true;
	entry->next_dirty = state->dirty;
	state->dirty = entry->number;
}

static bool holds(const struct interval *interval, int64_t time)
{
	return interval->from <= time && time <= interval->until;
}

/* The entry's interval of lowest order that the time is in; null: in none. */
static const struct interval *interval_of(const struct entry *entry, int64_t time)
{
	const struct interval *found = NULL;

	if (!entry->has_interval)
		return NULL;
	for (const struct interval *i = &entry->interval; i; i = i->next)
		if (holds(i, time) && (!found || i->order < found->order))
			found = i;
	return found;
}

/* A new interval meets the points that wait. */
static void meet_points(struct interval_best *state, struct entry *entry, struct entry *head,
	const struct interval *interval)
{
	bool forgets = state->config->forgets;

	for (struct point *point = head->points; point; point = point->next) {
		struct best *best = &entry->best;

		if (!holds(interval, point->time))
			continue;
		if (better(point, best)) {
			set_best(state, entry, point, interval);
			if (forgets)
				point->row = NULL;
		} else if (point->value == best->value && point->time == best->time &&
			   point->order == best->order && interval->order < best->interval->order) {
			set_best(state, entry, point, interval);
		}
	}
	if (forgets)
		free_points(state, head);
}

/* ---- Intervals ---- */

/* The key's entry for this group. */
static struct entry *entry_of_group(struct interval_best *state, struct entry *head, int64_t group)
{
	struct entry *entry = head, *added;

	if (!head->has_interval) {
		head->group = group;
		return head;
	}
	for (;; entry = entry_at(state, entry->next)) {
		if (entry->group == group)
			return entry;
		if (!entry->next)
			break;
	}
	added = new_entry(state, head->key);
	if (!added)
		return NULL;
	added->group = group;
	entry->next = added->number;
	return added;
}

static struct interval *add_interval(struct interval_best *state, struct entry *entry)
{
	struct interval *interval = &entry->interval;

	if (entry->has_interval) {
		interval = sw_heap_zalloc(state->heap, sizeof(*interval));
		if (!interval)
			return NULL;
		interval->next = entry->interval.next;
		entry->interval.next = interval;
	}
	entry->has_interval = true;
	return interval;
}

static inline int64_t cell(const struct sw_batch *batch, unsigned column, uint32_t row)
{
	return ((const int64_t *)batch->columns[column].data)[row];
}

static inline int64_t order_of(const struct sw_batch *batch, unsigned column, uint32_t row)
{
	return column == SW_INTERVAL_NO_ORDER ? 0 : cell(batch, column, row);
}

static int take_interval(struct interval_best *state, const struct sw_batch *batch, uint32_t row)
{
	const struct sw_interval_columns *columns = &state->config->intervals;
	bool sums = state->config->gives == SW_INTERVAL_SUMS;
	struct entry *head = get_entry(state, cell(batch, columns->key, row));
	struct entry *entry =
		head ? entry_of_group(state, head, sums ? cell(batch, columns->group, row) : 0)
		     : NULL;
	struct interval *interval = entry ? add_interval(state, entry) : NULL;

	if (!interval)
		return -ENOMEM;
	interval->from = cell(batch, columns->from, row);
	interval->until = cell(batch, columns->until, row);
	interval->order = order_of(batch, columns->order, row);
	if (state->keeps_rows[IN_INTERVALS]) {
		interval->row = sw_row_copy(&state->layouts[IN_INTERVALS], state->heap, batch, row);
		if (!interval->row)
			return -ENOMEM;
	} else if (state->number_column != SW_COLUMNS_MAX) {
		interval->number = cell(batch, state->number_column, row);
	}
	meet_points(state, entry, head, interval);
	if (state->config->forgets)
		reschedule(state, entry, interval->until);
	return 0;
}

/* ---- Points ---- */

/* Copies the row to what is kept of the point, where rows are. */
static int take_row(struct interval_best *state, struct point *point, const struct sw_batch *batch,
	uint32_t row)
{
	if (!state->keeps_rows[IN_POINTS])
		return 0;
	point->row = sw_row_copy(&state->layouts[IN_POINTS], state->heap, batch, row);
	return point->row ? 0 : -ENOMEM;
}

/* A point of an entry's key. */
static int meet_interval(struct interval_best *state, struct entry *entry, struct point *point,
	const struct sw_batch *batch, uint32_t row)
{
	const struct interval *interval;
	int code;

	if (!better(point, &entry->best))
		return 0;
	interval = interval_of(entry, point->time);
	if (!interval)
		return 0;
	code = point->row ? 0 : take_row(state, point, batch, row);
	if (!code)
		set_best(state, entry, point, interval);
	return code;
}

static struct point *keep_point(struct interval_best *state, struct entry *head,
	const struct point *point, const struct sw_batch *batch, uint32_t row)
{
	struct point *waiting = sw_heap_alloc(state->heap, sizeof(*waiting));

	if (!waiting)
		return NULL;
	*waiting = *point;
	if (take_row(state, waiting, batch, row)) {
		sw_heap_free(state->heap, waiting, sizeof(*waiting));
		return NULL;
	}
	waiting->next = head->points;
	head->points = waiting;
	if (state->config->forgets && !head->due.link)
		sw_due_put(&state->due, &head->due, point->time);
	return waiting;
}

static int take_point(struct interval_best *state, const struct sw_batch *batch, uint32_t row)
{
	const struct sw_point_columns *columns = &state->config->points;
	int64_t key = cell(batch, columns->key, row);
	uint32_t number = sw_key_map_get(&state->keys, key);
	struct entry *head = number ? entry_at(state, number) : NULL;
	struct point point = { .value = cell(batch, columns->value, row),
		.time = cell(batch, columns->time, row),
		.order = order_of(batch, columns->order, row) };
	int code = 0;

	if (!state->config->forgets || !head || !head->has_interval) {
		struct point *waiting;

		head = head ? head : get_entry(state, key);
		waiting = head ? keep_point(state, head, &point, batch, row) : NULL;
		if (!waiting)
			return -ENOMEM;
		point.row = waiting->row;
	}
	for (struct entry *entry = head; head->has_interval && entry && !code;
		entry = entry->next ? entry_at(state, entry->next) : NULL)
		code = meet_interval(state, entry, &point, batch, row);
	return code;
}

static int best_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct interval_best *state = state_bytes;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	for (uint32_t i = 0; i < rows && !code; i++) {
		uint32_t row = sw_batch_row(batch, i);

		code = input == IN_POINTS ? take_point(state, batch, row)
					  : take_interval(state, batch, row);
	}
	sw_release(self, batch);
	return code;
}

/* ---- Time ---- */

/*
 * Forgets what the watermark has passed of an entry that only waits. It comes back when the latest
 * of the others is passed: so each point is looked at twice at most.
 */
static void sweep(struct interval_best *state, struct entry *entry, int64_t watermark)
{
	struct point **place = &entry->points, *point;
	int64_t latest = SW_TIME_MIN;

	while ((point = *place)) {
		if (point->time < watermark || watermark == SW_TIME_END) {
			*place = point->next;
			sw_row_free(state->heap, point->row);
			sw_heap_free(state->heap, point, sizeof(*point));
		} else {
			latest = point->time > latest ? point->time : latest;
			place = &point->next;
		}
	}
	if (entry->points)
		sw_due_put(&state->due, &entry->due, latest);
	else
		free_entry(state, entry);
}

static int best_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct interval_best *state = state_bytes;
	struct sw_due *due, *next;
	int code = interval_best_give(self, state, watermark, &due);

	if (code || !state->config->forgets)
		return code;
	for (; due; due = next) {
		struct entry *entry = (struct entry *)due;

		next = due->next;
		if (entry->has_interval)
			free_entry(state, entry);
		else
			sweep(state, entry, watermark);
	}
	return 0;
}

const struct sw_operator sw_interval_best = {
	.name = "interval join",
	.state_bytes = sizeof(struct interval_best),
	.open = best_open,
	.process = best_process,
	.advance = best_advance,
};

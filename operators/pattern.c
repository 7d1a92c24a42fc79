/* SPDX-License-Identifier: MIT */
#include "operators/pattern.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/instants.h"
#include "operators/nested_map.h"
#include "operators/slab.h"

/*
 * Keys that are to be looked at when they have waited lie in lists by the time that this is due, in
 * steps of a power of two ms. A step is short enough that what is due within wait_ms lies in
 * different lists.
 */
#define STEPS 8u

/* A key's entry: this, if its pattern forgets with time, and the pattern's state. */
struct entry {
	int64_t keys[2];
	uint32_t next; /* due in the same step; 0: the last */
};

struct pattern {
	const struct sw_pattern_config *config;
	struct sw_pattern_call call;
	struct sw_instants instants;
	struct sw_nested_map keys; /* -> entries */
	struct sw_slab entries;
	size_t head_bytes; /* of an entry, before the state */
	uint32_t due[STEPS];
	int64_t step; /* what was due before it has been looked at */
	unsigned step_shift;
};

int sw_pattern_give(struct sw_pattern_call *call, const int64_t *values, unsigned count)
{
	union sw_value row[2 + SW_PATTERN_VALUES_MAX];

	assert(count <= SW_PATTERN_VALUES_MAX);
	row[0].number = call->keys[0];
	row[1].number = call->keys[1];
	for (unsigned i = 0; i < count; i++)
		row[2 + i].number = values[i];
	return sw_row_write(&call->writer, row, SW_CHANGE_INSERT);
}

static int pattern_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct pattern *state = state_bytes;
	struct sw_heap *heap = sw_instance_heap(self);
	const struct sw_pattern *pattern;

	if (!heap)
		return sw_error_set(error, -ENOMEM, "pattern: out of memory");
	state->config = sw_instance_config(self);
	state->call = (struct sw_pattern_call){ .self = self, .heap = heap };
	pattern = state->config->pattern;
	sw_instants_init(&state->instants, heap, sw_instance_state_mode(self));
	sw_nested_map_init(&state->keys, heap, sw_instance_state_mode(self));
	state->head_bytes = pattern->expire ? sizeof(struct entry) : 0;
	sw_slab_init(&state->entries, heap, state->head_bytes + pattern->state_bytes);
	/* Due at most wait_ms after the current step's end, and so within the steps after it. */
	while ((int64_t)(STEPS - 2) << state->step_shift < pattern->wait_ms)
		state->step_shift++;
	state->step = SW_TIME_MIN >> state->step_shift;
	return 0;
}

static int pattern_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct pattern *state = state_bytes;
	const struct sw_pattern_config *config = state->config;
	const int64_t *firsts = batch->columns[config->key[0]].data;
	const int64_t *seconds = batch->columns[config->key[1]].data;
	const int64_t *values = batch->columns[config->value].data;
	const int64_t *times = batch->columns[config->time].data;
	const int64_t *seqs = batch->columns[config->seq].data;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, i);
		struct sw_instant_row *to =
			sw_instants_add(&state->instants, times[row], seqs[row]);

		if (!to) {
			code = -ENOMEM;
			break;
		}
		to->keys[0] = firsts[row];
		to->keys[1] = seconds[row];
		to->value = values[row];
	}
	sw_release(self, batch);
	return code;
}

/* ---- Keys that wait ---- */

static void put_due(struct pattern *state, uint32_t number, struct entry *entry, int64_t oldest)
{
	int64_t at = (int64_t)((uint64_t)oldest + (uint64_t)state->config->pattern->wait_ms);
	uint64_t ahead = (uint64_t)(at >> state->step_shift) - (uint64_t)state->step;
	/* Beyond the last step only at the ends of time, where sums turn over. */
	uint32_t *list =
		&state->due[((uint64_t)state->step + (ahead < STEPS ? ahead : STEPS - 1)) % STEPS];

	entry->next = *list;
	*list = number;
}

/* Looks at the entries of a list; those whose pattern remembers something go on waiting. */
static int look(struct pattern *state, uint32_t number, int64_t now)
{
	while (number) {
		struct entry *entry = sw_slab_at(&state->entries, number);
		uint32_t next = entry->next;
		int64_t oldest = now;
		int memory;

		if (next)
			__builtin_prefetch(sw_slab_at(&state->entries, next), 1);
		memcpy(state->call.keys, entry->keys, sizeof(entry->keys));
		memory = state->config->pattern->expire(&state->call, entry + 1, now, &oldest);
		if (memory < 0)
			return memory;
		if (memory == SW_PATTERN_KEEP) {
			put_due(state, number, entry, oldest);
		} else {
			sw_nested_map_remove(&state->keys, entry->keys[0], entry->keys[1]);
			sw_slab_give(&state->entries, number);
		}
		number = next;
	}
	return 0;
}

/* All rows before `now` were taken. */
static int look_at_due(struct pattern *state, int64_t now)
{
	int64_t step = now >> state->step_shift, before = state->step;
	uint64_t passed = step > before ? (uint64_t)step - (uint64_t)before : 0;
	uint32_t lists[STEPS];
	uint64_t count = passed < STEPS ? passed : STEPS;
	int code = 0;

	if (now == SW_TIME_END)
		count = STEPS;
	for (uint64_t i = 0; i < count; i++) {
		uint32_t *list = &state->due[((uint64_t)before + i) % STEPS];

		lists[i] = *list;
		*list = 0;
	}
	if (passed)
		state->step = step;
	for (uint64_t i = 0; i < count && !code; i++)
		code = look(state, lists[i], now);
	return code;
}

/* ---- Rows in order ---- */

/* The key's entry, made if the value can begin something. 0: there is none; -ENOMEM. */
static int get_entry(
	struct pattern *state, const struct sw_instant_row *row, int64_t time, uint32_t *number)
{
	const struct sw_pattern *pattern = state->config->pattern;
	uint32_t *place;

	*number = sw_nested_map_get(&state->keys, row->keys[0], row->keys[1]);
	if (*number || (pattern->begins && !pattern->begins(row->value)))
		return 0;
	place = sw_nested_map_put(&state->keys, row->keys[0], row->keys[1]);
	if (!place)
		return -ENOMEM;
	*place = *number = sw_slab_take(&state->entries);
	if (!*number)
		return -ENOMEM;
	if (pattern->expire) {
		struct entry *entry = sw_slab_at(&state->entries, *number);

		memcpy(entry->keys, row->keys, sizeof(entry->keys));
		put_due(state, *number, entry, time);
	}
	return 0;
}

static int take_row(struct pattern *state, int64_t time, const struct sw_instant_row *row)
{
	const struct sw_pattern *pattern = state->config->pattern;
	uint32_t number;
	int code = get_entry(state, row, time, &number), memory;

	if (code || !number)
		return code;
	memcpy(state->call.keys, row->keys, sizeof(row->keys));
	memory = pattern->take(&state->call,
		(char *)sw_slab_at(&state->entries, number) + state->head_bytes, time, row->value);
	if (memory < 0)
		return memory;
	/* Where keys wait, an entry stays until it is due: its list has it. */
	if (memory == SW_PATTERN_FORGET && !pattern->expire) {
		sw_nested_map_remove(&state->keys, row->keys[0], row->keys[1]);
		sw_slab_give(&state->entries, number);
	}
	return 0;
}

static int take_rows(void *context, int64_t time, const struct sw_instant_row *rows, size_t count)
{
	struct pattern *state = context;
	int code = state->config->pattern->expire ? look_at_due(state, time) : 0;

	for (size_t i = 0; i < count && !code; i++)
		code = take_row(state, time, &rows[i]);
	return code;
}

static int pattern_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct pattern *state = state_bytes;
	int code;

	sw_row_writer_begin(&state->call.writer, self, 0, watermark);
	code = sw_instants_give(&state->instants, watermark, take_rows, state);
	if (!code && state->config->pattern->expire)
		code = look_at_due(state, watermark);
	sw_row_writer_end(&state->call.writer);
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_pattern = {
	.name = "pattern",
	.state_bytes = sizeof(struct pattern),
	.open = pattern_open,
	.process = pattern_process,
	.advance = pattern_advance,
};

/* SPDX-License-Identifier: MIT */
/*
 * What comes in waits in a queue until the watermark is past its time, for only then is it known
 * what stands before it. What comes due at once is sorted, and worked off key by key.
 */

#include "operators/moving_average.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/due.h"
#include "operators/key_map.h"
#include "operators/row_writer.h"
#include "operators/slab.h"

enum { OUT_ID, OUT_KEY, OUT_AVERAGE, OUT_COLUMNS };

#define ELEMENTS_FIRST 2u

/* A change that waits. */
struct arrival {
	struct sw_due due; /* first; at: the element's time */
	int64_t key, id, value;
	uint64_t number; /* in order of arrival: of two changes of an element the later counts */
	bool taken_back;
};

struct element {
	int64_t time, id, value;
	int64_t average; /* as it was given */
	bool given;
};

/* A key's elements in order; where things are forgotten only the last ones. */
struct sequence {
	int64_t key;
	struct element *elements;
	uint32_t count, capacity;
};

/* Elements whose averages may have changed. */
struct range {
	uint32_t from, until;
};

static const struct range nothing = { UINT32_MAX, 0 };

struct moving_average {
	const struct sw_moving_average_config *config;
	struct sw_heap *heap;
	struct sw_due_queue waiting;
	uint64_t arrivals;
	struct sw_key_map keys; /* -> sequences */
	struct sw_slab sequences;
};

static int average_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct moving_average *state = state_bytes;

	state->config = sw_instance_config(self);
	assert(state->config->window >= 1 && state->config->window <= SW_MOVING_AVERAGE_MAX);
	state->heap = sw_instance_heap(self);
	if (!state->heap)
		return sw_error_set(error, -ENOMEM, "moving average: no memory for its state");
	sw_key_map_init(&state->keys, state->heap, sw_instance_state_mode(self));
	sw_slab_init(&state->sequences, state->heap, sizeof(struct sequence));
	return 0;
}

/* ---- What comes in ---- */

static int average_process(
	struct sw_instance *self, void *state_bytes, unsigned input, struct sw_batch *batch)
{
	struct moving_average *state = state_bytes;
	const struct sw_moving_average_config *config = state->config;
	const struct sw_column *columns = batch->columns;
	uint32_t rows = sw_batch_count(batch), change = batch->schema->columns - 1;
	int code = 0;

	(void)input;
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(batch, i);
		int64_t what = sw_column_int64(&columns[change], row);
		struct arrival *arrival = sw_heap_alloc(state->heap, sizeof(*arrival));

		if (!arrival) {
			code = -ENOMEM;
			break;
		}
		arrival->key = sw_column_int64(&columns[config->key], row);
		arrival->id = sw_column_int64(&columns[config->id], row);
		arrival->value = sw_column_int64(&columns[config->value], row);
		arrival->number = state->arrivals++;
		arrival->taken_back = what == SW_CHANGE_DELETE || what == SW_CHANGE_UPDATE_BEFORE;
		sw_due_put(&state->waiting, &arrival->due,
			sw_column_int64(&columns[config->time], row));
	}
	sw_release(self, batch);
	return code;
}

/* ---- Sorting what is due: by key, time, id and arrival ---- */

static bool same_element(const struct arrival *a, const struct arrival *b)
{
	return a->key == b->key && a->due.at == b->due.at && a->id == b->id;
}

static bool is_before(const struct arrival *a, const struct arrival *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	if (a->due.at != b->due.at)
		return a->due.at < b->due.at;
	return a->id != b->id ? a->id < b->id : a->number < b->number;
}

static struct sw_due *merge(struct sw_due *a, struct sw_due *b)
{
	struct sw_due *first, **place = &first;

	while (a && b) {
		struct sw_due **less =
			is_before((struct arrival *)b, (struct arrival *)a) ? &b : &a;

		*place = *less;
		place = &(*less)->next;
		*less = (*less)->next;
	}
	*place = a ? a : b;
	return first;
}

/* A merge sort of a list: runs[i] is a sorted list of 2^i items, or none. */
static struct sw_due *sort(struct sw_due *list)
{
	struct sw_due *runs[64] = { NULL }, *sorted = NULL;

	while (list) {
		struct sw_due *run = list;
		unsigned i = 0;

		list = list->next;
		run->next = NULL;
		for (; runs[i]; i++) {
			run = merge(runs[i], run);
			runs[i] = NULL;
		}
		runs[i] = run;
	}
	for (unsigned i = 0; i < 64; i++)
		sorted = merge(runs[i], sorted);
	return sorted;
}

/* ---- Sequences ---- */

/* Null: the limit is reached. */
static struct sequence *get_sequence(struct moving_average *state, int64_t key)
{
	uint32_t number = sw_key_map_get(&state->keys, key), *place;
	struct sequence *sequence;

	if (number)
		return sw_slab_at(&state->sequences, number);
	number = sw_slab_take(&state->sequences);
	place = number ? sw_key_map_put(&state->keys, key) : NULL;
	if (!place)
		return NULL;
	*place = number;
	sequence = sw_slab_at(&state->sequences, number);
	sequence->key = key;
	return sequence;
}

/* The first element that is not before (time, id). Most come at the end. */
static uint32_t find(const struct sequence *sequence, int64_t time, int64_t id)
{
	uint32_t low = 0, high = sequence->count;
	uint32_t middle = high ? high - 1 : 0;

	while (low < high) {
		const struct element *element = &sequence->elements[middle];

		if (element->time != time ? element->time < time : element->id < id)
			low = middle + 1;
		else
			high = middle;
		middle = low + (high - low) / 2;
	}
	return low;
}

static int make_room(struct moving_average *state, struct sequence *sequence)
{
	uint32_t capacity = sequence->capacity ? 2 * sequence->capacity : ELEMENTS_FIRST;
	struct element *grown;

	if (sequence->count < sequence->capacity)
		return 0;
	if (sequence->capacity > UINT32_MAX / 2)
		return -EOVERFLOW;
	grown = sw_heap_alloc(state->heap, capacity * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (sequence->count > 0)
		memcpy(grown, sequence->elements, sequence->count * sizeof(*grown));
	sw_heap_free(
		state->heap, sequence->elements, sequence->capacity * sizeof(*sequence->elements));
	sequence->elements = grown;
	sequence->capacity = capacity;
	return 0;
}

static int insert(struct moving_average *state, struct sequence *sequence, uint32_t at,
	const struct arrival *arrival)
{
	int code = make_room(state, sequence);

	if (code)
		return code;
	memmove(sequence->elements + at + 1, sequence->elements + at,
		(sequence->count - at) * sizeof(*sequence->elements));
	sequence->elements[at] =
		(struct element){ arrival->due.at, arrival->id, arrival->value, 0, false };
	sequence->count++;
	return 0;
}

static void erase(struct sequence *sequence, uint32_t at, uint32_t count)
{
	sequence->count -= count;
	memmove(sequence->elements + at, sequence->elements + at + count,
		(sequence->count - at) * sizeof(*sequence->elements));
}

/* ---- What is given ---- */

static int write_row(struct sw_row_writer *writer, const struct sequence *sequence,
	const struct element *element, int64_t average, enum sw_change change)
{
	union sw_value values[OUT_COLUMNS] = { [OUT_ID] = { .number = element->id },
		[OUT_KEY] = { .number = sequence->key },
		[OUT_AVERAGE] = { .number = average } };

	return sw_row_write(writer, values, change);
}

static int64_t average_at(const struct sequence *sequence, uint32_t at, unsigned window)
{
	uint32_t first = at + 1 > window ? at + 1 - window : 0;
	__int128 sum = 0;

	for (uint32_t i = first; i <= at; i++)
		sum += sequence->elements[i].value;
	return (int64_t)(sum / (int64_t)(at + 1 - first));
}

static int give_range(struct moving_average *state, struct sw_row_writer *writer,
	struct sequence *sequence, const struct range *range)
{
	int code = 0;

	for (uint32_t i = range->from; i < range->until && !code; i++) {
		struct element *element = &sequence->elements[i];
		int64_t average = average_at(sequence, i, state->config->window);

		if (element->given && element->average == average)
			continue;
		if (element->given)
			code = write_row(writer, sequence, element, element->average,
				SW_CHANGE_UPDATE_BEFORE);
		if (!code)
			code = write_row(writer, sequence, element, average,
				element->given ? SW_CHANGE_UPDATE_AFTER : SW_CHANGE_INSERT);
		element->average = average;
		element->given = true;
	}
	return code;
}

/* Makes the element what its last change says. `range` grows by what that reaches. */
static int apply(struct moving_average *state, struct sw_row_writer *writer,
	struct sequence *sequence, const struct arrival *arrival, struct range *range)
{
	uint32_t at = find(sequence, arrival->due.at, arrival->id), window = state->config->window;
	struct element *element = sequence->elements + at;
	bool there = at < sequence->count && element->time == arrival->due.at &&
		     element->id == arrival->id;
	int code = 0;

	if (there && arrival->taken_back) {
		code = write_row(writer, sequence, element, element->average, SW_CHANGE_DELETE);
		erase(sequence, at, 1);
		range->until -= range->until > at;
	} else if (there) {
		element->value = arrival->value;
	} else if (!arrival->taken_back) {
		code = insert(state, sequence, at, arrival);
		range->until += range->until > at;
	}
	/* Changes come in order: the first of them is the first that is reached. */
	if (at < range->from)
		range->from = at;
	if (range->until < at + window)
		range->until = at + window;
	if (range->until > sequence->count)
		range->until = sequence->count;
	return code;
}

/* Gives what was reached, and forgets what no later average needs. */
static int settle(struct moving_average *state, struct sw_row_writer *writer,
	struct sequence *sequence, struct range *range)
{
	uint32_t needed = state->config->window - 1;
	int code = give_range(state, writer, sequence, range);

	*range = nothing;
	if (state->config->forgets && sequence->count > needed)
		erase(sequence, 0, sequence->count - needed);
	return code;
}

/* Works off the first key's changes. */
static int give_key(
	struct moving_average *state, struct sw_row_writer *writer, struct sw_due **list)
{
	struct arrival *arrival = (struct arrival *)*list;
	struct sequence *sequence = get_sequence(state, arrival->key);
	struct range range = nothing;
	int64_t key = arrival->key;
	int code = sequence ? 0 : -ENOMEM;

	while (!code && arrival && arrival->key == key) {
		struct arrival *next = (struct arrival *)arrival->due.next;

		if (!next || !same_element(arrival, next))
			code = apply(state, writer, sequence, arrival, &range);
		sw_heap_free(state->heap, arrival, sizeof(*arrival));
		arrival = next;
		/* Then nothing is revised: a long run is given piece by piece. */
		if (!code && state->config->forgets && sequence->count >= 2 * state->config->window)
			code = settle(state, writer, sequence, &range);
	}
	*list = (struct sw_due *)arrival;
	return code ? code : settle(state, writer, sequence, &range);
}

static int average_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct moving_average *state = state_bytes;
	struct sw_due *due = sort(sw_due_take(&state->waiting, watermark));
	struct sw_row_writer writer;
	int code = 0;

	sw_row_writer_begin(&writer, self, 0, watermark);
	while (due && !code)
		code = give_key(state, &writer, &due);
	sw_row_writer_end(&writer);
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_moving_average = {
	.name = "moving average",
	.state_bytes = sizeof(struct moving_average),
	.open = average_open,
	.process = average_process,
	.advance = average_advance,
};

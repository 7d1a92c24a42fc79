/* SPDX-License-Identifier: MIT */
/*
 * What comes in waits until the watermark is past its time, for only then is it known what stands
 * before it. It is then put into its key's sequence, and when all that came due has been, what that
 * reached is given, key by key.
 */

#include "operators/moving_average.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "operators/instants.h"
#include "operators/key_map.h"
#include "operators/row_writer.h"
#include "operators/slab.h"

enum { OUT_ID, OUT_KEY, OUT_AVERAGE, OUT_COLUMNS };
enum { ARRIVAL_KEY, ARRIVAL_ID }; /* of an instant's rows */

#define ELEMENTS_FIRST 2u
#define REACHED_FIRST  64u

struct element {
	int64_t time, id, value;
	int64_t average; /* as it was given */
	bool given;
	bool gone; /* taken back, and not settled yet */
};

/* A key's elements in order; where things are forgotten only the last ones. */
struct sequence {
	struct element *elements;
	uint32_t count, capacity;
	uint32_t reached; /* its number among them, from 1 on; 0: nothing changed */
};

/* A sequence of which elements changed. */
struct reached {
	int64_t key;
	uint32_t sequence;
	uint32_t first, last; /* elements; first > last: none, all is settled */
	bool gone;            /* some are */
};

struct moving_average {
	const struct sw_moving_average_config *config;
	struct sw_heap *heap;
	/* Changes by their element's time. seq: twice the number in order of arrival, and 1 where
	 * the element is taken back. */
	struct sw_instants waiting;
	int64_t arrivals;
	struct sw_key_map keys; /* -> sequences */
	struct sw_slab sequences;
	struct reached *reached;
	uint32_t reached_count, reached_capacity;
	struct sw_row_writer writer; /* while the watermark rises */
};

static int average_open(struct sw_instance *self, void *state_bytes, struct sw_error *error)
{
	struct moving_average *state = state_bytes;

	state->config = sw_instance_config(self);
	assert(state->config->window >= 1 && state->config->window <= SW_MOVING_AVERAGE_MAX);
	state->heap = sw_instance_heap(self);
	if (!state->heap)
		return sw_error_set(error, -ENOMEM, "moving average: no memory for its state");
	sw_instants_init(&state->waiting, state->heap, sw_instance_state_mode(self));
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
		bool taken_back = what == SW_CHANGE_DELETE || what == SW_CHANGE_UPDATE_BEFORE;
		struct sw_instant_row *arrival = sw_instants_add(&state->waiting,
			sw_column_int64(&columns[config->time], row),
			2 * state->arrivals++ + taken_back);

		if (!arrival) {
			code = -ENOMEM;
			break;
		}
		arrival->keys[ARRIVAL_KEY] = sw_column_int64(&columns[config->key], row);
		arrival->keys[ARRIVAL_ID] = sw_column_int64(&columns[config->id], row);
		arrival->value = sw_column_int64(&columns[config->value], row);
	}
	sw_release(self, batch);
	return code;
}

/* ---- Sequences ---- */

/* The key's sequence, if need be a new one; 0: the limit is reached. */
static uint32_t get_sequence(struct moving_average *state, int64_t key)
{
	uint32_t number = sw_key_map_get(&state->keys, key), *place;

	if (number)
		return number;
	number = sw_slab_take(&state->sequences);
	place = number ? sw_key_map_put(&state->keys, key) : NULL;
	if (!place)
		return 0;
	*place = number;
	return number;
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
	int64_t time, const struct sw_instant_row *arrival)
{
	int code = make_room(state, sequence);

	if (code)
		return code;
	memmove(sequence->elements + at + 1, sequence->elements + at,
		(sequence->count - at) * sizeof(*sequence->elements));
	sequence->elements[at] = (struct element){
		.time = time, .id = arrival->keys[ARRIVAL_ID], .value = arrival->value
	};
	sequence->count++;
	return 0;
}

static void erase_first(struct sequence *sequence, uint32_t count)
{
	sequence->count -= count;
	memmove(sequence->elements, sequence->elements + count,
		sequence->count * sizeof(*sequence->elements));
}

/* ---- What is given ---- */

static int write_row(struct moving_average *state, int64_t key, const struct element *element,
	int64_t average, enum sw_change change)
{
	union sw_value values[OUT_COLUMNS] = { [OUT_ID] = { .number = element->id },
		[OUT_KEY] = { .number = key },
		[OUT_AVERAGE] = { .number = average } };

	return sw_row_write(&state->writer, values, change);
}

static int64_t average_at(const struct sequence *sequence, uint32_t at, unsigned window)
{
	uint32_t first = at + 1 > window ? at + 1 - window : 0;
	__int128 sum = 0;

	for (uint32_t i = first; i <= at; i++)
		sum += sequence->elements[i].value;
	return (int64_t)(sum / (int64_t)(at + 1 - first));
}

/* Gives an element's row, if it is new or another one. */
static int give_element(
	struct moving_average *state, int64_t key, struct element *element, int64_t average)
{
	int code = 0;

	if (element->given && element->average == average)
		return 0;
	if (element->given)
		code = write_row(state, key, element, element->average, SW_CHANGE_UPDATE_BEFORE);
	if (!code)
		code = write_row(state, key, element, average,
			element->given ? SW_CHANGE_UPDATE_AFTER : SW_CHANGE_INSERT);
	element->average = average;
	element->given = true;
	return code;
}

/* Takes out what is gone. The last element that changed is then where the next one after it is. */
static int drop_gone(
	struct moving_average *state, struct sequence *sequence, struct reached *reached)
{
	uint32_t to = reached->first, last = to;
	int code = 0;

	for (uint32_t i = to; i < sequence->count && !code; i++) {
		const struct element *element = &sequence->elements[i];

		if (i == reached->last)
			last = to;
		if (!element->gone)
			sequence->elements[to++] = *element;
		else if (element->given)
			code = write_row(
				state, reached->key, element, element->average, SW_CHANGE_DELETE);
	}
	sequence->count = to;
	reached->last = last;
	reached->gone = false;
	return code;
}

/* Gives what was reached, and forgets what no later average needs. */
static int settle(struct moving_average *state, struct sequence *sequence, struct reached *reached)
{
	const uint32_t window = state->config->window;
	int code = 0;

	if (reached->first > reached->last)
		return 0;
	if (reached->gone)
		code = drop_gone(state, sequence, reached);
	for (uint32_t i = reached->first;
		i < sequence->count && i < reached->last + window && !code; i++)
		code = give_element(state, reached->key, &sequence->elements[i],
			average_at(sequence, i, window));
	reached->first = UINT32_MAX;
	reached->last = 0;
	if (state->config->forgets && sequence->count > window - 1)
		erase_first(sequence, sequence->count - (window - 1));
	return code;
}

/* ---- What comes due ---- */

static struct sequence *sequence_at(const struct moving_average *state, uint32_t number)
{
	return sw_slab_at(&state->sequences, number);
}

/* Notes that something of the sequence changes; null: the limit is reached. */
static struct reached *reach(struct moving_average *state, uint32_t number, int64_t key)
{
	struct sequence *sequence = sequence_at(state, number);

	if (sequence->reached)
		return &state->reached[sequence->reached - 1];
	if (state->reached_count == state->reached_capacity) {
		uint32_t capacity =
			state->reached_capacity ? 2 * state->reached_capacity : REACHED_FIRST;
		struct reached *grown = sw_heap_alloc(state->heap, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		if (state->reached_count > 0)
			memcpy(grown, state->reached, state->reached_count * sizeof(*grown));
		sw_heap_free(state->heap, state->reached,
			state->reached_capacity * sizeof(*state->reached));
		state->reached = grown;
		state->reached_capacity = capacity;
	}
	sequence->reached = ++state->reached_count;
	state->reached[sequence->reached - 1] =
		(struct reached){ .key = key, .sequence = number, .first = UINT32_MAX };
	return &state->reached[sequence->reached - 1];
}

/* Makes the element what the change says. */
static int apply(struct moving_average *state, struct sequence *sequence, struct reached *reached,
	int64_t time, const struct sw_instant_row *arrival)
{
	const bool taken_back = arrival->seq & 1;
	uint32_t at = find(sequence, time, arrival->keys[ARRIVAL_ID]);
	struct element *element = sequence->elements + at;

	if (at < sequence->count && element->time == time &&
		element->id == arrival->keys[ARRIVAL_ID]) {
		element->gone = taken_back;
		reached->gone |= taken_back;
		if (!taken_back)
			element->value = arrival->value;
	} else if (!taken_back) {
		int code = insert(state, sequence, at, time, arrival);

		if (code)
			return code;
		reached->last += reached->first <= reached->last && reached->last >= at;
	} else {
		return 0;
	}
	if (at < reached->first)
		reached->first = at;
	if (at > reached->last)
		reached->last = at;
	return 0;
}

static int take_row(
	struct moving_average *state, int64_t time, const struct sw_instant_row *arrival)
{
	int64_t key = arrival->keys[ARRIVAL_KEY];
	uint32_t number = get_sequence(state, key);
	struct reached *reached = number ? reach(state, number, key) : NULL;
	struct sequence *sequence;
	int code = 0;

	if (!reached)
		return -ENOMEM;
	sequence = sequence_at(state, number);
	/* Then nothing is revised: a long run is given piece by piece, as far as time is over. */
	if (state->config->forgets && sequence->count >= 2 * state->config->window &&
		sequence->elements[sequence->count - 1].time < time)
		code = settle(state, sequence, reached);
	return code ? code : apply(state, sequence, reached, time, arrival);
}

static int take_rows(void *context, int64_t time, const struct sw_instant_row *rows, size_t count)
{
	struct moving_average *state = context;
	int code = 0;

	for (size_t i = 0; i < count && !code; i++)
		code = take_row(state, time, &rows[i]);
	return code;
}

static int average_advance(struct sw_instance *self, void *state_bytes, int64_t watermark)
{
	struct moving_average *state = state_bytes;
	int code;

	sw_row_writer_begin(&state->writer, self, 0, watermark);
	code = sw_instants_give(&state->waiting, watermark, take_rows, state);
	for (uint32_t i = 0; i < state->reached_count && !code; i++) {
		struct sequence *sequence = sequence_at(state, state->reached[i].sequence);

		sequence->reached = 0;
		code = settle(state, sequence, &state->reached[i]);
	}
	state->reached_count = 0;
	sw_row_writer_end(&state->writer);
	return code == -ECANCELED ? 0 : code;
}

const struct sw_operator sw_moving_average = {
	.name = "moving average",
	.state_bytes = sizeof(struct moving_average),
	.open = average_open,
	.process = average_process,
	.advance = average_advance,
};

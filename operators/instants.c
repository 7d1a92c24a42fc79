/* SPDX-License-Identifier: MIT */
#include "operators/instants.h"

#include <errno.h>
#include <string.h>

#define ROWS_FIRST  8u
#define RUNS_FIRST  4u
#define QUEUE_FIRST 16u

void sw_instants_init(struct sw_instants *instants, struct sw_heap *heap, enum sw_state_mode mode)
{
	*instants = (struct sw_instants){ .heap = heap };
	sw_key_map_init(&instants->times, heap, mode);
	sw_slab_init(&instants->instants, heap, sizeof(struct sw_instant));
}

/* ---- Heaps of places: none is before its parent ---- */

/* Puts the place in at i or above. */
static void rise(struct sw_instant_place *places, size_t i, struct sw_instant_place place)
{
	while (i > 0 && place.order < places[(i - 1) / 2].order) {
		places[i] = places[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	places[i] = place;
}

/* Puts the place in at i or below. */
static void sink(
	struct sw_instant_place *places, size_t count, size_t i, struct sw_instant_place place)
{
	size_t child;

	while ((child = 2 * i + 1) < count) {
		child += child + 1 < count && places[child + 1].order < places[child].order;
		if (place.order <= places[child].order)
			break;
		places[i] = places[child];
		i = child;
	}
	places[i] = place;
}

/* Takes the first place out. */
static void drop_first(struct sw_instant_place *places, size_t *count)
{
	(*count)--;
	if (*count > 0)
		sink(places, *count, 0, places[*count]);
}

/* ---- Rows in ---- */

/* An array of twice the size, or `first`, for *count entries of `bytes`; null: the heap's limit. */
static void *grow(
	struct sw_heap *heap, void *old, size_t count, size_t *capacity, size_t first, size_t bytes)
{
	size_t grown_capacity = *capacity ? 2 * *capacity : first;
	void *grown = sw_heap_alloc(heap, grown_capacity * bytes);

	if (!grown)
		return NULL;
	if (count > 0)
		memcpy(grown, old, count * bytes);
	sw_heap_free(heap, old, *capacity * bytes);
	*capacity = grown_capacity;
	return grown;
}

static struct sw_instant *open_instant(struct sw_instants *instants, int64_t time)
{
	uint32_t *place = sw_key_map_put(&instants->times, time);
	struct sw_instant *instant;

	if (!place)
		return NULL;
	if (*place)
		return sw_slab_at(&instants->instants, *place);
	*place = sw_slab_take(&instants->instants);
	if (!*place)
		return NULL;
	instant = sw_slab_at(&instants->instants, *place);
	instant->time = time;
	if (instants->count == instants->capacity) {
		struct sw_instant_place *grown = grow(instants->heap, instants->queue,
			instants->count, &instants->capacity, QUEUE_FIRST, sizeof(*grown));

		if (!grown)
			return NULL;
		instants->queue = grown;
	}
	rise(instants->queue, instants->count++,
		(struct sw_instant_place){ .order = time, .at = *place });
	return instant;
}

struct sw_instant *sw_instants_room(struct sw_instants *instants, int64_t time)
{
	struct sw_instant *instant = instants->last;

	if (!instant || instant->time != time)
		instant = open_instant(instants, time);
	if (!instant)
		return NULL;
	instants->last = instant;
	if (instant->count == instant->capacity) {
		struct sw_instant_row *grown = grow(instants->heap, instant->rows, instant->count,
			&instant->capacity, ROWS_FIRST, sizeof(*grown));

		if (!grown)
			return NULL;
		instant->rows = grown;
	}
	return instant;
}

bool sw_instants_run(struct sw_instants *instants, struct sw_instant *instant)
{
	if (instant->run_count == instant->run_capacity) {
		size_t *grown = grow(instants->heap, instant->runs, instant->run_count,
			&instant->run_capacity, RUNS_FIRST, sizeof(*grown));

		if (!grown)
			return false;
		instant->runs = grown;
	}
	instant->runs[instant->run_count++] = instant->count;
	return true;
}

/* ---- Rows out ---- */

/* Gives what lies in the first run before the others begin. */
static int give_first(const struct sw_instant *instant, struct sw_instant_place *places,
	size_t *count, sw_instants_fn take, void *context)
{
	const struct sw_instant_row *rows = instant->rows;
	struct sw_instant_place first = places[0];
	size_t from = first.at;
	int64_t until = INT64_MAX;

	if (*count > 1)
		until = places[1].order;
	if (*count > 2 && places[2].order < until)
		until = places[2].order;
	/* Mostly that is all of it: producers take turns. */
	if (rows[first.end - 1].seq <= until) {
		first.at = first.end;
		drop_first(places, count);
	} else {
		do
			first.at++;
		while (rows[first.at].seq <= until);
		first.order = rows[first.at].seq;
		sink(places, *count, 0, first);
	}
	return take(context, instant->time, rows + from, first.at - from);
}

/* Rows come as a few runs, one or more of each producer: those are merged. */
static int give_mixed(
	struct sw_heap *heap, const struct sw_instant *instant, sw_instants_fn take, void *context)
{
	const size_t bytes = (instant->run_count + 1) * sizeof(struct sw_instant_place);
	struct sw_instant_place *places = sw_heap_alloc(heap, bytes);
	size_t count = 0, at = 0;
	int code = 0;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i <= instant->run_count; i++) {
		size_t end = i < instant->run_count ? instant->runs[i] : instant->count;

		rise(places, count++, (struct sw_instant_place){ instant->rows[at].seq, at, end });
		at = end;
	}
	while (count > 0 && !code)
		code = give_first(instant, places, &count, take, context);
	sw_heap_free(heap, places, bytes);
	return code;
}

static int give_instant(
	struct sw_instants *instants, uint32_t number, sw_instants_fn take, void *context)
{
	struct sw_instant *instant = sw_slab_at(&instants->instants, number);
	int code;

	if (instant->run_count > 0)
		code = give_mixed(instants->heap, instant, take, context);
	else
		code = take(context, instant->time, instant->rows, instant->count);
	if (code)
		return code;
	sw_heap_free(instants->heap, instant->rows, instant->capacity * sizeof(*instant->rows));
	sw_heap_free(instants->heap, instant->runs, instant->run_capacity * sizeof(*instant->runs));
	sw_key_map_remove(&instants->times, instant->time);
	sw_slab_give(&instants->instants, number);
	return 0;
}

int sw_instants_give(
	struct sw_instants *instants, int64_t watermark, sw_instants_fn take, void *context)
{
	int code = 0;

	while (!code && instants->count > 0 &&
		(instants->queue[0].order < watermark || watermark == SW_TIME_END)) {
		uint32_t number = (uint32_t)instants->queue[0].at;

		instants->last = NULL;
		drop_first(instants->queue, &instants->count);
		code = give_instant(instants, number, take, context);
	}
	return code;
}

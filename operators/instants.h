/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_INSTANTS_H
#define SW_OPERATORS_INSTANTS_H

#include "operators/key_map.h"
#include "operators/slab.h"

/*
 * Rows that wait until the watermark has passed their time, to be given in the order of time, then
 * seq, however they came. Each time that has rows has an array of them and notes where they did not
 * come in the order of seq: runs, which are merged when they are given. In the caller's memory; one
 * thread; freed with its heap.
 */

SW_BEGIN_DECLS

struct sw_instant_row {
	int64_t seq, keys[2], value;
};

/* Its rows are in the order of seq but for where a new run begins. */
struct sw_instant {
	int64_t time;
	struct sw_instant_row *rows;
	size_t count, capacity;
	size_t *runs; /* where the second one begins and those after it */
	size_t run_count, run_capacity;
};

struct sw_instant_place {
	int64_t order;
	size_t at, end;
};

struct sw_instants {
	struct sw_heap *heap;
	struct sw_key_map times; /* -> instants */
	struct sw_slab instants;
	struct sw_instant *last;        /* where the last row went; null: nowhere */
	struct sw_instant_place *queue; /* by time, the earliest first; `at`: the number */
	size_t count, capacity;         /* of the queue */
};

SW_API void sw_instants_init(
	struct sw_instants *instants, struct sw_heap *heap, enum sw_state_mode mode);
/* The instant, with room for a row more; null: the heap's limit is reached. */
SW_API SW_MUST_CHECK struct sw_instant *sw_instants_room(
	struct sw_instants *instants, int64_t time);
/* Notes that the next row begins a run; false: the heap's limit is reached. */
SW_API SW_MUST_CHECK bool sw_instants_run(struct sw_instants *instants, struct sw_instant *instant);

/* A new row, of which keys and value are the caller's to set; null: the heap's limit is reached. */
static inline struct sw_instant_row *sw_instants_add(
	struct sw_instants *instants, int64_t time, int64_t seq)
{
	struct sw_instant *instant = instants->last;
	struct sw_instant_row *row;

	if (!instant || instant->time != time || instant->count == instant->capacity) {
		instant = sw_instants_room(instants, time);
		if (!instant)
			return NULL;
	}
	row = instant->rows + instant->count;
	if (instant->count > 0 && seq < row[-1].seq && !sw_instants_run(instants, instant))
		return NULL;
	instant->count++;
	row->seq = seq;
	return row;
}

/* Takes the next rows of this time, in order; the instance adds none meanwhile. Other than 0 ends
 * sw_instants_give. */
typedef int (*sw_instants_fn)(
	void *context, int64_t time, const struct sw_instant_row *rows, size_t count);

/* Gives the rows before the watermark (at the end of time: all) and forgets them. 0, -ENOMEM, or
 * what `take` gave; the instants are not to be used again then. */
SW_API SW_MUST_CHECK int sw_instants_give(
	struct sw_instants *instants, int64_t watermark, sw_instants_fn take, void *context);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_DUE_H
#define SW_OPERATORS_DUE_H

#include <stdint.h>

#include "runtime/batch.h"

/*
 * What is due when the watermark passes a time: a radix heap, which a rising watermark allows. An
 * item lies in the list of the highest bit in which its time differs from the last watermark; as
 * the watermark rises, whole lists come due, and one list's items move to lower ones: at most 64
 * moves in an item's life, and never a look at those that lie further ahead. Nothing is allocated:
 * the items lie in what they stand for. All zero is an empty queue before the first watermark. One
 * thread.
 */

SW_BEGIN_DECLS

struct sw_due {
	struct sw_due *next, **link; /* link: what points at it; null: in no queue */
	int64_t at;
};

struct sw_due_queue {
	uint64_t now; /* the last watermark, as sw_due_order has it */
	struct sw_due *lists[65];
};

/* Times as unsigned numbers in the same order. */
static inline uint64_t sw_due_order(int64_t time_ms)
{
	return (uint64_t)time_ms ^ (uint64_t)1 << 63;
}

/* For an item in no queue. A time that the watermark has passed already comes due with the next. */
static inline void sw_due_put(struct sw_due_queue *queue, struct sw_due *item, int64_t at)
{
	uint64_t order = sw_due_order(at);
	unsigned list = order > queue->now ? 64 - (unsigned)__builtin_clzll(order ^ queue->now) : 0;

	item->at = at;
	item->next = queue->lists[list];
	item->link = &queue->lists[list];
	if (item->next)
		item->next->link = &item->next;
	queue->lists[list] = item;
}

static inline void sw_due_remove(struct sw_due *item)
{
	*item->link = item->next;
	if (item->next)
		item->next->link = item->link;
	item->link = NULL;
}

/*
 * Takes out all items before the watermark (at the end of time: all there are) and gives them as a
 * list by `next`, in no order. The watermark is higher than the last one.
 */
static inline struct sw_due *sw_due_take(struct sw_due_queue *queue, int64_t watermark)
{
	uint64_t now = sw_due_order(watermark), before = queue->now;
	unsigned top = now > before ? 64 - (unsigned)__builtin_clzll(now ^ before) : 0;
	struct sw_due *taken = NULL;

	queue->now = now;
	for (unsigned list = 0; list <= top; list++) {
		struct sw_due *item = queue->lists[list], *next;

		queue->lists[list] = NULL;
		for (; item; item = next) {
			next = item->next;
			if (item->at < watermark || watermark == SW_TIME_END) {
				item->link = NULL;
				item->next = taken;
				taken = item;
			} else {
				sw_due_put(queue, item, item->at);
			}
		}
	}
	return taken;
}

SW_END_DECLS

#endif

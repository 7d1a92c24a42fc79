/* SPDX-License-Identifier: MIT */
#include "operators/periods.h"

void sw_periods_init(
	struct sw_periods *periods, struct sw_heap *heap, size_t period_bytes, int64_t period_ms)
{
	*periods = (struct sw_periods){ .period_ms = period_ms };
	sw_slab_init(&periods->slab, heap, period_bytes);
	sw_key_map_init(&periods->numbers, heap, SW_STATE_HASH);
}

/* The last instant of a period. */
static int64_t end_of(const struct sw_periods *periods, int64_t number)
{
	int64_t end;

	if (__builtin_add_overflow(number, 1, &end) ||
		__builtin_mul_overflow(end, periods->period_ms, &end) ||
		__builtin_sub_overflow(end, 1, &end))
		return number < 0 ? SW_TIME_MIN : SW_TIME_END;
	return end;
}

struct sw_period *sw_periods_find(struct sw_periods *periods, int64_t number)
{
	uint32_t entry = sw_key_map_get(&periods->numbers, number), *place;
	struct sw_period *period;

	if (entry)
		return periods->last = sw_slab_at(&periods->slab, entry);
	place = sw_key_map_put(&periods->numbers, number);
	if (!place)
		return NULL;
	*place = entry = sw_slab_take(&periods->slab);
	if (!entry)
		return NULL;
	period = sw_slab_at(&periods->slab, entry);
	period->number = number;
	period->entry = entry;
	if (periods->period_ms)
		sw_due_put(&periods->queue, &period->due, end_of(periods, number));
	return periods->last = period;
}

struct sw_period *sw_periods_pass(struct sw_periods *periods, int64_t watermark)
{
	struct sw_period *passed;

	if (watermark == SW_TIME_END)
		return NULL;
	passed = (struct sw_period *)(void *)sw_due_take(&periods->queue, watermark);
	for (struct sw_period *period = passed; period; period = sw_period_next(period)) {
		if (period == periods->last)
			periods->last = NULL;
		sw_key_map_remove(&periods->numbers, period->number);
	}
	return passed;
}

void sw_periods_drop(struct sw_periods *periods, struct sw_period *period)
{
	sw_slab_give(&periods->slab, period->entry);
}

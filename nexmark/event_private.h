/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_EVENT_PRIVATE_H
#define SW_NEXMARK_EVENT_PRIVATE_H

#include "nexmark/event.h"

/* Letters of an event's extra: least + nextInt(spread), or least without a draw if spread is 0. */
struct extra_size {
	uint32_t least, spread;
};

/* For an event that lacks `missing` bytes to its average size. */
static inline struct extra_size extra_size(int64_t missing)
{
	struct extra_size extra = { 0, 0 };
	int64_t fifth;

	if (missing > 0) {
		fifth = (2 * missing + 5) / 10; /* a fifth, rounded: never a tie */
		extra.least = (uint32_t)(missing - fifth);
		extra.spread = (uint32_t)(2 * fifth);
	}
	return extra;
}

/* The longest extra, in bytes. */
uint32_t event_extra_max(enum sw_nexmark_event type, const struct sw_nexmark_options *options);

#endif

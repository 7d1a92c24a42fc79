/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_SINK_TOTALS_H
#define SW_OPERATORS_SINK_TOTALS_H

#include <stdint.h>

#include "runtime/api.h"

/* What all instances of a sink have seen together. Instances add when they close, or on the way. */

SW_BEGIN_DECLS

struct sw_sink_totals;

struct sw_sink_counts {
	uint64_t rows;
	uint64_t checksum; /* sum mod 2^64 of the lines' hashes */
	uint64_t bytes;    /* of the columns read */
	uint64_t fold;     /* of those bytes: proof that they were read */
};

SW_API struct sw_sink_totals *sw_sink_totals_create(void); /* null: memory is out */
SW_API void sw_sink_totals_destroy(struct sw_sink_totals *totals);
/* Any thread. */
SW_API void sw_sink_totals_add(struct sw_sink_totals *totals, const struct sw_sink_counts *counts);
/* Any thread; final once the graph has ended. */
SW_API void sw_sink_totals_get(const struct sw_sink_totals *totals, struct sw_sink_counts *counts);

SW_END_DECLS

#endif

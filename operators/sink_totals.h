/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_SINK_TOTALS_H
#define SW_OPERATORS_SINK_TOTALS_H

#include <stdint.h>

#include "runtime/batch.h"

/* What all instances of a sink have seen together. Instances add when they close, or on the way. */

SW_BEGIN_DECLS

struct sw_sink_totals;

struct sw_sink_counts {
	uint64_t rows;     /* of the result: those taken back by a changelog count against it */
	uint64_t changes;  /* rows of changelogs */
	uint64_t checksum; /* sum mod 2^64 of the lines' hashes */
	uint64_t bytes;    /* of the columns read */
	uint64_t fold;     /* of those bytes: proof that they were read */
};

/* Does this physical row add to the result? Else it takes an earlier one back. */
static inline bool sw_row_adds(const struct sw_batch *batch, uint32_t row)
{
	int32_t change;

	if (!batch->schema->changelog)
		return true;
	change = ((const int32_t *)batch->columns[batch->schema->columns - 1].data)[row];
	return change == SW_CHANGE_INSERT || change == SW_CHANGE_UPDATE_AFTER;
}

/* Counts a batch's rows and changes. */
static inline void sw_sink_count_rows(struct sw_sink_counts *counts, const struct sw_batch *batch)
{
	uint32_t count = sw_batch_count(batch), adds = 0;

	if (!batch->schema->changelog) {
		counts->rows += count;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		adds += sw_row_adds(batch, sw_batch_row(batch, i));
	counts->rows += (uint64_t)adds - (count - adds);
	counts->changes += count;
}

SW_API struct sw_sink_totals *sw_sink_totals_create(void); /* null: memory is out */
SW_API void sw_sink_totals_destroy(struct sw_sink_totals *totals);
/* Any thread. */
SW_API void sw_sink_totals_add(struct sw_sink_totals *totals, const struct sw_sink_counts *counts);
/* Any thread; final once the graph has ended. */
SW_API void sw_sink_totals_get(const struct sw_sink_totals *totals, struct sw_sink_counts *counts);

SW_END_DECLS

#endif

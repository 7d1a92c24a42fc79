/* SPDX-License-Identifier: MIT */
#include "operators/sink_totals.h"

#include <stdatomic.h>
#include <stdlib.h>

/*
 * Written by every instance of a sink as it closes, read by the program. Wait-free. All relaxed:
 * the counters do not order anything, and the program reads them after the threads were joined.
 */
struct sw_sink_totals {
	_Alignas(SW_CACHE_LINE) _Atomic uint64_t rows;
	_Atomic uint64_t changes, checksum, bytes, fold;
};

struct sw_sink_totals *sw_sink_totals_create(void)
{
	struct sw_sink_totals *totals = aligned_alloc(SW_CACHE_LINE, sizeof(*totals));

	if (totals) {
		atomic_init(&totals->rows, 0);
		atomic_init(&totals->changes, 0);
		atomic_init(&totals->checksum, 0);
		atomic_init(&totals->bytes, 0);
		atomic_init(&totals->fold, 0);
	}
	return totals;
}

void sw_sink_totals_destroy(struct sw_sink_totals *totals)
{
	free(totals);
}

void sw_sink_totals_add(struct sw_sink_totals *totals, const struct sw_sink_counts *counts)
{
	atomic_fetch_add_explicit(&totals->rows, counts->rows, memory_order_relaxed);
	atomic_fetch_add_explicit(&totals->changes, counts->changes, memory_order_relaxed);
	atomic_fetch_add_explicit(&totals->checksum, counts->checksum, memory_order_relaxed);
	atomic_fetch_add_explicit(&totals->bytes, counts->bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&totals->fold, counts->fold, memory_order_relaxed);
}

void sw_sink_totals_get(const struct sw_sink_totals *totals, struct sw_sink_counts *counts)
{
	struct sw_sink_totals *from = (struct sw_sink_totals *)totals;

	counts->rows = atomic_load_explicit(&from->rows, memory_order_relaxed);
	counts->changes = atomic_load_explicit(&from->changes, memory_order_relaxed);
	counts->checksum = atomic_load_explicit(&from->checksum, memory_order_relaxed);
	counts->bytes = atomic_load_explicit(&from->bytes, memory_order_relaxed);
	counts->fold = atomic_load_explicit(&from->fold, memory_order_relaxed);
}

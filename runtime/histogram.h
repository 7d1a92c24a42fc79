/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_HISTOGRAM_H
#define SW_RUNTIME_HISTOGRAM_H

#include <stdint.h>

#include "runtime/api.h"

/*
 * Log-linear histogram of unsigned values (ns, usually): relative error at most 1/64, full range of
 * 64 bits. One thread records, any thread may read a snapshot at any time (relaxed counters: a
 * snapshot is of some moment for each counter, not of one moment for all).
 */

SW_BEGIN_DECLS

struct sw_histogram;

/* A plain copy, for one thread. */
struct sw_histogram_snapshot;

SW_API struct sw_histogram *sw_histogram_create(int node); /* null: memory is out */
SW_API void sw_histogram_destroy(struct sw_histogram *histogram);
SW_API void sw_histogram_record(struct sw_histogram *histogram, uint64_t value, uint64_t count);

SW_API struct sw_histogram_snapshot *sw_histogram_snapshot_create(void); /* empty */
SW_API void sw_histogram_snapshot_destroy(struct sw_histogram_snapshot *snapshot);
SW_API void sw_histogram_snapshot_clear(struct sw_histogram_snapshot *snapshot);
/* Adds what the histogram holds now. */
SW_API void sw_histogram_snapshot_add(
	struct sw_histogram_snapshot *snapshot, const struct sw_histogram *histogram);
/* Takes `earlier` away, for the values of an interval; `earlier` was taken of the same ones. */
SW_API void sw_histogram_snapshot_subtract(
	struct sw_histogram_snapshot *snapshot, const struct sw_histogram_snapshot *earlier);
SW_API uint64_t sw_histogram_snapshot_count(const struct sw_histogram_snapshot *snapshot);
SW_API double sw_histogram_snapshot_mean(const struct sw_histogram_snapshot *snapshot);
/* Value at quantile q in 0..1: the highest value of the bucket that holds it; 0 when empty. */
SW_API uint64_t sw_histogram_snapshot_quantile(
	const struct sw_histogram_snapshot *snapshot, double q);
SW_API uint64_t sw_histogram_snapshot_max(const struct sw_histogram_snapshot *snapshot);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histogram.
 *
 * Values below 64 have a bucket each; above, every power of two is cut into 64 buckets, so a
 * bucket's width is at most 1/64 of its lowest value.
 *
 * Protocol: one thread records, with plain additions (a relaxed load and a relaxed store, no
 * read-modify-write: nobody else writes). Any thread adds the counters to a snapshot of its own;
 * each counter is of some moment, which is all that the header promises. Ordering: none needed.
 * Progress: wait-free.
 */

#include "runtime/histogram.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "runtime/memory.h"

#define SUB_BITS    6
#define SUB_BUCKETS (1u << SUB_BITS)
#define BUCKETS     ((64 - SUB_BITS + 1) * SUB_BUCKETS)

struct sw_histogram {
	/* Recorder writes, anybody reads. */
	_Atomic uint64_t max;
	_Atomic double sum; /* of values; as 64 bits it could overflow within a long run */
	_Atomic uint64_t counts[BUCKETS];
};

struct sw_histogram_snapshot {
	uint64_t count;
	uint64_t max;
	double sum;
	uint64_t counts[BUCKETS];
};

static unsigned bucket_of(uint64_t value)
{
	unsigned exponent;

	if (value < SUB_BUCKETS)
		return (unsigned)value;
	exponent = 63 - (unsigned)__builtin_clzll(value);
	return (exponent - SUB_BITS + 1) * SUB_BUCKETS +
	       (unsigned)((value >> (exponent - SUB_BITS)) & (SUB_BUCKETS - 1));
}

static uint64_t highest_of(unsigned bucket)
{
	unsigned octave = bucket / SUB_BUCKETS;
	uint64_t lowest = bucket % SUB_BUCKETS;

	if (octave == 0)
		return lowest;
	lowest = (lowest | SUB_BUCKETS) << (octave - 1);
	return lowest + ((uint64_t)1 << (octave - 1)) - 1;
}

struct sw_histogram *sw_histogram_create(int node)
{
	/* Zeroed memory is an empty histogram. */
	return sw_memory_map(sizeof(struct sw_histogram), node, SW_HUGE_PAGES_AUTO);
}

void sw_histogram_destroy(struct sw_histogram *histogram)
{
	sw_memory_unmap(histogram, sizeof(*histogram));
}

void sw_histogram_record(struct sw_histogram *histogram, uint64_t value, uint64_t count)
{
	_Atomic uint64_t *counter = &histogram->counts[bucket_of(value)];
	double sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);

	if (count == 0)
		return;
	/* All relaxed: counters of one writer, which publish nothing. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + count,
		memory_order_relaxed);
	atomic_store_explicit(
		&histogram->sum, sum + (double)value * (double)count, memory_order_relaxed);
	if (value > atomic_load_explicit(&histogram->max, memory_order_relaxed))
		atomic_store_explicit(&histogram->max, value, memory_order_relaxed);
}

struct sw_histogram_snapshot *sw_histogram_snapshot_create(void)
{
	return calloc(1, sizeof(struct sw_histogram_snapshot));
}

void sw_histogram_snapshot_destroy(struct sw_histogram_snapshot *snapshot)
{
	free(snapshot);
}

void sw_histogram_snapshot_clear(struct sw_histogram_snapshot *snapshot)
{
	*snapshot = (struct sw_histogram_snapshot){ 0 };
}

void sw_histogram_snapshot_add(
	struct sw_histogram_snapshot *snapshot, const struct sw_histogram *histogram)
{
	uint64_t max;

	/* All relaxed: numbers for people. */
	for (unsigned i = 0; i < BUCKETS; i++) {
		uint64_t count = atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);

		snapshot->counts[i] += count;
		snapshot->count += count;
	}
	snapshot->sum += atomic_load_explicit(&histogram->sum, memory_order_relaxed);
	max = atomic_load_explicit(&histogram->max, memory_order_relaxed);
	if (max > snapshot->max)
		snapshot->max = max;
}

void sw_histogram_snapshot_subtract(
	struct sw_histogram_snapshot *snapshot, const struct sw_histogram_snapshot *earlier)
{
	uint64_t highest = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		snapshot->counts[i] -= earlier->counts[i];
		if (snapshot->counts[i])
			highest = highest_of(i);
	}
	snapshot->count -= earlier->count;
	snapshot->sum -= earlier->sum;
	/* The exact maximum may have been before; the bucket is what is known of the interval. */
	if (snapshot->max > highest)
		snapshot->max = highest;
}

uint64_t sw_histogram_snapshot_count(const struct sw_histogram_snapshot *snapshot)
{
	return snapshot->count;
}

double sw_histogram_snapshot_mean(const struct sw_histogram_snapshot *snapshot)
{
	return snapshot->count ? snapshot->sum / (double)snapshot->count : 0;
}

uint64_t sw_histogram_snapshot_quantile(const struct sw_histogram_snapshot *snapshot, double q)
{
	double rank = q * (double)snapshot->count;
	uint64_t before = 0;

	if (snapshot->count == 0)
		return 0;
	for (unsigned i = 0; i < BUCKETS; i++) {
		before += snapshot->counts[i];
		if (before > 0 && (double)before >= rank) {
			uint64_t value = highest_of(i);

			/* Nothing was above the maximum, however wide its bucket is. */
			return value > snapshot->max ? snapshot->max : value;
		}
	}
	return snapshot->max;
}

uint64_t sw_histogram_snapshot_max(const struct sw_histogram_snapshot *snapshot)
{
	return snapshot->max;
}

/* SPDX-License-Identifier: MIT */
/* Figures for reports: sums over the outlets' and the I/O thread's counters. */
#include "burst/burst_private.h"

#include <string.h>

static void sum_outlets(const struct sw_burst *burst, struct sw_burst_stats *stats)
{
	for (uint32_t i = 0; i < burst->outlet_count; i++) {
		const struct outlet *outlet = burst->outlets[i];

		/* In this order: what came back is never more than what left. */
		stats->batches_merged += burst_get(&outlet->merged);
		stats->batches_reclaimed += burst_get(&outlet->reclaimed);
		stats->doubled += burst_get(&outlet->doubled);
		stats->batches_spilled += burst_get(&outlet->spilled);
		stats->rows_spilled += burst_get(&outlet->spilled_rows);
		stats->batches_eligible +=
			burst_get(&outlet->eligible) + sw_outlet_passed(&outlet->base);
	}
}

/* While it runs nothing is lost, for what is not back is out; at the end the ledger says what is.
 */
static void settle(const struct sw_burst *burst, struct sw_burst_stats *stats)
{
	const uint64_t back = stats->batches_merged + stats->batches_reclaimed;
	const uint64_t missing = stats->batches_spilled > back ? stats->batches_spilled - back : 0;

	stats->outstanding = missing;
	/* A4 <- R4 (stop, burst.c). */
	if (!atomic_load_explicit((_Atomic int *)&burst->ended, memory_order_acquire))
		return;
	stats->outstanding = 0;
	for (uint32_t i = 0; i < burst->outlet_count; i++)
		stats->outstanding += outlet_outstanding(burst->outlets[i]);
	stats->lost = missing > stats->outstanding ? missing - stats->outstanding : 0;
}

static void read_times(const struct sw_histogram *histogram, struct sw_burst_times *times)
{
	struct sw_histogram_snapshot *snapshot;

	if (!histogram)
		return;
	snapshot = sw_histogram_snapshot_create();
	if (!snapshot)
		return;
	sw_histogram_snapshot_add(snapshot, histogram);
	times->count = sw_histogram_snapshot_count(snapshot);
	times->p50 = sw_histogram_snapshot_quantile(snapshot, 0.5) / 1000;
	times->p90 = sw_histogram_snapshot_quantile(snapshot, 0.9) / 1000;
	times->p99 = sw_histogram_snapshot_quantile(snapshot, 0.99) / 1000;
	times->max = sw_histogram_snapshot_max(snapshot) / 1000;
	sw_histogram_snapshot_destroy(snapshot);
}

static void read_way(const struct sw_burst *burst, enum way which, struct sw_burst_way *way)
{
	const struct way_counters *counters = &burst->counters.ways[which];

	way->batches = burst_get(&counters->batches);
	way->rows = burst_get(&counters->rows);
	way->bytes_sent = burst_get(&counters->bytes_sent);
	way->bytes_received = burst_get(&counters->bytes_received);
	way->cpu_ns = burst_get(&counters->cpu_ns);
	read_times(burst->way_round_trips[which], &way->round_trip);
}

void sw_burst_stats(const struct sw_burst *burst, struct sw_burst_stats *stats)
{
	const struct io_counters *counters = &burst->counters;

	memset(stats, 0, sizeof(*stats));
	stats->policy = burst->policy->name;
	if (burst->policy->offers)
		stats->contract = endpoint_contract_name(&burst->endpoint);
	sum_outlets(burst, stats);
	settle(burst, stats);
	stats->attempts = burst_get(&counters->attempts);
	stats->hedges = burst_get(&counters->hedges);
	stats->prewarms = burst_get(&counters->prewarms);
	stats->late_answers = burst_get(&counters->late_answers);
	stats->throttled = burst_get(&counters->throttled);
	stats->function_errors = burst_get(&counters->function_errors);
	stats->timeouts = burst_get(&counters->timeouts);
	stats->transport_errors = burst_get(&counters->transport_errors);
	stats->corrupt = burst_get(&counters->corrupt);
	stats->inflight = (uint32_t)burst_get(&counters->inflight);
	stats->inflight_max = (uint32_t)burst_get(&counters->inflight_max);
	stats->cold_starts = burst_get(&counters->cold_starts);
	stats->bytes_sent = burst_get(&counters->bytes_sent);
	stats->bytes_received = burst_get(&counters->bytes_received);
	stats->function_us = burst_get(&counters->function_us);
	stats->function_us_known = burst_get(&counters->function_us_known) != 0;
	stats->usd = (double)burst_get(&counters->nano_usd) / 1e9;
	stats->io_cpu_ns = burst_get(&counters->cpu_ns);
	stats->breaker_open = burst_get(&counters->breaker_open) != 0;
	stats->invocations = burst_get(&counters->invocations);
	stats->invitations = burst_get(&counters->dial.invitations);
	stats->dial_connections = burst_get(&counters->dial.connections);
	stats->dial_refused = burst_get(&counters->dial.refused);
	read_way(burst, WAY_INVOKE, &stats->invoke);
	read_way(burst, WAY_DIAL_BACK, &stats->dial_back);
	read_times(burst->onset, &stats->onset_to_wire);
	read_times(burst->round_trip, &stats->round_trip);
}

/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "tools/spillway/demo_table.h"
#include "tools/spillway/message.h"
#include "tools/spillway/text.h"

void demo_introduce(const struct plot *plot, int64_t events, FILE *out)
{
	fprintf(out,
		"tokenize on one worker; each event costs %g us, so it can take %s events/s\n"
		"at most. The stream offers %s events/s, and from second %g to %g a spike of %s;\n"
		"%s events in all, the same ones both times.\n\n",
		plot->op_delay_us, text_rate(plot->capacity_per_s).bytes,
		text_rate(plot->base_per_s).bytes, plot->spike_from_s, plot->spike_to_s,
		text_rate(plot->spike_per_s).bytes, text_count((uint64_t)events).bytes);
	fflush(out);
}

struct column {
	const struct run_report *report;
	const struct series *series;
};

static double seconds(const struct column *column)
{
	return (double)column->report->graph.wall_ns / 1e9;
}

/* The source held back by what comes after it: one worker that runs both is never without work, so
 * its own backpressured time does not show it. */
static struct text held_back(const struct column *column)
{
	double own = run_report_seconds(column->report).backpressured;
	double behind = series_behind_s(column->series, 2 * column->report->options->batch_rows);

	return text_time_us((own > behind ? own : behind) * 1e6);
}

static void speed_rows(struct table *table, const struct column *a, const struct column *b,
	const struct plot *plot)
{
	table_row(table, "took", text_time_us(seconds(a) * 1e6).bytes,
		text_time_us(seconds(b) * 1e6).bytes);
	table_row(table, "events/s, whole run",
		text_rate((double)a->report->graph.events / seconds(a)).bytes,
		text_rate((double)b->report->graph.events / seconds(b)).bytes);
	table_row(table, "events/s, in the spike",
		text_rate(series_rate(a->series, plot->spike_from_s, plot->spike_to_s)).bytes,
		text_rate(series_rate(b->series, plot->spike_from_s, plot->spike_to_s)).bytes);
	table_row(table, "latency p50", text_time_us(a->report->latency.p50).bytes,
		text_time_us(b->report->latency.p50).bytes);
	table_row(table, "latency p99", text_time_us(a->report->latency.p99).bytes,
		text_time_us(b->report->latency.p99).bytes);
	table_row(table, "latency max", text_time_us(a->report->latency.max).bytes,
		text_time_us(b->report->latency.max).bytes);
	table_row(table, "backpressured time", held_back(a).bytes, held_back(b).bytes);
	table_row(table, "furthest behind, events", text_count(series_backlog_max(a->series)).bytes,
		text_count(series_backlog_max(b->series)).bytes);
	table_row(table, "fullest ring", text_share(series_fill_max(a->series)).bytes,
		text_share(series_fill_max(b->series)).bytes);
}

/* A figure of the burst, which the run without one does not have. */
static void burst_row(struct table *table, const char *name, struct text value)
{
	table_row(table, name, "", value.bytes);
}

static void burst_rows(
	struct table *table, const struct sw_burst_stats *a, const struct sw_burst_stats *b)
{
	table_row(table, "batches", text_count(a->batches_eligible).bytes,
		text_count(b->batches_eligible).bytes);
	table_row(table, "spilled", text_count(a->batches_spilled).bytes,
		text_count(b->batches_spilled).bytes);
	table_row(table, "reclaimed", text_count(a->batches_reclaimed).bytes,
		text_count(b->batches_reclaimed).bytes);
	table_row(table, "lost", text_count(a->lost).bytes, text_count(b->lost).bytes);
	table_row(table, "doubled", text_count(a->doubled).bytes, text_count(b->doubled).bytes);
	if (b->onset_to_wire.count)
		burst_row(table, "spike to wire, p50", text_time_us((double)b->onset_to_wire.p50));
	if (b->round_trip.count) {
		burst_row(table, "round trip p50", text_time_us((double)b->round_trip.p50));
		burst_row(table, "round trip p99", text_time_us((double)b->round_trip.p99));
	}
	burst_row(table, "most functions at once", text_count(b->inflight_max));
	if (b->function_us_known)
		burst_row(table, "function time billed", text_time_us((double)b->function_us));
}

void demo_table_print(const struct run_report *none, const struct series *none_series,
	const struct run_report *spill, const struct series *spill_series, const struct plot *plot,
	FILE *out)
{
	struct column a = { none, none_series }, b = { spill, spill_series };
	struct text usd;
	struct table table;

	table_init(&table, 3);
	table_row(&table, "", "without spilling", "with spilling");
	table_row(&table, "-");
	speed_rows(&table, &a, &b, plot);
	table_row(&table, "-");
	burst_rows(&table, &none->burst, &spill->burst);
	snprintf(usd.bytes, sizeof(usd.bytes), "%.6f", spill->burst.usd);
	burst_row(&table, "would cost, dollars", usd);
	table_print(&table, out);
}

int demo_verdict(const struct run_report *none, const struct run_report *spill, FILE *out)
{
	const struct sw_nexmark_job_result *a = &none->result, *b = &spill->result;

	if (a->rows != b->rows || a->checksum != b->checksum)
		return say(EXIT_FAILED,
			"demo failed: the results differ: without spilling %" PRIu64
			" rows, checksum %016" PRIx64 ", with spilling %" PRIu64
			" rows, checksum %016" PRIx64,
			a->rows, a->checksum, b->rows, b->checksum);
	if (spill->burst.lost || spill->burst.doubled)
		return say(EXIT_FAILED,
			"demo failed: spilled batches: %" PRIu64 " lost, %" PRIu64 " doubled",
			spill->burst.lost, spill->burst.doubled);
	fprintf(out,
		"\nThe results are equal: %s rows, checksum %016" PRIx64 " both times.\n"
		"Nothing lost, nothing doubled.\n",
		text_count(a->rows).bytes, a->checksum);
	if (spill->burst.batches_spilled == 0)
		return say(EXIT_FAILED, "demo failed: spilling: no batch left (see the edges' "
					"\"why\" in spillway.json)");
	return EXIT_DONE;
}

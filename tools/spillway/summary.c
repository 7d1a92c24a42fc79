/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "tools/spillway/report.h"
#include "tools/spillway/text.h"

/* Lines start with what they are about, in a column of this width. */
#define LABEL "  %-12s "

static double part(double amount, double whole)
{
	return whole > 0 ? amount / whole : 0;
}

static void print_time(const struct run_report *report, FILE *out)
{
	double wall = (double)report->graph.wall_ns / 1e9;
	double rate = part((double)report->graph.events, wall);
	unsigned cores = run_report_cores(report);

	fprintf(out, LABEL "%s events/s", "throughput", text_rate(rate).bytes);
	if (cores > 1)
		fprintf(out, ", %s per core", text_rate(rate / cores).bytes);
	fprintf(out, ", %s per CPU second\n",
		text_rate(part((double)report->graph.events, report->cpu_s)).bytes);
}

static void print_latency(const struct latency_us *latency, FILE *out)
{
	if (!latency->count)
		return;
	fprintf(out, LABEL "p50 %s, p99 %s, p99.9 %s, max %s\n", "latency",
		text_time_us(latency->p50).bytes, text_time_us(latency->p99).bytes,
		text_time_us(latency->p999).bytes, text_time_us(latency->max).bytes);
}

static void print_workers(const struct run_report *report, FILE *out)
{
	struct worker_seconds seconds = run_report_seconds(report);

	fprintf(out, LABEL "%u: busy %s, backpressured %s, idle %s\n", "workers",
		run_report_workers(report), text_share(part(seconds.busy, seconds.total)).bytes,
		text_share(part(seconds.backpressured, seconds.total)).bytes,
		text_share(part(seconds.idle, seconds.total)).bytes);
}

static void print_result(const struct run_report *report, FILE *out)
{
	fprintf(out, LABEL "%s rows", "result", text_count(report->result.rows).bytes);
	if (report->result.revised)
		fprintf(out, " after %s changes", text_count(report->result.changes).bytes);
	if (report->result.has_checksum)
		fprintf(out, ", checksum %016" PRIx64, report->result.checksum);
	if (report->result.late_rows)
		fprintf(out, ", %s late rows left out", text_count(report->result.late_rows).bytes);
	fputc('\n', out);
}

static void print_errors(const struct sw_burst_stats *burst, FILE *out)
{
	if (burst->throttled + burst->function_errors + burst->timeouts + burst->transport_errors +
			burst->corrupt ==
		0)
		return;
	fprintf(out,
		LABEL "%" PRIu64 " throttled, %" PRIu64 " function errors, %" PRIu64
		      " timeouts, %" PRIu64 " transport, %" PRIu64 " corrupt\n",
		"", burst->throttled, burst->function_errors, burst->timeouts,
		burst->transport_errors, burst->corrupt);
}

static void print_way(const char *name, const struct sw_burst_way *way, FILE *out)
{
	if (way->batches == 0)
		return;
	fprintf(out, LABEL "%s: %s batches, round trip p50 %s, %s of ours per row\n", "", name,
		text_count(way->batches).bytes, text_time_us((double)way->round_trip.p50).bytes,
		text_time_us(part((double)way->cpu_ns, (double)way->rows) / 1e3).bytes);
}

static void print_ways(const struct sw_burst_stats *burst, FILE *out)
{
	fprintf(out,
		LABEL "%" PRIu64 " functions were invited to dial back, %" PRIu64 " did, %" PRIu64
		      " connections refused\n",
		"", burst->invitations, burst->dial_connections, burst->dial_refused);
	print_way("by dial-back", &burst->dial_back, out);
	print_way("by invocation", &burst->invoke, out);
}

static void print_burst(const struct run_report *report, FILE *out)
{
	const struct sw_burst_stats *burst = &report->burst;

	if (!report->bursts)
		return;
	fprintf(out,
		LABEL "%s%s%s: %s of %s batches spilled, %s merged, %s reclaimed; %" PRIu64
		      " lost, %" PRIu64 " doubled\n",
		"burst", burst->policy, burst->contract ? " by " : "",
		burst->contract ? burst->contract : "", text_count(burst->batches_spilled).bytes,
		text_count(burst->batches_eligible).bytes, text_count(burst->batches_merged).bytes,
		text_count(burst->batches_reclaimed).bytes, burst->lost, burst->doubled);
	if (burst->outstanding)
		fprintf(out, LABEL "%s batches were out when it was cancelled\n", "",
			text_count(burst->outstanding).bytes);
	print_errors(burst, out);
	if (burst->onset_to_wire.count)
		fprintf(out, LABEL "onset to wire p50 %s, max %s\n", "",
			text_time_us((double)burst->onset_to_wire.p50).bytes,
			text_time_us((double)burst->onset_to_wire.max).bytes);
	if (burst->round_trip.count)
		fprintf(out, LABEL "round trip p50 %s, p99 %s; at most %u at once; $%.6f\n", "",
			text_time_us((double)burst->round_trip.p50).bytes,
			text_time_us((double)burst->round_trip.p99).bytes, burst->inflight_max,
			burst->usd);
	if (report->options->dial_back)
		print_ways(burst, out);
	for (unsigned i = 0; i < report->edge_count; i++)
		if (report->edges[i].why[0])
			fprintf(out, LABEL "%s: %s\n", "", report->edges[i].stats.name,
				report->edges[i].why);
}

void report_summary(const struct run_report *report, FILE *out)
{
	const struct run_options *options = report->options;
	const struct sw_nexmark_query *query = sw_nexmark_query_find(options->query);

	fprintf(out, "%s %s: %s events in %s%s\n", options->query, query ? query->title : "",
		text_count(report->graph.events).bytes,
		text_time_us((double)report->graph.wall_ns / 1e3).bytes,
		report->complete ? "" : ", not complete");
	print_time(report, out);
	print_latency(&report->latency, out);
	print_workers(report, out);
	print_result(report, out);
	print_burst(report, out);
	fprintf(out, LABEL "%s resident at most; batches %s, state %s\n", "memory",
		text_bytes(report->peak_rss_bytes).bytes,
		text_bytes(report->graph.pool_bytes).bytes,
		text_bytes(report->graph.state_bytes_max).bytes);
	if (options->op_delay_us > 0)
		fprintf(out, LABEL "each event of the burstable stage cost %g us more\n",
			"simulated", options->op_delay_us);
}

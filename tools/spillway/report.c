/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "nexmark/generator.h"
#include "tools/spillway/environment.h"
#include "tools/spillway/message.h"
#include "tools/spillway/report.h"

#define REAL_DIGITS 9

static void put(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void put_count(json_t *object, const char *name, uint64_t value)
{
	put(object, name, json_integer((json_int_t)value));
}

static void put_real(json_t *object, const char *name, double value)
{
	put(object, name, json_real(value));
}

/* Empty is absent. */
static void put_text(json_t *object, const char *name, const char *text)
{
	put(object, name, text && text[0] ? json_string(text) : json_null());
}

static void put_if(json_t *object, const char *name, bool there, json_t *value)
{
	if (there) {
		put(object, name, value);
	} else {
		json_decref(value);
		put(object, name, json_null());
	}
}

json_t *report_environment(const struct run_options *options)
{
	json_t *object = json_object(), *libraries = json_object();
	struct environment environment;
	char pages[64] = "";

	environment_read(&environment);
	put_text(object, "cpu", environment.cpu);
	put_if(object, "cores", environment.cores > 0, json_integer(environment.cores));
	put_if(object, "nodes", environment.nodes > 0, json_integer(environment.nodes));
	put_text(object, "compiler", environment.compiler);
	put_text(object, "revision", environment.revision);
	put_text(object, "kernel", environment.kernel);
	snprintf(pages, sizeof(pages), "%s (system: %s)", options->huge_pages,
		environment.huge_pages[0] ? environment.huge_pages : "none");
	put_text(object, "huge_pages", pages);
	put_text(libraries, "libcurl", environment.curl);
	put_text(libraries, "jansson", environment.jansson);
	put_text(libraries, "openssl", environment.openssl);
	put_text(libraries, "nghttp2", environment.nghttp2);
	put(object, "libraries", libraries);
	return object;
}

/* An option's text as what it is. */
static json_t *value_json(const char *text)
{
	uint64_t count;
	double number;

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return json_boolean(text[0] == 't');
	if (options_count(text, &count))
		return json_integer((json_int_t)count);
	if (options_number(text, &number))
		return json_real(number);
	if (text[0] == '-' && options_count(text + 1, &count))
		return json_integer(-(json_int_t)count);
	return json_string(text);
}

static json_t *source_options_json(const struct run_options *options)
{
	json_t *object = json_object();
	const struct sw_nexmark_option *option;
	char text[64];

	if (options->input) {
		put_text(object, "input", options->input);
		put_count(object, "watermark-delay-ms", options->watermark_delay_ms);
		return object;
	}
	for (uint32_t i = 0; (option = sw_nexmark_option_at(i)); i++)
		if (sw_nexmark_options_get(&options->generator, option->name, text, sizeof(text)) ==
			0)
			put(object, option->name, value_json(text));
	put(object, "is-rate-limited", json_boolean(options->is_rate_limited));
	return object;
}

static json_t *columns_json(const char *columns)
{
	json_t *array = json_array();

	for (const char *at = columns; *at;) {
		size_t length = strcspn(at, ",");

		json_array_append_new(array, json_stringn(at, length));
		at += length + (at[length] == ',');
	}
	return array;
}

static json_t *source_json(const struct run_report *report)
{
	json_t *object = json_object();

	put_count(object, "events", report->graph.events);
	put(object, "options", source_options_json(report->options));
	put(object, "columns", columns_json(report->columns));
	put(object, "replay", json_boolean(report->options->replay));
	return object;
}

/* After the end of the stream the watermark is the end of time: what says more is the watermark
 * that the last event carried. */
static json_t *watermark_json(const struct run_report *report)
{
	const struct run_options *options = report->options;
	int64_t watermark = report->graph.last_watermark;
	struct sw_nexmark_generator *generator;

	if (watermark != SW_TIME_MIN && watermark != SW_TIME_END)
		return json_integer(watermark);
	if (watermark == SW_TIME_MIN || options->input || report->graph.events == 0 ||
		(strcmp(options->query, "q12") == 0 &&
			strcmp(options->processing_time, "arrival") == 0))
		return json_null();
	if (sw_nexmark_generator_create(&options->generator, &generator, NULL) != 0)
		return json_null();
	watermark = sw_nexmark_watermark(generator, report->graph.events - 1);
	sw_nexmark_generator_destroy(generator);
	return json_integer(watermark);
}

static json_t *result_json(const struct run_report *report)
{
	json_t *object = json_object();
	char checksum[24];

	put_count(object, "rows", report->result.rows);
	if (report->result.revised)
		put_count(object, "changes", report->result.changes);
	else
		put(object, "changes", json_null());
	snprintf(checksum, sizeof(checksum), "%016" PRIx64, report->result.checksum);
	put_text(object, "checksum", report->result.has_checksum ? checksum : "");
	put_count(object, "late_rows", report->result.late_rows);
	put(object, "last_watermark_ms", watermark_json(report));
	return object;
}

static json_t *time_json(const struct run_report *report)
{
	json_t *object = json_object();
	double wall = (double)report->graph.wall_ns / 1e9;
	double rate = wall > 0 ? (double)report->graph.events / wall : 0;
	unsigned cores = run_report_cores(report);

	put_real(object, "wall_s", wall);
	put_real(object, "cpu_s", report->cpu_s);
	put_if(object, "events_per_s", wall > 0, json_real(rate));
	put_if(object, "events_per_s_per_core", wall > 0 && cores > 0,
		json_real(cores ? rate / cores : 0));
	put_if(object, "events_per_cpu_s", report->cpu_s > 0,
		json_real(report->cpu_s > 0 ? (double)report->graph.events / report->cpu_s : 0));
	return object;
}

static json_t *latency_json(const struct latency_us *latency)
{
	json_t *object = json_object();
	bool there = latency->count > 0;

	put_count(object, "count", latency->count);
	put_if(object, "mean", there, json_real(latency->mean));
	put_if(object, "p50", there, json_real(latency->p50));
	put_if(object, "p90", there, json_real(latency->p90));
	put_if(object, "p99", there, json_real(latency->p99));
	put_if(object, "p999", there, json_real(latency->p999));
	put_if(object, "p9999", there, json_real(latency->p9999));
	put_if(object, "max", there, json_real(latency->max));
	return object;
}

/* Workers, or the threads that serve what blocks. */
static json_t *workers_json(const struct run_report *report, bool service)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < report->worker_count; i++) {
		const struct sw_worker_stats *worker = &report->workers[i];
		json_t *object;

		if (worker->service != service)
			continue;
		object = json_object();
		put_count(object, "id", i);
		put_if(object, "cpu", worker->place.cpu >= 0, json_integer(worker->place.cpu));
		put_if(object, "node", worker->place.node >= 0, json_integer(worker->place.node));
		put_count(object, "events", worker->events);
		put_real(object, "busy_ms", (double)worker->busy_ns / 1e6);
		put_real(object, "idle_ms", (double)worker->idle_ns / 1e6);
		put_real(object, "backpressured_ms", (double)worker->backpressured_ns / 1e6);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *edges_json(const struct run_report *report)
{
	static const char *const routes[] = { [SW_ROUTE_FORWARD] = "forward",
		[SW_ROUTE_KEYED] = "keyed",
		[SW_ROUTE_BROADCAST] = "broadcast" };
	json_t *array = json_array();

	for (unsigned i = 0; i < report->edge_count; i++) {
		const struct sw_edge_stats *edge = &report->edges[i].stats;
		json_t *object = json_object();

		put_text(object, "name", edge->name);
		put_text(object, "from", edge->from);
		put_text(object, "to", edge->to);
		put_text(object, "route", routes[edge->route]);
		put(object, "fused", json_boolean(edge->fused));
		put_if(object, "capacity", !edge->fused, json_integer(edge->capacity));
		put_if(object, "fill_mean", !edge->fused, json_real(edge->fill_mean));
		put_if(object, "fill_max", !edge->fused, json_integer(edge->fill_max));
		put_count(object, "batches", edge->batches);
		put_count(object, "rows", edge->rows);
		put_count(object, "bytes", edge->bytes);
		put_text(object, "why", report->edges[i].why);
		json_array_append_new(array, object);
	}
	return array;
}

/* What was handed to other workers: to the owners of its keys, or to all. */
static json_t *exchange_json(const struct run_report *report)
{
	uint64_t batches = 0, rows = 0, bytes = 0;
	json_t *object = json_object();

	for (unsigned i = 0; i < report->edge_count; i++) {
		const struct sw_edge_stats *edge = &report->edges[i].stats;

		if (edge->route == SW_ROUTE_FORWARD)
			continue;
		batches += edge->crossed_batches;
		rows += edge->crossed_rows;
		bytes += edge->crossed_bytes;
	}
	put_count(object, "batches", batches);
	put_count(object, "rows", rows);
	put_count(object, "bytes", bytes);
	return object;
}

static json_t *memory_json(const struct run_report *report)
{
	json_t *object = json_object();

	put_count(object, "peak_rss_bytes", report->peak_rss_bytes);
	put_count(object, "state_bytes_max", report->graph.state_bytes_max);
	put_count(object, "pool_bytes", report->graph.pool_bytes);
	return object;
}

static json_t *times_json(const struct sw_burst_times *times, bool with_p90)
{
	json_t *object = json_object();
	bool there = times->count > 0;

	put_if(object, "p50", there, json_integer((json_int_t)times->p50));
	if (with_p90)
		put_if(object, "p90", there, json_integer((json_int_t)times->p90));
	put_if(object, "p99", there, json_integer((json_int_t)times->p99));
	put_if(object, "max", there, json_integer((json_int_t)times->max));
	return object;
}

/* One way to functions, beside the other. */
static json_t *way_json(const struct sw_burst_way *way)
{
	json_t *object = json_object();
	const bool there = way->rows > 0;

	put_count(object, "batches", way->batches);
	put_count(object, "rows", way->rows);
	put_count(object, "bytes_sent", way->bytes_sent);
	put_count(object, "bytes_received", way->bytes_received);
	put(object, "round_trip_us", times_json(&way->round_trip, true));
	put_if(object, "ship_ns_per_row", there,
		json_real(there ? (double)way->cpu_ns / (double)way->rows : 0));
	return object;
}

static json_t *dial_back_json(const struct sw_burst_stats *burst)
{
	json_t *object = way_json(&burst->dial_back);

	put_count(object, "invitations", burst->invitations);
	put_count(object, "connections", burst->dial_connections);
	put_count(object, "refused", burst->dial_refused);
	return object;
}

/* Without a way out nothing was spilled: those counts are figures, not absent ones. */
static json_t *burst_json(const struct run_report *report)
{
	const struct sw_burst_stats *burst = &report->burst;
	json_t *object = json_object(), *errors = json_object();

	put_text(object, "policy", run_options_policy(report->options));
	put_text(object, "contract", burst->contract);
	put_if(object, "batches_eligible", report->bursts,
		json_integer((json_int_t)burst->batches_eligible));
	put_count(object, "batches_spilled", burst->batches_spilled);
	put_count(object, "batches_merged", burst->batches_merged);
	put_count(object, "batches_reclaimed", burst->batches_reclaimed);
	put_count(object, "batches_dropped", burst->outstanding);
	put_count(object, "rows_spilled", burst->rows_spilled);
	put_count(object, "attempts", burst->attempts);
	put_count(object, "invocations", burst->invocations);
	put_count(object, "hedges", burst->hedges);
	put_count(object, "prewarms", burst->prewarms);
	put_count(object, "late_answers", burst->late_answers);
	put_count(object, "lost", burst->lost);
	put_count(object, "doubled", burst->doubled);
	put_count(errors, "throttled", burst->throttled);
	put_count(errors, "function_error", burst->function_errors);
	put_count(errors, "timeout", burst->timeouts);
	put_count(errors, "transport", burst->transport_errors);
	put_count(errors, "corrupt", burst->corrupt);
	put(object, "errors", errors);
	put(object, "onset_to_wire_us", times_json(&burst->onset_to_wire, false));
	put(object, "round_trip_us", times_json(&burst->round_trip, true));
	put_count(object, "inflight_max", burst->inflight_max);
	put_if(object, "cold_starts", burst->function_us_known,
		json_integer((json_int_t)burst->cold_starts));
	put_count(object, "bytes_sent", burst->bytes_sent);
	put_count(object, "bytes_received", burst->bytes_received);
	put_if(object, "function_ms_billed", burst->function_us_known,
		json_real((double)burst->function_us / 1e3));
	put_real(object, "usd", burst->usd);
	put(object, "invoke", way_json(&burst->invoke));
	put_if(object, "dial_back", report->options->dial_back, dial_back_json(burst));
	put_if(object, "io_cpu_s", report->bursts, json_real((double)burst->io_cpu_ns / 1e9));
	return object;
}

json_t *report_json(const struct run_report *report)
{
	const struct run_options *options = report->options;
	json_t *object = json_object();

	if (!object)
		return NULL;
	put_text(object, "spillway", sw_version());
	put_text(object, "command", options->command);
	put_text(object, "query", options->query);
	put(object, "complete", json_boolean(report->complete));
	put_real(object, "simulated_op_delay_us", options->op_delay_us);
	put(object, "environment", report_environment(options));
	put(object, "source", source_json(report));
	put(object, "result", result_json(report));
	put(object, "time", time_json(report));
	put(object, "latency_us", latency_json(&report->latency));
	put(object, "workers", workers_json(report, false));
	put(object, "services", workers_json(report, true));
	put(object, "edges", edges_json(report));
	put(object, "exchange", exchange_json(report));
	put(object, "memory", memory_json(report));
	put(object, "burst", burst_json(report));
	return object;
}

int report_write(const struct run_report *report, FILE *file, const char *path)
{
	json_t *json = report_json(report);
	int code = EXIT_DONE;

	if (!json) {
		fclose(file);
		return say(EXIT_FAILED, "report: %s: %s", path, strerror(ENOMEM));
	}
	errno = 0;
	if (json_dumpf(json, file, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS)) != 0 ||
		fputc('\n', file) == EOF || fflush(file) != 0)
		code = say(EXIT_FAILED, "report: %s: %s", path,
			errno ? strerror(errno) : "cannot be written");
	fclose(file);
	json_decref(json);
	return code;
}

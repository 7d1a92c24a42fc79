/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "nexmark/generator.h"
#include "nexmark/kernels.h"
#include "runtime/clock.h"
#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"
#include "tools/spillway/signals.h"

/* batch-size: a function alone, as the origin's source and invoker drove it, one call at a time. */

#define KERNEL        "tokenize.partial"
#define COLUMNS       (SW_BID_ALL & ~SW_BID_SEQ) /* what the kernel reads */
#define ROWS_MAX      1280
#define CALLS_MAX     400
#define CALL_MS       60000L
#define BYTES_PER_ROW 4096

static const unsigned sizes_full[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80,
	90, 100, 160, 320, 640, 1280, 0 };
static const unsigned sizes_short[] = { 1, 10, 100, 1280, 0 };

struct effort {
	const unsigned *sizes;
	unsigned calls, warm_calls;
	double seconds; /* a size is over after this or its calls */
};

static const struct effort effort_full = { sizes_full, CALLS_MAX, 50, 2 };
static const struct effort effort_short = { sizes_short, 40, 10, 0.3 };

struct caller {
	CURL *easy;
	struct sw_nexmark_generator *generator;
	struct sw_schema schema; /* the batch's */
	struct sw_batch *batch;
	uint64_t next_event, seq;
	char *frame, *body, *answer;
	size_t frame_bytes, body_bytes, answer_bytes, answer_capacity;
	char why[256]; /* the last call was no good */
};

static size_t on_answer(char *data, size_t one, size_t size, void *context)
{
	struct caller *caller = context;

	(void)one;
	if (caller->answer_bytes + size > caller->answer_capacity)
		return 0;
	memcpy(caller->answer + caller->answer_bytes, data, size);
	caller->answer_bytes += size;
	return size;
}

static void caller_fini(struct caller *caller)
{
	curl_easy_cleanup(caller->easy);
	sw_nexmark_generator_destroy(caller->generator);
	sw_batch_destroy(caller->batch);
	free(caller->frame);
	free(caller->body);
	free(caller->answer);
}

static void set_up_easy(struct caller *caller, const struct session *session, const char *function)
{
	char url[256];

	snprintf(url, sizeof(url), "%s/2015-03-31/functions/%s/invocations", session->lambda.url,
		function);
	curl_easy_setopt(caller->easy, CURLOPT_URL, url);
	curl_easy_setopt(caller->easy, CURLOPT_CAINFO, session->lambda.ca);
	curl_easy_setopt(caller->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(caller->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(caller->easy, CURLOPT_TIMEOUT_MS, CALL_MS);
	curl_easy_setopt(caller->easy, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(caller->easy, CURLOPT_WRITEDATA, caller);
}

static int caller_init(struct caller *caller, const struct session *session, const char *function,
	struct sw_error *error)
{
	const struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_options endless = options;
	int code;

	*caller = (struct caller){ .frame_bytes = ROWS_MAX * BYTES_PER_ROW };
	endless.num_events = 0;
	code = sw_nexmark_generator_create(&endless, &caller->generator, error);
	if (!code)
		code = sw_nexmark_schema(SW_BID, COLUMNS, &endless, &caller->schema);
	if (code)
		return code;
	caller->batch = sw_batch_create(&caller->schema, ROWS_MAX, ROWS_MAX * BYTES_PER_ROW);
	caller->easy = curl_easy_init();
	caller->frame = malloc(caller->frame_bytes);
	caller->body = malloc(sw_base64_bytes(caller->frame_bytes) + 32);
	caller->answer_capacity = 2 * sw_base64_bytes(caller->frame_bytes);
	caller->answer = malloc(caller->answer_capacity);
	if (!caller->batch || !caller->easy || !caller->frame || !caller->body || !caller->answer)
		return sw_error_set(error, -ENOMEM, "out of memory");
	set_up_easy(caller, session, function);
	return 0;
}

static bool refuse(struct caller *caller, const char *why)
{
	snprintf(caller->why, sizeof(caller->why), "%s", why);
	return false;
}

/* The next `rows` bids as an invocation's body. */
static bool make_body(struct caller *caller, unsigned rows)
{
	const struct sw_kernel *kernel = sw_nexmark_kernel(KERNEL);
	struct sw_frame_header header = { .kind = SW_FRAME_REQUEST,
		.kernel_version = kernel->version,
		.config_bytes = kernel->config_bytes,
		.job = 1,
		.seq = ++caller->seq,
		.attempt = 1,
		.deadline_ms = CALL_MS };
	uint32_t events = rows;
	ptrdiff_t bytes;

	while (sw_nexmark_count(caller->generator, SW_BID, caller->next_event, events) < rows)
		events++;
	sw_batch_reset(caller->batch);
	if (sw_nexmark_generate(caller->generator, SW_BID, COLUMNS, caller->next_event, events,
		    caller->batch) != 0)
		return refuse(caller, "its events do not fit a batch");
	caller->next_event += events;
	caller->batch->events = rows;
	snprintf(header.kernel, sizeof(header.kernel), "%s", kernel->name);
	bytes = sw_frame_encode(&header, caller->batch, caller->frame, caller->frame_bytes);
	if (bytes < 0)
		return refuse(caller, "its events do not fit a frame");
	caller->body_bytes = (size_t)sprintf(caller->body, "{\"frame\":\"");
	caller->body_bytes +=
		sw_base64_encode(caller->frame, (size_t)bytes, caller->body + caller->body_bytes);
	memcpy(caller->body + caller->body_bytes, "\"}", 2);
	caller->body_bytes += 2;
	return true;
}

static bool is_good_frame(struct caller *caller, const json_t *object)
{
	const char *text = json_string_value(json_object_get(object, "frame"));
	struct sw_frame_header header;
	struct sw_error error = { 0 };
	ptrdiff_t bytes;

	if (!text)
		return refuse(caller, "the answer has no frame");
	bytes = sw_base64_decode(text, strlen(text), (void *)caller->frame);
	if (bytes < 0)
		return refuse(caller, "the answer's frame is not Base64");
	if (sw_frame_peek(caller->frame, (size_t)bytes, &header, &error) != 0)
		return refuse(caller, error.text);
	if (header.kind != SW_FRAME_ANSWER || header.seq != caller->seq)
		return refuse(caller, "the answer is to another request");
	return true;
}

static bool is_good_answer(struct caller *caller)
{
	json_t *object = json_loadb(caller->answer, caller->answer_bytes, 0, NULL);
	long status = 0;
	bool good;

	curl_easy_getinfo(caller->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 || !object)
		good = refuse(caller, status != 200 ? "its status is not 200" : "it is not JSON");
	else
		good = is_good_frame(caller, object);
	json_decref(object);
	return good;
}

/* From the events to an answer that is one: ns, or 0 with caller->why. */
static uint64_t call(struct caller *caller, unsigned rows)
{
	const uint64_t begin_ns = sw_now_ns();
	uint64_t end_ns;
	CURLcode code;

	caller->answer_bytes = 0;
	if (!make_body(caller, rows))
		return 0;
	curl_easy_setopt(caller->easy, CURLOPT_POSTFIELDS, caller->body);
	curl_easy_setopt(caller->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)caller->body_bytes);
	code = curl_easy_perform(caller->easy);
	end_ns = sw_now_ns();
	if (code != CURLE_OK) {
		refuse(caller, curl_easy_strerror(code));
		return 0;
	}
	return is_good_answer(caller) ? end_ns - begin_ns : 0;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* latencies are sorted. */
static void fill_row(struct row *row, const double *latencies, size_t count, double seconds)
{
	double *figures = row->figures, sum = 0;
	const double last = (double)(count - 1);

	for (size_t i = 0; i < count; i++)
		sum += latencies[i];
	figures[FIGURE_EVENTS] = (double)count * row->x;
	figures[FIGURE_WALL_S] = seconds;
	figures[FIGURE_EVENTS_PER_S] = (double)count * row->x / seconds;
	figures[FIGURE_MIN_MS] = latencies[0];
	figures[FIGURE_P25_MS] = latencies[(size_t)(0.25 * last)];
	figures[FIGURE_P50_MS] = latencies[(size_t)(0.5 * last)];
	figures[FIGURE_P75_MS] = latencies[(size_t)(0.75 * last)];
	figures[FIGURE_P99_MS] = latencies[(size_t)(0.99 * last)];
	figures[FIGURE_MAX_MS] = latencies[count - 1];
	figures[FIGURE_MEAN_MS] = sum / (double)count;
	figures[FIGURE_INVOCATIONS] = (double)count;
	snprintf(row->query, sizeof(row->query), "tokenize");
	snprintf(row->function, sizeof(row->function), "%s", row->series);
	row->batch_rows = (uint64_t)row->x;
}

/* One language, one size. False: the function is no good, which is noted. */
static bool measure(struct session *session, struct caller *caller, const char *language,
	unsigned rows, const struct effort *effort)
{
	double latencies[CALLS_MAX], seconds = 0;
	size_t count = 0;
	struct row *row;

	for (unsigned i = 0; i < effort->warm_calls + effort->calls; i++) {
		uint64_t ns = call(caller, rows);

		if (ns == 0) {
			session->failures++;
			session_note(session, NOTE_FAILED, "%s, %u events: %s", language, rows,
				caller->why);
			return false;
		}
		if (i < effort->warm_calls)
			continue;
		latencies[count++] = (double)ns / 1e6;
		seconds += (double)ns / 1e9;
		if (signals_seen() > 0 || seconds > effort->seconds)
			break;
	}
	if (!session_goes_on(session))
		return false;
	qsort(latencies, count, sizeof(latencies[0]), by_value);
	row = session_row(session, "function", language, rows);
	if (row)
		fill_row(row, latencies, count, seconds);
	return row != NULL;
}

static int run_language(struct session *session, const char *language, const struct effort *effort)
{
	struct sw_error error = { 0 };
	struct caller caller;
	const char *function = strcmp(language, "c") == 0 ? LAMBDA_FUNCTION : language;

	if (caller_init(&caller, session, function, &error) != 0) {
		session->failures++;
		session_note(session, NOTE_FAILED, "%s: %s", language, error.text);
		caller_fini(&caller);
		return 0;
	}
	for (size_t i = 0; effort->sizes[i] && session_goes_on(session); i++)
		if (!measure(session, &caller, language, effort->sizes[i], effort))
			break;
	caller_fini(&caller);
	return session->interrupted ? EXIT_INTERRUPTED : 0;
}

static int run(struct session *session)
{
	const struct effort *effort = session->is_short ? &effort_short : &effort_full;
	const char *languages[LANGUAGES_MAX + 1];
	int code = session_endpoint(
		session, &(struct endpoint){ .concurrency = 4, .languages = true });

	session_languages(session, languages);
	session_note(session, NOTE_PARAMETER,
		"tokenize on one function, warm, one call at a time, no delay added to the network "
		"and none simulated; at most %u calls of each size",
		effort->calls);
	for (size_t i = 0; languages[i] && !code; i++)
		code = run_language(session, languages[i], effort);
	return code;
}

static void tell(const struct session *session, FILE *out)
{
	const struct experiment *self = &experiment_batch_size;
	struct extent extent;

	rows_extent(session, self, "function", &extent);
	for (size_t i = 0; i < extent.series_count; i++) {
		const char *series = extent.series[i];
		double best = 0, best_x = 0, first = NAN, last = NAN;

		for (size_t j = 0; j < extent.x_count; j++) {
			double rate = rows_median(session, self, "function", series, extent.x[j],
				FIGURE_EVENTS_PER_S);
			double mean = rows_median(
				session, self, "function", series, extent.x[j], FIGURE_MEAN_MS);

			if (isnan(rate))
				continue;
			if (isnan(first))
				first = mean;
			last = mean;
			if (rate > best) {
				best = rate;
				best_x = extent.x[j];
			}
		}
		fprintf(out,
			"%s: its throughput peaks at %s with batches of %g; its mean latency %s "
			"over the sizes.\n",
			series, words_amount(best, "events/s").bytes, best_x,
			words_change(first, last, "ms").bytes);
	}
}

const struct experiment experiment_batch_size = {
	.name = "batch-size",
	.title = "Function alone: batch size",
	.question = "How long does a call take, and how many events a second are done, as batches "
		    "grow?",
	.origin = "Python peaked at about 1,470 events/s (batches of 320), Java at about 1,200 "
		  "(160); Java's mean latency rose from 39 ms (1) to 1,194 ms (1280).",
	.repeats = 1,
	.run = run,
	.tell = tell,
	.charts = {
		{ .name = "latency-box", .part = "function", .title = "Latency of a call: quartiles",
			.x_title = "events in a batch", .y_title = "ms", .kind = CHART_BOXES,
			.log_y = true },
		{ .name = "latency", .part = "function", .title = "Latency of a call: mean",
			.x_title = "events in a batch", .y_title = "ms", .y = FIGURE_MEAN_MS,
			.log_x = true, .log_y = true },
		{ .name = "throughput", .part = "function", .title = "Throughput",
			.x_title = "events in a batch", .y_title = "events/s",
			.y = FIGURE_EVENTS_PER_S, .log_x = true, .log_y = true },
	},
};

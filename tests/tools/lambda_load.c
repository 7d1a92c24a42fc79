/* SPDX-License-Identifier: MIT */
/*
 * Invokes a function of Spillway's many times over HTTP/2, checks each answer against what the same
 * code gives here, and prints a JSON object of how many ended how. For tests and for measuring.
 *
 *   lambda_load URL CA-FILE FUNCTION KERNEL COUNT INFLIGHT ROWS DELAY-NS TIMEOUT-MS
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "nexmark/kernels.h"
#include "runtime/clock.h"
#include "tools/functions/c/handler.h"

#define INFLIGHT_MAX 512
#define JOB          7

enum end {
	GOOD,
	WRONG,
	FUNCTION_ERROR,
	THROTTLED,
	REFUSED,
	TRUNCATED,
	RESET,
	TIMED_OUT,
	OTHER,
	ENDS
};

static const char *const end_names[ENDS] = { "good", "wrong", "function_error", "throttled",
	"refused", "truncated", "reset", "timed_out", "other" };

struct call {
	CURL *easy;
	char *body, *answer;
	size_t body_bytes, answer_bytes, answer_capacity;
	bool function_error;
};

struct load {
	const char *url, *ca, *function, *kernel;
	uint64_t count, inflight, rows, delay_ns, timeout_ms;
	uint64_t sent, ends[ENDS];
	struct handler *handler; /* what the answer should be */
	struct sw_batch *batch;
	struct call calls[INFLIGHT_MAX];
};

static uint64_t state = 1;

static uint64_t random_bits(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

/* Few distinct values in whole numbers, words in texts. */
static void fill(struct sw_batch *batch, uint64_t rows)
{
	sw_batch_reset(batch);
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		struct sw_column *column = &batch->columns[i];

		for (uint32_t row = 0; row < rows; row++) {
			char text[16];
			int size =
				snprintf(text, sizeof(text), "w%" PRIu64 " ", random_bits() % 500);

			if (column->type == SW_TEXT)
				sw_column_append_text(column, row, text, (uint32_t)size);
			else if (column->type == SW_INT32)
				((int32_t *)column->data)[row] = (int32_t)(random_bits() % 300);
			else
				((int64_t *)column->data)[row] = (int64_t)(random_bits() % 300);
		}
	}
	batch->rows = (uint32_t)rows;
	batch->events = (uint32_t)rows;
}

static void make_body(struct load *load, struct call *call)
{
	const struct sw_kernel *kernel = sw_nexmark_kernel(load->kernel);
	struct sw_frame_header header = {
		.kind = SW_FRAME_REQUEST,
		.kernel_version = kernel->version,
		.config_bytes = kernel->config_bytes,
		.job = JOB,
		.seq = load->sent,
		.attempt = 1,
		.op_delay_ns = (uint32_t)load->delay_ns,
	};
	ptrdiff_t bytes;
	size_t bound;
	char *frame;

	strcpy(header.kernel, kernel->name);
	fill(load->batch, load->rows);
	bound = sw_frame_bound(load->batch);
	frame = malloc(bound);
	bytes = sw_frame_encode(&header, load->batch, frame, bound);
	if (bytes < 0)
		abort();
	free(call->body);
	call->body = malloc(sw_base64_bytes((size_t)bytes) + 16);
	call->body_bytes = (size_t)sprintf(call->body, "{\"frame\":\"");
	call->body_bytes += sw_base64_encode(frame, (size_t)bytes, call->body + call->body_bytes);
	memcpy(call->body + call->body_bytes, "\"}", 2);
	call->body_bytes += 2;
	free(frame);
}

static size_t on_body(char *data, size_t one, size_t size, void *context)
{
	struct call *call = context;

	(void)one;
	if (call->answer_bytes + size > call->answer_capacity) {
		call->answer_capacity = (call->answer_bytes + size) * 2;
		call->answer = realloc(call->answer, call->answer_capacity);
	}
	memcpy(call->answer + call->answer_bytes, data, size);
	call->answer_bytes += size;
	return size;
}

static size_t on_header(char *data, size_t one, size_t size, void *context)
{
	struct call *call = context;

	(void)one;
	if (size > 21 && strncasecmp(data, "x-amz-function-error:", 21) == 0)
		call->function_error = true;
	return size;
}

static void start(struct load *load, CURLM *multi, struct call *call)
{
	char url[512];

	make_body(load, call);
	load->sent++;
	call->answer_bytes = 0;
	call->function_error = false;
	if (!call->easy) {
		call->easy = curl_easy_init();
		snprintf(url, sizeof(url), "%s/2015-03-31/functions/%s/invocations", load->url,
			load->function);
		curl_easy_setopt(call->easy, CURLOPT_URL, url);
		curl_easy_setopt(call->easy, CURLOPT_CAINFO, load->ca);
		curl_easy_setopt(call->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
		curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT, 1L);
		curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
		curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
		curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
		curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, (long)load->timeout_ms);
	}
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_bytes);
	curl_multi_add_handle(multi, call->easy);
}

static bool is_right(struct load *load, const struct call *call)
{
	const char *answer;
	size_t bytes;

	return handler_run(load->handler, call->body, call->body_bytes, &answer, &bytes) == 0 &&
	       bytes == call->answer_bytes && memcmp(answer, call->answer, bytes) == 0;
}

static enum end end_of(struct load *load, const struct call *call, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	switch (code) {
	case CURLE_OK:
		break;
	case CURLE_OPERATION_TIMEDOUT:
		return TIMED_OUT;
	case CURLE_PARTIAL_FILE:
		return TRUNCATED;
	case CURLE_HTTP2_STREAM:
		return status == 200 ? TRUNCATED : RESET;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
		return RESET;
	default:
		fprintf(stderr, "lambda_load: %s\n", curl_easy_strerror(code));
		return OTHER;
	}
	if (status == 429)
		return THROTTLED;
	if (status != 200) {
		fprintf(stderr, "lambda_load: status %ld: %.*s\n", status, (int)call->answer_bytes,
			call->answer);
		return REFUSED;
	}
	if (call->function_error)
		return FUNCTION_ERROR;
	return is_right(load, call) ? GOOD : WRONG;
}

static void drive(struct load *load, CURLM *multi)
{
	uint64_t open = 0;

	while (open < load->inflight && load->sent < load->count)
		start(load, multi, &load->calls[open++]);
	while (open) {
		struct CURLMsg *message;
		int running, left;

		curl_multi_perform(multi, &running);
		while ((message = curl_multi_info_read(multi, &left))) {
			CURL *easy = message->easy_handle;
			CURLcode code = message->data.result;
			struct call *call;

			curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
			curl_multi_remove_handle(multi, easy);
			load->ends[end_of(load, call, code)]++;
			if (load->sent < load->count)
				start(load, multi, call);
			else
				open--;
		}
		if (open)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static void print(const struct load *load, uint64_t begin_ns)
{
	printf("{\"sent\": %" PRIu64 ", ", load->sent);
	for (int i = 0; i < ENDS; i++)
		printf("\"%s\": %" PRIu64 ", ", end_names[i], load->ends[i]);
	printf("\"request_bytes\": %zu, \"seconds\": %.3f}\n", load->calls[0].body_bytes,
		(double)(sw_now_ns() - begin_ns) / 1e9);
}

int main(int argc, char **argv)
{
	static struct load load;
	uint64_t begin_ns = sw_now_ns();
	CURLM *multi;

	if (argc != 10 || !sw_nexmark_kernel(argv[4])) {
		fprintf(stderr, "lambda_load: URL CA-FILE FUNCTION KERNEL COUNT INFLIGHT ROWS "
				"DELAY-NS TIMEOUT-MS\n");
		return 2;
	}
	load.url = argv[1];
	load.ca = argv[2];
	load.function = argv[3];
	load.kernel = argv[4];
	load.count = strtoull(argv[5], NULL, 10);
	load.inflight = strtoull(argv[6], NULL, 10);
	load.rows = strtoull(argv[7], NULL, 10);
	load.delay_ns = strtoull(argv[8], NULL, 10);
	load.timeout_ms = strtoull(argv[9], NULL, 10);
	if (load.inflight > INFLIGHT_MAX || load.rows == 0 || load.rows > SW_BATCH_ROWS_MAX)
		return 2;
	load.handler = handler_create(sw_nexmark_kernel);
	load.batch = sw_batch_create(
		sw_nexmark_kernel(load.kernel)->in, (uint32_t)load.rows, load.rows * 16);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 4L);
	if (load.handler && load.batch && multi)
		drive(&load, multi);
	print(&load, begin_ns);
	for (int i = 0; i < INFLIGHT_MAX; i++) {
		curl_easy_cleanup(load.calls[i].easy);
		free(load.calls[i].body);
		free(load.calls[i].answer);
	}
	curl_multi_cleanup(multi);
	curl_global_cleanup();
	handler_destroy(load.handler);
	sw_batch_destroy(load.batch);
	return 0;
}

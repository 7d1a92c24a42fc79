/* SPDX-License-Identifier: MIT */
/* lambda-local's parts that work without a network: faults, HTTP/1.1, paths, payloads, timers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/clock.h"
#include "tools/lambda_local/faults.h"
#include "tools/lambda_local/http1.h"
#include "tools/lambda_local/invoke_path.h"
#include "tools/lambda_local/loop.h"
#include "tools/lambda_local/options.h"
#include "tools/lambda_local/payload.h"

static void refuses_faults(const char *spec, const char *word)
{
	struct ll_fault_plan plan;
	struct sw_error error = { .text = "" };

	assert_int_not_equal(ll_faults_parse(&plan, spec, &error), 0);
	assert_non_null(strstr(error.text, word));
}

static void test_fault_specs(void **state)
{
	struct ll_fault_plan plan;
	struct sw_error error;

	(void)state;
	refuses_faults("eror:0.1", "eror");
	refuses_faults("error", "kind:share");
	refuses_faults("error:", "kind:share");
	refuses_faults("error:0.1x", "kind:share");
	refuses_faults("error:1.1", "range");
	refuses_faults("error:-0.1", "range");
	refuses_faults("error:nan", "range");
	refuses_faults("error:0.6,kill:0.6", "add up");
	assert_int_equal(ll_faults_parse(&plan, "", &error), 0);
	assert_int_equal(ll_faults_draw(&plan, 1, 1), LL_FAULT_NONE);
	assert_int_equal(ll_faults_parse(&plan, "slow:1", &error), 0);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(ll_faults_draw(&plan, 9, i), LL_FAULT_SLOW);
}

static void test_fault_shares(void **state)
{
	struct ll_fault_plan plan;
	struct sw_error error;
	unsigned counts[LL_FAULTS] = { 0 };

	(void)state;
	assert_int_equal(ll_faults_parse(&plan, "error:0.1,corrupt:0.05,reset:0.3", &error), 0);
	for (uint64_t i = 0; i < 100000; i++)
		counts[ll_faults_draw(&plan, 42, i)]++;
	assert_in_range(counts[LL_FAULT_ERROR], 9500, 10500);
	assert_in_range(counts[LL_FAULT_CORRUPT], 4600, 5400);
	assert_in_range(counts[LL_FAULT_RESET], 29300, 30700);
	assert_int_equal(counts[LL_FAULT_KILL], 0);
	assert_in_range(counts[LL_FAULT_NONE], 54000, 56000);
}

/* Feeds text in pieces of `step` bytes. */
static void feed(struct ll_http1 *request, const char *text, size_t size, size_t step)
{
	while (size && request->state != LL_HTTP1_DONE && request->state != LL_HTTP1_BAD) {
		size_t room, bytes = step < size ? step : size;
		void *to = ll_http1_room(request, &room);

		if (bytes > room)
			bytes = room;
		assert_true(bytes > 0);
		memcpy(to, text, bytes);
		ll_http1_read(request, bytes);
		text += bytes;
		size -= bytes;
	}
}

static void test_http1_good(void **state)
{
	static const char plain[] =
		"POST /a/b HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  5 \r\n\r\nhello";
	static const char chunked[] = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
				      "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n";
	static const char get[] = "GET /next HTTP/1.0\r\n\r\n";

	(void)state;
	for (size_t step = 1; step < 100; step += 7) {
		struct ll_http1 *request = calloc(1, sizeof(*request));

		feed(request, plain, sizeof(plain) - 1, step);
		assert_int_equal(request->state, LL_HTTP1_DONE);
		assert_string_equal(request->method, "POST");
		assert_string_equal(request->path, "/a/b");
		assert_true(request->keep_alive);
		assert_int_equal(request->body.size, 5);
		assert_memory_equal(request->body.data, "hello", 5);
		ll_http1_next(request);
		feed(request, chunked, sizeof(chunked) - 1, step);
		assert_int_equal(request->state, LL_HTTP1_DONE);
		assert_int_equal(request->body_bytes, 13);
		assert_memory_equal(request->body.data, "abc0123456789", 13);
		ll_http1_next(request);
		feed(request, get, sizeof(get) - 1, step);
		assert_int_equal(request->state, LL_HTTP1_DONE);
		assert_false(request->keep_alive);
		assert_int_equal(request->body.size, 0);
		ll_bytes_free(&request->body);
		free(request);
	}
}

/* Two requests that come together are two requests. */
static void test_http1_pipelined(void **state)
{
	static const char two[] =
		"POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n\r\n";
	struct ll_http1 *request = calloc(1, sizeof(*request));
	size_t room;

	(void)state;
	memcpy(ll_http1_room(request, &room), two, sizeof(two) - 1);
	ll_http1_read(request, sizeof(two) - 1);
	assert_int_equal(request->state, LL_HTTP1_DONE);
	assert_string_equal(request->path, "/1");
	assert_memory_equal(request->body.data, "ab", 2);
	ll_http1_next(request);
	assert_int_equal(request->state, LL_HTTP1_DONE);
	assert_string_equal(request->path, "/2");
	ll_bytes_free(&request->body);
	free(request);
}

static void test_http1_bad(void **state)
{
	static const char *const bad[] = {
		"GET\r\n\r\n",
		"GET /\r\n\r\n",
		"GET / HTTP/2.0\r\n\r\n",
		"VERYLONGMETHOD / HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 9999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nno colon\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3g\r\nabc\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n",
	};
	struct ll_http1 *request = calloc(1, sizeof(*request));
	char *flood = malloc(LL_HEAD_BYTES_MAX + 100);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ll_bytes_free(&request->body);
		memset(request, 0, sizeof(*request));
		feed(request, bad[i], strlen(bad[i]), 3);
		assert_int_equal(request->state, LL_HTTP1_BAD);
	}
	ll_bytes_free(&request->body);
	memset(request, 0, sizeof(*request));
	memset(flood, 'a', LL_HEAD_BYTES_MAX + 100);
	feed(request, flood, LL_HEAD_BYTES_MAX + 100, 1000);
	assert_int_equal(request->state, LL_HTTP1_BAD);
	free(flood);
	free(request);
}

/* No number is looked for behind a line, or behind the input. */
static void test_http1_blank_chunk(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct ll_http1 *request = calloc(1, sizeof(*request));
	size_t room;

	(void)state;
	feed(request, head, sizeof(head) - 1, 100);
	memset(ll_http1_room(request, &room), '\n', LL_HEAD_BYTES_MAX);
	assert_int_equal(room, LL_HEAD_BYTES_MAX);
	ll_http1_read(request, LL_HEAD_BYTES_MAX);
	assert_int_equal(request->state, LL_HTTP1_BAD);
	ll_bytes_free(&request->body);
	free(request);
}

/* A path that would end before its end. */
static void test_http1_zero_in_path(void **state)
{
	static const char head[] = "GET /a\0b HTTP/1.1\r\n\r\n";
	struct ll_http1 *request = calloc(1, sizeof(*request));

	(void)state;
	feed(request, head, sizeof(head) - 1, 100);
	assert_int_equal(request->state, LL_HTTP1_BAD);
	ll_bytes_free(&request->body);
	free(request);
}

/* A body beyond the limit is counted, not kept. */
static void test_http1_oversized(void **state)
{
	static const char head[] = "POST / HTTP/1.1\r\nContent-Length: 7000000\r\n\r\n";
	struct ll_http1 *request = calloc(1, sizeof(*request));
	char *body = calloc(1, 7000000);

	(void)state;
	feed(request, head, sizeof(head) - 1, 100);
	feed(request, body, 7000000, 50000);
	assert_int_equal(request->state, LL_HTTP1_DONE);
	assert_int_equal(request->body_bytes, 7000000);
	assert_true(request->body.capacity <= LL_PAYLOAD_BYTES_MAX * 2);
	ll_bytes_free(&request->body);
	free(body);
	free(request);
}

static void is_path(
	const char *path, enum ll_path kind, const char *function, const char *qualifier)
{
	struct ll_invoke_path parsed;

	assert_int_equal(ll_invoke_path_parse(&parsed, path), kind);
	if (kind == LL_PATH_INVOKE) {
		assert_string_equal(parsed.function, function);
		assert_string_equal(parsed.qualifier, qualifier);
	}
}

static void test_paths(void **state)
{
	char longer[600];

	(void)state;
#define BASE "/2015-03-31/functions/"
	is_path(BASE "f-1_x/invocations", LL_PATH_INVOKE, "f-1_x", "");
	is_path(BASE "f/invocations?Qualifier=%24LATEST", LL_PATH_INVOKE, "f", "$LATEST");
	is_path(BASE "f/invocations?a=b&Qualifier=v1&c", LL_PATH_INVOKE, "f", "v1");
	is_path(BASE "f:v2/invocations", LL_PATH_INVOKE, "f", "v2");
	is_path(BASE "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3A7/invocations",
		LL_PATH_INVOKE, "f", "7");
	is_path(BASE "000000000000:function:f/invocations", LL_PATH_INVOKE, "f", "");
	is_path(BASE "/invocations", LL_PATH_UNKNOWN, NULL, NULL);
	is_path(BASE "f/invocationsx", LL_PATH_UNKNOWN, NULL, NULL);
	is_path(BASE "f", LL_PATH_UNKNOWN, NULL, NULL);
	is_path("/", LL_PATH_UNKNOWN, NULL, NULL);
	is_path("", LL_PATH_UNKNOWN, NULL, NULL);
	is_path(BASE "f%2/invocations", LL_PATH_BAD_NAME, NULL, NULL);
	is_path(BASE "f%00/invocations", LL_PATH_BAD_NAME, NULL, NULL);
	is_path(BASE "f%22/invocations", LL_PATH_BAD_NAME, NULL, NULL);
	is_path(BASE "f/invocations?Qualifier=%zz", LL_PATH_BAD_NAME, NULL, NULL);
	snprintf(longer, sizeof(longer), BASE "%0500d/invocations", 1);
	is_path(longer, LL_PATH_BAD_NAME, NULL, NULL);
}

static bool is_valid(const char *text)
{
	struct ll_bytes payload = { .data = (char *)text, .size = strlen(text) };
	char why[256];

	return ll_payload_valid(&payload, why, sizeof(why));
}

static void test_payload_valid(void **state)
{
	(void)state;
	assert_true(is_valid("{\"frame\":\"QUJD\"}"));
	assert_true(is_valid("{\"frame\":\"QUJDQUJDQUJDQUJDQUJDQUJDQUJD+/==\"}"));
	assert_true(is_valid("{\"frame\":\"\"}"));
	assert_true(is_valid("null"));
	assert_true(is_valid("[1, 2, {\"a\": \"\\u00e9\"}]"));
	assert_false(is_valid("{\"frame\":\"QUJDQUJDQUJD\"QUJDQUJDQUJDQUJD\"}"));
	assert_false(is_valid("{\"frame\":\"QUJDQUJDQUJDQUJDQUJDQ\\JDQUJD\"}"));
	assert_false(is_valid("{\"frame\":\"QUJDQUJDQUJDQUJDQUJDQUJD\nQUJDQUJD\"}"));
	assert_false(is_valid("{\"frame\":\"QUJDQUJDQUJDQUJDQUJDQUJD\xffQUJDQUJD\"}"));
	assert_false(is_valid("{\"frame\":\"QUJD\"} x"));
	assert_false(is_valid("{\"frame\":"));
	assert_false(is_valid("frame"));
}

/* It is still JSON, of the same length, and one digit differs; without a frame nothing does. */
static void test_payload_corrupt(void **state)
{
	static const char text[] = "{\"frame\":\"QUJDQUJDQUJDQUJD\"}",
			  other[] = "{\"a\":\"frame\"}";

	(void)state;
	for (uint64_t bits = 0; bits < 50; bits++) {
		struct ll_bytes payload = { 0 };
		unsigned differ = 0;

		assert_int_equal(ll_bytes_append(&payload, text, sizeof(text)), 0);
		payload.size--;
		assert_true(ll_payload_corrupt(&payload, bits));
		assert_true(is_valid(payload.data));
		for (size_t i = 0; i < payload.size; i++)
			differ += payload.data[i] != text[i];
		assert_int_equal(differ, 1);
		payload.size = 0;
		assert_int_equal(ll_bytes_append(&payload, other, sizeof(other) - 1), 0);
		assert_false(ll_payload_corrupt(&payload, bits));
		ll_bytes_free(&payload);
	}
}

struct timed {
	struct ll_loop *loop;
	struct ll_timer timer;
	uint64_t value;
};

static uint64_t timer_sum, timer_last, timers_run;

static void timer_due(struct ll_timer *timer)
{
	struct timed *timed = LL_CONTAINER(timer, struct timed, timer);

	assert_true(timer->due_ns >= timer_last);
	timer_last = timer->due_ns;
	timer_sum += timed->value;
	timers_run++;
	if (timers_run == 600)
		timed->loop->stop = true;
}

/* They go off in order, whatever the order of setting, moving and clearing. */
static void test_timers(void **state)
{
	static struct timed timed[1000];
	struct ll_loop loop;
	uint64_t base_ns = sw_now_ns(), expected = 0;

	(void)state;
	assert_int_equal(ll_loop_init(&loop), 0);
	for (uint64_t i = 0; i < 1000; i++) {
		timed[i] = (struct timed){ .loop = &loop, .timer.due = timer_due, .value = i };
		ll_timer_set(&loop, &timed[i].timer, base_ns + ll_faults_bits(3, i) % 20000000);
	}
	for (uint64_t i = 0; i < 1000; i++) {
		if (i % 5 < 2)
			ll_timer_clear(&loop, &timed[i].timer);
		else
			expected += i;
		if (i % 5 == 3)
			ll_timer_set(
				&loop, &timed[i].timer, base_ns + ll_faults_bits(4, i) % 20000000);
	}
	assert_int_equal(loop.timers, 600);
	assert_int_equal(ll_loop_run(&loop), 0);
	assert_int_equal(timer_sum, expected);
	ll_loop_fini(&loop);
}

static int parse(struct ll_options *options, struct sw_error *error, ...)
{
	char *argv[16] = { "lambda-local" };
	int argc = 1;
	va_list words;

	va_start(words, error);
	while ((argv[argc] = va_arg(words, char *)) && argc < 15)
		argc++;
	va_end(words);
	return ll_options_parse(options, argc, argv, stderr, error);
}

#define F "--function=f=true"

static void test_options(void **state)
{
	struct ll_options options;
	struct sw_error error;

	(void)state;
	assert_int_equal(parse(&options, &error, F, "--listen", "[::1]:80", "--rtt-ms=7", NULL), 0);
	assert_string_equal(options.host, "::1");
	assert_string_equal(options.port, "80");
	assert_int_equal(options.rtt_ms, 7);
	assert_string_equal(options.function[0].command, "true");
	assert_int_equal(parse(&options, &error, NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, F, NULL), -EINVAL);
	assert_non_null(strstr(error.text, "twice"));
	assert_int_equal(parse(&options, &error, "--function", "f", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, "--function", "a/b=c", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--listen", "::1:80", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--listen", "x", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--listen", "x:70000", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--concurrency", "0", NULL), -EINVAL);
	assert_non_null(strstr(error.text, "1 to 1000"));
	assert_int_equal(parse(&options, &error, F, "--seed", "-1", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--seed", "x", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--seed", NULL), -EINVAL);
	assert_int_equal(parse(&options, &error, F, "--frob", NULL), -EINVAL);
	assert_non_null(strstr(error.text, "--frob"));
	assert_int_equal(parse(&options, &error, F, "word", NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fault_specs),
		cmocka_unit_test(test_fault_shares),
		cmocka_unit_test(test_http1_good),
		cmocka_unit_test(test_http1_pipelined),
		cmocka_unit_test(test_http1_bad),
		cmocka_unit_test(test_http1_blank_chunk),
		cmocka_unit_test(test_http1_zero_in_path),
		cmocka_unit_test(test_http1_oversized),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_payload_valid),
		cmocka_unit_test(test_payload_corrupt),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The C function: events to answers with kernels made for the test, and what it says to bad ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "runtime/clock.h"
#include "tools/functions/c/envelope.h"
#include "tools/functions/c/handler.h"

#define ROWS_MAX 5000

static const struct sw_schema number_schema = {
	.columns = 2,
	.fields = { { .name = "a", .type = SW_INT64 }, { .name = "b", .type = SW_INT64 } },
};
static const struct sw_schema one_schema = {
	.columns = 1,
	.fields = { { .name = "b", .type = SW_INT64 } },
};
static const struct sw_schema text_schema = {
	.columns = 1,
	.fields = { { .name = "t", .type = SW_TEXT } },
};

/* Keeps rows with an odd a, gives b alone: turns its columns into others, as q2 does. */
static int odd_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	assert_ptr_equal(in, out);
	in->selected = in->selection_space;
	in->selected_rows = 0;
	for (uint32_t i = 0; i < in->rows; i++) {
		if (((int64_t *)in->columns[0].data)[i] % 2)
			in->selected[in->selected_rows++] = (uint16_t)i;
	}
	in->columns[0] = in->columns[1];
	return 0;
}

/* Every text twice: needs more room than it got. config: how often more. */
static void double_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	(void)config;
	*out_rows = in_rows * 2;
	*out_text_bytes = in_text_bytes * 2;
}

static int double_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	uint32_t *calls = scratch, mark;

	memcpy(&mark, config, sizeof(mark));
	assert_int_equal(mark, 77);
	++*calls;
	for (uint32_t i = 0; i < in->rows * 2; i++) {
		struct sw_text text = sw_column_text(&in->columns[0], i / 2);

		if (!sw_column_append_text(&out->columns[0], i, text.bytes, text.size))
			return -ENOSPC;
		out->rows = i + 1;
	}
	return 0;
}

static int fail_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	(void)in;
	(void)out;
	return -EINVAL;
}

static const struct sw_kernel kernels[] = {
	{ .name = "odd",
		.version = 3,
		.in = &number_schema,
		.out = &one_schema,
		.in_place = true,
		.run = odd_run },
	{ .name = "double",
		.version = 1,
		.config_bytes = 4,
		.in = &text_schema,
		.out = &text_schema,
		.limits = double_limits,
		.scratch_bytes = 64,
		.run = double_run },
	{ .name = "fail", .version = 1, .in = &text_schema, .out = &text_schema, .run = fail_run },
};

static const struct sw_kernel *find(const char *name)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		if (strcmp(kernels[i].name, name) == 0)
			return &kernels[i];
	}
	return NULL;
}

/* Event of a batch, as text to be freed. */
static char *make_event(const struct sw_frame_header *header, const struct sw_batch *batch)
{
	size_t bound = sw_frame_bound(batch), used;
	char *frame = malloc(bound), *event;
	ptrdiff_t bytes = sw_frame_encode(header, batch, frame, bound);

	assert_true(bytes > 0);
	event = malloc(sw_base64_bytes((size_t)bytes) + 64);
	used = (size_t)sprintf(
		event, "{\"other\": [\"frame\", {\"frame\": \"x\"}], \"frame\" : \"");
	used += sw_base64_encode(frame, (size_t)bytes, event + used);
	strcpy(event + used, "\"}");
	free(frame);
	return event;
}

/* Runs an event that must succeed, and decodes the answer. */
static void run_good(struct handler *handler, const char *event, struct sw_frame_header *header,
	struct sw_batch *result)
{
	const char *answer, *digits;
	size_t bytes, count;
	char *frame;
	ptrdiff_t frame_bytes;
	struct sw_error error;

	assert_int_equal(handler_run(handler, event, strlen(event), &answer, &bytes), 0);
	assert_true(sw_envelope_frame(answer, bytes, &digits, &count));
	frame = malloc(count);
	frame_bytes = sw_base64_decode(digits, count, frame);
	assert_true(frame_bytes > 0);
	sw_batch_reset(result);
	assert_int_equal(sw_frame_decode(frame, (size_t)frame_bytes, header, result, &error), 0);
	assert_int_equal(header->kind, SW_FRAME_ANSWER);
	free(frame);
}

static struct sw_frame_header request(const char *kernel, uint32_t version)
{
	struct sw_frame_header header = {
		.kind = SW_FRAME_REQUEST,
		.kernel_version = version,
		.job = 1234567890123456789u,
		.edge = 5,
		.seq = 99,
		.attempt = 2,
	};

	strcpy(header.kernel, kernel);
	return header;
}

static void test_in_place(void **state)
{
	struct handler *handler = handler_create(find);
	struct sw_frame_header header = request("odd", 3), answer;
	struct sw_batch *result = sw_batch_create(&one_schema, ROWS_MAX, 0);

	(void)state;
	/* Fewer, more and fewer rows on the same buffers. */
	for (uint32_t rows = 0; rows <= ROWS_MAX; rows = rows * 7 % 6007 + 1) {
		struct sw_batch *batch = sw_batch_create(&number_schema, ROWS_MAX, 0);
		char *event;

		for (uint32_t i = 0; i < rows; i++) {
			((int64_t *)batch->columns[0].data)[i] = i;
			((int64_t *)batch->columns[1].data)[i] = (int64_t)i * rows;
		}
		batch->rows = rows;
		event = make_event(&header, batch);
		run_good(handler, event, &answer, result);
		assert_int_equal(answer.job, header.job);
		assert_int_equal(answer.edge, 5);
		assert_int_equal(answer.seq, 99);
		assert_int_equal(answer.attempt, 2);
		assert_int_equal(result->rows, rows / 2);
		for (uint32_t i = 0; i < result->rows; i++)
			assert_int_equal(((int64_t *)result->columns[0].data)[i],
				(int64_t)(2 * i + 1) * rows);
		free(event);
		sw_batch_destroy(batch);
	}
	sw_batch_destroy(result);
	handler_destroy(handler);
}

/* Texts far above what the schema expects, first few, then many, then few. */
static void test_text_grows(void **state)
{
	static const uint32_t sizes[] = { 3, 2000, 40000, 10 };
	struct handler *handler = handler_create(find);
	struct sw_frame_header header = request("double", 1), answer;
	struct sw_batch *result = sw_batch_create(&text_schema, 200, 200 * 40000);
	char *text = malloc(40000);
	uint32_t mark = 77;

	(void)state;
	header.config_bytes = sizeof(mark);
	memcpy(header.config, &mark, sizeof(mark));
	for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
		struct sw_batch *batch = sw_batch_create(&text_schema, 100, 100 * 40000);
		char *event;

		memset(text, 'a' + (int)n, sizes[n]);
		for (uint32_t i = 0; i < 100; i++) {
			assert_true(sw_column_append_text(&batch->columns[0], i, text, sizes[n]));
			batch->rows = i + 1;
		}
		event = make_event(&header, batch);
		run_good(handler, event, &answer, result);
		assert_int_equal(result->rows, 200);
		for (uint32_t i = 0; i < 200; i++) {
			struct sw_text got = sw_column_text(&result->columns[0], i);

			assert_int_equal(got.size, sizes[n]);
			assert_memory_equal(got.bytes, text, got.size);
		}
		free(event);
		sw_batch_destroy(batch);
	}
	free(text);
	sw_batch_destroy(result);
	handler_destroy(handler);
}

static void test_simulated_cost(void **state)
{
	struct handler *handler = handler_create(find);
	struct sw_frame_header header = request("odd", 3);
	struct sw_batch *batch = sw_batch_create(&number_schema, 10, 0);
	const char *answer;
	size_t bytes;
	uint64_t begin_ns;
	char *event;

	(void)state;
	memset(batch->columns[0].data, 0, 80);
	memset(batch->columns[1].data, 0, 80);
	batch->rows = 10;
	batch->events = 20;
	header.op_delay_ns = 1000000;
	event = make_event(&header, batch);
	begin_ns = sw_now_ns();
	assert_int_equal(handler_run(handler, event, strlen(event), &answer, &bytes), 0);
	/* For each event, not for each row. */
	assert_true(sw_now_ns() - begin_ns >= 20000000);
	free(event);
	sw_batch_destroy(batch);
	handler_destroy(handler);
}

static void refuses(const char *event, const char *type, const char *word)
{
	struct handler *handler = handler_create(find);
	const char *answer;
	char text[600];
	size_t bytes;

	assert_int_not_equal(handler_run(handler, event, strlen(event), &answer, &bytes), 0);
	assert_in_range(bytes, 2, sizeof(text) - 1);
	memcpy(text, answer, bytes);
	text[bytes] = '\0';
	assert_non_null(strstr(text, "\"errorMessage\":\""));
	assert_non_null(strstr(text, type));
	assert_non_null(strstr(text, word));
	handler_destroy(handler);
}

static void refuses_frame(const struct sw_frame_header *header, const struct sw_schema *schema,
	const char *type, const char *word)
{
	struct sw_batch *batch = sw_batch_create(schema, 1, 0);
	char *event = make_event(header, batch);

	refuses(event, type, word);
	free(event);
	sw_batch_destroy(batch);
}

static void test_refusals(void **state)
{
	struct sw_frame_header header = request("odd", 2);

	(void)state;
	refuses("", "Spillway.BadEvent", "frame");
	refuses("{}", "Spillway.BadEvent", "frame");
	refuses("{\"frame\":7}", "Spillway.BadEvent", "frame");
	refuses("{\"frame\":\"", "Spillway.BadEvent", "frame");
	refuses("{\"frame\":\"abc\"}", "Spillway.BrokenFrame", "Base64");
	refuses("{\"frame\":\"!!!!\"}", "Spillway.BrokenFrame", "Base64");
	refuses("{\"frame\":\"QUJD\"}", "Spillway.BrokenFrame", "header");
	refuses_frame(&header, &number_schema, "Spillway.OtherVersion", "odd: version 2");
	header = request("nosuch\"", 1);
	refuses_frame(&header, &number_schema, "Spillway.UnknownKernel", "nosuch'");
	header = request("fail", 1);
	refuses_frame(&header, &text_schema, "Spillway.BadEvent", "fail");
	header = request("odd", 3);
	refuses_frame(&header, &text_schema, "Spillway.", "column");
	header = request("double", 1);
	refuses_frame(&header, &text_schema, "Spillway.OtherVersion", "double: 0 bytes");
	header = request("odd", 3);
	header.kind = SW_FRAME_ANSWER;
	refuses_frame(&header, &number_schema, "Spillway.OtherVersion", "not a request");
}

/* Every character of an event flipped in turn: an answer or an error, never a crash. */
static void test_flips(void **state)
{
	struct handler *handler = handler_create(find);
	struct sw_frame_header header = request("odd", 3);
	struct sw_batch *batch = sw_batch_create(&number_schema, 10, 0);
	const char *answer;
	size_t bytes, size;
	char *event;
	int good = 0;

	(void)state;
	memset(batch->columns[0].data, 1, 80);
	memset(batch->columns[1].data, 2, 80);
	batch->rows = 10;
	event = make_event(&header, batch);
	size = strlen(event);
	for (size_t i = 0; i < size; i++) {
		char kept = event[i];

		event[i] ^= 1;
		good += handler_run(handler, event, size, &answer, &bytes) == 0;
		event[i] = kept;
	}
	/* Only flips outside the frame can do no harm. */
	assert_in_range(good, 1, 60);
	free(event);
	sw_batch_destroy(batch);
	handler_destroy(handler);
}

/* The same batch as a caller's HTTP request. */
static char *make_http_event(const struct sw_frame_header *header, const struct sw_batch *batch)
{
	static const char head[] = "{\"version\":\"2.0\",\"headers\":{\"body\":\"x\"},"
				   "\"routeKey\":\"isBase64Encoded\",\"body\":\"";
	static const char tail[] = "\",\"isBase64Encoded\": true}";
	char *plain = make_event(header, batch), *event = malloc(strlen(plain) + sizeof(head) + 99);
	const char *digits;
	size_t count;

	assert_true(sw_envelope_frame(plain, strlen(plain), &digits, &count));
	sprintf(event, "%s%.*s%s", head, (int)count, digits, tail);
	free(plain);
	return event;
}

/* Errors are answers too. No answer, whatever is flipped, is one that the service would not take.
 */
static void test_http(void **state)
{
	static const char head[] = "{\"statusCode\":";
	struct handler *handler = handler_create(find);
	struct sw_frame_header header = request("odd", 3);
	struct sw_batch *batch = sw_batch_create(&number_schema, 10, 0);
	const char *answer, *digits;
	size_t bytes, count, size;
	char *event;

	(void)state;
	memset(batch->columns[0].data, 1, 80);
	memset(batch->columns[1].data, 2, 80);
	batch->rows = 10;
	event = make_http_event(&header, batch);
	size = strlen(event);
	assert_int_equal(handler_run(handler, event, size, &answer, &bytes), 0);
	assert_memory_equal(answer, "{\"statusCode\":200,", 18);
	assert_true(sw_envelope_true(answer, bytes, "isBase64Encoded"));
	assert_true(sw_envelope_string(answer, bytes, "body", &digits, &count));
	assert_in_range(count, 100, 400);
	for (size_t i = 0; i < size; i++) {
		char kept = event[i];
		int ret;

		event[i] ^= 1;
		ret = handler_run(handler, event, size, &answer, &bytes);
		/* By then it may be no caller's request any more. */
		assert_true(ret != 0 || memcmp(answer, head, strlen(head)) == 0);
		event[i] = kept;
	}
	free(event);
	sw_batch_destroy(batch);
	handler_destroy(handler);
}

static void test_http_errors(void **state)
{
	static const char event[] =
		"{\"version\":\"2.0\",\"isBase64Encoded\":true,\"body\":\"QUJD\"}";
	static const char expected[] =
		"{\"statusCode\":400,\"headers\":{\"content-type\":\"application/json\","
		"\"x-spillway-error\":\"Spillway.BrokenFrame\"},\"body\":\"{\\\"errorMessage\\\":"
		"\\\"frame: ends in its header (3 bytes)\\\",\\\"errorType\\\":"
		"\\\"Spillway.BrokenFrame\\\"}\"}";
	struct handler *handler = handler_create(find);
	const char *answer;
	size_t bytes;

	(void)state;
	assert_int_equal(handler_run(handler, event, strlen(event), &answer, &bytes), 0);
	assert_int_equal(bytes, strlen(expected));
	assert_memory_equal(answer, expected, bytes);
	handler_destroy(handler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_text_grows),
		cmocka_unit_test(test_simulated_cost),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_flips),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_http_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

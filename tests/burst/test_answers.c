/* SPDX-License-Identifier: MIT */
/* Answers on their way in: what libcurl hands over, and whether a frame is the one that was asked
 * for. */
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/client_private.h"
#include "burst/io_private.h"
#include "burst/wire_private.h"
#include "tests/runtime/cmocka_all.h"

enum { GENERATION = 5 };

/* ---- The client's callbacks ---- */

static size_t write_bytes(struct client_easy *easy, size_t bytes)
{
	static char text[20000];

	return client_write(text, 1, bytes, easy);
}

/* A body of so many bytes, in pieces of so many; as many are kept as are told. */
static void body_of(size_t most, bool failed, size_t bytes, size_t piece, bool cut)
{
	struct sw_exchange exchange = { .answer_max = most };
	struct client_easy easy = { .exchange = &exchange, .function_failed = failed };
	size_t taken = 0;

	while (taken < bytes) {
		const size_t next = piece < bytes - taken ? piece : bytes - taken;

		if (write_bytes(&easy, next) == CURL_WRITEFUNC_ERROR)
			break;
		taken += next;
	}
	assert_int_equal(exchange.answer_bytes, taken);
	assert_int_equal(exchange.cut, cut);
	assert_int_equal(taken < bytes, cut);
	free(exchange.answer);
}

static void bodies_have_a_limit(void **unused)
{
	static const size_t pieces[] = { 1, 7, 4096, 20000 };

	(void)unused;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		body_of(10000, false, 9999, pieces[i], false);
		body_of(10000, false, 10000, pieces[i], false);
		body_of(10000, false, 10001, pieces[i], true);
		/* Of what is no answer. */
		body_of(10000, true, CLIENT_FAILURE_BYTES - 1, pieces[i], false);
		body_of(10000, true, CLIENT_FAILURE_BYTES, pieces[i], false);
		body_of(10000, true, CLIENT_FAILURE_BYTES + 1, pieces[i], true);
		body_of(1000, true, 1000, pieces[i], false);
		body_of(1000, true, 1001, pieces[i], true);
	}
}

/* Also where the buffer is larger, for it has been another request's. */
static void limits_are_the_requests(void **unused)
{
	struct sw_exchange exchange = { .answer_max = 10000 };
	struct client_easy easy = { .exchange = &exchange };

	(void)unused;
	assert_int_equal(write_bytes(&easy, 10000), 10000);
	exchange.answer_bytes = 0;
	exchange.answer_max = 100;
	assert_int_equal(write_bytes(&easy, 101), CURL_WRITEFUNC_ERROR);
	assert_int_equal(write_bytes(&easy, 100), 100);
	assert_int_equal(write_bytes(&easy, 1), CURL_WRITEFUNC_ERROR);
	free(exchange.answer);
}

static void header(struct client_easy *easy, const char *text)
{
	/* Memory that ends with the line. */
	const size_t bytes = strlen(text);
	char *line = malloc(bytes ? bytes : 1);

	assert_non_null(line);
	memcpy(line, text, bytes);
	assert_int_equal(client_header(line, 1, bytes, easy), bytes);
	free(line);
}

static void headers_are_read(void **unused)
{
	struct sw_exchange exchange = { .answer_max = 1 };
	struct client_easy easy = { .exchange = &exchange };

	(void)unused;
	header(&easy, "");
	header(&easy, "x");
	header(&easy, "x-amz-function-error");
	header(&easy, "x-spillway-function-us:");
	assert_false(easy.function_failed);
	assert_int_equal(exchange.function_us, 0);
	header(&easy, "X-Spillway-Function-Us:  1234");
	assert_int_equal(exchange.function_us, 1234);
	header(&easy, "x-spillway-function-us: 99999999999999999999999");
	assert_int_equal(exchange.function_us, 0);
	header(&easy, "x-spillway-cold: 1\r\n");
	assert_true(exchange.cold);
	header(&easy, "X-AMZ-Function-Error: Unhandled\r\n");
	assert_true(easy.function_failed);
}

static void details_can_be_printed(void **unused)
{
	char body[300];
	struct sw_exchange exchange = { .answer = body, .answer_bytes = sizeof(body) };

	(void)unused;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i + 1);
	client_describe(&exchange, 503);
	assert_true(strncmp(exchange.detail, "status 503: ", 12) == 0);
	assert_true(strlen(exchange.detail) < 120);
	for (const char *at = exchange.detail; *at; at++)
		assert_in_range(*at, ' ', '~');
	exchange.answer_bytes = 0;
	client_describe(&exchange, 500);
	assert_string_equal(exchange.detail, "status 500: ");
}

/* ---- Whose answer it is ---- */

static const struct sw_schema schema = {
	.columns = 1,
	.fields = { { .name = "n", .type = SW_INT64 } },
};
static const struct sw_kernel kernel = { .name = "k", .version = 2, .out = &schema };

static struct sw_burst burst = { .job = 0x123456789abcdef0 };
static struct outlet outlet = { .burst = &burst, .site = { .kernel = &kernel, .edge = 3 } };
static struct ledger_slot slot;

static enum answer_state read_answer(
	const struct sw_frame_header *answer, enum ledger_state state, struct sw_error *error)
{
	struct request request = {
		.outlet = &outlet, .slot = &slot, .generation = GENERATION, .seq = 77
	};
	struct sw_batch *rows = sw_batch_create(&schema, 4, 0), *batch = NULL;
	char body[1000] = "{\"frame\":\"";
	size_t used = strlen(body);
	uint8_t frame[400];
	enum answer_state result;
	ptrdiff_t bytes;

	rows->rows = 1;
	((int64_t *)rows->columns[0].data)[0] = 42;
	bytes = sw_frame_encode(answer, rows, frame, sizeof(frame));
	assert_true(bytes > 0);
	used += sw_base64_encode(frame, (size_t)bytes, body + used);
	strcpy(body + used, "\"}");
	request.exchange.answer = body;
	request.exchange.answer_bytes = used + 2;
	/* Relaxed: there is no other thread. */
	atomic_store_explicit(&slot.word, (uint64_t)GENERATION << 3 | state, memory_order_relaxed);
	result = answer_read(&request, &batch, error);
	assert_int_equal(batch != NULL, result == ANSWER_ADOPTED);
	if (batch) {
		assert_int_equal(((int64_t *)batch->columns[0].data)[0], 42);
		sw_pool_put(batch, 0);
	}
	assert_int_equal(sw_pool_home(outlet.answers), 1);
	sw_batch_destroy(rows);
	return result;
}

static void refuses(const struct sw_frame_header *answer)
{
	struct sw_error error = { .text = "" };

	assert_int_equal(read_answer(answer, LEDGER_PENDING, &error), ANSWER_CORRUPT);
	assert_string_equal(error.text, "answer: frame: is of another request");
	assert_int_equal(ledger_state(&slot), LEDGER_PENDING);
}

static void answers_of_others_are_refused(void **unused)
{
	const struct sw_pool_options options = { .schema = &schema,
		.rows_max = 4,
		.batches = 1,
		.slots = 1,
		.node = -1,
		.huge_pages = SW_HUGE_PAGES_OFF };
	const struct sw_frame_header good = { .kind = SW_FRAME_ANSWER,
		.kernel = "k",
		.kernel_version = 2,
		.job = burst.job,
		.edge = 3,
		.seq = 77,
		.attempt = 9 };
	struct sw_frame_header other;
	struct sw_error error = { .text = "" };

	(void)unused;
	outlet.answers = sw_pool_create(&options);
	assert_non_null(outlet.answers);
	assert_int_equal(read_answer(&good, LEDGER_PENDING, &error), ANSWER_ADOPTED);
	assert_int_equal(ledger_state(&slot), LEDGER_DONE);
	assert_int_equal(read_answer(&good, LEDGER_RECLAIMED, &error), ANSWER_LATE);
	other = good, other.kind = SW_FRAME_REQUEST;
	refuses(&other);
	other = good, other.job++;
	refuses(&other);
	other = good, other.edge++;
	refuses(&other);
	other = good, other.seq++;
	refuses(&other);
	other = good, other.kernel_version++;
	refuses(&other);
	other = good, other.kernel[1] = 'k';
	refuses(&other);
	sw_pool_destroy(outlet.answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_have_a_limit),
		cmocka_unit_test(limits_are_the_requests),
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(details_can_be_printed),
		cmocka_unit_test(answers_of_others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers one byte short of what is taken, at it, and one byte beyond: by the stand,
 * so that each is sent, run and read, or run here, and counted. A row's text makes a frame as long
 * as is wanted, to the byte. Base64 has four digits for each begun three bytes: bodies of Invoke's
 * contract have lengths four apart, and the largest one there may be is one of them.
 */
#include <string.h>

#include "burst/wire_private.h"
#include "tests/burst/io_stand.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

enum {
	/* Of a frame with one row of a long text: all but the text. */
	REST_BYTES = FRAME_FIXED_BYTES + FRAME_COLUMN_BYTES + 4 + FRAME_CRC_BYTES,
	INVOKE_MOST = 6291556,                 /* bytes of a body */
	HTTP_MOST = (6291556 - 16384) / 4 * 3, /* of a frame, at hosts of AWS's */
	FRAME_MOST = SW_FRAME_BYTES_MAX,
};

static uint64_t seed;

static struct {
	uint32_t count;
	char last[200];
} messages;

static void keep_message(void *context, const char *text)
{
	(void)context;
	messages.count++;
	strncpy(messages.last, text, sizeof(messages.last) - 1);
}

static struct stand *open_stand(const char *endpoint, size_t frame_bytes)
{
	struct stand *stand = stand_create(seed);

	memset(&messages, 0, sizeof(messages));
	stand->text_bytes = frame_bytes - REST_BYTES;
	stand->options.endpoint = endpoint;
	stand->options.log = keep_message;
	stand_open(stand);
	return stand;
}

/* Nothing but what is told has changed, and nothing is wrong with the endpoint. */
static void check_books(struct stand *stand, const struct sw_burst_stats *before, uint64_t merged,
	uint64_t reclaimed, uint64_t attempts, uint64_t corrupt, uint64_t bytes_sent)
{
	struct sw_burst_stats after;

	sw_burst_stats(stand->burst, &after);
	assert_int_equal(after.batches_spilled - before->batches_spilled, 1);
	assert_int_equal(after.batches_merged - before->batches_merged, merged);
	assert_int_equal(after.batches_reclaimed - before->batches_reclaimed, reclaimed);
	assert_int_equal(after.attempts - before->attempts, attempts);
	assert_int_equal(after.corrupt - before->corrupt, corrupt);
	assert_int_equal(after.bytes_sent - before->bytes_sent, bytes_sent);
	assert_int_equal(after.transport_errors, 0);
	assert_int_equal(after.function_errors, 0);
	assert_int_equal(after.timeouts, 0);
	assert_int_equal(after.late_answers, 0);
	assert_int_equal(after.doubled, 0);
}

/* A frame of so many bytes is sent as a body of so many, and its answer is taken. */
static void passes(struct stand *stand, size_t frame_bytes, size_t body_bytes)
{
	struct sw_burst_stats before;

	sw_burst_stats(stand->burst, &before);
	stand_send_text(stand, frame_bytes - REST_BYTES);
	check_books(stand, &before, 1, 0, 1, 0, body_bytes);
}

/* It is not sent, and run here. */
static void stays(struct stand *stand, size_t frame_bytes)
{
	struct sw_burst_stats before;

	sw_burst_stats(stand->burst, &before);
	stand_send_text(stand, frame_bytes - REST_BYTES);
	check_books(stand, &before, 0, 1, 0, 0, 0);
}

static void invoke_takes_so_much(void **unused)
{
	const size_t frame_most = (INVOKE_MOST - strlen("{\"frame\":\"\"}")) / 4 * 3;
	struct stand *stand = open_stand("https://fake", frame_most + 1);

	(void)unused;
	passes(stand, frame_most - 3, INVOKE_MOST - 4);
	for (size_t less = 3; less-- > 0;)
		passes(stand, frame_most - less, INVOKE_MOST);
	assert_int_equal(messages.count, 0);
	stays(stand, frame_most + 1);
	assert_int_equal(messages.count, 1);
	assert_non_null(strstr(
		messages.last, "6291560 bytes are too many for the endpoint (at most 6291556)"));
	/* One that did not fit is no reason to leave others here, nor to say so again. */
	passes(stand, frame_most, INVOKE_MOST);
	stays(stand, frame_most + 1);
	assert_int_equal(messages.count, 1);
	stand_close(stand);
}

static void hosts_of_aws_take_so_much(void **unused)
{
	static const char *const endpoints[] = { "https://a.lambda-url.eu-west-1.on.aws",
		"https://a.execute-api.eu-west-1.amazonaws.com/spillway" };

	(void)unused;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		struct stand *stand = open_stand(endpoints[i], HTTP_MOST + 1);

		passes(stand, HTTP_MOST - 1, HTTP_MOST - 1);
		passes(stand, HTTP_MOST, HTTP_MOST);
		assert_int_equal(messages.count, 0);
		stays(stand, HTTP_MOST + 1);
		assert_int_equal(messages.count, 1);
		assert_non_null(strstr(messages.last,
			"4706380 bytes are too many for the endpoint (at most 4706379)"));
		passes(stand, HTTP_MOST, HTTP_MOST);
		stand_close(stand);
	}
}

/* What a server of its own takes we do not know; a frame has a limit. */
static void other_hosts_take_any_frame(void **unused)
{
	struct stand *stand = open_stand("https://host/path", FRAME_MOST + 1);

	(void)unused;
	for (size_t bytes = HTTP_MOST - 1; bytes <= HTTP_MOST + 1; bytes++)
		passes(stand, bytes, bytes);
	for (size_t bytes = INVOKE_MOST - 1; bytes <= INVOKE_MOST + 1; bytes++)
		passes(stand, bytes, bytes);
	passes(stand, FRAME_MOST - 1, FRAME_MOST - 1);
	passes(stand, FRAME_MOST, FRAME_MOST);
	assert_int_equal(messages.count, 0);
	stays(stand, FRAME_MOST + 1);
	assert_int_equal(messages.count, 1);
	passes(stand, FRAME_MOST, FRAME_MOST);
	stand_close(stand);
}

/* The longest answer's body: one that is longer is corrupt each time, until the batch is run here.
 */
static void answers_have_a_limit(void **unused)
{
	enum { FRAME_BYTES = 100000 };
	const size_t sent = strlen("{\"frame\":\"\"}") + (FRAME_BYTES + 2) / 3 * 4;

	(void)unused;
	for (uint32_t retries = 0; retries <= 2; retries++) {
		struct stand *stand = stand_create(seed);
		struct sw_burst_stats before;
		size_t most;

		stand->options.retries = retries;
		stand->text_bytes = FRAME_BYTES;
		stand_open(stand);
		most = ((struct outlet *)stand->outlet)->answer_body_max;
		stand->fake.options.answer_bytes = most - 1;
		passes(stand, FRAME_BYTES, sent);
		stand->fake.options.answer_bytes = most;
		passes(stand, FRAME_BYTES, sent);
		stand->fake.options.answer_bytes = most + 1;
		sw_burst_stats(stand->burst, &before);
		stand_send_text(stand, FRAME_BYTES - REST_BYTES);
		check_books(stand, &before, 0, 1, retries + 1, retries + 1, (retries + 1) * sent);
		stand->fake.options.answer_bytes = most;
		passes(stand, FRAME_BYTES, sent);
		stand_close(stand);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invoke_takes_so_much),
		cmocka_unit_test(hosts_of_aws_take_so_much),
		cmocka_unit_test(other_hosts_take_any_frame),
		cmocka_unit_test(answers_have_a_limit),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a function makes of an event: the envelope, Base64, the frame, a kernel, and the way back.
 * Whatever comes in, what goes out is JSON; and of a good event it is a frame with its ids.
 */
#include <errno.h>
#include <string.h>

#include "burst/base64.h"
#include "tests/fuzz/fuzz_frame.h"
#include "tools/functions/c/envelope.h"
#include "tools/functions/c/handler.h"

static int pass(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	FUZZ_CHECK(in == out);
	return 0;
}

static int twice(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t row = 0; row < in->rows; row++)
			FUZZ_CHECK(sw_batch_append_row(out, in, row));
	}
	return 0;
}

static void twice_limits(const void *config, uint32_t in_rows, size_t in_text_bytes,
	uint32_t *out_rows, size_t *out_text_bytes)
{
	(void)config;
	*out_rows = 2 * in_rows;
	*out_text_bytes = 2 * in_text_bytes;
}

const struct sw_kernel fuzz_kernels[3] = {
	{ .name = "text",
		.version = 1,
		.in = &fuzz_schemas[0],
		.out = &fuzz_schemas[0],
		.in_place = true,
		.run = pass },
	{ .name = "numbers",
		.version = 1,
		.in = &fuzz_schemas[1],
		.out = &fuzz_schemas[1],
		.in_place = true,
		.run = pass },
	{ .name = "double",
		.version = 1,
		.in = &fuzz_schemas[2],
		.out = &fuzz_schemas[2],
		.limits = twice_limits,
		.run = twice },
};

static const struct sw_kernel *find(const char *name)
{
	for (size_t i = 0; i < sizeof(fuzz_kernels) / sizeof(fuzz_kernels[0]); i++) {
		if (strcmp(fuzz_kernels[i].name, name) == 0)
			return &fuzz_kernels[i];
	}
	return NULL;
}

static void check_answer(
	const struct sw_frame_header *request, const char *answer, size_t answer_bytes)
{
	struct sw_frame_header header;
	const char *digits;
	size_t digit_count;
	uint8_t *frame = malloc(answer_bytes);
	ptrdiff_t bytes;

	FUZZ_CHECK(frame && sw_envelope_frame(answer, answer_bytes, &digits, &digit_count));
	bytes = sw_base64_decode(digits, digit_count, frame);
	FUZZ_CHECK(bytes > 0 && sw_frame_peek(frame, (size_t)bytes, &header, NULL) == 0);
	FUZZ_CHECK(header.kind == SW_FRAME_ANSWER && header.job == request->job &&
		   header.edge == request->edge && header.seq == request->seq &&
		   header.attempt == request->attempt &&
		   strcmp(header.kernel, request->kernel) == 0);
	free(frame);
}

void fuzz_event(uint8_t details, uint8_t *frame, size_t bytes)
{
	static struct handler *handler;
	struct sw_frame_header header;
	const char *answer;
	size_t event_bytes, answer_bytes;
	char *event;

	if (!handler)
		handler = handler_create(find);
	FUZZ_CHECK(handler);
	/* It would sleep. */
	if (bytes >= FRAME_FIXED_BYTES + FRAME_CRC_BYTES && get_u32(frame + 64) != 0) {
		put_u32(frame + 64, 0);
		fuzz_seal(frame, bytes);
	}
	event = fuzz_envelope(frame, bytes, details / FUZZ_SCHEMAS, &event_bytes);
	if (handler_run(handler, event, event_bytes, &answer, &answer_bytes) == 0) {
		FUZZ_CHECK(sw_frame_peek(frame, bytes, &header, NULL) == 0);
		check_answer(&header, answer, answer_bytes);
	} else {
		FUZZ_CHECK(answer_bytes > 16 && memcmp(answer, "{\"errorMessage\":", 16) == 0 &&
			   answer[answer_bytes - 1] == '}');
	}
	free(event);
}

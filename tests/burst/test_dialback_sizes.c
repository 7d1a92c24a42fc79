/* SPDX-License-Identifier: MIT */
/* Dial-back: messages and answers one byte short of a limit, at it, and one byte beyond. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst/wire_private.h"
#include "tests/burst/dial_desk.h"
#include "tests/burst/long_text.h"
#include "tests/runtime/cmocka_all.h"

enum { HOST_MOST = 255 };

static const char too_long[] = "its message cannot be as long as it says";
static const char no_answer[] = "its answer cannot be as long as it says";

/* ---- What the other side does; desk->bytes is how long it says that to be ---- */

static void say_hello(struct desk *desk)
{
	struct dialback_link *link = guest_call(&desk->address);
	uint8_t token[DIAL_TOKEN_BYTES + 1] = { 0 };

	memcpy(token, desk->address.token, DIAL_TOKEN_BYTES);
	desk->rc = guest_say(
		link, DIAL_HELLO, (uint32_t)desk->bytes, token, desk->bytes - DIAL_HEAD_BYTES);
	guest_see_it_end(link);
}

/* Takes a frame; null: there was none. */
static struct dialback_link *take_frame(struct desk *desk, uint8_t *frame)
{
	struct dialback_link *link = guest_come_in(&desk->address);

	if (link && dialback_link_read(link, frame, GUEST_FRAME_BYTES) == 0)
		return link;
	dialback_link_close(link);
	desk->rc = -EIO;
	return NULL;
}

/* A failure of so many bytes, then a good answer to the next frame. */
static void fail_then_answer(struct desk *desk)
{
	uint8_t frame[GUEST_FRAME_BYTES], more[GUEST_MORE_MAX];
	struct dialback_link *link = take_frame(desk, frame);

	if (!link)
		return;
	memset(more, 'w', sizeof(more));
	memcpy(more, frame + DIAL_KEY_AT, DIAL_KEY_BYTES);
	desk->rc = guest_say(
		link, DIAL_ERROR, (uint32_t)desk->bytes, more, desk->bytes - DIAL_HEAD_BYTES);
	if (dialback_link_read(link, frame, sizeof(frame)) == 0)
		desk->rc = guest_answer(link, frame, ANSWERS);
	guest_see_it_end(link);
}

/* A good-bye of so many bytes, then the answer that is still due. */
static void leave_then_answer(struct desk *desk)
{
	static const uint8_t nothing[GUEST_MORE_MAX];
	uint8_t frame[GUEST_FRAME_BYTES];
	struct dialback_link *link = take_frame(desk, frame);

	if (!link)
		return;
	desk->rc = guest_say(link, DIAL_GOODBYE, (uint32_t)desk->bytes, nothing,
		desk->bytes > DIAL_HEAD_BYTES ? desk->bytes - DIAL_HEAD_BYTES : 0);
	/* It may have been hung up on by now. */
	if (guest_answer(link, frame, ANSWERS) == 0)
		guest_see_it_end(link);
	else
		dialback_link_close(link);
}

/* An answer of so many bytes, then a good one to the next frame. */
static void answer_at_length(struct desk *desk)
{
	uint8_t frame[GUEST_FRAME_BYTES], *answer = malloc(desk->bytes);
	struct dialback_link *link = take_frame(desk, frame);

	if (!link || !answer) {
		free(answer);
		return;
	}
	long_text_fill(answer, desk->bytes, 0);
	memcpy(answer, frame, DIAL_KEY_AT + DIAL_KEY_BYTES);
	put_u32(answer + 8, (uint32_t)desk->bytes);
	desk->rc = dialback_link_write(link, answer, desk->bytes);
	if (desk->rc == 0 && dialback_link_read(link, frame, sizeof(frame)) == 0)
		desk->rc = guest_answer(link, frame, ANSWERS);
	guest_see_it_end(link);
	free(answer);
}

/* ---- What follows ---- */

struct talk {
	struct desk desk;
	struct sw_exchange exchange;
	uint8_t frame[GUEST_FRAME_BYTES];
};

/* The first exchange has ended by what the other side did. */
static void talk_open(
	struct talk *talk, void (*other)(struct desk *desk), size_t bytes, size_t answer_max)
{
	struct desk *desk = &talk->desk;

	desk_open(desk);
	desk_exchange(&talk->exchange, talk->frame);
	talk->exchange.answer_max = answer_max;
	desk->bytes = bytes;
	desk_begin(desk, other);
	desk_wait_for(desk, 1);
	assert_int_equal(desk->transport->ops->submit(desk->transport, &talk->exchange), 0);
	assert_ptr_equal(desk_next(desk), &talk->exchange);
}

/* Nothing ends twice. */
static void talk_close(struct talk *talk)
{
	struct desk *desk = &talk->desk;

	desk_dismiss(desk);
	desk_finish(desk);
	assert_int_equal(dialback_connected(desk->dialback), 0);
	assert_int_equal(burst_get(&desk->counters.connections), 1);
	assert_int_equal(burst_get(&desk->counters.refused), 0);
	assert_null(desk->transport->ops->next(desk->transport));
	free(talk->exchange.answer);
	desk_close(desk);
}

/* The connection is as good as before: what came was read to its last byte, and no further. */
static void goes_on(struct talk *talk)
{
	struct desk *desk = &talk->desk;

	assert_int_equal(desk->transport->ops->submit(desk->transport, &talk->exchange), 0);
	assert_ptr_equal(desk_next(desk), &talk->exchange);
	assert_int_equal(talk->exchange.outcome, SW_OUTCOME_ANSWER);
	assert_int_equal(talk->exchange.answer_bytes, GUEST_FRAME_BYTES);
	assert_memory_equal(talk->exchange.answer, talk->frame, GUEST_FRAME_BYTES);
}

/* It was hung up on, for this. */
static void is_broken(struct talk *talk, const char *why)
{
	char detail[160];

	snprintf(detail, sizeof(detail), "dial-back: %s", why);
	assert_int_equal(talk->exchange.outcome, SW_OUTCOME_BROKEN);
	assert_string_equal(talk->exchange.detail, detail);
	assert_non_null(strstr(talk->desk.log, why));
	assert_int_equal(dialback_connected(talk->desk.dialback), 0);
	assert_int_equal(
		talk->desk.transport->ops->submit(talk->desk.transport, &talk->exchange), -EAGAIN);
}

static void hellos_have_44_bytes(void **unused)
{
	(void)unused;
	for (size_t bytes = 43; bytes <= 45; bytes++) {
		struct desk desk;

		desk_open(&desk);
		desk.bytes = bytes;
		desk_begin(&desk, say_hello);
		if (bytes == 44) {
			desk_wait_for(&desk, 1);
			desk_dismiss(&desk);
		}
		desk_finish(&desk);
		assert_int_equal(burst_get(&desk.counters.connections), bytes == 44);
		assert_int_equal(burst_get(&desk.counters.refused), bytes != 44);
		assert_int_equal(dialback_awaited(desk.dialback), bytes != 44);
		if (bytes != 44)
			assert_non_null(strstr(desk.log, too_long));
		desk_close(&desk);
	}
}

static void failures_fit(void **unused)
{
	static const struct {
		size_t bytes;
		const char *why; /* null: it is a failure as it should be */
	} cases[] = {
		{ 35, "it failed at what it was not given" },
		{ 36, NULL },
		{ 37, NULL },
		{ DIAL_MESSAGE_MAX - 1, NULL },
		{ DIAL_MESSAGE_MAX, NULL },
		{ DIAL_MESSAGE_MAX + 1, too_long },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t words = cases[i].bytes - DIAL_HEAD_BYTES - DIAL_KEY_BYTES;
		char detail[160] = "dial-back: ";
		struct talk talk;

		talk_open(&talk, fail_then_answer, cases[i].bytes, DESK_ANSWER_MAX);
		if (cases[i].why) {
			is_broken(&talk, cases[i].why);
		} else {
			/* Of what it says as much as is kept. */
			for (size_t k = strlen(detail), left = words;
				k < sizeof(detail) - 1 && left > 0; left--)
				detail[k++] = 'w';
			assert_int_equal(talk.exchange.outcome, SW_OUTCOME_FUNCTION);
			assert_string_equal(talk.exchange.detail, detail);
			goes_on(&talk);
		}
		talk_close(&talk);
	}
}

static void good_byes_have_12_bytes(void **unused)
{
	(void)unused;
	for (size_t bytes = 11; bytes <= 13; bytes++) {
		struct talk talk;

		talk_open(&talk, leave_then_answer, bytes, DESK_ANSWER_MAX);
		if (bytes == DIAL_HEAD_BYTES) {
			assert_int_equal(talk.exchange.outcome, SW_OUTCOME_ANSWER);
			assert_memory_equal(talk.exchange.answer, talk.frame, GUEST_FRAME_BYTES);
		} else {
			is_broken(&talk,
				bytes < DIAL_HEAD_BYTES ? too_long : "it sent what makes no sense");
		}
		talk_close(&talk);
	}
}

static void answer_of(size_t bytes, size_t answer_max, const char *why)
{
	struct talk talk;

	talk_open(&talk, answer_at_length, bytes, answer_max);
	if (why) {
		is_broken(&talk, why);
		/* What is too long is not waited for, nor is there memory made for it. */
		assert_int_equal(talk.exchange.answer_bytes, 0);
		assert_int_equal(talk.exchange.answer_capacity, 0);
	} else {
		assert_int_equal(talk.exchange.outcome, SW_OUTCOME_ANSWER);
		assert_int_equal(talk.exchange.answer_bytes, bytes);
		assert_memory_equal(talk.exchange.answer + DIAL_KEY_AT, talk.frame + DIAL_KEY_AT,
			DIAL_KEY_BYTES);
		/* As it was before it got its head. */
		long_text_fill(talk.exchange.answer, DIAL_KEY_AT + DIAL_KEY_BYTES, 0);
		assert_true(long_text_is(talk.exchange.answer, bytes, 0));
		goes_on(&talk);
	}
	talk_close(&talk);
}

static void answers_fit(void **unused)
{
	static const char larger[] = "its answer is larger than any could be";

	(void)unused;
	answer_of(DIAL_KEY_AT + DIAL_KEY_BYTES, DESK_ANSWER_MAX, no_answer);
	answer_of(DIAL_KEY_AT + DIAL_KEY_BYTES + 1, DESK_ANSWER_MAX, NULL);
	answer_of(DESK_ANSWER_MAX - 1, DESK_ANSWER_MAX, NULL);
	answer_of(DESK_ANSWER_MAX, DESK_ANSWER_MAX, NULL);
	answer_of(DESK_ANSWER_MAX + 1, DESK_ANSWER_MAX, larger);
	/* Whatever the batch would hold. */
	answer_of(SW_FRAME_BYTES_MAX - 1, SIZE_MAX, NULL);
	answer_of(SW_FRAME_BYTES_MAX, SIZE_MAX, NULL);
	answer_of(SW_FRAME_BYTES_MAX + 1, SIZE_MAX, no_answer);
}

/* The longest address there can be leaves room for all else. */
static void invitations_fit(void **unused)
{
	(void)unused;
	for (size_t bytes = HOST_MOST - 1; bytes <= HOST_MOST + 1; bytes++) {
		struct dial_counters counters = { 0 };
		char advertise[HOST_MOST + 12], told[HOST_MOST + 40];
		const struct dialback_options options = { .listen = "127.0.0.1:0",
			.advertise = advertise,
			.connections_max = 1,
			.life_ms = UINT32_MAX,
			.counters = &counters };
		struct hall hall = { .find = hall_find };
		struct transport_source source = hall_source(&hall);
		struct sw_transport *inner, *transport;
		struct dial_ticket *ticket;
		struct sw_error error = { 0 };

		memset(advertise, 'h', bytes);
		strcpy(advertise + bytes, ":65535");
		assert_int_equal(source.open(source.context, &inner, &error), 0);
		if (bytes > HOST_MOST) {
			assert_int_equal(
				dialback_open(&options, inner, &transport, &error), -EINVAL);
			assert_non_null(strstr(error.text, "not HOST:PORT"));
			inner->ops->close(inner);
			continue;
		}
		if (dialback_open(&options, inner, &transport, &error))
			fail_msg("%s", error.text);
		ticket = dialback_invite(transport->dialback);
		assert_non_null(ticket);
		assert_true(ticket->body_bytes < DIAL_INVITATION_MAX);
		assert_int_equal(strlen(ticket->body), ticket->body_bytes);
		snprintf(told, sizeof(told), "\"address\":\"%s\"", advertise);
		assert_non_null(strstr(ticket->body, told));
		assert_non_null(strstr(ticket->body, "\"silenceMs\":5000}}"));
		transport->ops->close(transport);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hellos_have_44_bytes),
		cmocka_unit_test(failures_fit),
		cmocka_unit_test(good_byes_have_12_bytes),
		cmocka_unit_test(answers_fit),
		cmocka_unit_test(invitations_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

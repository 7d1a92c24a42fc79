/* SPDX-License-Identifier: MIT */
#include "tests/burst/fake_transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/wire.h"
#include "runtime/clock.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

enum { FLYING_MAX = 4096 };

struct flight {
	struct sw_exchange *exchange;
	uint64_t due_ns;
};

struct fake_transport {
	struct sw_transport base;
	struct fake *fake;
	uint64_t random;
	struct sw_waiter *waiter;
	uint32_t value; /* of the waiter, as of the end of the last poll */
	struct flight flying[FLYING_MAX];
	uint32_t count;
	char *previous; /* the last good answer */
	size_t previous_bytes;
};

/* ---- The function ---- */

static const struct sw_kernel *find_kernel(const struct fake *fake, const char *name)
{
	for (const struct sw_kernel *const *at = fake->options.kernels; *at; at++) {
		if (strcmp((*at)->name, name) == 0)
			return *at;
	}
	return NULL;
}

static void set_answer(struct sw_exchange *exchange, const char *bytes, size_t count)
{
	if (exchange->answer_capacity < count) {
		exchange->answer = realloc(exchange->answer, count);
		assert_non_null(exchange->answer);
		exchange->answer_capacity = count;
	}
	memcpy(exchange->answer, bytes, count);
	exchange->answer_bytes = count;
}

static bool is_wrapped(const struct sw_exchange *exchange)
{
	return exchange->body[0] == '{';
}

/* The request's frame; to be freed. */
static uint8_t *frame_in(const struct sw_exchange *exchange, ptrdiff_t *bytes)
{
	const size_t head = strlen("{\"frame\":\""), tail = strlen("\"}");
	uint8_t *frame = malloc(exchange->body_bytes);

	assert_non_null(frame);
	*bytes = (ptrdiff_t)exchange->body_bytes;
	if (is_wrapped(exchange))
		*bytes = sw_base64_decode(
			exchange->body + head, exchange->body_bytes - head - tail, frame);
	else
		memcpy(frame, exchange->body, exchange->body_bytes);
	assert_true(*bytes > 0);
	return frame;
}

static void answer_with(
	struct sw_exchange *exchange, struct sw_frame_header *header, struct sw_batch *out)
{
	size_t bound = sw_frame_bound(out);
	uint8_t *frame = malloc(bound);
	char *body = malloc(sw_base64_bytes(bound) + 32);
	ptrdiff_t bytes;
	size_t at;

	header->kind = SW_FRAME_ANSWER;
	header->config_bytes = 0;
	bytes = sw_frame_encode(header, out, frame, bound);
	assert_true(bytes > 0);
	if (is_wrapped(exchange)) {
		at = (size_t)sprintf(body, "{ \"frame\" : \"");
		at += sw_base64_encode(frame, (size_t)bytes, body + at);
		memcpy(body + at, "\" }\n", 4);
		set_answer(exchange, body, at + 4);
	} else {
		set_answer(exchange, (const char *)frame, (size_t)bytes);
	}
	free(frame);
	free(body);
}

/* The rows that were in it. */
static uint32_t run(struct fake_transport *transport, struct sw_exchange *exchange)
{
	/* No kernel of these tests makes more than it is given. */
	const size_t text_bytes = exchange->body_bytes + (1 << 17);
	ptrdiff_t bytes;
	uint8_t *frame = frame_in(exchange, &bytes);
	struct sw_frame_header header;
	struct sw_batch *in, *out;
	const struct sw_kernel *kernel;
	struct sw_error error;

	assert_int_equal(sw_frame_peek(frame, (size_t)bytes, &header, &error), 0);
	kernel = find_kernel(transport->fake, header.kernel);
	assert_non_null(kernel);
	in = sw_batch_create(kernel->in, header.rows + 1, text_bytes);
	out = kernel->in_place ? in : sw_batch_create(kernel->out, header.rows + 1, text_bytes);
	assert_int_equal(sw_frame_decode(frame, (size_t)bytes, &header, in, &error), 0);
	assert_int_equal(kernel->run(header.config, NULL, in, out), 0);
	answer_with(exchange, &header, out);
	if (out != in)
		sw_batch_destroy(out);
	sw_batch_destroy(in);
	free(frame);
	atomic_fetch_add(&transport->fake->counts.runs, 1);
	atomic_fetch_add(&transport->fake->counts.empty, header.rows == 0);
	return header.rows;
}

static void pad(struct sw_exchange *exchange, size_t bytes)
{
	char *body;

	if (exchange->answer_bytes >= bytes)
		return;
	body = malloc(bytes);
	assert_non_null(body);
	memcpy(body, exchange->answer, exchange->answer_bytes);
	memset(body + exchange->answer_bytes, ' ', bytes - exchange->answer_bytes);
	set_answer(exchange, body, bytes);
	free(body);
	exchange->cut = bytes > exchange->answer_max;
	if (exchange->cut)
		exchange->answer_bytes = exchange->answer_max;
}

/* ---- Faults ---- */

static enum fake_fault choose(struct fake_transport *transport)
{
	const struct fake_options *options = &transport->fake->options;
	uint32_t at = random_below(&transport->random, 1000);

	if (atomic_load(&options->dead) || options->wrong_certificate)
		return FAKE_REFUSE;
	if (atomic_load(&options->silent))
		return FAKE_SILENCE;
	if (options->concurrency && transport->count >= options->concurrency)
		return FAKE_THROTTLE;
	for (int fault = 1; fault < FAKE_SILENCE; fault++) {
		if (at < options->shares[fault])
			return (enum fake_fault)fault;
		at -= options->shares[fault];
	}
	return FAKE_NONE;
}

static void keep_previous(struct fake_transport *transport, const struct sw_exchange *exchange)
{
	transport->previous = realloc(transport->previous, exchange->answer_bytes);
	memcpy(transport->previous, exchange->answer, exchange->answer_bytes);
	transport->previous_bytes = exchange->answer_bytes;
}

static void spoil(
	struct fake_transport *transport, struct sw_exchange *exchange, enum fake_fault fault)
{
	switch (fault) {
	case FAKE_TRUNCATE:
		exchange->answer_bytes /= 2;
		break;
	case FAKE_CORRUPT:
		exchange->answer[exchange->answer_bytes / 2] ^= 1;
		break;
	case FAKE_GARBAGE:
		set_answer(exchange, "<html>hello</html>", 18);
		break;
	case FAKE_OTHER:
		if (transport->previous)
			set_answer(exchange, transport->previous, transport->previous_bytes);
		break;
	default:
		break;
	}
}

static enum sw_outcome outcome_of(enum fake_fault fault)
{
	switch (fault) {
	case FAKE_ERROR:
		return SW_OUTCOME_FUNCTION;
	case FAKE_TIMEOUT:
	case FAKE_SILENCE:
		return SW_OUTCOME_TIMEOUT;
	case FAKE_RESET:
		return SW_OUTCOME_BROKEN;
	case FAKE_THROTTLE:
		return SW_OUTCOME_THROTTLED;
	case FAKE_REFUSE:
		return SW_OUTCOME_NOT_RUN;
	default:
		return SW_OUTCOME_ANSWER;
	}
}

/* ---- The table ---- */

static uint64_t time_of(const struct fake_transport *transport)
{
	const uint64_t *clock = transport->fake->options.clock;

	return clock ? *clock : sw_now_ns();
}

static uint64_t now_ns(struct sw_transport *base)
{
	return time_of((struct fake_transport *)base);
}

static void fly(struct fake_transport *transport, struct sw_exchange *exchange, uint64_t due_ns)
{
	assert_true(transport->count < FLYING_MAX);
	transport->flying[transport->count++] = (struct flight){ exchange, due_ns };
}

static void note_most(struct fake_transport *transport)
{
	uint64_t flying = 0;

	for (uint32_t i = 0; i < transport->count; i++)
		flying += !transport->flying[i].exchange->warm_up;
	if (flying > atomic_load(&transport->fake->counts.flying_most))
		atomic_store(&transport->fake->counts.flying_most, flying);
}

static int submit_warm_up(struct fake_transport *transport, struct sw_exchange *exchange)
{
	uint64_t due_ns = time_of(transport) + 1000;

	exchange->outcome = SW_OUTCOME_ANSWER;
	if (atomic_load(&transport->fake->options.dead))
		exchange->outcome = SW_OUTCOME_NOT_RUN;
	if (transport->fake->options.wrong_certificate)
		exchange->outcome = SW_OUTCOME_PERMANENT;
	if (atomic_load(&transport->fake->options.silent)) {
		exchange->outcome = SW_OUTCOME_NOT_RUN;
		due_ns += exchange->deadline_ms * 1000000ull;
	}
	strcpy(exchange->detail, "warm-up");
	atomic_fetch_add(&transport->fake->counts.warm_ups, 1);
	fly(transport, exchange, due_ns);
	return 0;
}

static int submit(struct sw_transport *base, struct sw_exchange *exchange)
{
	struct fake_transport *transport = (struct fake_transport *)base;
	const struct fake_options *options = &transport->fake->options;
	const uint64_t latency_ns = options->latency_us * 1000ull + 1;
	const uint64_t sent_ns = time_of(transport);
	uint64_t due_ns = sent_ns + latency_ns + random_next(&transport->random) % latency_ns;
	enum fake_fault fault;

	if (exchange->warm_up)
		return submit_warm_up(transport, exchange);
	fault = choose(transport);
	atomic_fetch_add(&transport->fake->counts.requests, 1);
	atomic_fetch_add(&transport->fake->counts.faults[fault], 1);
	exchange->sent_ns = fault == FAKE_REFUSE ? 0 : sent_ns;
	exchange->function_us = options->function_us ? options->function_us : 100;
	if (options->cost_untold)
		exchange->function_us = 0;
	exchange->cold = false;
	exchange->cut = false;
	exchange->answer_bytes = 0;
	exchange->outcome = outcome_of(fault);
	if (options->wrong_certificate)
		exchange->outcome = SW_OUTCOME_PERMANENT;
	snprintf(exchange->detail, sizeof(exchange->detail), "fault %d", fault);
	if (fault == FAKE_SILENCE)
		due_ns = sent_ns + exchange->deadline_ms * 1000000ull;
	else if (fault != FAKE_ERROR && fault != FAKE_THROTTLE && fault != FAKE_REFUSE)
		due_ns += run(transport, exchange) * 1000ull * options->row_us;
	if (exchange->outcome == SW_OUTCOME_ANSWER) {
		spoil(transport, exchange, fault);
		pad(exchange, options->answer_bytes);
		if (fault == FAKE_NONE)
			keep_previous(transport, exchange);
	}
	if (fault == FAKE_SLOW || fault == FAKE_TIMEOUT)
		due_ns += options->slow_us * 1000ull;
	fly(transport, exchange, due_ns);
	note_most(transport);
	return 0;
}

static void cancel(struct sw_transport *base, struct sw_exchange *exchange)
{
	struct fake_transport *transport = (struct fake_transport *)base;

	for (uint32_t i = 0; i < transport->count; i++) {
		if (transport->flying[i].exchange == exchange)
			transport->flying[i--] = transport->flying[--transport->count];
	}
}

static void poll(struct sw_transport *base, uint32_t timeout_ms)
{
	struct fake_transport *transport = (struct fake_transport *)base;
	uint64_t until_ns = time_of(transport) + timeout_ms * 1000000ull;

	if (transport->fake->options.clock)
		return;
	for (uint32_t i = 0; i < transport->count; i++) {
		if (transport->flying[i].due_ns < until_ns)
			until_ns = transport->flying[i].due_ns;
	}
	if (timeout_ms > 0)
		sw_waiter_wait(transport->waiter, transport->value, until_ns);
	transport->value = sw_waiter_prepare(transport->waiter);
}

static struct sw_exchange *next(struct sw_transport *base)
{
	struct fake_transport *transport = (struct fake_transport *)base;
	const uint64_t now = time_of(transport);

	for (uint32_t i = 0; i < transport->count; i++) {
		struct sw_exchange *exchange = transport->flying[i].exchange;

		if (transport->flying[i].due_ns > now)
			continue;
		transport->flying[i] = transport->flying[--transport->count];
		return exchange;
	}
	return NULL;
}

static void wakeup(struct sw_transport *base)
{
	sw_waiter_notify(((struct fake_transport *)base)->waiter);
}

static void close_fake(struct sw_transport *base)
{
	struct fake_transport *transport = (struct fake_transport *)base;

	sw_waiter_destroy(transport->waiter);
	free(transport->previous);
	free(transport);
}

static const struct sw_transport_ops fake_ops = {
	.submit = submit,
	.cancel = cancel,
	.poll = poll,
	.next = next,
	.wakeup = wakeup,
	.now_ns = now_ns,
	.close = close_fake,
};

static int open_fake(void *context, struct sw_transport **made, struct sw_error *error)
{
	struct fake_transport *transport = calloc(1, sizeof(*transport));

	(void)error;
	assert_non_null(transport);
	transport->base.ops = &fake_ops;
	transport->fake = context;
	transport->random = transport->fake->options.seed | 1;
	transport->waiter = sw_waiter_create();
	transport->value = sw_waiter_prepare(transport->waiter);
	*made = &transport->base;
	return 0;
}

struct transport_source fake_source(struct fake *fake)
{
	return (struct transport_source){ open_fake, fake };
}

/* SPDX-License-Identifier: MIT */
/*
 * A request's life: encode, send, and what follows from how it ended. Each ends in request_free,
 * and each slot in request_decided or in somebody else's decision.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst/base64.h"
#include "burst/io_private.h"
#include "burst/wire_private.h"

static const char body_head[] = "{\"frame\":\"";
static const char body_tail[] = "\"}";

/* An answer is looked at so long after its deadline at the latest, unless the clock jumps. */
enum { CLOCK_SLACK_MS = 1000 };

struct request *request_take(struct io *io)
{
	struct request *request = io->idle;

	if (request) {
		io->idle = request->next;
		io->busy++;
	}
	return request;
}

/* Leaves the state that it is in, and the count of it. */
static void set_state(struct io *io, struct request *request, enum request_state state)
{
	uint32_t *flying = request->exchange.bare ? &io->dialled : &io->flying;

	*flying -= request->state == REQUEST_FLYING;
	io->backing_off -= request->state == REQUEST_BACKOFF;
	io->no_room -= request->state == REQUEST_NO_ROOM;
	request->state = state;
	*flying += state == REQUEST_FLYING;
	io->backing_off += state == REQUEST_BACKOFF;
	io->no_room += state == REQUEST_NO_ROOM;
	burst_set(&io->burst->counters.inflight, io->flying);
}

void request_free(struct io *io, struct request *request)
{
	set_state(io, request, REQUEST_FREE);
	if (request->twin)
		request->twin->twin = NULL;
	request->twin = NULL;
	request->slot = NULL;
	request->next = io->idle;
	io->idle = request;
	io->busy--;
}

void request_decided(struct io *io, struct request *request, struct sw_batch *answer)
{
	struct outlet *outlet = request->outlet;

	request->slot->answer = answer;
	/* Holds all slots, each at most once: cannot be full. */
	sw_ring_push(outlet->decided, request->slot);
	sw_site_notify(outlet->site.site);
	request_free(io, request);
}

void request_give_up(struct io *io, struct request *request)
{
	/* The other one may still make it. */
	if (!request->twin && ledger_give_up(request->slot, request->generation))
		request_decided(io, request, NULL);
	else
		request_free(io, request);
}

/* ---- On the way ---- */

static void fill_header(const struct request *request, struct sw_frame_header *header)
{
	const struct outlet *outlet = request->outlet;
	const struct sw_kernel *kernel = outlet->site.kernel;
	const struct sw_burst *burst = outlet->burst;

	memset(header, 0, sizeof(*header));
	header->kind = SW_FRAME_REQUEST;
	header->kernel_version = kernel->version;
	strncpy(header->kernel, kernel->name, SW_KERNEL_NAME_MAX);
	header->job = burst->job;
	header->edge = outlet->site.edge;
	header->seq = request->seq;
	header->attempt = request->attempt;
	header->op_delay_ns = outlet->site.op_delay_ns > UINT32_MAX
				      ? UINT32_MAX
				      : (uint32_t)outlet->site.op_delay_ns;
	header->deadline_ms = burst->options.deadline_ms;
	header->config_bytes = kernel->config_bytes;
	if (kernel->config_bytes > 0)
		memcpy(header->config, outlet->site.config, kernel->config_bytes);
}

static bool grow(void **buffer, size_t *capacity, size_t wanted)
{
	void *bigger;

	if (wanted <= *capacity)
		return true;
	wanted += wanted / 4;
	bigger = realloc(*buffer, wanted);
	if (!bigger)
		return false;
	*buffer = bigger;
	*capacity = wanted;
	return true;
}

int request_encode(struct request *request, const struct sw_batch *batch)
{
	struct sw_frame_header header;
	ptrdiff_t bytes;

	fill_header(request, &header);
	bytes = sw_frame_encode(&header, batch, request->frame, request->frame_capacity);
	if (bytes == -ENOSPC) {
		if (!grow((void **)&request->frame, &request->frame_capacity,
			    sw_frame_bound(batch)))
			return -ENOMEM;
		bytes = sw_frame_encode(&header, batch, request->frame, request->frame_capacity);
	}
	if (bytes < 0)
		return (int)bytes;
	request->frame_bytes = (size_t)bytes;
	return 0;
}

static size_t wrapped_bytes(const struct request *request)
{
	return sizeof(body_head) - 1 + sw_base64_bytes(request->frame_bytes) + sizeof(body_tail) -
	       1;
}

static int wrap(struct request *request)
{
	struct sw_exchange *exchange = &request->exchange;
	const size_t head = sizeof(body_head) - 1, tail = sizeof(body_tail) - 1;
	size_t bytes;

	if (!grow((void **)&request->body, &request->body_capacity, wrapped_bytes(request)))
		return -ENOMEM;
	memcpy(request->body, body_head, head);
	bytes = head + sw_base64_encode(request->frame, request->frame_bytes, request->body + head);
	memcpy(request->body + bytes, body_tail, tail);
	exchange->body = request->body;
	return 0;
}

/* -EMSGSIZE: it is more than the endpoint takes. */
static int make_body(const struct io *io, struct request *request)
{
	const struct endpoint *endpoint = &io->burst->endpoint;
	const bool bare = request->exchange.bare;
	const bool wrapped = !bare && endpoint->contract == SW_BURST_CONTRACT_INVOKE;

	request->exchange.body_bytes = wrapped ? wrapped_bytes(request) : request->frame_bytes;
	if (!bare && endpoint->request_max && request->exchange.body_bytes > endpoint->request_max)
		return -EMSGSIZE;
	if (wrapped)
		return wrap(request);
	request->exchange.body = (const char *)request->frame;
	return 0;
}

/* It will be the same with every batch of its kind: one message a run. */
static void log_once(struct io *io, const struct request *request, const char *why)
{
	if (!io->told_unfit)
		burst_log(io->burst, "edge %s: batch %llu: is run locally: %s",
			request->outlet->site.edge_name, (unsigned long long)request->seq, why);
	io->told_unfit = true;
}

void request_begin(struct io *io, struct request *request)
{
	struct ledger_slot *slot = request->slot;
	int rc;

	request->seq = slot->seq;
	request->onset_ns = slot->onset_ns;
	request->rows = sw_batch_count(slot->batch);
	request->attempt = 1;
	request->tries = 0;
	request->waits = 0;
	request->first = true;
	request->hedge = false;
	request->twin = NULL;
	request->first_ns = io_now(io);
	request->exchange.answer_max = request->outlet->answer_body_max;
	request->exchange.deadline_ms = io->burst->options.deadline_ms;
	rc = request_encode(request, slot->batch);
	ledger_end_encode(slot, request->generation);
	if (rc) {
		log_once(io, request, strerror(-rc));
		request_give_up(io, request);
		return;
	}
	if (!request_send(io, request))
		request_give_up(io, request);
}

bool request_send(struct io *io, struct request *request)
{
	struct io_counters *counters = &io->burst->counters;
	char why[96];
	int rc;

	/* A prewarm is there to start an environment. */
	request->exchange.bare = request->slot && dialback_has_place(io->transport->dialback);
	rc = make_body(io, request);

	if (rc == -EMSGSIZE) {
		snprintf(why, sizeof(why), "%zu bytes are too many for the endpoint (at most %zu)",
			request->exchange.body_bytes, io->burst->endpoint.request_max);
		log_once(io, request, why);
	}
	if (rc || io->transport->ops->submit(io->transport, &request->exchange) != 0)
		return false;
	set_state(io, request, REQUEST_FLYING);
	if (request->attempt == 1 && request->slot)
		limits_fresh(io);
	hedge_count(io, request->hedge);
	request->attempt++;
	burst_add(&counters->attempts, 1);
	burst_add(&counters->hedges, request->hedge);
	if (!request->exchange.bare)
		limits_put_aside(io, &request->exchange);
	if (io->flying > burst_get(&counters->inflight_max))
		burst_set(&counters->inflight_max, io->flying);
	return true;
}

/* ---- On the way back ---- */

void request_failed(struct io *io, struct request *request, enum sw_outcome outcome)
{
	const struct sw_burst_options *options = &io->burst->options;
	const uint64_t now_ns = io_now(io);
	const uint64_t patience_ns = (uint64_t)options->deadline_ms * 1000000;
	const uint64_t hint_ns = request->exchange.retry_after_ms * 1000000;
	uint64_t wait_ns;

	/* Throttled attempts did not run: they are limited by time, the others by number. */
	if (outcome != SW_OUTCOME_THROTTLED)
		request->tries++;
	if (request->twin || outcome == SW_OUTCOME_PERMANENT || request->tries > options->retries ||
		!limits_usable(io, now_ns) ||
		(outcome == SW_OUTCOME_THROTTLED && now_ns - request->first_ns > patience_ns) ||
		hint_ns > patience_ns) {
		request_give_up(io, request);
		return;
	}
	if (!ledger_undecided(request->slot, request->generation)) {
		request_free(io, request);
		return;
	}
	if (!limits_may_retry(io, outcome)) {
		request_give_up(io, request);
		return;
	}
	sw_frame_set_attempt(request->frame, request->frame_bytes, request->attempt);
	request->hedge = false;
	wait_ns = limits_backoff_ns(io, request->waits++);
	request->due_ns = now_ns + (wait_ns > hint_ns ? wait_ns : hint_ns);
	set_state(io, request, REQUEST_BACKOFF);
}

static void note_onset(struct io *io, struct request *request)
{
	const uint64_t sent_ns = request->exchange.sent_ns;

	if (request->first && request->onset_ns && sent_ns > request->onset_ns)
		sw_histogram_record(io->burst->onset, sent_ns - request->onset_ns, 1);
	request->first = false;
}

/* What took longer than it can have taken is the work of a clock that jumped: nothing is learned.
 */
static void note_good(struct io *io, const struct request *request, uint64_t round_trip_ns)
{
	const uint64_t most_ns = (request->exchange.deadline_ms + CLOCK_SLACK_MS) * 1000000ull;

	limits_good(io, !request->exchange.bare);
	if (round_trip_ns > most_ns)
		return;
	limits_learn(io, round_trip_ns);
	hedge_learn(io, request, round_trip_ns);
}

static enum way way_of(const struct request *request)
{
	return request->exchange.bare ? WAY_DIAL_BACK : WAY_INVOKE;
}

static void note_shipped(struct io *io, const struct request *request, uint64_t round_trip_ns)
{
	const enum way way = way_of(request);

	burst_add(&io->burst->counters.ways[way].batches, 1);
	burst_add(&io->burst->counters.ways[way].rows, request->rows);
	if (round_trip_ns == 0)
		return;
	sw_histogram_record(io->burst->round_trip, round_trip_ns, 1);
	sw_histogram_record(io->burst->way_round_trips[way], round_trip_ns, 1);
}

/* round_trip_ns 0: was taken before, and waited for room. */
static void take_answer(struct io *io, struct request *request, uint64_t round_trip_ns)
{
	struct io_counters *counters = &io->burst->counters;
	struct sw_batch *batch = NULL;
	struct sw_error error = { 0 };
	const enum answer_state state = answer_read(request, &batch, &error);

	if (round_trip_ns > 0 && state != ANSWER_CORRUPT)
		note_good(io, request, round_trip_ns);
	switch (state) {
	case ANSWER_ADOPTED:
		burst_add(&request->outlet->shipped_batches, 1);
		burst_add(&request->outlet->shipped_rows, request->rows);
		note_shipped(io, request, round_trip_ns);
		sw_batch_copy_meta(batch, request->slot->batch);
		request_decided(io, request, batch);
		break;
	case ANSWER_LATE:
		burst_add(&counters->late_answers, 1);
		request_free(io, request);
		break;
	case ANSWER_NO_ROOM:
		/* Decided by somebody else meanwhile: no need to wait. */
		if (ledger_undecided(request->slot, request->generation)) {
			set_state(io, request, REQUEST_NO_ROOM);
			break;
		}
		burst_add(&counters->late_answers, 1);
		request_free(io, request);
		break;
	case ANSWER_CORRUPT:
		burst_add(&counters->corrupt, 1);
		limits_bad(io, SW_OUTCOME_ANSWER, error.text, io_now(io));
		request_failed(io, request, SW_OUTCOME_BROKEN);
		break;
	case ANSWER_TOO_BIG:
		burst_add(&counters->corrupt, 1);
		log_once(io, request, error.text);
		request_failed(io, request, SW_OUTCOME_PERMANENT);
		break;
	}
}

static burst_counter *counter_of(struct io_counters *counters, enum sw_outcome outcome)
{
	switch (outcome) {
	case SW_OUTCOME_THROTTLED:
		return &counters->throttled;
	case SW_OUTCOME_FUNCTION:
		return &counters->function_errors;
	case SW_OUTCOME_TIMEOUT:
		return &counters->timeouts;
	default:
		return &counters->transport_errors;
	}
}

/* The body is read again by answer_read when it waited for room, and not counted again. */
static void count_exchange(struct io *io, struct request *request, uint64_t round_trip_ns)
{
	struct io_counters *counters = &io->burst->counters;
	const struct sw_exchange *exchange = &request->exchange;
	const uint64_t sent_bytes = exchange->sent_ns ? exchange->body_bytes : 0;
	struct way_counters *way = &counters->ways[way_of(request)];

	note_onset(io, request);
	if (!exchange->bare)
		limits_pay(io, exchange, round_trip_ns);
	burst_add(&way->bytes_sent, sent_bytes);
	burst_add(&way->bytes_received, exchange->answer_bytes);
	burst_add(&counters->cold_starts, exchange->cold);
	burst_add(&counters->bytes_sent, sent_bytes);
	burst_add(&counters->bytes_received, exchange->answer_bytes);
	burst_add(&request->outlet->wire_bytes, sent_bytes + exchange->answer_bytes);
	burst_add(&request->outlet->wire_requests, 1);
}

void request_cancel(struct io *io, struct request *request)
{
	struct sw_exchange *exchange = &request->exchange;

	io->transport->ops->cancel(io->transport, exchange);
	exchange->outcome = SW_OUTCOME_BROKEN;
	if (!exchange->bare)
		limits_pay(io, exchange, exchange->sent_ns ? io_now(io) - exchange->sent_ns : 0);
	set_state(io, request, REQUEST_FREE);
}

void request_ended(struct io *io, struct request *request)
{
	struct sw_exchange *exchange = &request->exchange;
	const uint64_t now_ns = io_now(io);
	uint64_t round_trip_ns;

	if (request->state == REQUEST_NO_ROOM) {
		take_answer(io, request, 0);
		return;
	}
	round_trip_ns =
		exchange->sent_ns && now_ns > exchange->sent_ns ? now_ns - exchange->sent_ns : 0;
	count_exchange(io, request, round_trip_ns);
	/* No longer in flight, whatever it is from now on. */
	set_state(io, request, REQUEST_FREE);
	if (!request->slot) {
		prewarm_ended(io, request);
		return;
	}
	if (exchange->outcome == SW_OUTCOME_ANSWER) {
		take_answer(io, request, round_trip_ns);
		return;
	}
	burst_add(counter_of(&io->burst->counters, exchange->outcome), 1);
	limits_bad(io, exchange->outcome, exchange->detail, now_ns);
	request_failed(io, request, exchange->outcome);
}

/* ---- A second one ---- */

void request_send_twin(struct io *io, struct request *request)
{
	struct request *twin = request_take(io);

	if (!grow((void **)&twin->frame, &twin->frame_capacity, request->frame_bytes)) {
		request_free(io, twin);
		return;
	}
	memcpy(twin->frame, request->frame, request->frame_bytes);
	twin->frame_bytes = request->frame_bytes;
	sw_frame_set_attempt(twin->frame, twin->frame_bytes, request->attempt);
	twin->outlet = request->outlet;
	twin->slot = request->slot;
	twin->generation = request->generation;
	twin->seq = request->seq;
	twin->onset_ns = 0;
	twin->rows = request->rows;
	twin->attempt = request->attempt;
	twin->tries = request->tries;
	twin->waits = request->waits;
	twin->first_ns = request->first_ns;
	twin->first = false;
	twin->hedge = true;
	twin->exchange.answer_max = request->exchange.answer_max;
	twin->exchange.deadline_ms = request->exchange.deadline_ms;
	twin->twin = request;
	request->twin = twin;
	if (request_send(io, twin))
		request->attempt++;
	else
		request_free(io, twin);
}

/* SPDX-License-Identifier: MIT */
/*
 * Environments that are started before there is work for them: as many invocations at once as are
 * wanted warm, each with a frame of no rows of an outlet's kernel. Any function answers that
 * quickly and without an error, and has loaded and run its kernel when the first batch comes. They
 * are requests like all others (caps, budget, breaker), but belong to no slot and are not repeated
 * when they fail.
 */
#include "burst/io_private.h"

/* Numbers of sequence that no batch has: its producer's number is above all. */
#define PREWARM_SEQ (0x7fffull << 48)

/* False: there is no memory for it, or its batch cannot be encoded; it is left out. */
static bool send_one(struct io *io)
{
	const struct sw_burst *burst = io->burst;
	struct outlet *outlet = burst->outlets[io->prewarms % burst->outlet_count];
	struct sw_batch *none = sw_batch_create(outlet->site.kernel->in, 1, 1);
	struct request *request;
	int rc;

	if (!none)
		return false;
	request = request_take(io);
	request->outlet = outlet;
	request->slot = NULL;
	request->twin = NULL;
	request->seq = PREWARM_SEQ + io->prewarms++;
	request->onset_ns = 0;
	request->rows = 0;
	request->attempt = 1;
	request->first = request->hedge = false;
	request->exchange.answer_max = outlet->answer_body_max;
	request->exchange.deadline_ms = burst->options.deadline_ms;
	rc = request_encode(request, none);
	sw_batch_destroy(none);
	if (rc || !request_send(io, request)) {
		request_free(io, request);
		return false;
	}
	burst_add(&io->burst->counters.prewarms, 1);
	return true;
}

void prewarm_look(struct io *io, uint64_t now_ns)
{
	const struct sw_burst_options *options = &io->burst->options;

	if (options->prewarm == 0 || io->burst->outlet_count == 0)
		return;
	if (now_ns >= io->prewarm_at_ns && io->tried && !io->troubled) {
		/* What is in flight is warm. */
		io->prewarms_due =
			options->prewarm > io->flying ? options->prewarm - io->flying : 0;
		io->prewarm_at_ns = UINT64_MAX;
		if (options->prewarm_every_s > 0)
			io->prewarm_at_ns = now_ns + options->prewarm_every_s * 1000000000ull;
	}
	while (io->prewarms_due > 0 && limits_usable(io, now_ns) && limits_has_room(io) &&
		limits_may_send(io)) {
		io->prewarms_due--;
		if (!send_one(io))
			io->prewarms_due = 0;
	}
}

void prewarm_ended(struct io *io, struct request *request)
{
	const struct sw_exchange *exchange = &request->exchange;

	if (exchange->outcome == SW_OUTCOME_ANSWER)
		limits_good(io, true);
	else
		limits_bad(io, exchange->outcome, exchange->detail, io_now(io));
	request_free(io, request);
}

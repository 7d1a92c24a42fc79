/* SPDX-License-Identifier: MIT */
/*
 * How much the I/O thread may send: a window that grows by one a round and shrinks when the peer
 * throttles (Chiu and Jain's additive increase, multiplicative decrease), a breaker that stops
 * sending to an endpoint that fails and probes it later, retries that first attempts pay for, a
 * budget, a cap on invocations.
 */
#include <stdlib.h>
#include <string.h>

#include "burst/io_private.h"

#define MS_NS 1000000ull

/* Lambda's list prices for x86-64 in dollars: a request, and a gigabyte-second. */
#define USD_PER_REQUEST   0.0000002
#define USD_PER_GB_SECOND 0.0000166667

enum {
	/* In a row, without one success. What fails within one spacing counts once: a broken
	 * connection takes all its streams with it. */
	BREAKER_FAILURES = 12,
	BREAKER_REFUSALS = 6, /* no connection, or permanent */
	BREAKER_TIMEOUTS = 3, /* each has cost a deadline */
	BREAKER_SPACING_MS = 5,
	PROBE_FIRST_MS = 500,
	PROBE_LONGEST_MS = 2000,
	TRIAL_WINDOW = 4, /* after a probe went well, until an invocation has */
	BACKOFF_FIRST_MS = 10,
	BACKOFF_LONGEST_MS = 1000,
	WINDOW_CUT_LEAST_MS = 1,
	WINDOW_CUT_MOST_MS = 20,
	LOG_EVERY_MS = 1000,
	PURSE_GAP_MS = 5000, /* the thread never sleeps so long; a clock may jump */
};

/* What may have run is sent again only as far as first attempts have paid for it, and so little is
 * saved up. Where every answer is lost, 100 batches make 115 executions, and 3 by second requests.
 */
#define RETRY_SHARE 0.15
#define RETRY_SAVED 10
#define RETRY_BEGIN 5

/* Of an hour's budget so much may be spent at once, for spikes are short; the rest flows in over
 * the hour. So no hour, wherever it begins, sees more than the budget. */
#define BUDGET_AT_ONCE 0.5
/* What is used up counts as there again when the purse is so full: a trickle would flap. */
#define BUDGET_AGAIN 0.0625

static const char *const outcome_names[SW_OUTCOMES] = {
	[SW_OUTCOME_ANSWER] = "corrupt answer",
	[SW_OUTCOME_NOT_RUN] = "not run",
	[SW_OUTCOME_THROTTLED] = "throttled",
	[SW_OUTCOME_FUNCTION] = "function failed",
	[SW_OUTCOME_TIMEOUT] = "no answer in time",
	[SW_OUTCOME_BROKEN] = "connection broke",
	[SW_OUTCOME_PERMANENT] = "refused",
};

/* xorshift64*: jitter needs no more. */
static uint64_t next_random(struct io *io)
{
	io->random ^= io->random >> 12;
	io->random ^= io->random << 25;
	io->random ^= io->random >> 27;
	return io->random * 0x2545f4914f6cdd1dull;
}

/* Full jitter: those that failed together do not come back together. */
uint64_t limits_backoff_ns(struct io *io, uint32_t waits)
{
	uint64_t most = BACKOFF_FIRST_MS * MS_NS << (waits < 7 ? waits : 7);

	if (most > BACKOFF_LONGEST_MS * MS_NS)
		most = BACKOFF_LONGEST_MS * MS_NS;
	return next_random(io) % (most + 1);
}

void limits_fresh(struct io *io)
{
	io->retries_saved += RETRY_SHARE;
	if (io->retries_saved > RETRY_SAVED)
		io->retries_saved = RETRY_SAVED;
}

bool limits_may_retry(struct io *io, enum sw_outcome outcome)
{
	/* Surely not run: it costs nothing to send it again. */
	if (outcome == SW_OUTCOME_NOT_RUN || outcome == SW_OUTCOME_THROTTLED)
		return true;
	if (io->retries_saved < 1)
		return false;
	io->retries_saved -= 1;
	return true;
}

static double usd_until(const struct sw_burst_options *options, uint32_t deadline_ms)
{
	return USD_PER_REQUEST +
	       deadline_ms / 1e3 * options->function_mb / 1024 * USD_PER_GB_SECOND;
}

double limits_dearest_usd(const struct sw_burst_options *options)
{
	return usd_until(options, options->deadline_ms);
}

double limits_dearest_visit_usd(const struct sw_burst_options *options)
{
	return usd_until(options, options->dial_back_ms + IO_VISIT_GRACE_MS);
}

double limits_budget_at_once(const struct sw_burst_options *options)
{
	return options->budget_usd_per_hour * BUDGET_AT_ONCE;
}

/* Every invocation in flight has put aside what it may cost at the dearest, so that what is spent
 * cannot pass the budget, however they end. */
static void fill_purse(struct io *io, uint64_t now_ns)
{
	const struct sw_burst_options *options = &io->burst->options;
	const double most = limits_budget_at_once(options) - io->aside_usd;
	const double flow = options->budget_usd_per_hour * (1 - BUDGET_AT_ONCE) / 3600;

	if (now_ns > io->purse_ns) {
		/* A clock that jumps brings no money. */
		const uint64_t gap_ns = now_ns - io->purse_ns, most_ns = PURSE_GAP_MS * MS_NS;

		io->purse_usd += (double)(gap_ns < most_ns ? gap_ns : most_ns) / 1e9 * flow;
	}
	io->purse_ns = now_ns;
	if (io->purse_usd > most)
		io->purse_usd = most;
}

bool limits_affords(const struct io *io, uint32_t deadline_ms)
{
	const struct sw_burst_options *options = &io->burst->options;

	return options->budget_usd_per_hour <= 0 ||
	       io->purse_usd >= usd_until(options, deadline_ms);
}

static bool affords_one(const struct io *io)
{
	return limits_affords(io, io->burst->options.deadline_ms);
}

static bool is_broke(struct io *io, uint64_t now_ns)
{
	double again = limits_budget_at_once(&io->burst->options) * BUDGET_AGAIN;

	fill_purse(io, now_ns);
	if (again < limits_dearest_usd(&io->burst->options))
		again = limits_dearest_usd(&io->burst->options);
	/* What is in flight usually costs much less than it has put aside. */
	if (io->broke)
		io->broke = io->purse_usd < again;
	else
		io->broke = !affords_one(io) && io->flying == 0;
	return io->broke;
}

static bool exhausted(struct io *io, uint64_t now_ns)
{
	const struct sw_burst_options *options = &io->burst->options;
	const struct io_counters *counters = &io->burst->counters;

	if (options->max_invocations &&
		burst_get(&counters->invocations) >= options->max_invocations)
		return true;
	return options->budget_usd_per_hour > 0 && is_broke(io, now_ns);
}

bool limits_usable(struct io *io, uint64_t now_ns)
{
	const bool spent = exhausted(io, now_ns);

	/* Functions that are there are paid for. */
	const bool over = spent && io->visiting == 0;

	burst_set(&io->burst->counters.exhausted, over);
	/* In trouble nothing waits for those that try whether it is over. */
	return !over && !io->breaker_open && !(io->troubled && !limits_has_room(io));
}

bool limits_spent(const struct io *io)
{
	const uint64_t most = io->burst->options.max_invocations;

	return most && burst_get(&io->burst->counters.invocations) >= most;
}

bool limits_probe_due(struct io *io, uint64_t now_ns)
{
	return io->breaker_open && !io->warming && now_ns >= io->probe_at_ns;
}

bool limits_has_room(const struct io *io)
{
	return io->flying < (uint32_t)io->window && affords_one(io) && !limits_spent(io);
}

/* A function that dials back has room, or none does and an invocation may be made. */
bool limits_may_go(struct io *io, uint64_t now_ns)
{
	if (!io->transport->dialback)
		return limits_has_room(io);
	return dialback_has_place(io->transport->dialback) ||
	       (visits_fail(io, now_ns) && limits_has_room(io));
}

bool limits_may_send(struct io *io)
{
	return io->tried && io->idle && limits_may_go(io, io_now(io));
}

static void tell(struct io *io, enum sw_outcome outcome, const char *detail, uint64_t now_ns)
{
	if (io->told_ns[outcome] != 0 && now_ns - io->told_ns[outcome] < LOG_EVERY_MS * MS_NS)
		return;
	io->told_ns[outcome] = now_ns;
	burst_log(io->burst, "endpoint: %s: %s: %s", io->burst->options.endpoint,
		outcome_names[outcome], detail);
}

static void set_breaker(struct io *io, bool open)
{
	io->breaker_open = open;
	burst_set(&io->burst->counters.breaker_open, open);
	atomic_store_explicit(&io->burst->io_closed, open, memory_order_relaxed);
}

/* Takes the window down to a few, to grow back quickly to what it was. */
static void shrink_to_trial(struct io *io)
{
	io->window_goal = io->window > io->window_goal ? io->window : io->window_goal;
	if (io->window > TRIAL_WINDOW)
		io->window = TRIAL_WINDOW;
	burst_set(&io->burst->counters.window, (uint64_t)io->window);
}

/* An invocation went well: whatever trouble there was is over. */
static void end_trouble(struct io *io)
{
	io->failures_in_row = 0;
	if (!io->troubled)
		return;
	io->troubled = false;
	set_breaker(io, false);
	burst_log(io->burst, "endpoint: %s: answers again: spilling goes on",
		io->burst->options.endpoint);
}

static void open_breaker(struct io *io, const char *detail, uint64_t now_ns)
{
	if (!io->troubled) {
		io->troubled = true;
		io->probe_wait_ns = PROBE_FIRST_MS * MS_NS;
		shrink_to_trial(io);
		burst_log(io->burst,
			"endpoint: %s: %s: batches are run locally, it is probed now and then",
			io->burst->options.endpoint, detail);
	} else if (!io->breaker_open || now_ns >= io->probe_at_ns) {
		io->probe_wait_ns *= 2;
		if (io->probe_wait_ns > PROBE_LONGEST_MS * MS_NS)
			io->probe_wait_ns = PROBE_LONGEST_MS * MS_NS;
	}
	set_breaker(io, true);
	io->probe_at_ns =
		now_ns + io->probe_wait_ns / 2 + next_random(io) % (io->probe_wait_ns / 2);
}

/* A connection stands: one failure more, and the breaker is open again, for longer. */
void limits_connected(struct io *io)
{
	io->tried = true;
	if (!io->breaker_open)
		return;
	set_breaker(io, false);
	io->failures_in_row = BREAKER_FAILURES;
}

void limits_not_connected(
	struct io *io, enum sw_outcome outcome, const char *detail, uint64_t now_ns)
{
	io->tried = true;
	if (!io->troubled)
		tell(io, outcome, detail, now_ns);
	open_breaker(io, detail, now_ns);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

void limits_learn(struct io *io, uint64_t round_trip_ns)
{
	struct io_counters *counters = &io->burst->counters;
	uint64_t sorted[IO_RECENT];

	io->recent[io->recent_at++ % IO_RECENT] = round_trip_ns;
	if (io->recent_count < IO_RECENT)
		io->recent_count++;
	/* Each of the first few counts, for there is nothing better yet. */
	if (io->recent_at > IO_RECENT_STEP && io->recent_at % IO_RECENT_STEP != 0)
		return;
	memcpy(sorted, io->recent, io->recent_count * sizeof(sorted[0]));
	qsort(sorted, io->recent_count, sizeof(sorted[0]), by_value);
	burst_set(&counters->remote_p50_ns, sorted[io->recent_count / 2]);
	burst_set(&counters->remote_p90_ns, sorted[io->recent_count * 9 / 10]);
}

void limits_good(struct io *io, bool invoked)
{
	const double most = io->burst->options.max_inflight;

	end_trouble(io);
	/* What was no invocation says nothing of how many the peer bears. */
	if (invoked)
		io->window += io->window < io->window_goal ? 1 : 1 / io->window;
	if (io->window > most)
		io->window = most;
	burst_set(&io->burst->counters.window, (uint64_t)io->window);
}

static void cut_window(struct io *io, uint64_t now_ns)
{
	/* What is refused in one round trip counts once. */
	uint64_t pause_ns = burst_get(&io->burst->counters.remote_p90_ns);

	if (pause_ns < WINDOW_CUT_LEAST_MS * MS_NS)
		pause_ns = WINDOW_CUT_LEAST_MS * MS_NS;
	if (pause_ns > WINDOW_CUT_MOST_MS * MS_NS)
		pause_ns = WINDOW_CUT_MOST_MS * MS_NS;
	if (now_ns - io->window_cut_ns < pause_ns)
		return;
	io->window_cut_ns = now_ns;
	/* What was in flight when the peer had enough, less a third. */
	if (io->window > io->flying + 1)
		io->window = io->flying + 1;
	io->window *= 0.7;
	if (io->window < 1)
		io->window = 1;
	io->window_goal = io->window;
	burst_set(&io->burst->counters.window, (uint64_t)io->window);
}

void limits_bad(struct io *io, enum sw_outcome outcome, const char *detail, uint64_t now_ns)
{
	uint32_t bearable = BREAKER_FAILURES;

	if (outcome == SW_OUTCOME_THROTTLED) {
		/* It lives; there is just too much of us. */
		cut_window(io, now_ns);
		return;
	}
	if (!io->troubled)
		tell(io, outcome, detail, now_ns);
	if (outcome == SW_OUTCOME_NOT_RUN || outcome == SW_OUTCOME_PERMANENT)
		bearable = BREAKER_REFUSALS;
	if (outcome == SW_OUTCOME_TIMEOUT)
		bearable = BREAKER_TIMEOUTS;
	if (now_ns - io->failed_ns >= BREAKER_SPACING_MS * MS_NS) {
		io->failed_ns = now_ns;
		io->failures_in_row++;
	}
	if (io->breaker_open || io->failures_in_row >= bearable)
		open_breaker(io, detail, now_ns);
}

static uint64_t nano_usd(double usd)
{
	return (uint64_t)(usd * 1e9 + 0.5);
}

void limits_begin(struct io *io, uint64_t now_ns)
{
	io->window = io->burst->options.max_inflight;
	io->retries_saved = RETRY_BEGIN;
	burst_set(&io->burst->counters.window, io->burst->options.max_inflight);
	io->purse_usd = limits_budget_at_once(&io->burst->options);
	io->purse_ns = now_ns;
}

void limits_put_aside(struct io *io, const struct sw_exchange *exchange)
{
	const double usd = usd_until(&io->burst->options, exchange->deadline_ms);

	burst_add(&io->burst->counters.invocations, 1);
	io->aside_usd += usd;
	io->purse_usd -= usd;
}

/* What it cost is settled: the rest goes back into the purse. */
static void settle(struct io *io, const struct sw_exchange *exchange, double usd)
{
	const double aside = usd_until(&io->burst->options, exchange->deadline_ms);

	io->aside_usd -= aside;
	io->purse_usd += aside - usd;
}

/* The endpoint may have gone on with it until the deadline. */
static bool may_have_gone_on(enum sw_outcome outcome)
{
	return outcome == SW_OUTCOME_TIMEOUT || outcome == SW_OUTCOME_BROKEN;
}

void limits_pay(struct io *io, const struct sw_exchange *exchange, uint64_t round_trip_ns)
{
	const struct sw_burst_options *options = &io->burst->options;
	struct io_counters *counters = &io->burst->counters;
	const double most_us = options->deadline_ms * 1e3;
	double function_us = (double)round_trip_ns / 1e3;
	double usd;

	/* What did not run costs nothing. */
	if (exchange->sent_ns == 0 || exchange->outcome == SW_OUTCOME_THROTTLED ||
		exchange->outcome == SW_OUTCOME_NOT_RUN) {
		settle(io, exchange, 0);
		return;
	}
	if (exchange->function_us > 0) {
		function_us = (double)exchange->function_us;
		burst_add(&counters->function_us, exchange->function_us);
		burst_set(&counters->function_us_known, 1);
	} else if (function_us > most_us) {
		function_us = most_us; /* the clock has jumped */
	}
	usd = USD_PER_REQUEST + function_us / 1e6 * options->function_mb / 1024 * USD_PER_GB_SECOND;
	burst_add(&counters->nano_usd, nano_usd(usd));
	if (exchange->function_us == 0 && may_have_gone_on(exchange->outcome) &&
		usd < usd_until(options, exchange->deadline_ms))
		usd = usd_until(options, exchange->deadline_ms);
	settle(io, exchange, usd);
}

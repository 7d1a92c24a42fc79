/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>

#include "bench/bench.h"
#include "nexmark/generator.h"

/*
 * The generator alone, batch after batch of fresh events. "all" makes every field of every event;
 * "bids" make some columns of bids, and count bids; what is for queries that read no bids counts
 * all events that it goes through. The argument is the path.
 */

#define ROWS_A_BATCH 1024
/* Of so many events one in 50 is a person, and three are auctions: ROWS_A_BATCH of these. */
#define EVENTS_A_BATCH_OF_AUCTIONS 17050

struct made {
	enum sw_nexmark_event type;
	uint32_t mask;
};

/* 0, or what creating a generator with this path says. */
static int create_path(
	int64_t path, struct sw_nexmark_generator **generator, struct sw_error *error)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	int code;

	options.num_events = 0;
	options.first_event_rate = options.next_event_rate = 1000000;
	code = sw_nexmark_generator_create(&options, generator, error);
	if (code != 0)
		return code;
	code = sw_nexmark_generator_use(*generator, (enum sw_nexmark_path)path);
	if (code == 0)
		return 0;
	sw_nexmark_generator_destroy(*generator);
	return sw_error_set(error, code, "this path cannot be used");
}

static bool can_run(int64_t path)
{
	struct sw_nexmark_generator *generator;
	int code = create_path(path, &generator, NULL);

	if (code == 0)
		sw_nexmark_generator_destroy(generator);
	return code != -ENOTSUP;
}

static struct sw_nexmark_generator *create(struct bench_run *run)
{
	struct sw_nexmark_generator *generator;
	struct sw_error error;

	if (create_path(bench_argument(run), &generator, &error) != 0) {
		bench_fail(run, error.text);
		return NULL;
	}
	bench_label(run, sw_nexmark_generator_path(generator));
	return generator;
}

/* Makes the given kinds of so many events at a time; items are all rows made, or all events. */
static void make(struct bench_run *run, const struct made *made, uint32_t kinds, uint32_t events,
	bool count_events)
{
	struct sw_nexmark_generator *generator = create(run);
	struct sw_schema schemas[SW_NEXMARK_EVENTS];
	struct sw_batch *batches[SW_NEXMARK_EVENTS] = { NULL };
	uint64_t first = 0, rows = 0;

	if (generator == NULL)
		return;
	for (uint32_t k = 0; k < kinds; k++) {
		if (sw_nexmark_generator_schema(
			    generator, made[k].type, made[k].mask, &schemas[k]) == 0)
			batches[k] = sw_batch_create(&schemas[k], ROWS_A_BATCH, 0);
		if (batches[k] == NULL) {
			bench_fail(run, "no memory");
			goto end;
		}
	}
	while (bench_more(run, 1)) {
		for (uint32_t k = 0; k < kinds; k++) {
			sw_batch_reset(batches[k]);
			if (sw_nexmark_generate(generator, made[k].type, made[k].mask, first,
				    events, batches[k]) != 0) {
				bench_fail(run, "a batch is too small");
				goto end;
			}
			rows += batches[k]->rows;
			bench_keep(batches[k]);
		}
		first += events;
	}
	bench_items(run, count_events ? first : rows);
end:
	for (uint32_t k = 0; k < kinds; k++)
		sw_batch_destroy(batches[k]);
	sw_nexmark_generator_destroy(generator);
}

static void all_fields(struct bench_run *run)
{
	static const struct made made[] = { { SW_PERSON, SW_PERSON_ALL },
		{ SW_AUCTION, SW_AUCTION_ALL }, { SW_BID, SW_BID_ALL } };

	make(run, made, 3, ROWS_A_BATCH, false);
}

static void numeric_bids(struct bench_run *run)
{
	static const struct made made = { SW_BID,
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME };

	make(run, &made, 1, ROWS_A_BATCH, false);
}

static void q2_bids(struct bench_run *run)
{
	static const struct made made = { SW_BID, SW_BID_AUCTION | SW_BID_PRICE };

	make(run, &made, 1, ROWS_A_BATCH, false);
}

static void q1_bids(struct bench_run *run)
{
	static const struct made made = { SW_BID,
		SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME | SW_BID_EXTRA };

	make(run, &made, 1, ROWS_A_BATCH, false);
}

static void q3_events(struct bench_run *run)
{
	static const struct made made[] = {
		{ SW_PERSON, SW_PERSON_ID | SW_PERSON_NAME | SW_PERSON_CITY | SW_PERSON_STATE },
		{ SW_AUCTION, SW_AUCTION_ID | SW_AUCTION_SELLER | SW_AUCTION_CATEGORY },
	};

	make(run, made, 2, EVENTS_A_BATCH_OF_AUCTIONS, true);
}

static void q8_events(struct bench_run *run)
{
	static const struct made made[] = {
		{ SW_PERSON, SW_PERSON_ID | SW_PERSON_NAME | SW_PERSON_TIME },
		{ SW_AUCTION, SW_AUCTION_SELLER | SW_AUCTION_TIME },
	};

	make(run, made, 2, EVENTS_A_BATCH_OF_AUCTIONS, true);
}

static void q9_auctions(struct bench_run *run)
{
	static const struct made made = { SW_AUCTION, SW_AUCTION_ALL & ~(uint32_t)SW_AUCTION_SEQ };

	make(run, &made, 1, EVENTS_A_BATCH_OF_AUCTIONS, false);
}

#define PATH(label, body, path)                                                                    \
	{                                                                                          \
		.name = label, .run = body, .argument = SW_NEXMARK_PATH_##path, .can_run = can_run \
	}
#define PATHS(label, body) \
	PATH(label, body, PORTABLE), PATH(label, body, AVX2), PATH(label, body, AVX512)

const struct bench_case bench_generator_cases[] = {
	PATHS("generator/all fields", all_fields),
	PATHS("generator/bids numeric", numeric_bids),
	PATHS("generator/bids auction price", q2_bids),
	PATHS("generator/bids numeric extra", q1_bids),
	PATHS("generator/events of q3", q3_events),
	PATHS("generator/events of q8", q8_events),
	PATHS("generator/auctions of q9", q9_auctions),
	{ 0 },
};

/* SPDX-License-Identifier: MIT */

/* Sources that give several kinds of events: every row once, none behind a watermark. */

#include "operators/csv_text.h"
#include "tests/nexmark/query_fixture.h"
#include "tests/nexmark/source_fixture.h"
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Generated ---- */

/* Rows of a kind and the sum of their hashes, made in one thread by the generator alone. */
static void expect(const struct source_run *run, const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint64_t sums[2])
{
	uint64_t total = (uint64_t)run->options.num_events;
	struct sw_schema schema;
	struct sw_batch *batch;
	char line[4096];

	sums[0] = sums[1] = 0;
	assert_int_equal(sw_nexmark_generator_schema(
				 generator, type, run->plan.inputs[type].columns, &schema),
		0);
	batch = sw_batch_create(&schema, 4096, 0);
	assert_non_null(batch);
	for (uint64_t first = 0; first < total; first += 4096) {
		sw_batch_reset(batch);
		assert_int_equal(sw_nexmark_generate(generator, type,
					 run->plan.inputs[type].columns, first, 4096, batch),
			0);
		sums[0] += batch->rows;
		for (uint32_t row = 0; row < batch->rows; row++)
			sums[1] += sw_csv_line_hash(line, sw_csv_row(batch, row, line));
	}
	sw_batch_destroy(batch);
}

static void gives_every_row_once(struct source_run *run)
{
	struct sw_nexmark_generator *generator;
	uint64_t rows = 0;

	assert_int_equal(sw_nexmark_generator_create(&run->options, &generator, &run->error), 0);
	if (source_run(run, generator))
		fail_msg("%s", run->error.text);
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		uint64_t sums[2];

		if (!run->plan.inputs[type].columns) {
			assert_int_equal(run->seen.batches[type], 0);
			continue;
		}
		expect(run, generator, (enum sw_nexmark_event)type, sums);
		assert_int_equal(run->seen.rows[type], sums[0]);
		assert_true(run->seen.hash[type] == sums[1]);
		rows += sums[0];
	}
	assert_int_equal(run->seen.late, 0);
	assert_int_equal(run->seen.bad, 0);
	assert_int_equal(run->stats.events, run->options.num_events);
	/* Claims that hold nothing of what is read send nothing that could carry their events. */
	assert_true(run->seen.events >= rows && run->seen.events <= run->stats.events);
	if (run->plan.inputs[SW_BID].columns && run->options.bid_proportion > 40 &&
		run->graph.batch_rows > 50 && run->options.out_of_order_group_size == 1)
		assert_int_equal(run->seen.events, run->stats.events);
	sw_nexmark_generator_destroy(generator);
}

/* What is read of each kind: of all; as q3, q8, q4, q7 and q23 do. */
static const uint32_t reads[][SW_NEXMARK_EVENTS] = {
	{ SW_PERSON_ALL, SW_AUCTION_ALL, SW_BID_ALL },
	{ SW_PERSON_ID | SW_PERSON_NAME | SW_PERSON_CITY | SW_PERSON_STATE,
		SW_AUCTION_ID | SW_AUCTION_SELLER | SW_AUCTION_CATEGORY, 0 },
	{ SW_PERSON_ID | SW_PERSON_NAME | SW_PERSON_TIME, SW_AUCTION_SELLER | SW_AUCTION_TIME, 0 },
	{ 0, SW_AUCTION_ID | SW_AUCTION_CATEGORY | SW_AUCTION_TIME | SW_AUCTION_EXPIRES,
		SW_BID_AUCTION | SW_BID_PRICE | SW_BID_TIME },
	{ 0, 0, SW_BID_AUCTION | SW_BID_PRICE | SW_BID_TIME },
	{ SW_PERSON_ALL, 0, 0 },
	{ 0, SW_AUCTION_ALL, 0 },
};

#define READS (sizeof(reads) / sizeof(reads[0]))

static void every_read(void (*set)(struct source_run *run), uint32_t batch_rows, unsigned workers)
{
	for (unsigned i = 0; i < READS; i++)
		for (int replay = 0; replay < 2; replay++) {
			struct source_run run;

			source_run_init(&run, reads[i][0], reads[i][1], reads[i][2]);
			run.graph.batch_rows = batch_rows;
			run.graph.workers = workers;
			run.op = replay ? &source_replay : &source_generator;
			set(&run);
			gives_every_row_once(&run);
		}
}

static void plain(struct source_run *run)
{
	run->options.num_events = run->graph.batch_rows > 1 ? 20000 : 2000;
}

static void any_batch_size(void **unused)
{
	(void)unused;
	every_read(plain, 1024, 1);
	every_read(plain, 1024, 3);
	every_read(plain, 7, 2);
	every_read(plain, 1, 2);
	every_read(plain, 16384, 2);
}

static void shuffled(struct source_run *run)
{
	run->options.out_of_order_group_size = 1000;
}

/* Events repeat, and whole groups are of one kind. */
static void repeating(struct source_run *run)
{
	run->options.out_of_order_group_size = 2 * 953;
	run->options.bid_proportion = 953 - 4;
	run->options.first_event_number = 77;
}

static void merged(struct source_run *run)
{
	run->options.num_event_generators = 3;
	run->options.out_of_order_group_size = 7;
}

static void held_back(struct source_run *run)
{
	run->options.prob_delayed_event = 0.2;
	run->options.occasional_delay_sec = 1;
	run->options.first_event_rate = run->options.next_event_rate = 1000;
}

static void no_bids(struct source_run *run)
{
	run->options.bid_proportion = 0;
}

static void no_people(struct source_run *run)
{
	run->options.person_proportion = 0;
	run->options.auction_proportion = 1;
	run->options.bid_proportion = 5000;
}

static void only_people(struct source_run *run)
{
	run->options.person_proportion = 3;
	run->options.auction_proportion = run->options.bid_proportion = 0;
}

static void any_stream(void **unused)
{
	static void (*const streams[])(struct source_run * run) = { shuffled, repeating, merged,
		held_back, no_bids, no_people, only_people };

	(void)unused;
	for (unsigned i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		every_read(streams[i], 1024, 2);
		every_read(streams[i], 100, 2);
		every_read(streams[i], 1, 1);
	}
}

static void batches_are_full_without_bids(void **unused)
{
	struct source_run run;

	(void)unused;
	source_run_init(&run, reads[1][0], reads[1][1], 0);
	run.options.num_events = 170510;
	gives_every_row_once(&run);
	/* 1024 auctions each, but for the last. */
	assert_int_equal(run.seen.batches[SW_AUCTION], 10);
	assert_int_equal(run.seen.batches[SW_PERSON], 10);
	assert_int_equal(run.seen.events, 170510);
	source_run_init(&run, SW_PERSON_ALL, 0, 0);
	run.options.num_events = 102400;
	gives_every_row_once(&run);
	assert_int_equal(run.seen.batches[SW_PERSON], 2);
	/* Shuffled ids seldom need a second batch. */
	source_run_init(&run, 0, SW_AUCTION_ID, 0);
	run.options.num_events = 320000;
	run.options.out_of_order_group_size = 1000;
	gives_every_row_once(&run);
	assert_true(run.seen.batches[SW_AUCTION] <= 22);
}

static uint64_t at_most_100(uint64_t rows, uint64_t text_bytes)
{
	(void)text_bytes;
	return rows > 100 ? SW_BATCH_ROWS_MAX + 1 : rows;
}

static uint64_t never(uint64_t rows, uint64_t text_bytes)
{
	(void)text_bytes;
	return rows + SW_BATCH_ROWS_MAX;
}

static void kernels_limit_batches(void **unused)
{
	struct sw_nexmark_generator *generator;
	struct source_run run;

	(void)unused;
	for (int replay = 0; replay < 2; replay++) {
		source_run_init(&run, reads[2][0], reads[2][1], 0);
		run.op = replay ? &source_replay : &source_generator;
		run.options.num_events = 10000;
		run.plan.inputs[SW_PERSON].kernel_rows = at_most_100;
		gives_every_row_once(&run);
		assert_true(run.seen.batches[SW_PERSON] >= 2);
		/* Three of seven events are auctions. */
		run.plan.inputs[SW_AUCTION].kernel_rows = at_most_100;
		run.options.bid_proportion = 3;
		gives_every_row_once(&run);
		assert_true(run.seen.batches[SW_AUCTION] >= 43);
	}
	run.plan.inputs[SW_AUCTION].kernel_rows = never;
	assert_int_equal(sw_nexmark_generator_create(&run.options, &generator, &run.error), 0);
	assert_int_equal(source_run(&run, generator), -E2BIG);
	assert_non_null(strstr(run.error.text, "auction.extra: rows are too long"));
	assert_non_null(strstr(run.error.text, "--avg-auction-byte-size"));
	sw_nexmark_generator_destroy(generator);
}

static void paced(void **unused)
{
	struct source_run run;

	(void)unused;
	source_run_init(&run, reads[1][0], reads[1][1], 0);
	run.options.num_events = 30000;
	run.options.first_event_rate = run.options.next_event_rate = 300000;
	run.config.rate_limited = true;
	gives_every_row_once(&run);
	/* It does not wait for full batches, which would be two. */
	assert_true(run.seen.batches[SW_AUCTION] > 4);
	/* One event each 3 us, as Beam rounds it. */
	assert_true(run.stats.wall_ns >= 29999 * 3000u);
}

/* ---- Files ---- */

static const char *const headers[SW_NEXMARK_EVENTS] = {
	"seq,id,name,emailAddress,creditCard,city,state,dateTime,extra\n",
	"seq,id,itemName,description,initialBid,reserve,dateTime,expires,seller,category,extra\n",
	"seq,auction,bidder,price,channel,url,dateTime,extra\n",
};

static const char *write_files(const char *people, const char *auctions, const char *bids)
{
	const char *const rows[SW_NEXMARK_EVENTS] = { people, auctions, bids };
	const char *folder = scratch_path("in");

	if (mkdir(folder, 0777))
		assert_int_equal(errno, EEXIST);
	for (int type = 0; type < SW_NEXMARK_EVENTS; type++) {
		char path[600], text[2000];

		snprintf(path, sizeof(path), "%s/%s.csv", folder,
			sw_nexmark_event_name((enum sw_nexmark_event)type));
		assert_true((size_t)snprintf(text, sizeof(text), "%s%s", headers[type],
				    rows[type]) < sizeof(text));
		write_file(path, text);
	}
	return folder;
}

static void files_init(struct source_run *run, const uint32_t columns[SW_NEXMARK_EVENTS])
{
	/* The watermark rises to 106000 by the auction, which is not late itself. */
	const char *in = write_files("1,1,n,e,c,x,OR,100000,a\n"
				     "5,2,\"n,\",e,c,x,OR,105999,b\n"
				     "6,3,n,e,c,x,OR,106000,\n",
		"2,1,n,d,1,1,110000,2,1,10,x\n"
		"7,2,n,d,1,1,105998,2,1,10,\"two\nlines\"\n",
		"3,1,2,3,c,u,90000,late\n"
		"4,1,2,3,c,u,110000,z\n");

	source_run_init(run, columns[0], columns[1], columns[2]);
	run->op = &source_csv;
	run->config.input_dir = in;
	run->plan.leaves_out_late = true;
}

static void late_rows(struct source_run *run, const char *expected)
{
	const char *path = scratch_path("late.csv");
	struct sw_error error;
	size_t bytes;
	char *text;

	assert_int_equal(sw_csv_file_open(path, &run->config.late, &error), 0);
	if (source_run(run, NULL))
		fail_msg("%s", run->error.text);
	sw_csv_file_destroy(run->config.late);
	text = read_file(path, &bytes);
	assert_string_equal(text, expected);
	free(text);
	assert_int_equal(run->stats.events, 7);
	assert_int_equal(run->seen.bad, 0);
}

static void late_rows_of_any_kind(void **unused)
{
	struct source_run run;

	(void)unused;
	files_init(&run, reads[0]);
	late_rows(&run, "bid,3,1,2,3,c,u,90000,late\n"
			"person,5,2,\"n,\",e,c,x,OR,105999,b\n"
			"auction,7,2,n,d,1,1,105998,2,1,10,\"two\nlines\"\n");
	assert_int_equal(run.stats.late_rows, 3);
	assert_int_equal(run.seen.rows[SW_PERSON], 2);
	assert_int_equal(run.seen.rows[SW_AUCTION], 1);
	assert_int_equal(run.seen.rows[SW_BID], 1);
	assert_int_equal(run.seen.late, 0);
	/* Rows that are not read are not late, but raise the watermark. */
	files_init(&run, reads[5]);
	late_rows(&run, "5,2,\"n,\",e,c,x,OR,105999,b\n");
	assert_int_equal(run.stats.late_rows, 1);
	files_init(&run, reads[2]);
	late_rows(&run, "person,5,2,\"n,\",e,c,x,OR,105999,b\n"
			"auction,7,2,n,d,1,1,105998,2,1,10,\"two\nlines\"\n");
	assert_int_equal(run.stats.late_rows, 2);
	files_init(&run, reads[0]);
	run.plan.leaves_out_late = false;
	late_rows(&run, "");
	assert_int_equal(run.stats.late_rows, 0);
	assert_int_equal(run.seen.rows[SW_PERSON], 3);
	assert_int_equal(run.seen.rows[SW_AUCTION], 2);
	assert_int_equal(run.seen.rows[SW_BID], 2);
}

/* A row that waits in one batch holds the watermark, however often the others are full. */
static void small_batches_of_files(void **unused)
{
	(void)unused;
	for (uint32_t batch_rows = 1; batch_rows < 4; batch_rows++)
		for (unsigned i = 0; i < READS; i++) {
			struct source_run run;

			files_init(&run, reads[i]);
			run.graph.batch_rows = batch_rows;
			run.config.watermark_delay_ms = 0;
			if (source_run(&run, NULL))
				fail_msg("%s", run.error.text);
			assert_int_equal(run.seen.late, 0);
			assert_int_equal(run.seen.bad, 0);
		}
}

static void numbers_of_kinds_not_read(void **unused)
{
	struct source_run run;

	(void)unused;
	files_init(&run, reads[2]);
	run.config.input_dir = write_files("1,1,n,e,c,x,OR,100000,a\n",
		"2,one,n,d,1,1,110000,2,1,10,x\n", "3,one,2,3,c,u,120000,z\n");
	assert_int_equal(source_run(&run, NULL), 0);
	run.plan.inputs[SW_AUCTION].columns |= SW_AUCTION_ID;
	assert_int_equal(source_run(&run, NULL), -EBADMSG);
	assert_non_null(
		strstr(run.error.text, "auction.csv: line 2: id: \"one\" is not a whole number"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_batch_size),
		cmocka_unit_test(any_stream),
		cmocka_unit_test(batches_are_full_without_bids),
		cmocka_unit_test(kernels_limit_batches),
		cmocka_unit_test(paced),
		cmocka_unit_test(late_rows_of_any_kind),
		cmocka_unit_test(small_batches_of_files),
		cmocka_unit_test(numbers_of_kinds_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

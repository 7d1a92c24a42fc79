/* SPDX-License-Identifier: MIT */

/*
 * q8, new users: the persons who came and opened an auction in the same tumbling window of 10 s.
 *
 *	SELECT P.id, P.name, P.start AS starttime
 *	FROM (SELECT DISTINCT id, name, start FROM person per window) P
 *	JOIN (SELECT DISTINCT seller, start FROM auction per window) A
 *	ON P.id = A.seller AND P.start = A.start
 *
 * Plan: kernels put the window in the time's place, and leave of auctions the different (seller,
 * window) of a batch; the merge (operators/window_join.c) is keyed by the person.
 */

#include <errno.h>

#include "nexmark/groups_private.h"
#include "nexmark/queries_private.h"
#include "operators/window_join.h"

enum { PERSON_ID, PERSON_NAME, PERSON_TIME };
enum { IN_TIME, IN_SELLER };
enum { OUT_SELLER, OUT_WINDOW };

static const struct sw_schema schema_persons_in = {
	.columns = 3,
	.fields = { FIELD_ID("id"), FIELD_TEXT("name", PERSON_NAME_BYTES), FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_persons = {
	.columns = 3,
	.fields = { FIELD_ID("id"), FIELD_TEXT("name", PERSON_NAME_BYTES), FIELD_TIME("window") },
};

static const struct sw_schema schema_auctions_in = {
	.columns = 2,
	.fields = { FIELD_TIME("dateTime"), FIELD_ID("seller") },
};

static const struct sw_schema schema_auctions = {
	.columns = 2,
	.fields = { FIELD_ID("seller"), FIELD_TIME("window") },
};

static const struct sw_schema schema_result = {
	.columns = 3,
	.fields = { FIELD_ID("id"), FIELD_TEXT("name", PERSON_NAME_BYTES),
		FIELD_TIME("starttime") },
};

static int persons_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	int64_t *times = in->columns[PERSON_TIME].data;

	(void)config;
	(void)scratch;
	(void)out;
	/* All rows, selected or not. */
	for (uint32_t i = 0; i < in->rows; i++)
		times[i] = window_start(times[i], WINDOW_MS);
	in->schema = &schema_persons;
	return 0;
}

static int auctions_run(
	const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *times = in->columns[IN_TIME].data;
	const int64_t *sellers = in->columns[IN_SELLER].data;
	int64_t *to_sellers = out->columns[OUT_SELLER].data;
	int64_t *to_windows = out->columns[OUT_WINDOW].data;
	uint32_t rows = sw_batch_count(in), row;
	struct groups *groups = scratch;

	(void)config;
	if (rows > SW_BATCH_ROWS_MAX || rows > out->capacity)
		return -EINVAL;
	groups_begin(groups, rows);
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t from = sw_batch_row(in, i);

		groups_find(groups, to_sellers, to_windows, sellers[from],
			window_start(times[from], WINDOW_MS), &row);
	}
	out->rows = groups->rows;
	return 0;
}

const struct sw_kernel kernel_q8_persons = {
	.name = "q8.persons",
	.version = 1,
	.in = &schema_persons_in,
	.out = &schema_persons,
	.in_place = true,
	.run = persons_run,
};

const struct sw_kernel kernel_q8_auctions = {
	.name = "q8.auctions",
	.version = 1,
	.in = &schema_auctions_in,
	.out = &schema_auctions,
	.scratch_bytes = sizeof(struct groups),
	.run = auctions_run,
};

static const struct sw_window_join_config merge_config = { .window_ms = WINDOW_MS };

static int q8_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	(void)options;
	(void)error;
	plan->inputs[SW_PERSON] = (struct plan_input){
		.columns = SW_PERSON_ID | SW_PERSON_NAME | SW_PERSON_TIME,
		.kernel = &kernel_q8_persons,
		.key_column = PERSON_ID,
	};
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns = SW_AUCTION_TIME | SW_AUCTION_SELLER,
		.kernel = &kernel_q8_auctions,
		.key_column = OUT_SELLER,
	};
	plan->leaves_out_late = true;
	plan_add_merge(plan, &sw_window_join, &merge_config, &schema_result);
	return 0;
}

const struct query query_q8 = {
	.about = {
		.name = "q8",
		.title = "new users",
		.columns = "id,name,starttime",
		.reads = "person.id,person.name,person.dateTime,auction.dateTime,auction.seller",
		.keys = "person.id = auction.seller, window",
		.spills = "windows of persons, distinct sellers of auctions",
		.state = "the persons and sellers of each open window",
	},
	.plan = q8_plan,
};

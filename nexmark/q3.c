/* SPDX-License-Identifier: MIT */

/*
 * q3, local items: the auctions of category 10 whose sellers live in OR, ID or CA.
 *
 *	SELECT P.name, P.city, P.state, A.id FROM auction A JOIN person P ON A.seller = P.id
 *	WHERE A.category = 10 AND P.state IN ('OR', 'ID', 'CA')
 *
 * Plan: kernels filter persons, and filter auctions and leave of them what is needed; the merge
 * (operators/equi_join.c) is keyed by the person. Where ids are unique, auctions are kept only
 * until their seller comes.
 */

#include <errno.h>
#include <string.h>

#include "nexmark/queries_private.h"
#include "nexmark/selection_private.h"
#include "operators/equi_join.h"

#define CATEGORY 10

enum { PERSON_ID, PERSON_NAME, PERSON_CITY, PERSON_STATE };
enum { IN_ID, IN_SELLER, IN_CATEGORY };
enum { AUCTION_SELLER, AUCTION_ID };
enum { PERSONS, AUCTIONS };

static const struct sw_schema schema_persons = {
	.columns = 4,
	.fields = { FIELD_ID("id"), FIELD_TEXT("name", PERSON_NAME_BYTES),
		FIELD_TEXT("city", PERSON_CITY_BYTES), FIELD_TEXT("state", PERSON_STATE_BYTES) },
};

static const struct sw_schema schema_in = {
	.columns = 3,
	.fields = { FIELD_ID("id"), FIELD_ID("seller"), FIELD_ID("category") },
};

static const struct sw_schema schema_auctions = {
	.columns = 2,
	.fields = { FIELD_ID("seller"), FIELD_ID("id") },
};

static const struct sw_schema schema_result = {
	.columns = 4,
	.fields = { FIELD_TEXT("name", PERSON_NAME_BYTES), FIELD_TEXT("city", PERSON_CITY_BYTES),
		FIELD_TEXT("state", PERSON_STATE_BYTES), FIELD_ID("id") },
};

static inline bool is_local(const void *states, uint32_t row)
{
	static const char local[][2] = { { 'O', 'R' }, { 'I', 'D' }, { 'C', 'A' } };
	struct sw_text state = sw_column_text(states, row);

	if (state.size != 2)
		return false;
	for (unsigned i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (!memcmp(state.bytes, local[i], 2))
			return true;
	return false;
}

static int persons_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	(void)config;
	(void)scratch;
	(void)out;
	select_rows(in, is_local, &in->columns[PERSON_STATE]);
	return 0;
}

static int auctions_run(
	const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *ids = in->columns[IN_ID].data;
	const int64_t *sellers = in->columns[IN_SELLER].data;
	const int64_t *categories = in->columns[IN_CATEGORY].data;
	int64_t *to_sellers = out->columns[AUCTION_SELLER].data;
	int64_t *to_ids = out->columns[AUCTION_ID].data;
	uint32_t rows = sw_batch_count(in), count = 0;

	(void)config;
	(void)scratch;
	if (rows > out->capacity)
		return -EINVAL;
	/* Without a branch: each row is written, and stays when the next one does not take its
	 * place. */
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t row = sw_batch_row(in, i);

		to_sellers[count] = sellers[row];
		to_ids[count] = ids[row];
		count += categories[row] == CATEGORY;
	}
	out->rows = count;
	return 0;
}

const struct sw_kernel kernel_q3_persons = {
	.name = "q3.persons",
	.version = 1,
	.in = &schema_persons,
	.out = &schema_persons,
	.in_place = true,
	.run = persons_run,
};

const struct sw_kernel kernel_q3_auctions = {
	.name = "q3.auctions",
	.version = 1,
	.in = &schema_in,
	.out = &schema_auctions,
	.run = auctions_run,
};

static int q3_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_equi_join_config *config = plan_config(plan, sizeof(*config));

	(void)options;
	(void)error;
	*config = (struct sw_equi_join_config){
		.inputs = 2,
		.key = { PERSON_ID, AUCTION_SELLER },
		.unique = plan->facts.unique_ids ? 1u << PERSONS : 0,
		.out = &schema_result,
		.from = { { PERSONS, PERSON_NAME }, { PERSONS, PERSON_CITY },
			{ PERSONS, PERSON_STATE }, { AUCTIONS, AUCTION_ID } },
	};
	plan->inputs[SW_PERSON] = (struct plan_input){
		.columns = SW_PERSON_ID | SW_PERSON_NAME | SW_PERSON_CITY | SW_PERSON_STATE,
		.kernel = &kernel_q3_persons,
		.key_column = PERSON_ID,
	};
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns = SW_AUCTION_ID | SW_AUCTION_SELLER | SW_AUCTION_CATEGORY,
		.kernel = &kernel_q3_auctions,
		.key_column = AUCTION_SELLER,
	};
	plan_add_merge(plan, &sw_equi_join, config, &schema_result);
	return 0;
}

const struct query query_q3 = {
	.about = {
		.name = "q3",
		.title = "local items",
		.columns = "name,city,state,id",
		.reads = "person.id,person.name,person.city,person.state,auction.id,auction.seller,"
			 "auction.category",
		.keys = "person.id = auction.seller",
		.spills = "filter and projection before the join",
		.state = "the persons of three states; auctions of category 10 whose seller has not "
			 "come",
	},
	.plan = q3_plan,
};

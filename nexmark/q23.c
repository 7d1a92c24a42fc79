/* SPDX-License-Identifier: MIT */

/*
 * q23, three-way join: every bid with the person who made it and with each auction that this person
 * sells.
 *
 *	SELECT B.bidder, B.price, B.channel, B.url, B.extra, P.id, P.name, P.emailAddress,
 *	P.creditCard, P.city, P.state, P.extra, A.itemName, A.description, A.initialBid, A.reserve,
 *	A.dateTime, A.expires, A.seller, A.category, A.extra
 *	FROM bid B JOIN person P ON B.bidder = P.id JOIN auction A ON A.seller = P.id
 *
 * Plan: the kernels hand their rows on; the merge (operators/equi_join.c) is keyed by the person.
 * Any row may find partners for ever, so all are kept.
 */

#include "nexmark/queries_private.h"
#include "operators/equi_join.h"

enum { PERSON_ID, PERSON_NAME, PERSON_EMAIL, PERSON_CARD, PERSON_CITY, PERSON_STATE, PERSON_EXTRA };
enum { AUCTION_COLUMNS };
enum { BID_BIDDER, BID_PRICE, BID_CHANNEL, BID_URL, BID_EXTRA };
enum { PERSONS, AUCTIONS, BIDS };

static const struct sw_schema schema_persons = {
	.columns = 7,
	.fields = { FIELD_ID("id"), FIELD_TEXT("name", PERSON_NAME_BYTES),
		FIELD_TEXT("emailAddress", PERSON_EMAIL_BYTES),
		FIELD_TEXT("creditCard", PERSON_CARD_BYTES), FIELD_TEXT("city", PERSON_CITY_BYTES),
		FIELD_TEXT("state", PERSON_STATE_BYTES), FIELD_TEXT("extra", PERSON_EXTRA_BYTES) },
};

static const struct sw_schema schema_auctions = {
	.columns = 9,
	.fields = { AUCTION_FIELDS("dateTime", "extra") },
};

static const struct sw_schema schema_bids = {
	.columns = 5,
	.fields = { FIELD_ID("bidder"), FIELD_ID("price"), FIELD_TEXT("channel", BID_CHANNEL_BYTES),
		FIELD_TEXT("url", BID_URL_BYTES), FIELD_TEXT("extra", BID_EXTRA_BYTES) },
};

static const struct sw_schema schema_result = {
	.columns = 21,
	.fields = { FIELD_ID("bidder"), FIELD_ID("price"), FIELD_TEXT("channel", BID_CHANNEL_BYTES),
		FIELD_TEXT("url", BID_URL_BYTES), FIELD_TEXT("bid_extra", BID_EXTRA_BYTES),
		FIELD_ID("person_id"), FIELD_TEXT("name", PERSON_NAME_BYTES),
		FIELD_TEXT("emailAddress", PERSON_EMAIL_BYTES),
		FIELD_TEXT("creditCard", PERSON_CARD_BYTES), FIELD_TEXT("city", PERSON_CITY_BYTES),
		FIELD_TEXT("state", PERSON_STATE_BYTES),
		FIELD_TEXT("person_extra", PERSON_EXTRA_BYTES),
		AUCTION_FIELDS("auction_dateTime", "auction_extra") },
};

const struct sw_kernel kernel_q23_persons = KERNEL_HANDS_ON("q23.persons", &schema_persons);
const struct sw_kernel kernel_q23_auctions = KERNEL_HANDS_ON("q23.auctions", &schema_auctions);
const struct sw_kernel kernel_q23_bids = KERNEL_HANDS_ON("q23.bids", &schema_bids);

static int q23_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct sw_equi_join_config *join = plan_config(plan, sizeof(*join));

	(void)options;
	(void)error;
	*join = (struct sw_equi_join_config){
		.inputs = 3,
		.key = { [PERSONS] = PERSON_ID, [AUCTIONS] = AUCTION_SELLER, [BIDS] = BID_BIDDER },
		.unique = plan->facts.unique_ids ? 1u << PERSONS : 0,
		.out = &schema_result,
		.from = { { BIDS, BID_BIDDER }, { BIDS, BID_PRICE }, { BIDS, BID_CHANNEL },
			{ BIDS, BID_URL }, { BIDS, BID_EXTRA }, { PERSONS, PERSON_ID },
			{ PERSONS, PERSON_NAME }, { PERSONS, PERSON_EMAIL },
			{ PERSONS, PERSON_CARD }, { PERSONS, PERSON_CITY },
			{ PERSONS, PERSON_STATE }, { PERSONS, PERSON_EXTRA },
			AUCTION_COLUMNS_OF(AUCTIONS) },
	};
	plan->inputs[SW_PERSON] = (struct plan_input){
		.columns = SW_PERSON_ALL & ~(SW_PERSON_SEQ | SW_PERSON_TIME),
		.kernel = &kernel_q23_persons,
		.key_column = PERSON_ID,
	};
	plan->inputs[SW_AUCTION] = (struct plan_input){
		.columns = SW_AUCTION_ALL & ~(SW_AUCTION_SEQ | SW_AUCTION_ID),
		.kernel = &kernel_q23_auctions,
		.key_column = AUCTION_SELLER,
	};
	plan->inputs[SW_BID] = (struct plan_input){
		.columns =
			SW_BID_BIDDER | SW_BID_PRICE | SW_BID_CHANNEL | SW_BID_URL | SW_BID_EXTRA,
		.kernel = &kernel_q23_bids,
		.key_column = BID_BIDDER,
	};
	plan_add_merge(plan, &sw_equi_join, join, &schema_result);
	return 0;
}

const struct query query_q23 = {
	.about = {
		.name = "q23",
		.title = "three-way join",
		.columns = "bidder,price,channel,url,bid_extra,person_id,name,emailAddress,creditCard,"
			   "city,state,person_extra,itemName,description,initialBid,reserve,"
			   "auction_dateTime,expires,seller,category,auction_extra",
		.reads = "person.id,person.name,person.emailAddress,person.creditCard,person.city,"
			 "person.state,person.extra,auction.itemName,auction.description,"
			 "auction.initialBid,auction.reserve,auction.dateTime,auction.expires,"
			 "auction.seller,auction.category,auction.extra,bid.bidder,bid.price,"
			 "bid.channel,bid.url,bid.extra",
		.keys = "person.id = auction.seller = bid.bidder",
		.spills = "rows",
		.state = "all persons, auctions and bids",
	},
	.plan = q23_plan,
};

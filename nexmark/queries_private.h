/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_QUERIES_PRIVATE_H
#define SW_NEXMARK_QUERIES_PRIVATE_H

#include "nexmark/query_private.h"

/* What the queries' files share: the spelling of schemas, and the kernels they define. */

#define FIELD_ID(column)                           \
	{                                          \
		.name = (column), .type = SW_INT64 \
	}
#define FIELD_INT32(column)                        \
	{                                          \
		.name = (column), .type = SW_INT32 \
	}
#define FIELD_TIME(column)                           \
	{                                            \
		.name = (column), .type = SW_TIME_MS \
	}
#define FIELD_DECIMAL3(column)                        \
	{                                             \
		.name = (column), .type = SW_DECIMAL3 \
	}
#define FIELD_TEXT(column, bytes)                                        \
	{                                                                \
		.name = (column), .type = SW_TEXT, .text_bytes = (bytes) \
	}
/* The last column of a changelog. */
#define FIELD_CHANGE                               \
	{                                          \
		.name = "change", .type = SW_INT32 \
	}

/* A kernel that hands its rows on as they are. */
#define KERNEL_HANDS_ON(kernel_name, rows)                                        \
	{                                                                         \
		.name = (kernel_name), .version = 1, .in = (rows), .out = (rows), \
		.in_place = true, .run = hand_on                                  \
	}

int hand_on(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out);

/* Typical bytes a row with the generator's defaults. */
#define BID_CHANNEL_BYTES         12
#define BID_URL_BYTES             88
#define BID_EXTRA_BYTES           84
#define PERSON_NAME_BYTES         12
#define PERSON_EMAIL_BYTES        16
#define PERSON_CARD_BYTES         19
#define PERSON_CITY_BYTES         9
#define PERSON_STATE_BYTES        2
#define PERSON_EXTRA_BYTES        140
#define AUCTION_NAME_BYTES        12
#define AUCTION_DESCRIPTION_BYTES 52
#define AUCTION_EXTRA_BYTES       390

/*
 * Columns that several queries read and give side by side, in the order of the CSV files: a bid's
 * but its seq, and what there is to know of an auction beside its id. As numbers (for an enum too),
 * as a schema's fields, and as the origin of an output's columns. Time and extra have other names
 * where there are two of them.
 */
#define BID_COLUMNS BID_AUCTION, BID_BIDDER, BID_PRICE, BID_CHANNEL, BID_URL, BID_TIME, BID_EXTRA
#define BID_FIELDS(time, extra)                                                             \
	FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),                         \
		FIELD_TEXT("channel", BID_CHANNEL_BYTES), FIELD_TEXT("url", BID_URL_BYTES), \
		FIELD_TIME(time), FIELD_TEXT(extra, BID_EXTRA_BYTES)

#define AUCTION_COLUMNS                                                                        \
	AUCTION_NAME, AUCTION_DESCRIPTION, AUCTION_INITIAL_BID, AUCTION_RESERVE, AUCTION_TIME, \
		AUCTION_EXPIRES, AUCTION_SELLER, AUCTION_CATEGORY, AUCTION_EXTRA
#define AUCTION_FIELDS(time, extra)                                                               \
	FIELD_TEXT("itemName", AUCTION_NAME_BYTES),                                               \
		FIELD_TEXT("description", AUCTION_DESCRIPTION_BYTES), FIELD_ID("initialBid"),     \
		FIELD_ID("reserve"), FIELD_TIME(time), FIELD_TIME("expires"), FIELD_ID("seller"), \
		FIELD_ID("category"), FIELD_TEXT(extra, AUCTION_EXTRA_BYTES)
/* clang-format off */
#define AUCTION_COLUMNS_OF(input)                                                              \
	{ (input), AUCTION_NAME }, { (input), AUCTION_DESCRIPTION },                           \
	{ (input), AUCTION_INITIAL_BID }, { (input), AUCTION_RESERVE },                        \
	{ (input), AUCTION_TIME }, { (input), AUCTION_EXPIRES }, { (input), AUCTION_SELLER },  \
	{ (input), AUCTION_CATEGORY }, { (input), AUCTION_EXTRA }
/* clang-format on */

#define WINDOW_MS 10000 /* q7, q8, q12 */
#define DAY_MS    86400000

extern const struct sw_kernel kernel_q0, kernel_q1, kernel_q2, kernel_q7, kernel_q12_arrival,
	kernel_q12_event, kernel_tokenize, kernel_tokens;
extern const struct sw_kernel kernel_q3_persons, kernel_q3_auctions, kernel_q5, kernel_q8_persons,
	kernel_q8_auctions, kernel_q11;
/* q4, q6: auctions' times, and of the bids of an auction at one time the highest price. */
extern const struct sw_kernel kernel_q4_auctions, kernel_q4_bids, kernel_q6_auctions,
	kernel_q9_auctions, kernel_q9_bids;
extern const struct sw_kernel kernel_q10, kernel_q13, kernel_q14, kernel_q15, kernel_q16,
	kernel_q17, kernel_q18, kernel_q19, kernel_q20_auctions, kernel_q20_bids, kernel_q21,
	kernel_q22, kernel_q23_persons, kernel_q23_auctions, kernel_q23_bids, kernel_cep;

/* Start of the tumbling window that holds this time; windows start at multiples since 1970. */
static inline int64_t window_start(int64_t time_ms, int64_t window_ms)
{
	int64_t past = time_ms % window_ms;

	/* Unsigned: a function may be handed any time. */
	return (int64_t)((uint64_t)time_ms - (uint64_t)(past < 0 ? past + window_ms : past));
}

#endif

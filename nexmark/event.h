/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_EVENT_H
#define SW_NEXMARK_EVENT_H

#include <stdint.h>

#include "nexmark/options.h"
#include "runtime/batch.h"

/*
 * The three kinds of Nexmark events and their columns. A column is a bit of its kind's mask; bits
 * are in the order of the CSV files' columns, and so are the columns of a masked schema.
 */

SW_BEGIN_DECLS

enum sw_nexmark_event { SW_PERSON, SW_AUCTION, SW_BID };

#define SW_NEXMARK_EVENTS 3

enum sw_person_column {
	SW_PERSON_SEQ = 1 << 0,
	SW_PERSON_ID = 1 << 1,
	SW_PERSON_NAME = 1 << 2,
	SW_PERSON_EMAIL = 1 << 3,
	SW_PERSON_CARD = 1 << 4,
	SW_PERSON_CITY = 1 << 5,
	SW_PERSON_STATE = 1 << 6,
	SW_PERSON_TIME = 1 << 7,
	SW_PERSON_EXTRA = 1 << 8,
	SW_PERSON_ALL = (1 << 9) - 1,
};

enum sw_auction_column {
	SW_AUCTION_SEQ = 1 << 0,
	SW_AUCTION_ID = 1 << 1,
	SW_AUCTION_NAME = 1 << 2,
	SW_AUCTION_DESCRIPTION = 1 << 3,
	SW_AUCTION_INITIAL_BID = 1 << 4,
	SW_AUCTION_RESERVE = 1 << 5,
	SW_AUCTION_TIME = 1 << 6,
	SW_AUCTION_EXPIRES = 1 << 7,
	SW_AUCTION_SELLER = 1 << 8,
	SW_AUCTION_CATEGORY = 1 << 9,
	SW_AUCTION_EXTRA = 1 << 10,
	SW_AUCTION_ALL = (1 << 11) - 1,
};

enum sw_bid_column {
	SW_BID_SEQ = 1 << 0,
	SW_BID_AUCTION = 1 << 1,
	SW_BID_BIDDER = 1 << 2,
	SW_BID_PRICE = 1 << 3,
	SW_BID_CHANNEL = 1 << 4,
	SW_BID_URL = 1 << 5,
	SW_BID_TIME = 1 << 6,
	SW_BID_EXTRA = 1 << 7,
	SW_BID_ALL = (1 << 8) - 1,
};

/* "person", "auction", "bid": also the files' names. Null for another number. */
SW_API const char *sw_nexmark_event_name(enum sw_nexmark_event type);

/* Every column of the kind, in order, text as plain text of typical size. Static, immutable. */
SW_API const struct sw_schema *sw_nexmark_full_schema(enum sw_nexmark_event type);

/*
 * The schema of just the masked columns, in order, all text plain (files, functions). options
 * (borrowed for the call) gives each text column its exact greatest row in bytes; null: typical
 * sizes. Any thread. 0; -EINVAL for an unknown kind, an empty mask or unknown bits.
 * Generated batches have sw_nexmark_generator_schema's instead (dictionaries).
 */
SW_API SW_MUST_CHECK int sw_nexmark_schema(enum sw_nexmark_event type, uint32_t mask,
	const struct sw_nexmark_options *options, struct sw_schema *out);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_OPTIONS_H
#define SW_NEXMARK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/* What the generator can be told: Beam's options under Beam's names, and a few of the Flink suite.
 */

SW_BEGIN_DECLS

enum sw_rate_shape { SW_RATE_SQUARE, SW_RATE_SINE };
enum sw_rate_unit { SW_RATE_PER_SECOND, SW_RATE_PER_MINUTE };

/* Defaults are Beam's but for num_event_generators and prob_delayed_event. */
struct sw_nexmark_options {
	size_t size;                  /* of this struct; set by SW_NEXMARK_OPTIONS_INIT */
	int64_t num_events;           /* 0: without end */
	int64_t num_event_generators; /* timelines that share the rate; here 1 */
	int64_t generator;            /* make only this one of them; -1: all, by turns */
	enum sw_rate_shape rate_shape;
	int64_t first_event_rate; /* events a rate_unit */
	int64_t next_event_rate;
	enum sw_rate_unit rate_unit;
	int64_t rate_period_sec; /* seconds for all steps of a shape */
	int64_t avg_person_byte_size;
	int64_t avg_auction_byte_size;
	int64_t avg_bid_byte_size;
	int64_t hot_auction_ratio;
	int64_t hot_sellers_ratio;
	int64_t hot_bidders_ratio;
	int64_t num_in_flight_auctions;
	int64_t num_active_people;
	int64_t out_of_order_group_size; /* events */
	int64_t watermark_holdback_sec;
	int64_t occasional_delay_sec; /* longest hold-back of a delayed event */
	double prob_delayed_event;    /* share of events held back, 0..1; here 0 */
	int64_t first_event_id;
	int64_t first_event_number;
	int64_t base_time; /* ms since 1970 */
	int64_t person_proportion;
	int64_t auction_proportion;
	int64_t bid_proportion;
	bool double_person_offset; /* the Flink suite's: bidders are 1000 higher */
};

#define SW_NEXMARK_OPTIONS_INIT                                                                   \
	{                                                                                         \
		.size = sizeof(struct sw_nexmark_options), .num_events = 100000,                  \
		.num_event_generators = 1, .generator = -1, .rate_shape = SW_RATE_SINE,           \
		.first_event_rate = 10000, .next_event_rate = 10000,                              \
		.rate_unit = SW_RATE_PER_SECOND, .rate_period_sec = 600,                          \
		.avg_person_byte_size = 200, .avg_auction_byte_size = 500,                        \
		.avg_bid_byte_size = 100, .hot_auction_ratio = 2, .hot_sellers_ratio = 4,         \
		.hot_bidders_ratio = 4, .num_in_flight_auctions = 100, .num_active_people = 1000, \
		.out_of_order_group_size = 1, .watermark_holdback_sec = 0,                        \
		.occasional_delay_sec = 3, .prob_delayed_event = 0, .first_event_id = 0,          \
		.first_event_number = 0, .base_time = 1436918400000, .person_proportion = 1,      \
		.auction_proportion = 3, .bid_proportion = 46, .double_person_offset = false,     \
	}

/* One option, for help texts and reports. All strings are static. */
struct sw_nexmark_option {
	const char *name;         /* kebab case: "first-event-rate" */
	const char *unit;         /* "events", "s", "SQUARE|SINE", ...; "" for a flag */
	const char *default_text; /* "10000" */
	const char *help;
};

/* The index-th option, or null past the last: `for (i = 0; (o = sw_nexmark_option_at(i)); i++)`. */
SW_API const struct sw_nexmark_option *sw_nexmark_option_at(uint32_t index);

/* The option called name, in kebab or camel case; null when there is none. */
SW_API const struct sw_nexmark_option *sw_nexmark_option_find(const char *name);

/*
 * Sets the option called name (kebab or camel case, without dashes before it) from text; a flag
 * also takes "true", "false" or null (true). 0; -ENOENT for an unknown name; -EINVAL for text that
 * is no such value; -ERANGE for a number out of its range. *error (may be null) says what is wrong.
 */
SW_API SW_MUST_CHECK int sw_nexmark_options_set(struct sw_nexmark_options *options,
	const char *name, const char *text, struct sw_error *error);

/* The value in force as text (a flag: "true" or "false"). 0, or -ENOENT or -ENOSPC. */
SW_API SW_MUST_CHECK int sw_nexmark_options_get(
	const struct sw_nexmark_options *options, const char *name, char *text, size_t text_bytes);

/* Ranges, and what only holds between options. 0, or -EINVAL or -ERANGE with *error filled. */
SW_API SW_MUST_CHECK int sw_nexmark_options_check(
	const struct sw_nexmark_options *options, struct sw_error *error);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#include "nexmark/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/stream_time.h"

/* Event numbers, ids and times stay far enough from 2^63 that no sum of them overflows. */
#define NUMBER_MAX     (INT64_C(1) << 52)
#define NAME_MAX_BYTES 40

enum kind { INTEGER, SHAPE, UNIT, SHARE, FLAG };

struct option {
	struct sw_nexmark_option public;
	size_t offset;
	enum kind kind;
	int64_t min, max;
};

#define FIELD(name) offsetof(struct sw_nexmark_options, name)

static const struct option table[] = {
	{ { "num-events", "events", "100000", "events to make (0: until stopped)" },
		FIELD(num_events), INTEGER, 0, NUMBER_MAX },
	{ { "num-event-generators", "generators", "1",
		  "timelines from the base time on that share the rate" },
		FIELD(num_event_generators), INTEGER, 1, 1000000 },
	{ { "generator", "number", "-1",
		  "make only this one of the generators (-1: all, by turns)" },
		FIELD(generator), INTEGER, -1, 999999 },
	{ { "rate-shape", "SQUARE|SINE", "SINE", "how the rate goes from first to next and back" },
		FIELD(rate_shape), SHAPE, 0, 0 },
	{ { "first-event-rate", "events a unit", "10000", "rate at the start of a period" },
		FIELD(first_event_rate), INTEGER, 1, 1000000000 },
	{ { "next-event-rate", "events a unit", "10000", "rate in the middle of a period" },
		FIELD(next_event_rate), INTEGER, 1, 1000000000 },
	{ { "rate-unit", "PER_SECOND|PER_MINUTE", "PER_SECOND", "unit of the rates" },
		FIELD(rate_unit), UNIT, 0, 0 },
	{ { "rate-period-sec", "s", "600", "length of a period of the rate's shape" },
		FIELD(rate_period_sec), INTEGER, 1, 1000000000 },
	{ { "avg-person-byte-size", "bytes", "200", "average size of a person" },
		FIELD(avg_person_byte_size), INTEGER, 0, 16384 },
	{ { "avg-auction-byte-size", "bytes", "500", "average size of an auction" },
		FIELD(avg_auction_byte_size), INTEGER, 0, 16384 },
	{ { "avg-bid-byte-size", "bytes", "100", "average size of a bid" },
		FIELD(avg_bid_byte_size), INTEGER, 0, 16384 },
	{ { "hot-auction-ratio", "bids", "2", "of so many bids all but one go to a hot auction" },
		FIELD(hot_auction_ratio), INTEGER, 1, INT32_MAX },
	{ { "hot-sellers-ratio", "auctions", "4",
		  "of so many auctions all but one have a hot seller" },
		FIELD(hot_sellers_ratio), INTEGER, 1, INT32_MAX },
	{ { "hot-bidders-ratio", "bids", "4", "of so many bids all but one have a hot bidder" },
		FIELD(hot_bidders_ratio), INTEGER, 1, INT32_MAX },
	{ { "num-in-flight-auctions", "auctions", "100", "auctions open at a time" },
		FIELD(num_in_flight_auctions), INTEGER, 0, 1000000000 },
	{ { "num-active-people", "people", "1000", "people who bid and sell at a time" },
		FIELD(num_active_people), INTEGER, 0, 1000000000 },
	{ { "out-of-order-group-size", "events", "1", "events that are shuffled among themselves" },
		FIELD(out_of_order_group_size), INTEGER, 1, INT32_MAX },
	{ { "watermark-holdback-sec", "s", "0", "how far the watermark stays behind" },
		FIELD(watermark_holdback_sec), INTEGER, 0, 1000000000 },
	{ { "occasional-delay-sec", "s", "3", "longest delay of an event held back" },
		FIELD(occasional_delay_sec), INTEGER, 1, 2000000 },
	{ { "prob-delayed-event", "share", "0", "share of events held back for a while" },
		FIELD(prob_delayed_event), SHARE, 0, 1 },
	{ { "first-event-id", "id", "0", "id of the first event" }, FIELD(first_event_id), INTEGER,
		0, NUMBER_MAX },
	{ { "first-event-number", "number", "0", "number of the first event" },
		FIELD(first_event_number), INTEGER, 0, NUMBER_MAX },
	{ { "base-time", "ms since 1970", "1436918400000", "time of event number 0" },
		FIELD(base_time), INTEGER, -NUMBER_MAX, NUMBER_MAX },
	{ { "person-proportion", "events", "1", "people in a group of events" },
		FIELD(person_proportion), INTEGER, 0, 1000000 },
	{ { "auction-proportion", "events", "3", "auctions in a group of events" },
		FIELD(auction_proportion), INTEGER, 0, 1000000 },
	{ { "bid-proportion", "events", "46", "bids in a group of events" }, FIELD(bid_proportion),
		INTEGER, 0, 1000000 },
	{ { "double-person-offset", "", "false", "bidders are 1000 higher, as in the Flink suite" },
		FIELD(double_person_offset), FLAG, 0, 1 },
};

#define OPTIONS (sizeof(table) / sizeof(table[0]))

const struct sw_nexmark_option *sw_nexmark_option_at(uint32_t index)
{
	return index < OPTIONS ? &table[index].public : NULL;
}

/* firstEventRate -> first-event-rate; false when it does not fit (then no option has that name). */
static bool to_kebab(const char *name, char kebab[NAME_MAX_BYTES])
{
	size_t used = 0;

	for (; *name != '\0'; name++) {
		if (used + 3 > NAME_MAX_BYTES)
			return false;
		if (isupper((unsigned char)*name))
			kebab[used++] = '-';
		kebab[used++] = (char)tolower((unsigned char)*name);
	}
	kebab[used] = '\0';
	return true;
}

static const struct option *find(const char *name)
{
	char kebab[NAME_MAX_BYTES];

	if (name == NULL || !to_kebab(name, kebab))
		return NULL;
	for (size_t i = 0; i < OPTIONS; i++)
		if (strcmp(table[i].public.name, kebab) == 0)
			return &table[i];
	return NULL;
}

const struct sw_nexmark_option *sw_nexmark_option_find(const char *name)
{
	const struct option *option = find(name);

	return option != NULL ? &option->public : NULL;
}

static int bad_value(const struct option *option, const char *text, struct sw_error *error)
{
	return sw_error_set(error, -EINVAL, "%s: '%s' is not a value (%s)", option->public.name,
		text != NULL ? text : "",
		*option->public.unit ? option->public.unit : "true|false");
}

static int set_integer(
	const struct option *option, void *field, const char *text, struct sw_error *error)
{
	char *end;
	long long value;

	if (text == NULL || *text == '\0' || isspace((unsigned char)*text))
		return bad_value(option, text, error);
	errno = 0;
	value = strtoll(text, &end, 10);
	if (*end != '\0')
		return bad_value(option, text, error);
	if (errno == ERANGE || value < option->min || value > option->max)
		return sw_error_set(error, -ERANGE,
			"%s: %s is out of range (%" PRId64 " to %" PRId64 ")", option->public.name,
			text, option->min, option->max);
	*(int64_t *)field = value;
	return 0;
}

static int set_share(
	const struct option *option, void *field, const char *text, struct sw_error *error)
{
	char *end;
	double value;

	if (text == NULL || *text == '\0' || isspace((unsigned char)*text))
		return bad_value(option, text, error);
	value = strtod(text, &end);
	if (*end != '\0' || isnan(value))
		return bad_value(option, text, error);
	if (value < 0 || value > 1)
		return sw_error_set(error, -ERANGE, "%s: %s is out of range (0 to 1)",
			option->public.name, text);
	*(double *)field = value;
	return 0;
}

/* Index of text among the two words, in any case; -1: neither. */
static int which(const char *text, const char *zero, const char *one)
{
	if (text == NULL)
		return -1;
	return strcasecmp(text, zero) == 0 ? 0 : strcasecmp(text, one) == 0 ? 1 : -1;
}

int sw_nexmark_options_set(struct sw_nexmark_options *options, const char *name, const char *text,
	struct sw_error *error)
{
	const struct option *option = find(name);
	void *field;
	int choice;

	if (option == NULL)
		return sw_error_set(error, -ENOENT, "%s: no such generator option", name);
	field = (char *)options + option->offset;
	switch (option->kind) {
	case INTEGER:
		return set_integer(option, field, text, error);
	case SHARE:
		return set_share(option, field, text, error);
	case SHAPE:
		choice = which(text, "SQUARE", "SINE");
		if (choice < 0)
			return bad_value(option, text, error);
		*(enum sw_rate_shape *)field = choice ? SW_RATE_SINE : SW_RATE_SQUARE;
		return 0;
	case UNIT:
		choice = which(text, "PER_SECOND", "PER_MINUTE");
		if (choice < 0)
			return bad_value(option, text, error);
		*(enum sw_rate_unit *)field = choice ? SW_RATE_PER_MINUTE : SW_RATE_PER_SECOND;
		return 0;
	default:
		choice = text == NULL ? 1 : which(text, "false", "true");
		if (choice < 0)
			return bad_value(option, text, error);
		*(bool *)field = choice == 1;
		return 0;
	}
}

int sw_nexmark_options_get(
	const struct sw_nexmark_options *options, const char *name, char *text, size_t text_bytes)
{
	const struct option *option = find(name);
	const void *field;
	int written;

	if (option == NULL)
		return -ENOENT;
	field = (const char *)options + option->offset;
	switch (option->kind) {
	case INTEGER:
		written = snprintf(text, text_bytes, "%" PRId64, *(const int64_t *)field);
		break;
	case SHARE:
		written = snprintf(text, text_bytes, "%.15g", *(const double *)field);
		break;
	case SHAPE:
		written = snprintf(text, text_bytes, "%s",
			*(const enum sw_rate_shape *)field == SW_RATE_SINE ? "SINE" : "SQUARE");
		break;
	case UNIT:
		written = snprintf(text, text_bytes, "%s",
			*(const enum sw_rate_unit *)field == SW_RATE_PER_MINUTE ? "PER_MINUTE"
										: "PER_SECOND");
		break;
	default:
		written = snprintf(text, text_bytes, "%s", *(const bool *)field ? "true" : "false");
		break;
	}
	return written >= 0 && (size_t)written < text_bytes ? 0 : -ENOSPC;
}

static int check_range(const struct sw_nexmark_options *options, const struct option *option,
	struct sw_error *error)
{
	const void *field = (const char *)options + option->offset;
	double share;
	int64_t value;

	if (option->kind == INTEGER) {
		value = *(const int64_t *)field;
		if (value >= option->min && value <= option->max)
			return 0;
		return sw_error_set(error, -ERANGE,
			"%s: %" PRId64 " is out of range (%" PRId64 " to %" PRId64 ")",
			option->public.name, value, option->min, option->max);
	}
	if (option->kind == SHARE) {
		share = *(const double *)field;
		if (share >= 0 && share <= 1)
			return 0;
		return sw_error_set(error, -ERANGE, "%s: %g is out of range (0 to 1)",
			option->public.name, share);
	}
	return 0;
}

int sw_nexmark_options_check(const struct sw_nexmark_options *options, struct sw_error *error)
{
	struct stream_time time;
	int result;

	if (options == NULL || options->size != sizeof(*options))
		return sw_error_set(error, -EINVAL,
			"generator options: not initialised (SW_NEXMARK_OPTIONS_INIT)");
	for (size_t i = 0; i < OPTIONS; i++) {
		result = check_range(options, &table[i], error);
		if (result < 0)
			return result;
	}
	if (options->person_proportion + options->auction_proportion + options->bid_proportion == 0)
		return sw_error_set(error, -EINVAL,
			"person-proportion, auction-proportion, bid-proportion: all are 0 (one "
			"must "
			"be at least 1)");
	if (options->generator >= options->num_event_generators)
		return sw_error_set(error, -ERANGE,
			"generator: %" PRId64 " does not exist (0 to %" PRId64
			", see num-event-generators)",
			options->generator, options->num_event_generators - 1);
	return stream_time_init(&time, options, error);
}

/* SPDX-License-Identifier: MIT */
#include "nexmark/event.h"

#include <errno.h>

#include "nexmark/event_private.h"

static const char *const names[SW_NEXMARK_EVENTS] = { "person", "auction", "bid" };

/* clang-format off */
static const struct sw_schema schemas[SW_NEXMARK_EVENTS] = {
	{ 9, false, {
		{ "seq", SW_INT64, 0, NULL },
		{ "id", SW_INT64, 0, NULL },
		{ "name", SW_TEXT, 14, NULL },
		{ "emailAddress", SW_TEXT, 15, NULL },
		{ "creditCard", SW_TEXT, 19, NULL },
		{ "city", SW_TEXT, 13, NULL },
		{ "state", SW_TEXT, 2, NULL },
		{ "dateTime", SW_TIME_MS, 0, NULL },
		{ "extra", SW_TEXT, 181, NULL },
	} },
	{ 11, false, {
		{ "seq", SW_INT64, 0, NULL },
		{ "id", SW_INT64, 0, NULL },
		{ "itemName", SW_TEXT, 19, NULL },
		{ "description", SW_TEXT, 99, NULL },
		{ "initialBid", SW_INT64, 0, NULL },
		{ "reserve", SW_INT64, 0, NULL },
		{ "dateTime", SW_TIME_MS, 0, NULL },
		{ "expires", SW_TIME_MS, 0, NULL },
		{ "seller", SW_INT64, 0, NULL },
		{ "category", SW_INT64, 0, NULL },
		{ "extra", SW_TEXT, 541, NULL },
	} },
	{ 8, false, {
		{ "seq", SW_INT64, 0, NULL },
		{ "auction", SW_INT64, 0, NULL },
		{ "bidder", SW_INT64, 0, NULL },
		{ "price", SW_INT64, 0, NULL },
		{ "channel", SW_TEXT, 12, NULL },
		{ "url", SW_TEXT, 80, NULL },
		{ "dateTime", SW_TIME_MS, 0, NULL },
		{ "extra", SW_TEXT, 81, NULL },
	} },
};
/* clang-format on */

const char *sw_nexmark_event_name(enum sw_nexmark_event type)
{
	return (unsigned)type < SW_NEXMARK_EVENTS ? names[type] : NULL;
}

const struct sw_schema *sw_nexmark_full_schema(enum sw_nexmark_event type)
{
	return (unsigned)type < SW_NEXMARK_EVENTS ? &schemas[type] : NULL;
}

uint32_t event_extra_max(enum sw_nexmark_event type, const struct sw_nexmark_options *options)
{
	/* The least that an event without its extra can count: numbers, and the shortest texts. */
	static const int64_t least[SW_NEXMARK_EVENTS] = { 8 + 10 + 5 + 19 + 4 + 2, 8 + 40, 32 };
	const int64_t average[SW_NEXMARK_EVENTS] = { options->avg_person_byte_size,
		options->avg_auction_byte_size, options->avg_bid_byte_size };
	const struct extra_size extra = extra_size(average[type] - least[type]);

	return extra.least + (extra.spread > 0 ? extra.spread - 1 : 0);
}

int sw_nexmark_schema(enum sw_nexmark_event type, uint32_t mask,
	const struct sw_nexmark_options *options, struct sw_schema *out)
{
	const struct sw_schema *full = sw_nexmark_full_schema(type);

	if (full == NULL || mask == 0 || mask >> full->columns != 0)
		return -EINVAL;
	out->columns = 0;
	out->changelog = false;
	for (uint32_t i = 0; i < full->columns; i++) {
		struct sw_field *field = &out->fields[out->columns];

		if ((mask >> i & 1) == 0)
			continue;
		*field = full->fields[i];
		/* extra is the last column of each kind, and the only one whose size varies. */
		if (options != NULL && i + 1 == full->columns)
			field->text_bytes = event_extra_max(type, options);
		/* 0 stands for "unknown" in a field. */
		if (field->type == SW_TEXT && field->text_bytes == 0)
			field->text_bytes = 1;
		out->columns++;
	}
	return 0;
}

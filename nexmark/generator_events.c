/* SPDX-License-Identifier: MIT */
#include "nexmark/generator_private.h"

#include <math.h>
#include <string.h>

#include "nexmark/random_private.h"

/*
 * Events in plain C. The draws of an event come in a fixed order, so a function draws up to the
 * last column that is asked for and stores those that are.
 */

#define DRAWN_AFTER(bit) (~(((uint32_t)(bit) << 1) - 1))

static const char *const first_names[] = { "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate",
	"Julie", "Sarah", "Deiter", "Walter" };
static const char *const last_names[] = { "Shultz", "Abrams", "Spencer", "White", "Bartels",
	"Walton", "Smith", "Jones", "Noris" };

static void put(const struct out *out, uint32_t column, uint32_t row, int64_t value)
{
	if (out->data[column] != NULL)
		((int64_t *)out->data[column])[row] = value;
}

/* Where a plain text column's row begins; null when the column is not asked for. */
static char *text_at(const struct out *out, uint32_t column, uint32_t row)
{
	return out->data[column] != NULL ? (char *)out->data[column] + out->offsets[column][row]
					 : NULL;
}

static void put_text(
	const struct out *out, uint32_t column, uint32_t row, const char *bytes, uint32_t size)
{
	char *at = text_at(out, column, row);

	if (at == NULL)
		return;
	memcpy(at, bytes, size);
	out->offsets[column][row + 1] = out->offsets[column][row] + (int32_t)size;
}

void generator_put_code(const struct out *out, uint32_t column, uint32_t row,
	const struct sw_dictionary *dictionary, int32_t code)
{
	struct sw_text text;

	if (out->data[column] == NULL)
		return;
	if (out->offsets[column] == NULL) {
		((int32_t *)out->data[column])[row] = code;
		return;
	}
	text = generator_entry(dictionary, code);
	put_text(out, column, row, text.bytes, text.size);
}

/* The truth about prices: the C library's pow, rounded as Beam does. */
static int64_t price(uint64_t *state)
{
	const double u = (double)(int64_t)random_53(state) * 0x1p-53;

	return (int64_t)floor(pow(10.0, 6.0 * u) * 100.0 + 0.5);
}

uint32_t generator_trim(char *bytes, uint32_t size)
{
	uint32_t begin = 0;

	while (size > 0 && bytes[size - 1] == ' ')
		size--;
	while (begin < size && bytes[begin] == ' ')
		begin++;
	if (begin > 0)
		memmove(bytes, bytes + begin, size - begin);
	return size - begin;
}

uint32_t generator_words(
	const struct sw_nexmark_generator *generator, uint64_t *state, int32_t max, char *bytes)
{
	const int32_t size = 3 + random_below(state, max - 3);

	(void)generator;
	for (int32_t i = 0; i < size; i++)
		bytes[i] =
			random_below(state, 13) == 0 ? ' ' : (char)('a' + random_below(state, 26));
	return generator_trim(bytes, (uint32_t)size);
}

/* exact(size): six letters a draw, by Java's signed remainder. */
static void letters(uint64_t state, char *bytes, uint32_t size)
{
	int32_t draw = 0;

	for (uint32_t i = 0; i < size; i++) {
		if (i % 6 == 0)
			draw = random_int(&state);
		bytes[i] = (char)('a' + draw % 26);
		draw /= 26;
	}
}

/* The extra column, which comes last in every event. */
static void put_extra(const struct sw_nexmark_generator *generator, const struct out *out,
	uint32_t column, uint32_t row, uint64_t *state, struct extra_size extra)
{
	uint32_t size = extra.least, end;

	if (out->data[column] == NULL)
		return;
	if (extra.spread > 0)
		size += (uint32_t)random_below(state, (int32_t)extra.spread);
	end = (uint32_t)out->offsets[column][row] + size;
	if (out->text_capacity[column] - end >= LETTERS_SLACK)
		generator->path->letters(*state, text_at(out, column, row), size);
	else
		letters(*state, text_at(out, column, row), size);
	out->offsets[column][row + 1] = (int32_t)end;
}

/* One of the people who are active now, or is to come. */
static int64_t active_person(
	const struct sw_nexmark_generator *generator, uint64_t *state, int64_t last)
{
	const int64_t people = last + 1;
	const int64_t active = people < generator->options.num_active_people
				       ? people
				       : generator->options.num_active_people;

	return people - active + random_long_below(state, active + AHEAD);
}

static int64_t bid_auction(
	const struct sw_nexmark_generator *generator, uint64_t *state, int64_t last)
{
	int64_t least;

	if (random_below(state, (int32_t)generator->options.hot_auction_ratio) > 0)
		return last / HOT_STEP * HOT_STEP + FIRST_ID;
	least = last - generator->options.num_in_flight_auctions;
	if (least < 0)
		least = 0;
	return least + random_long_below(state, last - least + 1 + AHEAD) + FIRST_ID;
}

int32_t generator_channel(uint64_t id)
{
	uint64_t state = random_seed(random_mix(id));

	if (random_below(&state, 2) > 0)
		return random_below(&state, HOT_CHANNELS);
	return HOT_CHANNELS + random_below(&state, COLD_CHANNELS);
}

void generator_bid(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint32_t i, const struct out *out)
{
	const uint32_t drawn = SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_EXTRA;
	const uint64_t offset = chunk->id[i] - chunk->group[i] * generator->group;
	const int64_t people = last_person(generator, chunk->group[i], offset);
	const uint32_t row = out->row + i;
	uint64_t state = random_seed(chunk->id[i]);
	int64_t bidder;

	if (out->mask & (SW_BID_CHANNEL | SW_BID_URL)) {
		const int32_t code = generator_channel(chunk->id[i]);

		generator_put_code(
			out, COLUMN(SW_BID_CHANNEL), row, &generator->dictionaries.channel, code);
		generator_put_code(
			out, COLUMN(SW_BID_URL), row, &generator->dictionaries.url, code);
	}
	if ((out->mask & drawn) == 0)
		return;
	put(out, COLUMN(SW_BID_AUCTION), row,
		bid_auction(generator, &state, last_auction(generator, chunk->group[i], offset)));
	if ((out->mask & drawn & DRAWN_AFTER(SW_BID_AUCTION)) == 0)
		return;
	if (random_below(&state, (int32_t)generator->options.hot_bidders_ratio) > 0)
		bidder = people / HOT_STEP * HOT_STEP + 1;
	else
		bidder = active_person(generator, &state, people);
	put(out, COLUMN(SW_BID_BIDDER), row, bidder + generator->bidder_offset);
	if (out->mask & SW_BID_PRICE)
		put(out, COLUMN(SW_BID_PRICE), row, price(&state));
	else
		state = random_step(random_step(state));
	put_extra(generator, out, COLUMN(SW_BID_EXTRA), row, &state, generator->bid_extra);
}

/* first + " " + last */
static uint32_t person_name(uint64_t *state, char name[16])
{
	const char *first = first_names[random_below(state, 11)];
	const char *last = last_names[random_below(state, 9)];
	const uint32_t size = (uint32_t)strlen(first);
	const uint32_t rest = (uint32_t)strlen(last);

	memcpy(name, first, size);
	name[size] = ' ';
	memcpy(name + size + 1, last, rest);
	return size + 1 + rest;
}

static uint32_t person_email(
	const struct sw_nexmark_generator *generator, uint64_t *state, char *email)
{
	uint32_t size = generator->path->words(generator, state, 7, email);

	email[size++] = '@';
	size += generator->path->words(generator, state, 5, email + size);
	memcpy(email + size, ".com", 4);
	return size + 4;
}

static void person_card(uint64_t *state, char card[19])
{
	memset(card, ' ', 19);
	for (int part = 0; part < 4; part++) {
		int32_t number = random_below(state, 10000);

		for (int digit = 3; digit >= 0; digit--, number /= 10)
			card[part * 5 + digit] = (char)('0' + number % 10);
	}
}

void generator_person(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint32_t i, const struct out *out)
{
	const uint32_t drawn = SW_PERSON_NAME | SW_PERSON_EMAIL | SW_PERSON_CARD | SW_PERSON_CITY |
			       SW_PERSON_STATE | SW_PERSON_EXTRA;
	const struct dictionaries *dictionaries = &generator->dictionaries;
	const uint64_t offset = chunk->id[i] - chunk->group[i] * generator->group;
	const uint32_t row = out->row + i;
	uint64_t state = random_seed(chunk->id[i]);
	uint32_t size, used = 8;
	char text[32 + WORDS_SLACK];
	int32_t code;

	put(out, COLUMN(SW_PERSON_ID), row,
		last_person(generator, chunk->group[i], offset) + FIRST_ID);
	if ((out->mask & drawn) == 0)
		return;
	size = person_name(&state, text);
	put_text(out, COLUMN(SW_PERSON_NAME), row, text, size);
	used += size;
	if ((out->mask & drawn & DRAWN_AFTER(SW_PERSON_NAME)) == 0)
		return;
	size = person_email(generator, &state, text);
	put_text(out, COLUMN(SW_PERSON_EMAIL), row, text, size);
	used += size;
	person_card(&state, text);
	put_text(out, COLUMN(SW_PERSON_CARD), row, text, 19);
	used += 19;
	code = random_below(&state, 10);
	generator_put_code(out, COLUMN(SW_PERSON_CITY), row, &dictionaries->city, code);
	used += generator_entry(&dictionaries->city, code).size;
	code = random_below(&state, 6);
	generator_put_code(out, COLUMN(SW_PERSON_STATE), row, &dictionaries->state, code);
	used += 2;
	put_extra(generator, out, COLUMN(SW_PERSON_EXTRA), row, &state,
		extra_size(generator->options.avg_person_byte_size - used));
}

/* When an auction that begins now ends, in ms. */
static int64_t auction_expires(
	const struct sw_nexmark_generator *generator, uint64_t *state, uint64_t number)
{
	const int64_t now = stream_time_at(&generator->time, number);
	const int64_t horizon =
		stream_time_at(&generator->time, number + generator->horizon_events) - now;

	return now + 1 + random_long_below(state, horizon > 0 ? 2 * horizon : 1);
}

void generator_auction(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint32_t i, const struct out *out)
{
	const uint32_t texts =
		SW_AUCTION_NAME | SW_AUCTION_DESCRIPTION | SW_AUCTION_RESERVE | SW_AUCTION_EXTRA;
	const uint64_t offset = chunk->id[i] - chunk->group[i] * generator->group;
	const int64_t people = last_person(generator, chunk->group[i], offset);
	const uint32_t row = out->row + i;
	uint64_t state = random_seed(chunk->id[i]);
	int64_t seller, initial;
	uint32_t size, used = 8;
	char text[WORDS_MAX + WORDS_SLACK];

	put(out, COLUMN(SW_AUCTION_ID), row,
		last_auction(generator, chunk->group[i], offset) + FIRST_ID);
	if ((out->mask & ~(uint32_t)(SW_AUCTION_SEQ | SW_AUCTION_ID | SW_AUCTION_TIME)) == 0)
		return;
	if (random_below(&state, (int32_t)generator->options.hot_sellers_ratio) > 0)
		seller = people / HOT_STEP * HOT_STEP;
	else
		seller = active_person(generator, &state, people);
	put(out, COLUMN(SW_AUCTION_SELLER), row, seller + FIRST_ID);
	put(out, COLUMN(SW_AUCTION_CATEGORY), row,
		FIRST_CATEGORY + random_below(&state, CATEGORIES));
	if ((out->mask & (texts | SW_AUCTION_INITIAL_BID | SW_AUCTION_EXPIRES)) == 0)
		return;
	initial = price(&state);
	put(out, COLUMN(SW_AUCTION_INITIAL_BID), row, initial);
	put(out, COLUMN(SW_AUCTION_EXPIRES), row,
		auction_expires(generator, &state, chunk->number[i]));
	if ((out->mask & texts) == 0)
		return;
	size = generator->path->words(generator, &state, 20, text);
	put_text(out, COLUMN(SW_AUCTION_NAME), row, text, size);
	used += size;
	size = generator->path->words(generator, &state, WORDS_MAX, text);
	put_text(out, COLUMN(SW_AUCTION_DESCRIPTION), row, text, size);
	used += size;
	put(out, COLUMN(SW_AUCTION_RESERVE), row, initial + price(&state));
	put_extra(generator, out, COLUMN(SW_AUCTION_EXTRA), row, &state,
		extra_size(generator->options.avg_auction_byte_size - used - 40));
}

static void bids(
	const struct sw_nexmark_generator *generator, struct chunk *chunk, const struct out *out)
{
	for (uint32_t i = 0; i < chunk->rows; i++)
		generator_bid(generator, chunk, i, out);
}

static void times(const struct stream_time *time, struct chunk *chunk, int64_t *ms)
{
	stream_time_fill(time, chunk->number, chunk->rows, ms);
}

const struct generator_path generator_portable = {
	.name = "portable",
	.bids = bids,
	.times = times,
	.words = generator_words,
	.letters = letters,
};

/* SPDX-License-Identifier: MIT */
#include "nexmark/generator.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/generator_private.h"
#include "nexmark/random_private.h"

static const uint32_t time_column[SW_NEXMARK_EVENTS] = { SW_PERSON_TIME, SW_AUCTION_TIME,
	SW_BID_TIME };

static const struct generator_path *find_path(enum sw_nexmark_path path)
{
	const struct generator_path *found = NULL;

	switch (path) {
	case SW_NEXMARK_PATH_PORTABLE:
		return &generator_portable;
	case SW_NEXMARK_PATH_AVX2:
		return generator_avx2();
	case SW_NEXMARK_PATH_AVX512:
		return generator_avx512();
	default:
		found = generator_avx512();
		if (found == NULL)
			found = generator_avx2();
		return found != NULL ? found : &generator_portable;
	}
}

/* How many timelines there are, who is on them, and where they start. */
static void set_timelines(struct sw_nexmark_generator *generator)
{
	const struct sw_nexmark_options *options = &generator->options;
	const uint64_t timelines = (uint64_t)options->num_event_generators;
	uint64_t events = (uint64_t)options->num_events, size;

	generator->turns = timelines;
	generator->events = events;
	if (events == 0) {
		/* As many as Beam takes for an endless stream when it spreads ids. */
		size = (uint64_t)options->avg_person_byte_size;
		if (size < (uint64_t)options->avg_auction_byte_size)
			size = (uint64_t)options->avg_auction_byte_size;
		if (size < (uint64_t)options->avg_bid_byte_size)
			size = (uint64_t)options->avg_bid_byte_size;
		events = INT64_MAX / (size > 2 ? size : 2);
	}
	generator->share = events / timelines;
	generator->id = (uint64_t)options->first_event_id;
	if (options->generator >= 0) {
		const uint64_t j = (uint64_t)options->generator;

		generator->turns = 1;
		generator->id += j * generator->share;
		if (generator->events > 0)
			generator->events = j + 1 < timelines ? generator->share
							      : events - j * generator->share;
	}
}

static void set_events(struct sw_nexmark_generator *generator)
{
	const struct sw_nexmark_options *options = &generator->options;
	const uint64_t people = (uint64_t)options->person_proportion;
	const uint64_t auctions = (uint64_t)options->auction_proportion;

	generator->people = people;
	generator->auctions = auctions;
	generator->group = people + auctions + (uint64_t)options->bid_proportion;
	generator->begin[SW_PERSON] = 0;
	generator->end[SW_PERSON] = generator->begin[SW_AUCTION] = people;
	generator->end[SW_AUCTION] = generator->begin[SW_BID] = people + auctions;
	generator->end[SW_BID] = generator->group;
	if (auctions > 0)
		generator->horizon_events =
			(uint64_t)options->num_in_flight_auctions * generator->group / auctions;
	generator->bidder_offset = options->double_person_offset ? 2 * FIRST_ID : FIRST_ID;
	generator->bid_extra = extra_size(options->avg_bid_byte_size - 32);
	generator->shuffle = (uint64_t)options->out_of_order_group_size;
	generator->delay_threshold = (uint64_t)(options->prob_delayed_event * 0x1p53);
	generator->simple =
		generator->turns == 1 && generator->shuffle == 1 && generator->delay_threshold == 0;
}

static void set_jumps(struct sw_nexmark_generator *generator)
{
	struct jump jump = { 1, 0 };

	for (uint32_t i = 0; i < sizeof(generator->jumps) / sizeof(jump); i++) {
		generator->jumps[i] = jump;
		jump.a = jump.a * RANDOM_MULTIPLIER & RANDOM_MASK;
		jump.c = (jump.c * RANDOM_MULTIPLIER + RANDOM_ADDEND) & RANDOM_MASK;
	}
}

int sw_nexmark_generator_create(const struct sw_nexmark_options *options,
	struct sw_nexmark_generator **out, struct sw_error *error)
{
	struct sw_nexmark_generator *generator;
	int result;

	*out = NULL;
	result = sw_nexmark_options_check(options, error);
	if (result < 0)
		return result;
	generator = calloc(1, sizeof(*generator));
	if (generator == NULL)
		return sw_error_set(error, -ENOMEM, "generator: no memory");
	generator->options = *options;
	result = stream_time_init(&generator->time, options, error);
	if (result < 0)
		goto fail;
	result = generator_dictionaries(&generator->dictionaries);
	if (result < 0) {
		sw_error_set(error, result, "generator: no memory for its dictionaries");
		goto fail;
	}
	set_timelines(generator);
	if (options->num_events > 0 && generator->events == 0) {
		result = sw_error_set(error, -EINVAL,
			"generator %lld: of %lld events for %lld generators it has none",
			(long long)options->generator, (long long)options->num_events,
			(long long)options->num_event_generators);
		goto fail;
	}
	set_events(generator);
	set_jumps(generator);
	generator->path = find_path(SW_NEXMARK_PATH_BEST);
	generator->start_ns =
		stream_time_ns(&generator->time, (uint64_t)options->first_event_number, 0);
	*out = generator;
	return 0;
fail:
	sw_nexmark_generator_destroy(generator);
	return result;
}

void sw_nexmark_generator_destroy(struct sw_nexmark_generator *generator)
{
	if (generator == NULL)
		return;
	free(generator->dictionaries.block);
	free(generator);
}

int sw_nexmark_generator_use(struct sw_nexmark_generator *generator, enum sw_nexmark_path path)
{
	const struct generator_path *found = find_path(path);

	if (found == NULL)
		return -ENOTSUP;
	generator->path = found;
	return 0;
}

const char *sw_nexmark_generator_path(const struct sw_nexmark_generator *generator)
{
	return generator->path->name;
}

const struct sw_nexmark_options *sw_nexmark_generator_options(
	const struct sw_nexmark_generator *generator)
{
	return &generator->options;
}

/* The dictionary of a column, or null. */
static const struct sw_dictionary *dictionary_of(
	const struct sw_nexmark_generator *generator, enum sw_nexmark_event type, uint32_t column)
{
	const struct dictionaries *dictionaries = &generator->dictionaries;

	if (type == SW_PERSON && column == COLUMN(SW_PERSON_CITY))
		return &dictionaries->city;
	if (type == SW_PERSON && column == COLUMN(SW_PERSON_STATE))
		return &dictionaries->state;
	if (type == SW_BID && column == COLUMN(SW_BID_CHANNEL))
		return &dictionaries->channel;
	if (type == SW_BID && column == COLUMN(SW_BID_URL))
		return &dictionaries->url;
	return NULL;
}

int sw_nexmark_generator_schema(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint32_t mask, struct sw_schema *out)
{
	const int result = sw_nexmark_schema(type, mask, &generator->options, out);
	uint32_t next = 0;

	if (result < 0)
		return result;
	for (uint32_t column = 0; column < sw_nexmark_full_schema(type)->columns; column++)
		if (mask >> column & 1)
			out->fields[next++].dictionary = dictionary_of(generator, type, column);
	return 0;
}

uint64_t sw_nexmark_events(const struct sw_nexmark_generator *generator)
{
	return generator->events;
}

/* The end of a range, within the stream. */
static uint64_t range_end(
	const struct sw_nexmark_generator *generator, uint64_t first, uint32_t count)
{
	const uint64_t end = first + count;

	if (generator->events > 0 && end > generator->events)
		return generator->events > first ? generator->events : first;
	return end;
}

/* How many of ids 0 .. id - 1 have an offset in [begin, end). */
static uint64_t ids_before(uint64_t id, uint64_t group, uint64_t begin, uint64_t end)
{
	const uint64_t rest = id % group;

	return id / group * (end - begin) + (rest <= begin       ? 0
						    : rest < end ? rest - begin
								 : end - begin);
}

/* As many as ids tell; they rise by one with each event. */
static uint64_t count_simple(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint64_t first, uint64_t end)
{
	const uint64_t id0 = generator->id + (uint64_t)generator->options.first_event_number;
	const uint64_t from = generator->begin[type], to = generator->end[type];

	return ids_before(id0 + end, generator->group, from, to) -
	       ids_before(id0 + first, generator->group, from, to);
}

/* So many rows of a chunk to ask for: where there is no room, one tells whether there are more. */
static uint32_t chunk_rows(uint32_t room)
{
	if (room == 0)
		return 1;
	return room < CHUNK_ROWS ? room : CHUNK_ROWS;
}

uint32_t generator_count(const struct sw_nexmark_generator *generator, struct cursor *cursor,
	enum sw_nexmark_event type, uint64_t first, uint64_t *end, uint32_t most)
{
	uint64_t at = first;
	struct chunk chunk;
	uint32_t rows = 0;

	if (generator->simple) {
		const uint64_t all = count_simple(generator, type, first, *end);

		if (all <= most)
			return (uint32_t)all;
	}
	while (at < *end) {
		const uint64_t before = at;
		const uint32_t room = most - rows;

		generator_chunk(generator, cursor, type, &at, *end, chunk_rows(room), &chunk);
		if (chunk.rows > room) {
			*end = before;
			break;
		}
		rows += chunk.rows;
	}
	return rows;
}

uint32_t sw_nexmark_count(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	uint64_t first, uint32_t count)
{
	uint64_t end = range_end(generator, first, count);
	struct cursor cursor;

	cursor.valid = false;
	return generator_count(generator, &cursor, type, first, &end, UINT32_MAX);
}

uint64_t generator_span(
	const struct sw_nexmark_generator *generator, enum sw_nexmark_event type, uint32_t rows)
{
	const uint64_t a_group = generator->end[type] - generator->begin[type];
	uint64_t events;

	/* Shuffled ids do not spread their kinds evenly. */
	if (!generator->simple)
		rows -= rows / 16;
	if (a_group == 0 || __builtin_mul_overflow(rows / a_group, generator->group, &events) ||
		__builtin_add_overflow(events, rows % a_group, &events))
		return UINT64_MAX;
	return events;
}

/* Finds the masked columns in the batch; false when they are not the mask's. */
static bool set_columns(
	enum sw_nexmark_event type, uint32_t mask, struct sw_batch *batch, struct out *out)
{
	const struct sw_schema *full = sw_nexmark_full_schema(type);
	uint32_t next = 0;

	memset(out, 0, sizeof(*out));
	out->mask = mask;
	if (full == NULL || mask == 0 || mask >> full->columns != 0 ||
		(uint32_t)__builtin_popcount(mask) != batch->schema->columns)
		return false;
	for (uint32_t column = 0; column < full->columns; column++) {
		struct sw_column *to;

		if ((mask >> column & 1) == 0)
			continue;
		to = &batch->columns[next++];
		if (to->type != full->fields[column].type)
			return false;
		out->data[column] = to->data;
		if (to->type != SW_TEXT || to->dictionary != NULL)
			continue;
		out->offsets[column] = to->offsets;
		out->offsets[column][0] = 0;
		out->text_capacity[column] = to->text_capacity;
	}
	return true;
}

/* Whether the chunk's rows, each as long as can be, fit behind those that are there. */
static bool texts_fit(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	const struct out *out, uint32_t rows)
{
	const struct sw_schema *full = sw_nexmark_full_schema(type);

	for (uint32_t column = 0; column < full->columns; column++) {
		uint32_t most = full->fields[column].text_bytes;

		if (out->offsets[column] == NULL)
			continue;
		if (column + 1 == full->columns)
			most = event_extra_max(type, &generator->options);
		if ((uint64_t)out->offsets[column][out->row] + (uint64_t)most * rows >
			out->text_capacity[column])
			return false;
	}
	return true;
}

/* All masked columns of a chunk's rows. */
static void make_chunk(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	struct chunk *chunk, const struct out *out)
{
	const uint32_t time = COLUMN(time_column[type]);

	if (out->data[0] != NULL)
		memcpy((uint64_t *)out->data[0] + out->row, chunk->seq,
			chunk->rows * sizeof(chunk->seq[0]));
	if (out->data[time] != NULL)
		generator->path->times(
			&generator->time, chunk, (int64_t *)out->data[time] + out->row);
	if (type == SW_BID)
		generator->path->bids(generator, chunk, out);
	else
		for (uint32_t i = 0; i < chunk->rows; i++)
			(type == SW_PERSON ? generator_person : generator_auction)(
				generator, chunk, i, out);
}

/* Widens [*least, *most] to the chunk's adjusted numbers. */
static void number_range(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint64_t *least, uint64_t *most)
{
	if (generator->simple) {
		if (chunk->number[0] < *least)
			*least = chunk->number[0];
		*most = chunk->number[chunk->rows - 1];
		return;
	}
	for (uint32_t i = 0; i < chunk->rows; i++) {
		if (chunk->number[i] < *least)
			*least = chunk->number[i];
		if (chunk->number[i] > *most)
			*most = chunk->number[i];
	}
}

int generator_fill(const struct sw_nexmark_generator *generator, struct cursor *cursor,
	enum sw_nexmark_event type, uint32_t mask, uint64_t *event, uint64_t end, uint32_t most,
	struct sw_batch *batch)
{
	uint64_t least = UINT64_MAX, greatest = 0;
	struct chunk chunk;
	struct out out;

	batch->rows = 0;
	if (!set_columns(type, mask, batch, &out))
		return -EINVAL;
	while (*event < end) {
		const uint64_t before = *event;
		const uint32_t room = most - out.row;

		generator_chunk(generator, cursor, type, event, end, chunk_rows(room), &chunk);
		if (chunk.rows > room) {
			*event = before;
			break;
		}
		if (chunk.rows == 0)
			continue;
		if (!texts_fit(generator, type, &out, chunk.rows))
			return -ENOSPC;
		make_chunk(generator, type, &chunk, &out);
		number_range(generator, &chunk, &least, &greatest);
		out.row += chunk.rows;
	}
	batch->rows = out.row;
	if (out.row > 0) {
		batch->time_min_ms = stream_time_at(&generator->time, least);
		batch->time_max_ms = stream_time_at(&generator->time, greatest);
	}
	return 0;
}

int sw_nexmark_generate(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	uint32_t mask, uint64_t first, uint32_t count, struct sw_batch *batch)
{
	const uint64_t end = range_end(generator, first, count);
	struct cursor cursor;
	int code;

	cursor.valid = false;
	code = generator_fill(generator, &cursor, type, mask, &first, end, batch->capacity, batch);
	if (!code && first < end) {
		batch->rows = 0;
		code = -ENOSPC;
	}
	return code;
}

bool sw_nexmark_exact_rate(const struct sw_nexmark_generator *generator)
{
	return generator->time.exact;
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_GENERATOR_PRIVATE_H
#define SW_NEXMARK_GENERATOR_PRIVATE_H

#include <stdbool.h>

#include "nexmark/event_private.h"
#include "nexmark/generator.h"
#include "nexmark/stream_time.h"

/*
 * Events are made a chunk at a time: first who they are (generator_chunk.c), then their columns, by
 * one of the paths.
 */

#define CHUNK_ROWS     256
#define EVENT_COLUMNS  11
#define FIRST_ID       1000 /* of people and auctions */
#define HOT_STEP       100  /* of so many ids one is hot */
#define FIRST_CATEGORY 10
#define CATEGORIES     5
#define HOT_CHANNELS   4
#define COLD_CHANNELS  10000
#define AHEAD          10 /* cold ids may be so far ahead of the last */

/* Vector forms write so far past a text's end; near a column's end they are not used. */
#define LETTERS_SLACK 96
#define WORDS_SLACK   32
#define WORDS_MAX     100

/* Events held back come out later within aligned blocks of so many events. */
#define DELAY_BLOCK 4096

/* Index of a column from its bit. */
#define COLUMN(bit) ((uint32_t)__builtin_ctz(bit))

/* Events of one kind, in emission order. */
struct chunk {
	uint32_t rows;
	uint64_t seq[CHUNK_ROWS];
	uint64_t number[CHUNK_ROWS]; /* adjusted: gives the time */
	uint64_t id[CHUNK_ROWS];
	uint64_t group[CHUNK_ROWS]; /* id / events of a group */
};

/* The emission order of a block when events are held back; kept between chunks. All zero at first,
 * then a generator's and a thread's own. */
struct cursor {
	uint64_t block;
	bool valid;
	uint16_t order[DELAY_BLOCK];
};

/* Where rows go: by column index, null when not asked for. */
struct out {
	uint32_t row; /* the chunk's first row */
	uint32_t mask;
	void *data[EVENT_COLUMNS];
	int32_t *offsets[EVENT_COLUMNS];       /* plain text */
	uint32_t text_capacity[EVENT_COLUMNS]; /* plain text */
};

/* One event's place. */
struct place {
	uint64_t number, id;
};

/* Steps of a Random at once: state * a + c. */
struct jump {
	uint64_t a, c;
};

struct generator_path {
	const char *name;
	/* Makes a chunk's bids, all columns in out but time and seq. Idle rows of the chunk, behind
	 * its last, may be written. */
	void (*bids)(const struct sw_nexmark_generator *generator, struct chunk *chunk,
		const struct out *out);
	/* Times of a chunk's rows in ms. */
	void (*times)(const struct stream_time *time, struct chunk *chunk, int64_t *ms);
	/* string(max): letters with some spaces, none at the ends. Moves the state on and gives the
	 * size; bytes has room for max and WORDS_SLACK. */
	uint32_t (*words)(const struct sw_nexmark_generator *generator, uint64_t *state,
		int32_t max, char *bytes);
	/* exact(size) from the draws after state; bytes has room for size and LETTERS_SLACK. */
	void (*letters)(uint64_t state, char *bytes, uint32_t size);
};

struct dictionaries {
	struct sw_dictionary channel, url, city, state;
	char *block; /* what they all lie in */
};

struct sw_nexmark_generator {
	struct sw_nexmark_options options;
	struct stream_time time;
	const struct generator_path *path;
	struct dictionaries dictionaries;
	uint64_t events;  /* 0: without end */
	uint64_t turns;   /* generators merged by turns */
	uint64_t share;   /* events of each of them but the last */
	uint64_t id;      /* of adjusted number 0 of the first of them */
	uint64_t shuffle; /* events of an out-of-order group */
	uint64_t start_ns;
	bool simple; /* ids rise by one with each event */
	/* events of a group, and which of them each kind is: begin <= offset < end */
	uint64_t group, begin[SW_NEXMARK_EVENTS], end[SW_NEXMARK_EVENTS];
	uint64_t people, auctions; /* of a group */
	uint64_t horizon_events;
	int64_t bidder_offset;
	struct extra_size bid_extra;
	uint64_t delay_threshold;         /* of 2^53: draws below it are held back */
	struct jump jumps[2 * WORDS_MAX]; /* that many steps */
};

/* generator_chunk.c */

struct place generator_place(const struct sw_nexmark_generator *generator, uint64_t event);
/* The number of an event on its timeline before any shuffling; falls never. */
uint64_t generator_number(const struct sw_nexmark_generator *generator, uint64_t event);
/* Fills the chunk with at most `most` (of CHUNK_ROWS) events of the type from [*event, end) and
 * moves *event on. */
void generator_chunk(const struct sw_nexmark_generator *generator, struct cursor *cursor,
	enum sw_nexmark_event type, uint64_t *event, uint64_t end, uint32_t most,
	struct chunk *chunk);

/* generator.c */

/*
 * sw_nexmark_generate for [*event, end) that stops before the batch would have more than `most`
 * rows (its capacity at most), and moves *event on to the first event that it has not looked at: to
 * `end` when all were made.
 */
int generator_fill(const struct sw_nexmark_generator *generator, struct cursor *cursor,
	enum sw_nexmark_event type, uint32_t mask, uint64_t *event, uint64_t end, uint32_t most,
	struct sw_batch *batch);
/* How many of [first, *end) are of the type. Where that is more than `most`, *end falls to right
 * behind the last that is not too many. */
uint32_t generator_count(const struct sw_nexmark_generator *generator, struct cursor *cursor,
	enum sw_nexmark_event type, uint64_t first, uint64_t *end, uint32_t most);
/* The most events in a row that never hold more than `rows` of the type (seldom, where ids do not
 * rise by one with each event); UINT64_MAX: there are none of it. */
uint64_t generator_span(
	const struct sw_nexmark_generator *generator, enum sw_nexmark_event type, uint32_t rows);

/* generator_dictionary.c */

int generator_dictionaries(struct dictionaries *dictionaries);
/* Bytes of a dictionary's entry. */
struct sw_text generator_entry(const struct sw_dictionary *dictionary, int32_t code);

/* generator_events.c: plain C, one row at a time; also what the paths fall back to. */

extern const struct generator_path generator_portable;

void generator_bid(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint32_t i, const struct out *out);
void generator_person(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint32_t i, const struct out *out);
void generator_auction(const struct sw_nexmark_generator *generator, const struct chunk *chunk,
	uint32_t i, const struct out *out);

/* string(max) and trim. */
uint32_t generator_words(
	const struct sw_nexmark_generator *generator, uint64_t *state, int32_t max, char *bytes);
/* Takes spaces off both ends; gives what is left of size. */
uint32_t generator_trim(char *bytes, uint32_t size);

/* A bid's channel code, from its second Random. */
int32_t generator_channel(uint64_t id);
/* Writes a dictionary's entry: its code, or its text into a plain column. */
void generator_put_code(const struct out *out, uint32_t column, uint32_t row,
	const struct sw_dictionary *dictionary, int32_t code);

/* generator_avx2.c, generator_avx512.c: null where the build has not got it. */

const struct generator_path *generator_avx2(void);
const struct generator_path *generator_avx512(void);

/* Ids that bids and auctions are drawn from, as Beam's generator has them. */
static inline int64_t last_person(
	const struct sw_nexmark_generator *generator, uint64_t group, uint64_t offset)
{
	const int64_t people = (int64_t)generator->people;

	return (int64_t)group * people +
	       ((int64_t)offset < people - 1 ? (int64_t)offset : people - 1);
}

static inline int64_t last_auction(
	const struct sw_nexmark_generator *generator, uint64_t group, uint64_t offset)
{
	const int64_t auctions = (int64_t)generator->auctions;

	if (offset < generator->people)
		return ((int64_t)group - 1) * auctions + auctions - 1;
	if (offset < generator->people + generator->auctions)
		return (int64_t)group * auctions + (int64_t)(offset - generator->people);
	return (int64_t)group * auctions + auctions - 1;
}

#endif

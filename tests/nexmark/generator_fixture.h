/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_NEXMARK_GENERATOR_FIXTURE_H
#define SW_TESTS_NEXMARK_GENERATOR_FIXTURE_H

#include "nexmark/generator.h"

/* Generators with options of all kinds, and what they make. */

extern const uint32_t all_columns[SW_NEXMARK_EVENTS]; /* masks */
extern uint64_t rounds;                               /* of a random test */

/* Argument 1: the rounds, argument 2: the seed; both are printed. */
void begin_rounds(int argc, char **argv);
/* A random number. */
uint64_t any(uint64_t below);

/* The test fails where the options do. */
struct sw_nexmark_generator *create_generator(const struct sw_nexmark_options *options);
/* One with options near what is usual, or far from it. */
struct sw_nexmark_generator *any_generator(void);
/* Of the masked columns; plain: without dictionaries. */
void get_schema(const struct sw_nexmark_generator *generator, enum sw_nexmark_event type,
	uint32_t mask, bool plain, struct sw_schema *schema);
/* The events of this kind among `count` from `first` on, in a batch of exactly as many rows, and
 * for text what the schema says, so that an overflow is one. */
struct sw_batch *make_events(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint32_t mask, uint64_t first, uint32_t count,
	struct sw_schema *schema);
/* The rows of a, from this one on, are those of b. */
void assert_same(const struct sw_batch *a, uint32_t from, const struct sw_batch *b);

#endif

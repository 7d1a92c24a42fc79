/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_GENERATOR_H
#define SW_NEXMARK_GENERATOR_H

#include "nexmark/event.h"
#include "nexmark/options.h"
#include "runtime/batch.h"

/*
 * The Nexmark stream, equal to Apache Beam's in every field that Beam has. Each event has a random
 * generator of its own, so any range of events can be made by any thread, and only the columns
 * asked for are made.
 *
 * Event numbers here count the stream's events in emission order from 0; the seq column is
 * first_event_number more (with prob_delayed_event, too: an event that is held back, at most to the
 * end of its block of 4096 events, has the seq of where it comes). A generator never changes after
 * create (and use), so threads share it.
 */

SW_BEGIN_DECLS

struct sw_nexmark_generator;

/* How events are made; the results are the same. */
enum sw_nexmark_path {
	SW_NEXMARK_PATH_BEST,     /* the fastest that this processor has */
	SW_NEXMARK_PATH_PORTABLE, /* plain C */
	SW_NEXMARK_PATH_AVX2,
	SW_NEXMARK_PATH_AVX512, /* needs F, BW, DQ, VL, IFMA and VBMI */
};

/*
 * Copies options (which it checks). 0; -EINVAL or -ERANGE for bad options with *error (may be
 * null) filled; -ENOMEM.
 */
SW_API SW_MUST_CHECK int sw_nexmark_generator_create(const struct sw_nexmark_options *options,
	struct sw_nexmark_generator **generator, struct sw_error *error);

/* Takes it; null is fine. No batch with its dictionaries may be left. */
SW_API void sw_nexmark_generator_destroy(struct sw_nexmark_generator *generator);

/* For tests and benchmarks: how to make events, before the generator is shared with other
 * threads. 0, or -ENOTSUP when this processor (or build) has not got it. */
SW_API SW_MUST_CHECK int sw_nexmark_generator_use(
	struct sw_nexmark_generator *generator, enum sw_nexmark_path path);

/* "portable", "avx2" or "avx512": what is in use. */
SW_API const char *sw_nexmark_generator_path(const struct sw_nexmark_generator *generator);

/* The options in force; borrowed until destroy. */
SW_API const struct sw_nexmark_options *sw_nexmark_generator_options(
	const struct sw_nexmark_generator *generator);

/*
 * The schema of a generated batch: sw_nexmark_schema's, with channel, url, city and state as
 * dictionaries (borrowed from the generator). text_bytes of the other texts is each one's greatest
 * row, so a batch whose text columns hold capacity * text_bytes never overflows. 0 or -EINVAL.
 */
SW_API SW_MUST_CHECK int sw_nexmark_generator_schema(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint32_t mask, struct sw_schema *out);

/* Events in the stream; 0: without end. */
SW_API uint64_t sw_nexmark_events(const struct sw_nexmark_generator *generator);

/* How many of events first .. first + count - 1 are of the type. */
SW_API uint32_t sw_nexmark_count(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint64_t first, uint32_t count);

/*
 * Makes those of events first .. first + count - 1 that are of the type: sets batch->rows, the
 * masked columns and the event-time range. batch is empty; its columns are those of
 * sw_nexmark_generator_schema or sw_nexmark_schema (plain text) for type and mask. Events past the
 * end of the stream are not made. Any thread. 0; -ENOSPC when rows or text do not fit (the batch
 * is then empty); -EINVAL for columns that are not the mask's.
 */
SW_API SW_MUST_CHECK int sw_nexmark_generate(const struct sw_nexmark_generator *generator,
	enum sw_nexmark_event type, uint32_t mask, uint64_t first, uint32_t count,
	struct sw_batch *batch);

/*
 * The watermark before event number `event`, in ms: neither it nor any later one is earlier. Never
 * falls. SW_TIME_END from the end of the stream on.
 */
SW_API int64_t sw_nexmark_watermark(const struct sw_nexmark_generator *generator, uint64_t event);

/* When an event is due in a paced run, in ns since the first one; never falls. */
SW_API uint64_t sw_nexmark_due_ns(const struct sw_nexmark_generator *generator, uint64_t event);

/* How many events are due ns after the start: those with sw_nexmark_due_ns <= ns. */
SW_API uint64_t sw_nexmark_events_due(const struct sw_nexmark_generator *generator, uint64_t ns);

/* True when a step's rate is above one event a microsecond, where the exact delay is taken
 * instead of Beam's rounded one (reports say so). */
SW_API bool sw_nexmark_exact_rate(const struct sw_nexmark_generator *generator);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_BURST_IO_STAND_H
#define SW_TESTS_BURST_IO_STAND_H

#include "burst/io_private.h"
#include "runtime/graph_private.h"
#include "tests/burst/fake_transport.h"

/*
 * The I/O thread's loop by a clock of the test's own, over a fake endpoint: one outlet, whose
 * producer and consumer are the same thread. Minutes pass in seconds, and every run with the same
 * seed is the same.
 */

enum {
	STAND_BATCHES = 2048, /* out at once at most, of numbers; of text STAND_TEXTS */
	STAND_TEXTS = 2,
	STAND_ROWS = 64, /* of a batch at most */
	STAND_TIMES = 1 << 17,
};

struct stand {
	/* Set before stand_open. */
	struct fake fake;
	struct sw_burst_options options;
	size_t text_bytes; /* batches are of a text of so many bytes at most; 0: of numbers */

	uint64_t now_ns;
	struct sw_burst *burst;
	struct io *io;

	/* What became of the batches. */
	uint64_t offered, merged, reclaimed;
	uint64_t way_ns[STAND_TIMES]; /* from the offer until it came back as an answer */

	/* The stand's own. */
	struct runner runner;
	struct sw_instance consumer;
	struct link link;
	struct sw_site site;
	struct sw_outlet *outlet;
	struct sw_batch *batches[STAND_BATCHES], *idle[STAND_BATCHES];
	uint32_t batch_count, idle_count;
	double due; /* parts of a batch */
	/* The most by which second requests were more than 3 of 100 others, in any stretch. */
	double hedges_over, hedges_over_least;
};

/* Options as good as any; the rest is zero. */
struct stand *stand_create(uint64_t seed);
void stand_open(struct stand *stand);
/* per_s batches of so many rows a second arrive for so long. */
void stand_run(struct stand *stand, uint64_t ms, double per_s, uint32_t rows);
/* One batch with one row, a text of so many bytes, leaves and comes back, either way. */
void stand_send_text(struct stand *stand, size_t bytes);
/* Nothing arrives until all is back. */
void stand_drain(struct stand *stand);
struct sw_burst_stats stand_stats(const struct stand *stand);
/* The way's quantile over the merged batches since number `from`, ms. */
double stand_way_ms(struct stand *stand, uint64_t from, double quantile);
/* Ends it and checks the books. */
void stand_close(struct stand *stand);

#endif

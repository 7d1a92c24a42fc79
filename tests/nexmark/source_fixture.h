/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_NEXMARK_SOURCE_FIXTURE_H
#define SW_TESTS_NEXMARK_SOURCE_FIXTURE_H

#include "nexmark/generator.h"
#include "nexmark/query_private.h"

/* A source alone, with a stage behind it that looks at what comes. */

/* What the stage has seen. */
struct seen {
	uint64_t rows[SW_NEXMARK_EVENTS], hash[SW_NEXMARK_EVENTS], batches[SW_NEXMARK_EVENTS];
	uint64_t events; /* of the batches */
	uint64_t late;   /* rows below the watermark */
	uint64_t bad;    /* batches and rows that contradict their batch's meta */
	int64_t watermark;
};

struct source_run {
	struct sw_graph_options graph;
	struct sw_nexmark_options options;
	struct query_plan plan;
	struct source_config config;
	const struct sw_operator *op;
	/* What came of it. */
	struct seen seen; /* all instances together */
	struct sw_graph_stats stats;
	struct sw_error error;
};

/* Two workers, unpinned; a bounded stream; these columns of each kind. */
void source_run_init(struct source_run *run, uint32_t people, uint32_t auctions, uint32_t bids);
/* Runs it to its end; 0 or the graph's failure. generator: null for files. */
int source_run(struct source_run *run, const struct sw_nexmark_generator *generator);

#endif

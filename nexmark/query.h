/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_QUERY_H
#define SW_NEXMARK_QUERY_H

#include "runtime/graph.h"

/*
 * The Nexmark queries as jobs: a job adds source, stages and sink of one query to a graph of the
 * caller's, which the caller then runs.
 */

SW_BEGIN_DECLS

struct sw_nexmark_options;
struct sw_nexmark_job;

/* What a query is, for lists and reports. Texts are lists by commas where they name columns. */
struct sw_nexmark_query {
	const char *name;    /* "q7" */
	const char *title;   /* "highest bid" */
	const char *columns; /* header of its result: "auction,price,..." */
	const char *reads;   /* "bid.auction,bid.price" */
	const char *keys;    /* what its state is keyed by; "" without state */
	const char *spills;  /* "rows", "partials" */
	const char *state;   /* what it holds, for people; "none" */
};

/* The table of queries, in the order of their numbers. Any thread. */
SW_API unsigned sw_nexmark_query_count(void);
SW_API const struct sw_nexmark_query *sw_nexmark_query_at(unsigned index); /* null: out of range */
SW_API const struct sw_nexmark_query *sw_nexmark_query_find(const char *name); /* null: unknown */

struct sw_nexmark_pace; /* pace.h */

struct sw_nexmark_job_options {
	size_t size;       /* sizeof(struct sw_nexmark_job_options) */
	const char *query; /* required; copied */

	/* ---- Source ---- */
	/* The generator's options, copied; null: its defaults. Not used with input_dir. */
	const struct sw_nexmark_options *generator;
	const char *input_dir; /* person.csv, auction.csv, bid.csv of this folder; null: generate */
	bool replay;           /* make all columns before the start; needs a bounded stream */
	bool rate_limited;     /* open loop at the generator's rates */
	/* rate_limited: at these instead; borrowed until the graph is destroyed. Null: none. */
	const struct sw_nexmark_pace *pace;
	int64_t watermark_delay_ms; /* CSV: disorder allowed for; default 4000, >= 0 */

	/* ---- Query ---- */
	bool processing_time_event; /* q12: dateTime is the clock, instead of the time of arrival */
	const char *side_input;     /* for queries with a side input; null: the default table */
	bool tokens;                /* tokenize: one row per token (seq,token) instead of counts */

	/* ---- Sink ---- */
	const char *output; /* CSV file (q10: folder); null: a blackhole, or on_batch */
	bool checksum;      /* sum of the rows' hashes; not with on_batch */
	bool ordered;       /* output: rows sorted by their bytes; all are held in memory */
	/* Every change of the result, as a CSV file: kind (+I -U +U -D), watermark, then the row;
	 * null: none. */
	const char *changelog;
	/* CSV: late rows that are left out go to this file, as they stand in theirs (queries that
	 * read several kinds of events: behind the kind's name); null: nowhere. */
	const char *late;
	/* Called by sw_graph_dispatch instead of a sink; where batch->schema->changelog is set rows
	 * are changes. Null: none. */
	sw_output_fn on_batch;
	void *on_batch_context; /* borrowed until the graph is destroyed */

	/* Wall clock in ms, for tests of processing time; any worker. Null: the machine's. */
	int64_t (*clock_ms)(void *context);
	void *clock_context;

	/* Asked, by the thread that starts the graph, while replay makes its columns: true ends
	 * that, and what there is so far is all there will be. Null: nobody asks. */
	bool (*stopped)(void *context);
	void *stopped_context;
};

#define SW_NEXMARK_JOB_OPTIONS_INIT                                                       \
	{                                                                                 \
		.size = sizeof(struct sw_nexmark_job_options), .watermark_delay_ms = 4000 \
	}

/* Do the options go together? 0, or -EINVAL with a message, as from sw_nexmark_job_create. */
SW_API SW_MUST_CHECK int sw_nexmark_job_check(
	const struct sw_nexmark_job_options *options, struct sw_error *error);

/*
 * Adds the query's stages to `graph` (not started yet) and opens its files. Paths are copied.
 * On the thread that builds the graph. 0, or -errno with a message: -EINVAL for an unknown query
 * (the message lists all) or options that do not go together, or what opening a file gave; the
 * graph is then good for nothing but sw_graph_destroy.
 */
SW_API SW_MUST_CHECK int sw_nexmark_job_create(struct sw_graph *graph,
	const struct sw_nexmark_job_options *options, struct sw_nexmark_job **job,
	struct sw_error *error);
/* After the graph was destroyed. Null is fine. */
SW_API void sw_nexmark_job_destroy(struct sw_nexmark_job *job);

struct sw_nexmark_job_result {
	uint64_t rows;    /* of the final result */
	bool revised;     /* results of this query change ... */
	uint64_t changes; /* ... so many times */
	bool has_checksum;
	uint64_t checksum;   /* sum mod 2^64 of the XXH3-64 of each row's CSV line */
	uint64_t late_rows;  /* left out as late */
	uint64_t bytes_read; /* by the blackhole, of the columns it was handed */
};

/* After sw_graph_wait: write errors of the sink were reported there. */
SW_API void sw_nexmark_job_result(
	const struct sw_nexmark_job *job, struct sw_nexmark_job_result *result);
/* Header of the result ("auction,price") and columns really made ("bid.auction,bid.price"). */
SW_API const char *sw_nexmark_job_columns(const struct sw_nexmark_job *job);
SW_API const char *sw_nexmark_job_reads(const struct sw_nexmark_job *job);

SW_END_DECLS

#endif

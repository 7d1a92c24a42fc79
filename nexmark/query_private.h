/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_QUERY_PRIVATE_H
#define SW_NEXMARK_QUERY_PRIVATE_H

#include "nexmark/event.h"
#include "nexmark/query.h"
#include "operators/csv_file.h"
#include "operators/sink_totals.h"
#include "runtime/kernel.h"

/* Which clock the source's watermarks are in. */
enum time_domain { TIME_OF_EVENT, TIME_OF_ARRIVAL };

/*
 * How a query is carried out: source of bids -> kernel -> merge (none for stateless ones) -> sink.
 * Schemas, kernels and configs are static.
 */
struct query_plan {
	uint32_t bid_columns; /* mask */
	enum time_domain time_domain;
	bool leaves_out_late; /* rows below the watermark (CSV) */
	const struct sw_kernel *kernel;
	/* Most rows that the kernel can give; null: never more than its output batches hold. The
	 * source makes its batches small enough. */
	uint64_t (*kernel_rows)(uint64_t rows, uint64_t text_bytes);
	const struct sw_operator *merge; /* null: none */
	unsigned key_column;             /* of the partials */
	size_t merge_text_bytes;         /* room for text in a batch of results; 0: by schema */
	const void *merge_config;
	const struct sw_schema *result;
};

/* A query: what it is, and how options make a plan of it. One file each. */
struct query {
	struct sw_nexmark_query about;
	int (*plan)(const struct sw_nexmark_job_options *options, struct query_plan *plan,
		struct sw_error *error);
};

extern const struct query query_q0, query_q1, query_q2, query_q7, query_q12, query_tokenize;

/* ---- Sources ---- */

/* What all instances of a source share; see source_generator.c. */
struct source_shared;

struct source_config {
	const struct sw_nexmark_generator *generator; /* null: CSV */
	const struct query_plan *plan;
	const struct sw_schema *schema; /* of the bids that are made */
	bool rate_limited, replay;
	struct source_shared *shared;
	int64_t (*clock_ms)(void *context);
	void *clock_context;
	/* CSV */
	const char *input_dir;
	int64_t watermark_delay_ms;
	struct sw_csv_file *late; /* null: late rows go nowhere */
};

struct source_shared *source_shared_create(void); /* null: memory is out */
void source_shared_destroy(struct source_shared *shared);
uint64_t source_late_rows(const struct source_shared *shared);

extern const struct sw_operator source_generator, source_replay, source_csv;

/* Most rows of a batch of at most `rows` whose kernel output fits, at row_bytes bytes of text a
 * row; 0: not even one row does. */
uint32_t source_batch_rows(const struct query_plan *plan, uint32_t rows, uint64_t row_bytes);
/* Text of one row at most. */
uint64_t source_row_text(const struct sw_schema *schema);

/* Room for each text column of a batch of a CSV source, and so the longest field it takes. */
#define CSV_TEXT_BYTES 65536u

#endif

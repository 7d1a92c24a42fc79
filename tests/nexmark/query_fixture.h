/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_NEXMARK_QUERY_FIXTURE_H
#define SW_TESTS_NEXMARK_QUERY_FIXTURE_H

#include "nexmark/generator.h"
#include "nexmark/query.h"

/* A query run from beginning to end, and files to run it on. */

struct query_run {
	struct sw_graph_options graph;
	struct sw_nexmark_job_options job;
	struct sw_nexmark_options generator; /* job.generator points here */
	/* What came of it. */
	struct sw_nexmark_job_result result;
	struct sw_graph_stats stats;
	struct sw_error error;
	char reads[256];
};

/* Two workers, unpinned; a bounded stream; a blackhole. */
void query_run_init(struct query_run *run, const char *query);
/* Creates, runs and destroys all; the code of what failed first, with its message. */
int query_run(struct query_run *run);
/* The same, and the test fails unless it succeeds. */
void query_run_well(struct query_run *run);

/* A temporary folder for the test program; removed when it exits. The path is static per call. */
const char *scratch_path(const char *name);
void write_file(const char *path, const char *text);
/* Bytes to free(); the test fails when the file cannot be read. */
char *read_file(const char *path, size_t *bytes);
void check_same_files(const char *path, const char *expected);
/* person.csv and auction.csv with their headers only, bid.csv with these rows. */
const char *write_bids(const char *folder, const char *rows);

#endif

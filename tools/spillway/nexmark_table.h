/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_NEXMARK_TABLE_H
#define SW_TOOLS_SPILLWAY_NEXMARK_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/spillway/environment.h"
#include "tools/spillway/run_options.h"
#include "tools/spillway/text.h"

/* What many queries took, and the forms in which that is shown. */

#define NEXMARK_REPETITIONS_MAX 1000

/* The figures of one run. */
struct nexmark_run {
	uint64_t events;
	unsigned workers;
	unsigned cores; /* that the workers had; at least 1 */
	double wall_s, cpu_s;
	uint64_t rows, late_rows, state_bytes;
	bool has_checksum;
	uint64_t checksum;
};

struct nexmark_row {
	const char *query;
	struct nexmark_run *runs; /* room for one per repetition, at most NEXMARK_REPETITIONS_MAX */
	unsigned run_count;       /* ended so far */
	char failure[256];        /* why the query failed; "": it did not */
};

struct nexmark_results {
	const struct run_options *options; /* the same for all queries */
	const char *command;               /* as typed */
	unsigned repetitions, warmup;
	unsigned row_count;
	struct nexmark_row *rows;
	bool complete; /* every row has all its runs, or failed */
};

enum nexmark_statistic { NEXMARK_MEDIAN, NEXMARK_MIN, NEXMARK_MAX, NEXMARK_STATISTICS };

const char *nexmark_statistic_name(enum nexmark_statistic statistic);
/* The row's times, each by itself; everything else is the first run's. The row has a run. */
struct nexmark_run nexmark_row_statistic(
	const struct nexmark_row *row, enum nexmark_statistic statistic);

/* Events a second; 0 when it took no time. */
double nexmark_run_rate(const struct nexmark_run *run);

/* "1.23 M/s" */
struct text nexmark_rate_text(double per_second);

/* The Flink suite's table, what failed or is missing, the environment, and the command again. */
void nexmark_table_print(
	const struct nexmark_results *results, const struct environment *environment, FILE *out);
/* The same in Markdown. */
void nexmark_markdown_print(
	const struct nexmark_results *results, const struct environment *environment, FILE *out);
/* A line per run, then median, min and max where there are several; a line per failure. */
void nexmark_csv_print(
	const struct nexmark_results *results, const struct environment *environment, FILE *out);
/* Google Benchmark's form, with more in it. 0 or EXIT_FAILED, said. */
int nexmark_json_print(const struct nexmark_results *results, FILE *out);

#endif

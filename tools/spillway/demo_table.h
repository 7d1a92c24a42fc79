/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_DEMO_TABLE_H
#define SW_TOOLS_SPILLWAY_DEMO_TABLE_H

#include "tools/spillway/plot.h"
#include "tools/spillway/run.h"
#include "tools/spillway/series.h"

/* What the demo says: before, and when both runs are over. */

void demo_introduce(const struct plot *plot, int64_t events, FILE *out);
void demo_table_print(const struct run_report *none, const struct series *none_series,
	const struct run_report *spill, const struct series *spill_series, const struct plot *plot,
	FILE *out);
/* Are the results the same, is nothing lost or doubled? 0 or EXIT_FAILED; says so either way. */
int demo_verdict(const struct run_report *none, const struct run_report *spill, FILE *out);

#endif

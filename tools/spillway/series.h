/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_SERIES_H
#define SW_TOOLS_SPILLWAY_SERIES_H

#include "tools/spillway/run.h"

/* The samples of one run, kept for tables and plots. */

struct series {
	struct sample *samples;
	size_t count, capacity;
	bool short_of_memory; /* some are missing */
};

void series_sample(void *series, const struct sample *sample);
void series_fini(struct series *series);

uint64_t series_backlog_max(const struct series *series);
double series_fill_max(const struct series *series);
/* Time in which the source was more than `events` behind its schedule. */
double series_behind_s(const struct series *series, uint64_t events);
/* Mean rate at which events were taken in from from_s to to_s. */
double series_rate(const struct series *series, double from_s, double to_s);

/* As CSV with a header; 0 or EXIT_FAILED, said. */
int series_write(const struct series *series, const char *path);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_TRACE_H
#define SW_TOOLS_SPILLWAY_TRACE_H

#include "tools/spillway/run.h"

/* The time series of a run as a file: one JSON object per sample. */

struct trace {
	FILE *file; /* null: none */
	const char *path;
	bool failed;
};

/* path null: no trace. 0 or EXIT_FAILED, said. */
int trace_open(struct trace *trace, const char *path);
void trace_sample(void *trace, const struct sample *sample);
/* 0 or EXIT_FAILED, said. */
int trace_close(struct trace *trace);

#endif

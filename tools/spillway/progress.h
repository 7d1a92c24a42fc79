/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_PROGRESS_H
#define SW_TOOLS_SPILLWAY_PROGRESS_H

#include <stdbool.h>

#include "tools/spillway/run.h"

/* One live line on standard error: rate, ring fill, spill, latency. */

struct progress {
	bool on;
	bool shown;
	const char *title;
};

/* mode: auto (on a terminal), always, never. */
void progress_init(struct progress *progress, const char *mode, const char *title);
void progress_sample(void *progress, const struct sample *sample);
/* Clears the line. */
void progress_end(struct progress *progress);

#endif

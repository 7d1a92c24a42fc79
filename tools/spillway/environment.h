/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_ENVIRONMENT_H
#define SW_TOOLS_SPILLWAY_ENVIRONMENT_H

#include <stdbool.h>

/* The machine and the build, for reports. Empty texts and 0: unknown. */
struct environment {
	char cpu[128];
	unsigned cores, nodes;
	const char *compiler;
	const char *revision; /* that it was built from, or "unknown" */
	char kernel[256];
	char huge_pages[32]; /* the system's mode: "madvise" */
	char curl[64], jansson[32], openssl[32], nghttp2[32];
};

void environment_read(struct environment *environment);

#endif

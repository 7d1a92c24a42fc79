/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_GENERATE_FILES_H
#define SW_NEXMARK_GENERATE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/* A generated stream as person.csv, auction.csv and bid.csv, or only their digests. */

SW_BEGIN_DECLS

struct sw_nexmark_options;

struct sw_nexmark_files_options {
	size_t size; /* sizeof(struct sw_nexmark_files_options) */
	const struct sw_nexmark_options
		*generator;             /* borrowed; null: its defaults; numEvents > 0 */
	const char *directory;          /* made if missing; null: write nothing */
	bool digest;                    /* fill sha256 */
	bool (*stopped)(void *context); /* asked now and then; null: never */
	void *stopped_context;
};

#define SW_NEXMARK_FILES_OPTIONS_INIT                           \
	{                                                       \
		.size = sizeof(struct sw_nexmark_files_options) \
	}

struct sw_nexmark_file {
	const char *name; /* "bid.csv" */
	uint64_t rows;    /* without the header */
	char sha256[65];  /* of the rows without the header, hex; "" unless asked for */
};

/*
 * Person, auction, bid in this order. 0; -ECANCELED when stopped() said so (whole rows are in the
 * files); or -errno with a message that names the file.
 */
SW_API SW_MUST_CHECK int sw_nexmark_generate_files(const struct sw_nexmark_files_options *options,
	struct sw_nexmark_file files[3], struct sw_error *error);

SW_END_DECLS

#endif

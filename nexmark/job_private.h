/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_JOB_PRIVATE_H
#define SW_NEXMARK_JOB_PRIVATE_H

#include <sys/types.h>

#include "nexmark/query_private.h"

/* query.c */

const struct query *query_find(const char *name); /* null: unknown */

/* job_files.c */

#define JOB_FILES_MAX 8

/* A file; one that is not there yet by its folder and its name in that. */
struct job_file_id {
	dev_t device;
	ino_t inode;
	const char *name; /* borrowed from its path; null: it is there */
};

/* Regular files that the job has to do with; all zero: none yet. */
struct job_files {
	struct job_file_id ids[JOB_FILES_MAX];
	unsigned count;
};

/* -EINVAL for options that name one file twice; nothing is opened. */
int job_files_check(const struct sw_nexmark_job_options *options, struct sw_error *error);
void job_files_read(struct job_files *files, const struct sw_nexmark_job_options *options);
/* As sw_csv_file_open; -EINVAL for a file that the job reads or writes already. */
int job_files_open(struct job_files *files, const char *path, struct sw_csv_file **result,
	struct sw_error *error);

#endif

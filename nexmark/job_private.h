/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_JOB_PRIVATE_H
#define SW_NEXMARK_JOB_PRIVATE_H

#include <sys/types.h>

#include "nexmark/query_private.h"

/* query.c */

const struct query *query_find(const char *name); /* null: unknown */

/* job_files.c */

#define JOB_FILES_MAX 8

struct job_file_id {
	dev_t device;
	ino_t inode;
};

/* Regular files that the job has to do with; all zero: none yet. */
struct job_files {
	struct job_file_id ids[JOB_FILES_MAX];
	unsigned count;
};

void job_files_read(struct job_files *files, const char *directory); /* null: none */
/* As sw_csv_file_open; -EINVAL for a file that the job reads or writes already. */
int job_files_open(struct job_files *files, const char *path, struct sw_csv_file **result,
	struct sw_error *error);

#endif

/* SPDX-License-Identifier: MIT */

/* The files that a job writes: no two are the same, and none is one that it reads. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "nexmark/job_private.h"

static void take(struct job_files *files, const struct stat *stat)
{
	/* Devices may be written by several. */
	if (S_ISREG(stat->st_mode) && files->count < JOB_FILES_MAX)
		files->ids[files->count++] = (struct job_file_id){ stat->st_dev, stat->st_ino };
}

static bool is_taken(const struct job_files *files, const struct stat *stat)
{
	for (unsigned i = 0; i < files->count; i++)
		if (files->ids[i].device == stat->st_dev && files->ids[i].inode == stat->st_ino)
			return true;
	return false;
}

void job_files_read(struct job_files *files, const char *directory)
{
	for (int type = 0; directory && type < SW_NEXMARK_EVENTS; type++) {
		char path[4096];
		struct stat file;

		snprintf(path, sizeof(path), "%s/%s.csv", directory,
			sw_nexmark_event_name((enum sw_nexmark_event)type));
		if (stat(path, &file) == 0)
			take(files, &file);
	}
}

int job_files_open(struct job_files *files, const char *path, struct sw_csv_file **result,
	struct sw_error *error)
{
	struct stat file;
	int code;

	if (stat(path, &file) == 0 && is_taken(files, &file))
		return sw_error_set(error, -EINVAL,
			"%s: is read, or written for something else, in the same run", path);
	code = sw_csv_file_open(path, result, error);
	if (!code && stat(path, &file) == 0)
		take(files, &file);
	return code;
}

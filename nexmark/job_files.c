/* SPDX-License-Identifier: MIT */

/* The files that a job writes: no two are the same, and none is one that it reads. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "nexmark/job_private.h"

static void take(struct job_files *files, const struct job_file_id *id)
{
	if (files->count < JOB_FILES_MAX)
		files->ids[files->count++] = *id;
}

static bool is_taken(const struct job_files *files, const struct job_file_id *id)
{
	for (unsigned i = 0; i < files->count; i++) {
		const struct job_file_id *other = &files->ids[i];

		if (other->device != id->device || other->inode != id->inode)
			continue;
		if (other->name && id->name ? !strcmp(other->name, id->name)
					    : other->name == id->name)
			return true;
	}
	return false;
}

/* False: it is no regular file, which several may write, or cannot be one. */
static bool identify(const char *path, struct job_file_id *id)
{
	const char *slash = strrchr(path, '/');
	char folder[4096];
	struct stat file;

	if (stat(path, &file) == 0) {
		*id = (struct job_file_id){ file.st_dev, file.st_ino, NULL };
		return S_ISREG(file.st_mode);
	}
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		slash ? path : ".");
	if (stat(folder, &file) != 0)
		return false;
	*id = (struct job_file_id){ file.st_dev, file.st_ino, slash ? slash + 1 : path };
	return true;
}

static void take_path(struct job_files *files, const char *path)
{
	struct job_file_id id;

	if (identify(path, &id))
		take(files, &id);
}

void job_files_read(struct job_files *files, const struct sw_nexmark_job_options *options)
{
	for (int type = 0; options->input_dir && type < SW_NEXMARK_EVENTS; type++) {
		char path[4096];
		struct stat file;

		snprintf(path, sizeof(path), "%s/%s.csv", options->input_dir,
			sw_nexmark_event_name((enum sw_nexmark_event)type));
		/* One that is not there is missed when it is opened. */
		if (stat(path, &file) == 0)
			take_path(files, path);
	}
	if (options->side_input)
		take_path(files, options->side_input);
}

static int refuse(const char *path, struct sw_error *error)
{
	return sw_error_set(error, -EINVAL,
		"%s: is read, or written for something else, in the same run", path);
}

int job_files_check(const struct sw_nexmark_job_options *options, struct sw_error *error)
{
	const char *written[] = { options->late, options->changelog, options->output };
	struct job_files files = { .count = 0 };

	job_files_read(&files, options);
	for (unsigned i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct job_file_id id;

		if (!written[i] || !identify(written[i], &id))
			continue;
		if (is_taken(&files, &id))
			return refuse(written[i], error);
		take(&files, &id);
	}
	return 0;
}

int job_files_open(struct job_files *files, const char *path, struct sw_csv_file **result,
	struct sw_error *error)
{
	struct job_file_id id;
	int code;

	if (identify(path, &id) && is_taken(files, &id))
		return refuse(path, error);
	code = sw_csv_file_open(path, result, error);
	if (!code)
		take_path(files, path);
	return code;
}

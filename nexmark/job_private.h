/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_JOB_PRIVATE_H
#define SW_NEXMARK_JOB_PRIVATE_H

#include <sys/types.h>

#include "nexmark/query_private.h"
#include "operators/blackhole.h"
#include "operators/csv_sink.h"

struct sw_nexmark_job {
	const struct query *query;
	struct query_plan plan;
	struct sw_nexmark_generator *generator;
	struct sw_schema events[SW_NEXMARK_EVENTS]; /* what the source makes of each kind */
	struct source_shared *shared;
	struct source_config source;
	char *input_dir;
	struct sw_csv_file *output, *changelog, *late;
	struct sw_sink_totals *totals;
	struct sw_blackhole_config blackhole;
	struct sw_csv_sink_config csv;
	char *output_dir; /* of partitions */
	struct sw_partition_sink_config partitions;
	bool has_checksum;
	sw_output_fn on_batch;
	void *on_batch_context;
	char columns[512], reads[1024];
};

/* job_stages.c */

/* From the source to the sink, all that the prepared job runs. */
int job_add_stages(struct sw_graph *graph, struct sw_nexmark_job *job,
	const struct sw_nexmark_job_options *options, struct sw_error *error);

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

/* SPDX-License-Identifier: MIT */
#include "operators/partition_sink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operators/csv_file.h"
#include "operators/csv_text.h"
#include "operators/due.h"
#include "operators/key_map.h"
#include "operators/slab.h"

/* Files open at a time: each has a buffer and a descriptor. */
#define OPEN_MAX 64

#define FILE_NAME "part-0.csv"
#define DONE_NAME "_SUCCESS"

/* A period with rows whose end the watermark has not reached. */
struct partition {
	struct sw_due due;
	struct partition *newer, *older; /* among those with an open file, by use */
	struct sw_csv_file *file;        /* null: closed, or not made yet */
	int64_t period;                  /* its number, from 1970 on */
	int64_t time_ms;                 /* of one of its rows */
	uint32_t number;                 /* in the slab */
	bool made;                       /* folder and file */
};

struct partition_sink {
	struct sw_sink_counts counts;
	struct sw_key_map by_period; /* to its number in the slab */
	struct sw_slab partitions;
	struct sw_due_queue due; /* by the period's last ms */
	struct partition *newest, *oldest;
	unsigned open;
	/* The folder's name and the rest of a path behind it. */
	char *path;
	size_t path_used, path_capacity;
	char *line;
	size_t line_capacity;
};

/* ---- Folders ---- */

static bool is_empty(DIR *folder)
{
	const struct dirent *entry;

	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return false;
	return true;
}

int sw_partition_folder_make(const char *folder, struct sw_error *error)
{
	DIR *there;
	bool empty;

	if (!mkdir(folder, 0777))
		return 0;
	if (errno != EEXIST)
		return sw_error_set(error, -errno, "%s: %s", folder, strerror(errno));
	there = opendir(folder);
	if (!there)
		return sw_error_set(error, -errno, "%s: %s", folder, strerror(errno));
	empty = is_empty(there);
	closedir(there);
	return empty ? 0
		     : sw_error_set(error, -ENOTEMPTY,
			       "%s: the folder is not empty (give a new or an empty one)", folder);
}

/* The path of a file in the partition's folder, in sink->path. */
static void set_path(struct sw_instance *self, struct partition_sink *sink,
	const struct partition *partition, const char *file)
{
	const struct sw_partition_sink_config *config = sw_instance_config(self);
	char name[SW_PARTITION_NAME_BYTES];

	config->name(partition->time_ms, name);
	snprintf(sink->path + sink->path_used, sink->path_capacity - sink->path_used, "/%s/%s",
		name, file);
}

/* Every folder of sink->path below the sink's. */
static int make_folders(struct sw_instance *self, struct partition_sink *sink)
{
	char *slash = sink->path + sink->path_used;

	while ((slash = strchr(slash + 1, '/'))) {
		int code;

		*slash = '\0';
		code = mkdir(sink->path, 0777) && errno != EEXIST ? -errno : 0;
		if (code)
			return sw_instance_fail(self, code, "%s: %s", sink->path, strerror(-code));
		*slash = '/';
	}
	return 0;
}

/* ---- Open files ---- */

static int file_failed(struct sw_instance *self, const struct sw_error *error)
{
	return sw_instance_fail(self, error->code, "%s", error->text);
}

static void link_newest(struct partition_sink *sink, struct partition *partition)
{
	partition->newer = NULL;
	partition->older = sink->newest;
	if (sink->newest)
		sink->newest->newer = partition;
	else
		sink->oldest = partition;
	sink->newest = partition;
}

static void unlink_open(struct partition_sink *sink, struct partition *partition)
{
	*(partition->newer ? &partition->newer->older : &sink->newest) = partition->older;
	*(partition->older ? &partition->older->newer : &sink->oldest) = partition->newer;
}

static int close_file(
	struct sw_instance *self, struct partition_sink *sink, struct partition *partition)
{
	struct sw_error error;
	int code;

	if (!partition->file)
		return 0;
	unlink_open(sink, partition);
	sink->open--;
	code = sw_csv_file_finish(partition->file, &error);
	sw_csv_file_destroy(partition->file);
	partition->file = NULL;
	return code ? file_failed(self, &error) : 0;
}

static int write_header(
	struct sw_instance *self, struct partition_sink *sink, struct partition *partition)
{
	const struct sw_partition_sink_config *config = sw_instance_config(self);
	size_t bytes = sw_csv_header(config->schema, sink->line, sink->line_capacity);
	struct sw_error error;

	return sw_csv_file_line(partition->file, sink->line, bytes, &error)
		       ? file_failed(self, &error)
		       : 0;
}

static int open_file(
	struct sw_instance *self, struct partition_sink *sink, struct partition *partition)
{
	struct sw_error error;
	int code = sink->open == OPEN_MAX ? close_file(self, sink, sink->oldest) : 0;

	if (code)
		return code;
	set_path(self, sink, partition, FILE_NAME);
	if (!partition->made)
		code = make_folders(self, sink);
	if (code)
		return code;
	if (sw_csv_file_append(sink->path, &partition->file, &error))
		return file_failed(self, &error);
	sink->open++;
	link_newest(sink, partition);
	if (partition->made)
		return 0;
	partition->made = true;
	return write_header(self, sink, partition);
}

/* ---- Partitions ---- */

static int64_t period_of(const struct sw_partition_sink_config *config, int64_t time_ms)
{
	return time_ms / config->period_ms - (time_ms % config->period_ms < 0);
}

/* The last ms of the time's period, or of all time. */
static int64_t last_of_period(const struct sw_partition_sink_config *config, int64_t time_ms)
{
	int64_t past = time_ms % config->period_ms;
	int64_t left = config->period_ms - 1 - (past < 0 ? past + config->period_ms : past);

	return time_ms > INT64_MAX - left ? INT64_MAX : time_ms + left;
}

/* Null: the limit of state was passed. */
static struct partition *find_partition(
	struct sw_instance *self, struct partition_sink *sink, int64_t time_ms)
{
	const struct sw_partition_sink_config *config = sw_instance_config(self);
	int64_t period = period_of(config, time_ms);
	struct partition *partition;
	uint32_t *number;

	/* Rows come nearly in order of time. */
	if (sink->newest && sink->newest->period == period)
		return sink->newest;
	number = sw_key_map_put(&sink->by_period, period);
	if (!number)
		return NULL;
	if (*number)
		return sw_slab_at(&sink->partitions, *number);
	*number = sw_slab_take(&sink->partitions);
	if (!*number)
		return NULL;
	partition = sw_slab_at(&sink->partitions, *number);
	partition->number = *number;
	partition->period = period;
	partition->time_ms = time_ms;
	sw_due_put(&sink->due, &partition->due, last_of_period(config, time_ms));
	return partition;
}

static int mark_done(
	struct sw_instance *self, struct partition_sink *sink, const struct partition *partition)
{
	int fd, code;

	set_path(self, sink, partition, DONE_NAME);
	fd = open(sink->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	code = fd < 0 || close(fd) ? -errno : 0;
	return code ? sw_instance_fail(self, code, "%s: %s", sink->path, strerror(-code)) : 0;
}

static int end_partition(struct sw_instance *self, struct partition_sink *sink,
	struct partition *partition, bool whole)
{
	int code = close_file(self, sink, partition);

	if (!code && whole)
		code = mark_done(self, sink, partition);
	sw_key_map_remove(&sink->by_period, partition->period);
	sw_slab_give(&sink->partitions, partition->number);
	return code;
}

/* ---- The operator ---- */

static int grow_line(struct partition_sink *sink, size_t bytes)
{
	char *grown;

	if (bytes <= sink->line_capacity)
		return 0;
	grown = realloc(sink->line, 2 * bytes);
	if (!grown)
		return -ENOMEM;
	sink->line = grown;
	sink->line_capacity = 2 * bytes;
	return 0;
}

static int sink_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_partition_sink_config *config = sw_instance_config(self);
	struct sw_heap *heap = sw_instance_heap(self);
	struct partition_sink *sink = state;

	sink->path_used = strlen(config->folder);
	sink->path_capacity = sink->path_used + SW_PARTITION_NAME_BYTES + sizeof("//" FILE_NAME);
	sink->path = malloc(sink->path_capacity);
	if (!heap || !sink->path || grow_line(sink, sw_csv_header(config->schema, NULL, 0) + 1))
		return sw_error_set(error, -ENOMEM, "partition sink: out of memory");
	memcpy(sink->path, config->folder, sink->path_used);
	sw_key_map_init(&sink->by_period, heap, sw_instance_state_mode(self));
	sw_slab_init(&sink->partitions, heap, sizeof(struct partition));
	return 0;
}

/* What is left open, after a run that was cut short, gets its last whole rows. */
static void sink_close(struct sw_instance *self, void *state)
{
	const struct sw_partition_sink_config *config = sw_instance_config(self);
	struct partition_sink *sink = state;

	for (; sink->newest; sink->newest = sink->newest->older)
		sw_csv_file_destroy(sink->newest->file);
	sw_sink_totals_add(config->totals, &sink->counts);
	sink->counts = (struct sw_sink_counts){ 0 };
	free(sink->path);
	free(sink->line);
	sink->path = sink->line = NULL;
}

static int take_row(struct sw_instance *self, struct partition_sink *sink,
	const struct sw_batch *batch, uint32_t row)
{
	const struct sw_partition_sink_config *config = sw_instance_config(self);
	int64_t time_ms = sw_column_int64(&batch->columns[config->time_column], row);
	struct partition *partition = find_partition(self, sink, time_ms);
	struct sw_error error;
	size_t bytes;
	int code = 0;

	if (!partition || grow_line(sink, sw_csv_row_bound(batch, row)))
		return -ENOMEM;
	if (!partition->file)
		code = open_file(self, sink, partition);
	if (code)
		return code;
	if (partition != sink->newest) {
		unlink_open(sink, partition);
		link_newest(sink, partition);
	}
	bytes = sw_csv_row(batch, row, sink->line);
	if (config->checksum)
		sink->counts.checksum += sw_csv_line_hash(sink->line, bytes);
	sink->counts.bytes += bytes + 1;
	return sw_csv_file_line(partition->file, sink->line, bytes, &error)
		       ? file_failed(self, &error)
		       : 0;
}

static int sink_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct partition_sink *sink = state;
	uint32_t rows = sw_batch_count(batch);
	int code = 0;

	(void)input;
	sw_sink_count_rows(&sink->counts, batch);
	for (uint32_t i = 0; i < rows && !code; i++)
		code = take_row(self, sink, batch, sw_batch_row(batch, i));
	sw_release(self, batch);
	return code;
}

static int sink_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct partition_sink *sink = state;
	struct sw_due *due = sw_due_take(&sink->due, watermark), *next;
	/* Of a stream that was cut off more would have come. */
	bool whole = watermark != SW_TIME_END || !sw_instance_stopped(self);
	int code = 0;

	for (; due && !code; due = next) {
		next = due->next;
		/* It is the first of the partition's fields. */
		code = end_partition(self, sink, (struct partition *)(void *)due, whole);
	}
	return code;
}

static int sink_idle(struct sw_instance *self, void *state)
{
	struct partition_sink *sink = state;
	struct sw_error error;

	for (struct partition *open = sink->newest; open; open = open->older)
		if (sw_csv_file_flush(open->file, &error))
			return file_failed(self, &error);
	return 0;
}

const struct sw_operator sw_partition_sink = {
	.name = "partitions",
	.state_bytes = sizeof(struct partition_sink),
	.open = sink_open,
	.close = sink_close,
	.process = sink_process,
	.advance = sink_advance,
	.idle = sink_idle,
};

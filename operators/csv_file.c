/* SPDX-License-Identifier: MIT */
#include "operators/csv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 262144u

struct sw_csv_file {
	int fd;
	size_t used, capacity;
	char *buffer;
	char path[];
};

static int fail_errno(const struct sw_csv_file *file, int code, struct sw_error *error)
{
	return sw_error_set(error, code, "%s: %s", file->path, strerror(-code));
}

static int open_with(
	const char *path, int flags, struct sw_csv_file **result, struct sw_error *error)
{
	size_t path_bytes = strlen(path) + 1;
	struct sw_csv_file *file = malloc(sizeof(*file) + path_bytes);
	int code;

	if (!file)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", path);
	memcpy(file->path, path, path_bytes);
	file->used = 0;
	file->capacity = BUFFER_BYTES;
	file->buffer = malloc(BUFFER_BYTES);
	file->fd = file->buffer ? open(path, flags | O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
	if (file->fd < 0) {
		code = file->buffer ? -errno : -ENOMEM;
		goto fail;
	}
	*result = file;
	return 0;
fail:
	fail_errno(file, code, error);
	free(file->buffer);
	free(file);
	return code;
}

int sw_csv_file_open(const char *path, struct sw_csv_file **file, struct sw_error *error)
{
	return open_with(path, O_TRUNC, file, error);
}

int sw_csv_file_append(const char *path, struct sw_csv_file **file, struct sw_error *error)
{
	return open_with(path, O_APPEND, file, error);
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		size -= (size_t)written;
	}
	return 0;
}

int sw_csv_file_flush(struct sw_csv_file *file, struct sw_error *error)
{
	size_t used = file->used;
	int code;

	if (used == 0)
		return 0;
	/* A failed write is not tried again: what it left in the file is unknown. */
	file->used = 0;
	code = write_all(file->fd, file->buffer, used);
	return code ? fail_errno(file, code, error) : 0;
}

/* Room for a line that is longer than the whole buffer. */
static int make_room(struct sw_csv_file *file, size_t bytes, struct sw_error *error)
{
	int code = sw_csv_file_flush(file, error);

	if (code)
		return code;
	if (bytes > file->capacity) {
		char *grown = realloc(file->buffer, bytes);

		if (!grown)
			return fail_errno(file, -ENOMEM, error);
		file->buffer = grown;
		file->capacity = bytes;
	}
	return 0;
}

int sw_csv_file_line(
	struct sw_csv_file *file, const char *line, size_t bytes, struct sw_error *error)
{
	if (bytes + 1 > file->capacity - file->used) {
		int code = make_room(file, bytes + 1, error);

		if (code)
			return code;
	}
	memcpy(file->buffer + file->used, line, bytes);
	file->buffer[file->used + bytes] = '\n';
	file->used += bytes + 1;
	return 0;
}

int sw_csv_file_finish(struct sw_csv_file *file, struct sw_error *error)
{
	int code, fd = file->fd;

	if (fd < 0)
		return 0;
	code = sw_csv_file_flush(file, error);
	file->fd = -1;
	if (close(fd) && !code)
		code = fail_errno(file, -errno, error);
	return code;
}

void sw_csv_file_destroy(struct sw_csv_file *file)
{
	int code;

	if (!file)
		return;
	code = sw_csv_file_finish(file, NULL);
	(void)code;
	free(file->buffer);
	free(file);
}

const char *sw_csv_file_path(const struct sw_csv_file *file)
{
	return file->path;
}

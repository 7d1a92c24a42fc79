/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz_file.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { FD = 1000000 };

struct fuzz_file fuzz_file;

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *to, size_t bytes);
ssize_t __real_read(int fd, void *to, size_t bytes);
int __wrap_close(int fd);
int __real_close(int fd);

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	if (strncmp(path, FUZZ_FOLDER, sizeof(FUZZ_FOLDER) - 1) == 0)
		return FD;
	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return __real_open(path, flags, mode);
}

ssize_t __wrap_read(int fd, void *to, size_t bytes)
{
	struct fuzz_input *input = &fuzz_file.input;

	if (fd != FD)
		return __real_read(fd, to, bytes);
	FUZZ_CHECK(bytes > 0);
	if (bytes > input->bytes)
		bytes = input->bytes;
	if (fuzz_file.step && bytes > fuzz_file.step)
		bytes = fuzz_file.step;
	if (bytes)
		memcpy(to, input->at, bytes);
	input->at += bytes;
	input->bytes -= bytes;
	return (ssize_t)bytes;
}

int __wrap_close(int fd)
{
	return fd == FD ? 0 : __real_close(fd);
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_CSV_FILE_H
#define SW_OPERATORS_CSV_FILE_H

#include <stddef.h>

#include "runtime/api.h"

/*
 * A text file that is written through a buffer, by one thread at a time. Only whole lines ever
 * reach it, unless the device fails in the middle of one.
 */

SW_BEGIN_DECLS

struct sw_csv_file;

/* Makes or empties the file. 0, or -errno with a message that names it. */
SW_API SW_MUST_CHECK int sw_csv_file_open(
	const char *path, struct sw_csv_file **file, struct sw_error *error);

/* The same, but what is in the file already stays: lines are added behind it. */
SW_API SW_MUST_CHECK int sw_csv_file_append(
	const char *path, struct sw_csv_file **file, struct sw_error *error);

/* Appends bytes and a line end. 0, or -errno with a message. */
SW_API SW_MUST_CHECK int sw_csv_file_line(
	struct sw_csv_file *file, const char *line, size_t bytes, struct sw_error *error);

/* Sends what is buffered to the file. 0, or -errno with a message. */
SW_API SW_MUST_CHECK int sw_csv_file_flush(struct sw_csv_file *file, struct sw_error *error);

/* After the last line: flushes, and gives the file back to the system, which may find out only now
 * that there is no space. 0, or -errno with a message. */
SW_API SW_MUST_CHECK int sw_csv_file_finish(struct sw_csv_file *file, struct sw_error *error);

/* Takes it; what was not finished is flushed, and nobody learns how that went. Null is fine. */
SW_API void sw_csv_file_destroy(struct sw_csv_file *file);

SW_API const char *sw_csv_file_path(const struct sw_csv_file *file);

SW_END_DECLS

#endif

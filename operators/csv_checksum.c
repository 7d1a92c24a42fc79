/* SPDX-License-Identifier: MIT */

/* The checksum of a result that was written to a file. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operators/csv_text.h"

#define BLOCK_BYTES 65536u

struct line {
	char *bytes;
	size_t size, capacity;
	bool quoted; /* inside quotes: a line end belongs to the row */
};

static int line_append(struct line *line, const char *bytes, size_t size)
{
	if (size == 0)
		return 0;
	if (line->size + size > line->capacity) {
		size_t capacity = 2 * (line->size + size) + 256;
		char *grown = realloc(line->bytes, capacity);

		if (!grown)
			return -ENOMEM;
		line->bytes = grown;
		line->capacity = capacity;
	}
	memcpy(line->bytes + line->size, bytes, size);
	line->size += size;
	return 0;
}

struct tally {
	uint64_t lines, checksum;
};

static void line_done(struct line *line, struct tally *tally)
{
	if (tally->lines++ > 0)
		tally->checksum += sw_csv_line_hash(line->bytes, line->size);
	line->size = 0;
}

static int add_block(struct line *line, struct tally *tally, const char *block, size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i < size; i++) {
		if (block[i] == '"')
			line->quoted = !line->quoted;
		if (block[i] != '\n' || line->quoted)
			continue;
		if (line_append(line, block + start, i - start))
			return -ENOMEM;
		line_done(line, tally);
		start = i + 1;
	}
	return line_append(line, block + start, size - start);
}

int sw_csv_checksum_file(
	const char *path, uint64_t *rows, uint64_t *checksum, struct sw_error *error)
{
	struct line line = { 0 };
	struct tally tally = { 0 };
	char *block = malloc(BLOCK_BYTES);
	FILE *file = NULL;
	size_t size;
	int code = -ENOMEM;

	if (!block)
		goto fail;
	file = fopen(path, "rbe");
	if (!file) {
		code = -errno;
		goto fail;
	}
	while ((size = fread(block, 1, BLOCK_BYTES, file)) > 0) {
		code = add_block(&line, &tally, block, size);
		if (code)
			goto fail;
	}
	if (ferror(file)) {
		code = -EIO;
		goto fail;
	}
	code = -EBADMSG;
	if (line.size > 0 || tally.lines == 0) {
		sw_error_set(error, code, "%s: %s", path,
			tally.lines == 0 && line.size == 0
				? "is empty (a CSV file begins with a header)"
				: "the last row has no line end (was the file cut off?)");
		goto out;
	}
	*rows = tally.lines - 1;
	*checksum = tally.checksum;
	code = 0;
	goto out;
fail:
	sw_error_set(error, code, "%s: %s", path, strerror(-code));
out:
	if (file)
		fclose(file);
	free(block);
	free(line.bytes);
	return code;
}

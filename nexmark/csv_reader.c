/* SPDX-License-Identifier: MIT */
#include "nexmark/csv_reader_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "operators/csv_text.h"

/* What parsing a record that is perhaps not whole yet can come to. */
enum parsed { PARSED_WHOLE, PARSED_MORE, PARSED_BAD };

static int bad(const struct csv_reader *reader, struct sw_error *error, const char *why)
{
	return sw_error_set(error, -EBADMSG, "%s: line %llu: %s", reader->name,
		(unsigned long long)reader->line, why);
}

/* Reads on; what was unread moves to the buffer's beginning. */
static int fill(struct csv_reader *reader, struct sw_error *error)
{
	ssize_t got;

	if (reader->begin > 0) {
		memmove(reader->buffer, reader->buffer + reader->begin,
			reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->begin = 0;
	}
	if (reader->end == reader->capacity) {
		char *grown;

		if (reader->capacity >= CSV_RECORD_BYTES)
			return bad(
				reader, error, "longer than 16 MiB (a quote that is not closed?)");
		grown = realloc(reader->buffer, 2 * reader->capacity);
		if (!grown)
			return sw_error_set(error, -ENOMEM, "%s: out of memory", reader->name);
		reader->buffer = grown;
		reader->capacity *= 2;
	}
	do
		got = read(
			reader->fd, reader->buffer + reader->end, reader->capacity - reader->end);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return sw_error_set(error, -errno, "%s: %s", reader->name, strerror(errno));
	reader->ended = got == 0;
	reader->end += (size_t)got;
	return 0;
}

/* ---- A record without quotes: nearly all are ---- */

static int split_plain(struct csv_reader *reader, struct sw_error *error)
{
	const char *at = reader->raw.bytes, *end = at + reader->raw.size;
	unsigned columns = reader->schema->columns;

	if (memchr(at, '\r', reader->raw.size))
		return bad(reader, error, "a carriage return outside quotes");
	for (unsigned i = 0; i < columns; i++) {
		const char *comma = memchr(at, ',', (size_t)(end - at));

		if (!comma && i + 1 < columns)
			return bad(reader, error, "too few fields");
		if (comma && i + 1 == columns)
			return bad(reader, error, "too many fields");
		if (!comma)
			comma = end;
		reader->fields[i] = (struct sw_text){ at, (uint32_t)(comma - at) };
		at = comma + 1;
	}
	return 0;
}

/* ---- A record with quotes ---- */

struct quoted {
	const char *at, *end; /* of what was read so far */
	char *to;             /* where unquoted bytes go */
	const char *why;      /* bad */
};

/* After the opening quote. */
static enum parsed parse_quoted_field(struct quoted *q, struct sw_text *field)
{
	char *start = q->to;

	for (;;) {
		const char *quote = memchr(q->at, '"', (size_t)(q->end - q->at));

		if (!quote || quote + 1 == q->end)
			return PARSED_MORE;
		memcpy(q->to, q->at, (size_t)(quote - q->at));
		q->to += quote - q->at;
		q->at = quote + 1;
		if (*q->at != '"')
			break;
		*q->to++ = '"';
		q->at++;
	}
	*field = (struct sw_text){ start, (uint32_t)(q->to - start) };
	return PARSED_WHOLE;
}

static enum parsed parse_plain_field(struct quoted *q, struct sw_text *field)
{
	const char *start = q->at;

	for (; q->at < q->end; q->at++) {
		char c = *q->at;

		if (c == '"') {
			q->why = "a quote inside a field that is not quoted";
			return PARSED_BAD;
		}
		if (c == ',' || c == '\n' || c == '\r') {
			*field = (struct sw_text){ start, (uint32_t)(q->at - start) };
			return PARSED_WHOLE;
		}
	}
	return PARSED_MORE;
}

/* The comma or line end after a field. `last`: it was the last one. */
static enum parsed parse_separator(struct quoted *q, bool last)
{
	if (*q->at == ',') {
		q->why = "too many fields";
		q->at++;
		return last ? PARSED_BAD : PARSED_WHOLE;
	}
	if (*q->at == '\r') {
		if (q->at + 1 == q->end)
			return PARSED_MORE;
		q->why = "a carriage return outside quotes";
		if (q->at[1] != '\n')
			return PARSED_BAD;
		q->at++;
	}
	q->why = *q->at == '\n' ? "too few fields" : "text after a closing quote";
	if (*q->at != '\n' || !last)
		return PARSED_BAD;
	q->at++;
	return PARSED_WHOLE;
}

static enum parsed parse_quoted(struct csv_reader *reader, struct quoted *q)
{
	unsigned columns = reader->schema->columns;

	for (unsigned i = 0; i < columns; i++) {
		enum parsed parsed;

		if (q->at == q->end)
			return PARSED_MORE;
		if (*q->at == '"') {
			q->at++;
			parsed = parse_quoted_field(q, &reader->fields[i]);
		} else {
			parsed = parse_plain_field(q, &reader->fields[i]);
		}
		if (parsed == PARSED_WHOLE)
			parsed = parse_separator(q, i + 1 == columns);
		if (parsed != PARSED_WHOLE)
			return parsed;
	}
	return PARSED_WHOLE;
}

static void end_record(struct csv_reader *reader, const char *start, const char *after)
{
	const char *at = start;
	size_t size = (size_t)(after - start) - 1;

	if (size > 0 && start[size - 1] == '\r')
		size--;
	reader->raw = (struct sw_text){ start, (uint32_t)size };
	reader->begin = (size_t)(after - reader->buffer);
	while (at < after && (at = memchr(at, '\n', (size_t)(after - at)))) {
		reader->next_line++;
		at++;
	}
}

/* 1: done; 0: more bytes are needed; or -errno. */
static int try_quoted(struct csv_reader *reader, struct sw_error *error)
{
	const char *start = reader->buffer + reader->begin;
	size_t size = reader->end - reader->begin;
	struct quoted q = { .at = start, .end = start + size };

	if (reader->unquoted_capacity < size) {
		free(reader->unquoted);
		reader->unquoted_capacity = 0;
		reader->unquoted = malloc(reader->capacity);
		if (!reader->unquoted)
			return sw_error_set(error, -ENOMEM, "%s: out of memory", reader->name);
		reader->unquoted_capacity = reader->capacity;
	}
	q.to = reader->unquoted;
	switch (parse_quoted(reader, &q)) {
	case PARSED_MORE:
		return 0;
	case PARSED_BAD:
		return bad(reader, error, q.why);
	default:
		end_record(reader, start, q.at);
		return 1;
	}
}

/* 1: done; 0: more bytes are needed; or -errno. */
static int try_record(struct csv_reader *reader, struct sw_error *error)
{
	const char *start = reader->buffer + reader->begin;
	const char *line_end = memchr(start, '\n', reader->end - reader->begin);
	int code;

	if (!line_end)
		return 0;
	if (memchr(start, '"', (size_t)(line_end - start)))
		return try_quoted(reader, error);
	end_record(reader, start, line_end + 1);
	code = split_plain(reader, error);
	return code ? code : 1;
}

int csv_reader_next(struct csv_reader *reader, struct sw_error *error)
{
	reader->line = reader->next_line;
	for (;;) {
		int code = 0;

		if (reader->begin < reader->end)
			code = try_record(reader, error);
		if (code)
			return code;
		if (reader->ended && reader->begin == reader->end)
			return 0;
		if (reader->ended)
			return bad(reader, error,
				memchr(reader->buffer + reader->begin, '"',
					reader->end - reader->begin)
					? "the file ends inside quotes or without a line end"
					: "the file ends without a line end (was it cut off?)");
		code = fill(reader, error);
		if (code)
			return code;
	}
}

static int check_header(struct csv_reader *reader, struct sw_error *error)
{
	char expected[256];
	size_t bytes = sw_csv_header(reader->schema, expected, sizeof(expected));
	int code;

	code = csv_reader_next(reader, error);
	if (code == 1 && reader->raw.size == bytes && !memcmp(reader->raw.bytes, expected, bytes))
		return 0;
	if (code < 0 && code != -EBADMSG)
		return code;
	return sw_error_set(
		error, -EBADMSG, "%s: line 1: the header has to be %s", reader->name, expected);
}

int csv_reader_open(struct csv_reader *reader, const char *directory, const char *name,
	const struct sw_schema *schema, struct sw_error *error)
{
	char *path = NULL;
	int code = -ENOMEM;

	*reader = (struct csv_reader){ .fd = -1,
		.name = name,
		.schema = schema,
		.capacity = CSV_BUFFER_BYTES,
		.next_line = 1 };
	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		goto fail;
	}
	reader->buffer = malloc(CSV_BUFFER_BYTES);
	if (!reader->buffer)
		goto fail;
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0) {
		code = -errno;
		goto fail;
	}
	free(path);
	code = check_header(reader, error);
	if (code)
		csv_reader_close(reader);
	return code;
fail:
	sw_error_set(error, code, "%s: %s", path ? path : name, strerror(-code));
	free(path);
	csv_reader_close(reader);
	return code;
}

void csv_reader_close(struct csv_reader *reader)
{
	if (reader->buffer && reader->fd >= 0)
		close(reader->fd);
	free(reader->buffer);
	free(reader->unquoted);
	*reader = (struct csv_reader){ .fd = -1 };
}

int csv_reader_number(const struct csv_reader *reader, unsigned field, int64_t low, int64_t high,
	int64_t *value, struct sw_error *error)
{
	struct sw_text text = reader->fields[field];
	bool negative = text.size > 0 && text.bytes[0] == '-', overflow = false;
	const char *why = "is not a whole number";
	int64_t sum = 0;

	if (text.size == (uint32_t)negative)
		goto fail;
	for (uint32_t i = negative; i < text.size; i++) {
		int digit = text.bytes[i] - '0';

		if (digit < 0 || digit > 9)
			goto fail;
		overflow |= __builtin_mul_overflow(sum, 10, &sum);
		overflow |= __builtin_add_overflow(sum, negative ? -digit : digit, &sum);
	}
	why = "is out of range";
	if (overflow || sum < low || sum > high)
		goto fail;
	*value = sum;
	return 0;
fail:
	return sw_error_set(error, -EBADMSG, "%s: line %llu: %s: \"%.*s\" %s", reader->name,
		(unsigned long long)reader->line, reader->schema->fields[field].name,
		text.size < 40 ? (int)text.size : 40, text.bytes, why);
}

/* SPDX-License-Identifier: MIT */
/*
 * CSV files: what is read does not depend on how the file comes in pieces; what was read, written
 * again, is read as the same; whole numbers likewise. A side input's rows are found in its table;
 * the checksum of a file is that of its rows. The reader's buffer is small here (CMakeLists.txt).
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nexmark/csv_reader_private.h"
#include "operators/csv_text.h"
#include "operators/side_table.h"
#include "tests/fuzz/fuzz_file.h"

enum { SIDE = 1, SUM = 50, BUFFER_MAX = 1 << 15 };

static const struct sw_schema schemas[2] = {
	{ .columns = 4,
		.fields = { { .name = "seq", .type = SW_INT64 }, { .name = "a", .type = SW_TEXT },
			{ .name = "b", .type = SW_INT64 }, { .name = "c", .type = SW_TEXT } } },
	{ .columns = 2,
		.fields = { { .name = "key", .type = SW_INT64 },
			{ .name = "value", .type = SW_TEXT } } },
};

static const char name[] = "fuzz.csv";

/* ---- Reading ---- */

/* What reading a file came to: its rows as CSV text, and the end. */
struct outcome {
	char text[BUFFER_MAX];
	size_t bytes;
	unsigned rows;
	uint64_t checksum, lines;
	int code;
	struct sw_error error;
};

static void note_numbers(struct csv_reader *reader)
{
	for (unsigned i = 0; i < reader->schema->columns; i++) {
		const struct sw_text field = reader->fields[i];
		char digits[SW_CSV_NUMBER_BYTES];
		int64_t value = 0, again = 0;
		struct sw_error error;
		int code = csv_reader_number(reader, i, INT64_MIN, INT64_MAX, &value, &error);

		if (code) {
			FUZZ_CHECK(code == -EBADMSG && error.text[0]);
			continue;
		}
		reader->fields[i].bytes = digits;
		reader->fields[i].size = (uint32_t)(sw_csv_put_int64(digits, value) - digits);
		FUZZ_CHECK(csv_reader_number(reader, i, value, value, &again, &error) == 0);
		FUZZ_CHECK(again == value);
		reader->fields[i] = field;
	}
}

static void note_row(struct outcome *outcome, const struct csv_reader *reader)
{
	char *start = outcome->text + outcome->bytes, *at = start;
	size_t bound = 1;

	for (unsigned i = 0; i < reader->schema->columns; i++)
		bound += 2 * (size_t)reader->fields[i].size + 3;
	FUZZ_CHECK(outcome->bytes + bound <= sizeof(outcome->text));
	for (unsigned i = 0; i < reader->schema->columns; i++) {
		if (i > 0)
			*at++ = ',';
		at = sw_csv_put_text(at, reader->fields[i]);
	}
	outcome->checksum += sw_csv_line_hash(start, (size_t)(at - start));
	*at++ = '\n';
	outcome->bytes = (size_t)(at - outcome->text);
	outcome->rows++;
}

static void read_file(struct outcome *outcome, const struct sw_schema *schema,
	struct fuzz_input bytes, uint8_t bytes_a_read)
{
	struct csv_reader reader;

	fuzz_file = (struct fuzz_file){ bytes, bytes_a_read };
	outcome->rows = 0;
	outcome->checksum = outcome->lines = 0;
	outcome->error.text[0] = '\0';
	outcome->bytes = sw_csv_header(schema, outcome->text, sizeof(outcome->text));
	outcome->text[outcome->bytes++] = '\n';
	outcome->code = csv_reader_open(&reader, FUZZ_FOLDER, name, schema, &outcome->error);
	if (outcome->code)
		return;
	while ((outcome->code = csv_reader_next(&reader, &outcome->error)) == 1) {
		note_numbers(&reader);
		note_row(outcome, &reader);
	}
	outcome->lines = reader.line;
	csv_reader_close(&reader);
	FUZZ_CHECK(outcome->code == 0 || outcome->error.text[0]);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
	FUZZ_CHECK(a->rows == b->rows && a->bytes == b->bytes &&
		   memcmp(a->text, b->text, a->bytes) == 0);
}

/* ---- What is made of it ---- */

static void check_side(struct fuzz_input bytes)
{
	struct sw_side_table *table = sw_side_table_create();
	struct sw_error error;
	struct csv_reader reader;
	unsigned rows = 0;
	int64_t key = 0;

	fuzz_file = (struct fuzz_file){ bytes, 0 };
	FUZZ_CHECK(table);
	if (csv_reader_open(&reader, FUZZ_FOLDER, name, &schemas[1], &error) == 0) {
		while (csv_reader_next(&reader, &error) == 1 &&
			csv_reader_number(&reader, 0, INT64_MIN, INT64_MAX, &key, &error) == 0) {
			FUZZ_CHECK(sw_side_table_add(table, key, reader.fields[1]) == 0);
			rows++;
		}
		csv_reader_close(&reader);
	}
	FUZZ_CHECK(sw_side_table_seal(table) == 0);
	FUZZ_CHECK(sw_side_table_values(table)->entries == rows);
	if (rows > 0 && sw_side_table_values(table)->entries)
		(void)sw_side_table_find(table, key);
	sw_side_table_destroy(table);
}

static void check_sum(const struct outcome *outcome)
{
	static int fd = -1;
	char path[64];
	uint64_t rows = 0, checksum = 0;
	struct sw_error error;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	FUZZ_CHECK(pwrite(fd, outcome->text, outcome->bytes, 0) == (ssize_t)outcome->bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FUZZ_CHECK(sw_csv_checksum_file(path, &rows, &checksum, &error) == 0);
	FUZZ_CHECK(rows == outcome->rows && checksum == outcome->checksum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces, again;
	struct fuzz_input input = { data, size };
	const uint8_t flags = fuzz_byte(&input), bytes_a_read = fuzz_byte(&input);
	const struct sw_schema *schema = &schemas[flags & SIDE];

	/* Each character may become two. */
	if (size > BUFFER_MAX / 8)
		return 0;
	read_file(&whole, schema, input, 0);
	read_file(&pieces, schema, input, bytes_a_read ? bytes_a_read : 1);
	check_same(&whole, &pieces);
	FUZZ_CHECK(whole.code == pieces.code && whole.lines == pieces.lines);
	FUZZ_CHECK(whole.code == 0 || strcmp(whole.error.text, pieces.error.text) == 0);
	/* What had to be said of a record that is too long says nothing of it written anew. */
	if (whole.rows > 0 && whole.bytes < CSV_RECORD_BYTES) {
		read_file(&again, schema, (struct fuzz_input){ (uint8_t *)whole.text, whole.bytes },
			0);
		FUZZ_CHECK(again.code == 0);
		check_same(&whole, &again);
	}
	if (flags & SIDE)
		check_side(input);
	if (flags / 2 == SUM)
		check_sum(&whole);
	return 0;
}

/* ---- Inputs ---- */

static size_t sample(uint8_t *data, size_t max, uint64_t *random)
{
	static const char *const fields[] = { "0", "-1", "9223372036854775807", "x", "", "\"\"",
		"\"a,b\"", "\"a\"\"b\"", "\"a\nb\"", "\"\r\n\"",
		"a text that is longer than the buffer is to begin with, and so makes it grow" };
	const uint8_t flags = (uint8_t)random_below(random, 2 * SUM + 2);
	const struct sw_schema *schema = &schemas[flags & SIDE];
	char header[64];
	size_t used = 2;

	data[0] = flags;
	data[1] = (uint8_t)random_below(random, 100);
	sw_csv_header(schema, header, sizeof(header));
	used = fuzz_put(data, used, max, header);
	used = fuzz_put(data, used, max, "\n");
	for (uint32_t row = random_below(random, 5); row > 0; row--) {
		for (unsigned i = 0; i < schema->columns; i++) {
			used = fuzz_put(data, used, max, i > 0 ? "," : "");
			used = fuzz_put(data, used, max, fields[random_below(random, 11)]);
		}
		used = fuzz_put(data, used, max, random_below(random, 2) ? "\n" : "\r\n");
	}
	return used;
}

static const char *const words[] = { "\"", "\"\"", ",", "\n", "\r\n", "\r", "seq,a,b,c\n",
	"key,value\n", "0,1,2,3\n", "\",\"", "\"\n", "-9223372036854775808", "9223372036854775808",
	"-", "\"0123456789012345678901234567890123456789\"", NULL };

const struct fuzz_target fuzz_target = { .sample = sample, .words = words };

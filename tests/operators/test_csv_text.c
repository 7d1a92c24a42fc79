/* SPDX-License-Identifier: MIT */

#include "operators/csv_file.h"
#include "operators/csv_text.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_number(int64_t value)
{
	char text[SW_CSV_NUMBER_BYTES + 1], expected[32];

	*sw_csv_put_int64(text, value) = '\0';
	snprintf(expected, sizeof(expected), "%" PRId64, value);
	assert_string_equal(text, expected);
}

static void numbers(void **unused)
{
	uint64_t state = random_seed();

	(void)unused;
	check_number(0);
	check_number(INT64_MIN);
	check_number(INT64_MAX);
	for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10)
		for (int64_t value = power - 1; value <= power + 1; value++) {
			check_number(value);
			check_number(-value);
		}
	for (int i = 0; i < 100000; i++)
		check_number((int64_t)(random_next(&state) >> random_below(&state, 64)));
}

static void check_decimal(int64_t thousandths, const char *expected)
{
	char text[SW_CSV_NUMBER_BYTES + 1];
	char *end = sw_csv_put_decimal3(text, thousandths);

	assert_true(end - text <= SW_CSV_NUMBER_BYTES);
	*end = '\0';
	assert_string_equal(text, expected);
}

static void decimals(void **unused)
{
	(void)unused;
	check_decimal(0, "0.000");
	check_decimal(1, "0.001");
	check_decimal(-1, "-0.001");
	check_decimal(908, "0.908");
	check_decimal(-1000, "-1.000");
	check_decimal(1050, "1.050");
	check_decimal(INT64_MAX, "9223372036854775.807");
	check_decimal(INT64_MIN, "-9223372036854775.808");
}

static void check_text(const char *text, const char *expected)
{
	char field[64];

	*sw_csv_put_text(field, (struct sw_text){ text, (uint32_t)strlen(text) }) = '\0';
	assert_string_equal(field, expected);
}

static void texts(void **unused)
{
	(void)unused;
	check_text("", "");
	check_text("plain text", "plain text");
	check_text(" ", " ");
	check_text("a,b", "\"a,b\"");
	check_text("\"", "\"\"\"\"");
	check_text("say \"so\"", "\"say \"\"so\"\"\"");
	check_text("a\nb", "\"a\nb\"");
	check_text("a\r", "\"a\r\"");
}

static const int32_t dictionary_offsets[] = { 0, 1, 4 };
static const struct sw_dictionary dictionary = { 2, dictionary_offsets, "xa,b" };

static const struct sw_schema schema = {
	.columns = 6,
	.fields = { { .name = "id", .type = SW_INT64 }, { .name = "small", .type = SW_INT32 },
		{ .name = "when", .type = SW_TIME_MS }, { .name = "price", .type = SW_DECIMAL3 },
		{ .name = "plain", .type = SW_TEXT },
		{ .name = "coded", .type = SW_TEXT, .dictionary = &dictionary } },
};

static void rows(void **unused)
{
	struct sw_batch *batch = sw_batch_create(&schema, 2, 100);
	char line[256];
	size_t bytes;

	(void)unused;
	assert_non_null(batch);
	((int64_t *)batch->columns[0].data)[0] = INT64_MIN;
	((int32_t *)batch->columns[1].data)[0] = -7;
	((int64_t *)batch->columns[2].data)[0] = 1436918400000;
	((int64_t *)batch->columns[3].data)[0] = INT64_MIN;
	assert_true(sw_column_append_text(&batch->columns[4], 0, "\"\"", 2));
	((int32_t *)batch->columns[5].data)[0] = 1;
	batch->rows = 1;
	bytes = sw_csv_row(batch, 0, line);
	assert_true(bytes < sw_csv_row_bound(batch, 0));
	line[bytes] = '\0';
	assert_string_equal(line, "-9223372036854775808,-7,1436918400000,-9223372036854775.808,"
				  "\"\"\"\"\"\",\"a,b\"");
	sw_batch_destroy(batch);
}

static void headers(void **unused)
{
	char text[64];

	(void)unused;
	assert_int_equal(sw_csv_header(&schema, NULL, 0), 31);
	assert_int_equal(sw_csv_header(&schema, text, sizeof(text)), 31);
	assert_string_equal(text, "id,small,when,price,plain,coded");
	assert_int_equal(sw_csv_header(&schema, text, 5), 31);
	assert_int_equal(strlen(text) < 5, 1);
}

/* ---- Files ---- */

static char path[] = "/tmp/spillway-csv-XXXXXX";

static void put(const char *text)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static void checksums(void **unused)
{
	uint64_t count, sum;
	struct sw_error error;

	(void)unused;
	put("a,b\n1,2\n3,\"x\ny\"\n");
	assert_int_equal(sw_csv_checksum_file(path, &count, &sum, &error), 0);
	assert_int_equal(count, 2);
	assert_true(sum == sw_csv_line_hash("1,2", 3) + sw_csv_line_hash("3,\"x\ny\"", 7));
	/* What the published algorithm gives for these bytes: the sum is part of the interface. */
	assert_true(sw_csv_line_hash("", 0) == 0x2D06800538D394C2u);
	put("a,b\n");
	assert_int_equal(sw_csv_checksum_file(path, &count, &sum, &error), 0);
	assert_int_equal(count, 0);
	assert_true(sum == 0);
	put("");
	assert_int_equal(sw_csv_checksum_file(path, &count, &sum, &error), -EBADMSG);
	put("a,b\n1,2");
	assert_int_equal(sw_csv_checksum_file(path, &count, &sum, &error), -EBADMSG);
	assert_non_null(strstr(error.text, "no line end"));
	assert_int_equal(sw_csv_checksum_file("/nothing.csv", &count, &sum, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nothing.csv: No such file"));
	assert_int_equal(sw_csv_checksum_file("/", &count, &sum, &error), -EIO);
}

static void long_lines_pass_the_buffer(void **unused)
{
	size_t bytes = 1000000;
	char *line = malloc(bytes);
	struct sw_csv_file *file;
	struct sw_error error;
	uint64_t count, sum;

	(void)unused;
	assert_non_null(line);
	memset(line, 'x', bytes);
	assert_int_equal(sw_csv_file_open(path, &file, &error), 0);
	assert_string_equal(sw_csv_file_path(file), path);
	assert_int_equal(sw_csv_file_line(file, "header", 6, &error), 0);
	assert_int_equal(sw_csv_file_line(file, line, bytes, &error), 0);
	assert_int_equal(sw_csv_file_line(file, line, 5, &error), 0);
	assert_int_equal(sw_csv_file_finish(file, &error), 0);
	assert_int_equal(sw_csv_file_finish(file, &error), 0);
	sw_csv_file_destroy(file);
	assert_int_equal(sw_csv_checksum_file(path, &count, &sum, &error), 0);
	assert_int_equal(count, 2);
	assert_true(sum == sw_csv_line_hash(line, bytes) + sw_csv_line_hash(line, 5));
	free(line);
}

static void full_devices(void **unused)
{
	struct sw_csv_file *file;
	struct sw_error error;

	(void)unused;
	assert_int_equal(sw_csv_file_open("/dev/full", &file, &error), 0);
	assert_int_equal(sw_csv_file_line(file, "x", 1, &error), 0);
	assert_int_equal(sw_csv_file_flush(file, &error), -ENOSPC);
	assert_string_equal(error.text, "/dev/full: No space left on device");
	assert_int_equal(sw_csv_file_line(file, "x", 1, &error), 0);
	assert_int_equal(sw_csv_file_finish(file, &error), -ENOSPC);
	sw_csv_file_destroy(file);
	sw_csv_file_destroy(NULL);
}

static int open_path(void **unused)
{
	int fd = mkstemp(path);

	(void)unused;
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int remove_path(void **unused)
{
	(void)unused;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(decimals),
		cmocka_unit_test(texts),
		cmocka_unit_test(rows),
		cmocka_unit_test(headers),
		cmocka_unit_test(checksums),
		cmocka_unit_test(long_lines_pass_the_buffer),
		cmocka_unit_test(full_devices),
	};

	return cmocka_run_group_tests(tests, open_path, remove_path);
}

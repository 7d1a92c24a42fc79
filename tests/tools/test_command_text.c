/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/spillway/series.h"
#include "tools/spillway/text.h"

static void figures_read_well(void **state)
{
	(void)state;
	assert_string_equal(text_count(0).bytes, "0");
	assert_string_equal(text_count(999).bytes, "999");
	assert_string_equal(text_count(1000).bytes, "1,000");
	assert_string_equal(text_count(UINT64_MAX).bytes, "18,446,744,073,709,551,615");
	assert_string_equal(text_rate(-1).bytes, "0");
	assert_string_equal(text_rate(NAN).bytes, "0");
	assert_string_equal(text_rate(1234.5).bytes, "1,235");
	assert_string_equal(text_time_us(0.25).bytes, "0.25 us");
	assert_string_equal(text_time_us(999.4).bytes, "999 us");
	assert_string_equal(text_time_us(999.6).bytes, "1.00 ms");
	assert_string_equal(text_time_us(12345).bytes, "12.3 ms");
	assert_string_equal(text_time_us(25.1e6).bytes, "25.1 s");
	assert_string_equal(text_bytes(999).bytes, "999 B");
	assert_string_equal(text_bytes(1500).bytes, "1.50 kB");
	assert_string_equal(text_bytes(999600000).bytes, "1.00 GB");
	assert_string_equal(text_share(0.123).bytes, "12.3 %");
}

static void columns_line_up(void **state)
{
	struct table table;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	table_init(&table, 2);
	table_row(&table, "", "b");
	table_row(&table, "-");
	table_row(&table, "long name", "1");
	table_row(&table, "x", "123");
	table_print(&table, out);
	fclose(out);
	assert_string_equal(text, "              b\n"
				  "---------------\n"
				  "long name     1\n"
				  "x           123\n");
	free(text);
}

static void too_many_rows_are_left_out(void **state)
{
	struct table table;

	(void)state;
	table_init(&table, 1);
	for (int i = 0; i < TABLE_ROWS_MAX + 5; i++)
		table_row(&table, "x");
	assert_int_equal(table.rows, TABLE_ROWS_MAX);
}

static void series_keeps_and_sums_up(void **state)
{
	struct series series = { 0 };
	char path[] = "/tmp/test_command_text.XXXXXX", line[512];
	int fd = mkstemp(path), lines = 0;
	FILE *file;

	(void)state;
	for (int i = 1; i <= 3000; i++) {
		struct sample sample = { .t_s = i / 10.0,
			.events = (uint64_t)i * 100,
			.backlog_events = i == 7 ? 55 : 1,
			.ring_fill = i == 9 ? 0.5 : 0 };

		series_sample(&series, &sample);
	}
	assert_int_equal(series.count, 3000);
	assert_int_equal(series_backlog_max(&series), 55);
	assert_true(fabs(series_fill_max(&series) - 0.5) < 1e-9);
	assert_true(fabs(series_rate(&series, 10, 20) - 1000) < 1e-6);
	assert_true(series_rate(&series, 1000, 2000) == 0);
	assert_int_equal(series_write(&series, path), 0);
	file = fopen(path, "r");
	while (fgets(line, sizeof(line), file))
		lines++;
	assert_int_equal(lines, 3001);
	/* No latency was recorded: its fields are empty, not 0. */
	assert_non_null(strstr(line, ",0,,,\n"));
	fclose(file);
	close(fd);
	unlink(path);
	assert_int_equal(series_write(&series, "/nowhere/at/all.csv"), 1);
	series_fini(&series);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_read_well),
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(too_many_rows_are_left_out),
		cmocka_unit_test(series_keeps_and_sums_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

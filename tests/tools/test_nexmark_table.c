/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/api.h"
#include "tools/spillway/nexmark_table.h"

static struct run_options options;

static const struct environment environment = {
	.cpu = "A, \"B\" CPU",
	.cores = 2,
	.nodes = 1,
	.compiler = "gcc 12",
	.revision = "abc",
	.kernel = "Linux 6",
};

static struct nexmark_run a_run(double wall_s, double cpu_s)
{
	return (struct nexmark_run){ .events = 100000000,
		.workers = 2,
		.cores = 2,
		.wall_s = wall_s,
		.cpu_s = cpu_s,
		.rows = 7,
		.has_checksum = true,
		.checksum = 0xab };
}

static struct nexmark_results results_of(struct nexmark_row *rows, unsigned count)
{
	return (struct nexmark_results){ .options = &options,
		.command = "spillway nexmark q0,q1",
		.repetitions = rows[0].run_count,
		.row_count = count,
		.rows = rows,
		.complete = true };
}

typedef void (*print_fn)(
	const struct nexmark_results *results, const struct environment *environment, FILE *out);

static char *printed(print_fn print, const struct nexmark_results *results)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	print(results, &environment, out);
	fclose(out);
	return text;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is missing in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in:\n%s", part, text);
}

static void rates_read_as_in_the_suite(void **state)
{
	(void)state;
	assert_string_equal(nexmark_rate_text(0).bytes, "0/s");
	assert_string_equal(nexmark_rate_text(999.4).bytes, "999/s");
	assert_string_equal(nexmark_rate_text(999.6).bytes, "1.00 K/s");
	assert_string_equal(nexmark_rate_text(353560).bytes, "353.56 K/s");
	assert_string_equal(nexmark_rate_text(999994).bytes, "999.99 K/s");
	assert_string_equal(nexmark_rate_text(999996).bytes, "1.00 M/s");
	assert_string_equal(nexmark_rate_text(1.234e9).bytes, "1.23 G/s");
	assert_string_equal(nexmark_rate_text(5e15).bytes, "5000.00 T/s");
}

static void statistics_of_odd_and_even_counts(void **state)
{
	struct nexmark_run runs[] = { a_run(3, 1), a_run(1, 2), a_run(2, 9), a_run(8, 4) };
	struct nexmark_row row = { .query = "q0", .runs = runs, .run_count = 3 };

	(void)state;
	assert_true(nexmark_row_statistic(&row, NEXMARK_MEDIAN).wall_s == 2);
	assert_true(nexmark_row_statistic(&row, NEXMARK_MEDIAN).cpu_s == 2);
	assert_true(nexmark_row_statistic(&row, NEXMARK_MIN).wall_s == 1);
	assert_true(nexmark_row_statistic(&row, NEXMARK_MAX).cpu_s == 9);
	row.run_count = 4;
	assert_true(nexmark_row_statistic(&row, NEXMARK_MEDIAN).wall_s == 2.5);
	assert_true(nexmark_row_statistic(&row, NEXMARK_MEDIAN).cpu_s == 3);
	assert_true(nexmark_row_statistic(&row, NEXMARK_MAX).wall_s == 8);
	row.run_count = 1;
	assert_true(nexmark_row_statistic(&row, NEXMARK_MEDIAN).wall_s == 3);
	/* The runs stay as they are, in their order. */
	assert_true(runs[0].wall_s == 3 && runs[3].wall_s == 8);
}

static void the_table_is_the_suites(void **state)
{
	struct nexmark_run first = a_run(2, 4), second = a_run(0.5, 1);
	struct nexmark_row rows[] = { { .query = "q0", .runs = &first, .run_count = 1 },
		{ .query = "q1", .runs = &second, .run_count = 1 } };
	struct nexmark_results results = results_of(rows, 2);
	char *text = printed(nexmark_table_print, &results);

	(void)state;
	has(text, "-------------------------------- Nexmark Results "
		  "--------------------------------\n\n"
		  "+-------------------+-------------------+-------------------"
		  "+-------------------+-------------------+-------------------+\n"
		  "| Nexmark Query     | Events Num        | Cores             "
		  "| Time(s)           | Cores * Time(s)   | Throughput/Cores  |\n"
		  "+-------------------+-------------------+-------------------"
		  "+-------------------+-------------------+-------------------+\n"
		  "|q0                 |100,000,000        |2.00               "
		  "|2.000              |4.000              |25.00 M/s          |\n"
		  "|q1                 |100,000,000        |2.00               "
		  "|0.500              |1.000              |100.00 M/s         |\n"
		  "|Total              |200,000,000        |4.000              "
		  "|2.500              |5.000              |125.00 M/s         |\n"
		  "+-------------------+-------------------+-------------------"
		  "+-------------------+-------------------+-------------------+\n");
	has(text, "A, \"B\" CPU, 2 cores, 1 node; Linux 6; gcc 12; spillway ");
	has(text, "\nRun it again: spillway nexmark q0,q1\n");
	has_not(text, "failed");
	has_not(text, "Incomplete");
	has_not(text, "medians");
	has_not(text, "Simulated");
	free(text);
}

static void markdown_has_the_same_figures(void **state)
{
	struct nexmark_run runs[] = { a_run(2, 4), a_run(4, 4), a_run(3, 4) };
	struct nexmark_row row = { .query = "q0", .runs = runs, .run_count = 3 };
	struct nexmark_results results = results_of(&row, 1);
	char *text;

	(void)state;
	results.warmup = 2;
	options.op_delay_us = 1.5;
	text = printed(nexmark_markdown_print, &results);
	options.op_delay_us = 0;
	has(text, "| Nexmark Query | Events Num | Cores | Time(s) | Cores * Time(s) "
		  "| Throughput/Cores |\n"
		  "|---|---:|---:|---:|---:|---:|\n"
		  "| q0 | 100,000,000 | 2.00 | 3.000 | 6.000 | 16.67 M/s |\n"
		  "| Total | 100,000,000 | 2.000 | 3.000 | 6.000 | 16.67 M/s |\n\n");
	has(text, "medians of 3 runs; 2 before are not counted");
	has(text, "- Simulated: each event of the burstable stage cost 1.5 us more.\n");
	has(text, "- Run it again: `spillway nexmark q0,q1`\n");
	free(text);
}

static void failures_and_gaps_are_shown(void **state)
{
	struct nexmark_run runs[] = { a_run(2, 4), a_run(2, 4) };
	struct nexmark_row rows[] = {
		{ .query = "q0", .runs = runs, .run_count = 2 },
		{ .query = "q1", .runs = runs, .run_count = 1, .failure = "state: it is full" },
		{ .query = "q2", .runs = runs, .run_count = 1 },
		{ .query = "q3", .runs = runs },
	};
	struct nexmark_results results = results_of(rows, 4);
	char *text;

	(void)state;
	results.complete = false;
	text = printed(nexmark_table_print, &results);
	has(text, "|q1                 |failed             |-                  ");
	has(text, "|Total              |200,000,000        |4.000 ");
	has(text, "\nq1 failed: state: it is full\n"
		  "Incomplete: it was interrupted. Missing: q2 (1 of 2 runs are there) q3\n");
	has_not(text, "|q3");
	free(text);
	text = printed(nexmark_markdown_print, &results);
	has(text, "| q1 | failed | - | - | - | - |\n");
	has(text, "- q1 failed: state: it is full\n");
	free(text);
}

static void nothing_at_all_has_no_total(void **state)
{
	struct nexmark_row row = { .query = "q0" };
	struct nexmark_results results = results_of(&row, 1);
	char *text;

	(void)state;
	results.complete = false;
	results.repetitions = 1;
	text = printed(nexmark_table_print, &results);
	has_not(text, "Total");
	has(text, "Missing: q0\n");
	free(text);
}

/* Commas outside of quotes. */
static unsigned commas(const char *line)
{
	unsigned count = 0;
	bool quoted = false;

	for (; *line && *line != '\n'; line++) {
		quoted ^= *line == '"';
		count += *line == ',' && !quoted;
	}
	return count;
}

static void csv_lines_are_whole(void **state)
{
	struct nexmark_run runs[] = { a_run(2, 4), a_run(4, 4) };
	struct nexmark_row rows[] = {
		{ .query = "q0", .runs = runs, .run_count = 2 },
		{ .query = "q1", .runs = runs, .run_count = 1, .failure = "too \"big\"" },
		{ .query = "q2", .runs = runs },
	};
	struct nexmark_results results = results_of(rows, 3);
	char *text = printed(nexmark_csv_print, &results);
	unsigned lines = 0;

	(void)state;
	has(text, "query,run,events,workers,cores,time_s,cores_time_s,events_per_s,");
	has(text, "\nq0,1,100000000,2,2,2.000000000,4.000000000,50000000.0,25000000.0,"
		  "4.000000000,7,0,0,00000000000000ab,,0,0,\"A, \"\"B\"\" CPU\",2,1,Linux 6,");
	has(text, "\nq0,median,100000000,2,2,3.000000000,");
	has(text, "\nq0,max,100000000,2,2,4.000000000,");
	has(text, "\nq1,failed,,,,,,,,,,,,,\"too \"\"big\"\"\",0,0,");
	has(text, ",\"spillway nexmark q0,q1\"\n");
	for (const char *line = text; *line; line = strchr(line, '\n') + 1, lines++)
		assert_int_equal(commas(line), commas(text));
	assert_int_equal(lines, 1 + 2 + 3 + 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_read_as_in_the_suite),
		cmocka_unit_test(statistics_of_odd_and_even_counts),
		cmocka_unit_test(the_table_is_the_suites),
		cmocka_unit_test(markdown_has_the_same_figures),
		cmocka_unit_test(failures_and_gaps_are_shown),
		cmocka_unit_test(nothing_at_all_has_no_total),
		cmocka_unit_test(csv_lines_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

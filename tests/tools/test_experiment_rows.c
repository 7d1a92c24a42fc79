/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tests/runtime/cmocka_all.h"
#include "tools/spillway/experiment.h"

/* Medians, extents and sentences of experiments. */

static const struct experiment one = { .name = "one" }, other = { .name = "other" };

static void add(struct session *session, const struct experiment *experiment, const char *part,
	const char *series, double x, double wall_s)
{
	struct row *row = &session->rows[session->row_count++];

	*row = (struct row){ .experiment = experiment, .x = x };
	strcpy(row->part, part);
	strcpy(row->series, series);
	for (int i = 0; i < FIGURES; i++)
		row->figures[i] = NAN;
	row->figures[FIGURE_WALL_S] = wall_s;
}

static void medians_are_of_the_repeats(void **unused)
{
	struct row rows[16];
	struct session session = { .rows = rows };

	(void)unused;
	add(&session, &one, "p", "a", 1, 5);
	add(&session, &one, "p", "a", 1, 1);
	add(&session, &one, "p", "a", 1, NAN);
	assert_true(rows_median(&session, &one, "p", "a", 1, FIGURE_WALL_S) == 3);
	add(&session, &one, "p", "a", 1, 2);
	assert_true(rows_median(&session, &one, "p", "a", 1, FIGURE_WALL_S) == 2);
	/* Others' rows do not count. */
	add(&session, &other, "p", "a", 1, 100);
	add(&session, &one, "q", "a", 1, 100);
	add(&session, &one, "p", "b", 1, 100);
	add(&session, &one, "p", "a", 2, 100);
	assert_true(rows_median(&session, &one, "p", "a", 1, FIGURE_WALL_S) == 2);
	assert_true(isnan(rows_median(&session, &one, "p", "a", 1, FIGURE_USD)));
	assert_true(isnan(rows_median(&session, &one, "p", "a", 3, FIGURE_WALL_S)));
}

static void extents_keep_the_order(void **unused)
{
	struct row rows[16];
	struct session session = { .rows = rows };
	struct extent extent;
	double value = 0;

	(void)unused;
	assert_false(rows_any(&session, &one));
	add(&session, &one, "p", "b", 8, 3);
	add(&session, &one, "p", "a", 8, 2);
	add(&session, &one, "p", "b", 1, 4);
	add(&session, &one, "q", "c", 7, 1);
	rows_extent(&session, &one, "p", &extent);
	assert_int_equal(extent.series_count, 2);
	assert_string_equal(extent.series[0], "b");
	assert_string_equal(extent.series[1], "a");
	assert_int_equal(extent.x_count, 2);
	assert_true(extent.x[0] == 8 && extent.x[1] == 1);
	assert_true(rows_any(&session, &one));
	assert_false(rows_any(&session, &other));
	assert_string_equal(rows_best(&session, &one, "p", 8, FIGURE_WALL_S, false, &value), "a");
	assert_true(value == 2);
	assert_string_equal(rows_best(&session, &one, "p", 8, FIGURE_WALL_S, true, &value), "b");
	assert_string_equal(rows_best(&session, &one, "p", 1, FIGURE_WALL_S, false, &value), "b");
	assert_null(rows_best(&session, &one, "p", 2, FIGURE_WALL_S, false, &value));
}

static void sentences_follow_the_figures(void **unused)
{
	(void)unused;
	assert_string_equal(words_change(4, 1, "s").bytes, "fell from 4.00 s to 1.00 s");
	assert_string_equal(words_change(1, 4, "s").bytes, "rose from 1.00 s to 4.00 s");
	assert_string_equal(words_change(100, 101, "ms").bytes, "stayed at about 100 ms");
	assert_string_equal(words_change(0, 0, "%").bytes, "stayed at 0 %");
	assert_string_equal(words_change(0, 2, "%").bytes, "rose from 0 % to 2 %");
	assert_string_equal(words_change(NAN, 2, "%").bytes, "was not measured at both ends");
	assert_string_equal(words_amount(12345, "events/s").bytes, "12,345 events/s");
	assert_string_equal(words_amount(NAN, "ms").bytes, "an unknown number of ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians_are_of_the_repeats),
		cmocka_unit_test(extents_keep_the_order),
		cmocka_unit_test(sentences_follow_the_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"

static const char *const names[FIGURES] = {
	[FIGURE_EVENTS] = "events",
	[FIGURE_WALL_S] = "wall_s",
	[FIGURE_EVENTS_PER_S] = "events_per_s",
	[FIGURE_MIN_MS] = "latency_min_ms",
	[FIGURE_P25_MS] = "latency_p25_ms",
	[FIGURE_P50_MS] = "latency_p50_ms",
	[FIGURE_P75_MS] = "latency_p75_ms",
	[FIGURE_P99_MS] = "latency_p99_ms",
	[FIGURE_MAX_MS] = "latency_max_ms",
	[FIGURE_MEAN_MS] = "latency_mean_ms",
	[FIGURE_HELD_BACK_S] = "held_back_s",
	[FIGURE_HELD_BACK_PERCENT] = "held_back_percent",
	[FIGURE_BEHIND_MAX] = "behind_max_events",
	[FIGURE_SPILLED_PERCENT] = "spilled_percent",
	[FIGURE_INVOCATIONS] = "invocations",
	[FIGURE_RECLAIMED] = "reclaimed_batches",
	[FIGURE_LOST] = "lost_batches",
	[FIGURE_DOUBLED] = "doubled_batches",
	[FIGURE_USD] = "usd",
	[FIGURE_ONSETS] = "onsets",
	[FIGURE_ONSET_P50_MS] = "onset_to_wire_p50_ms",
	[FIGURE_ONSET_P99_MS] = "onset_to_wire_p99_ms",
	[FIGURE_ONSET_MAX_MS] = "onset_to_wire_max_ms",
	[FIGURE_RATIO] = "ratio",
};

const char *figure_name(enum figure figure)
{
	return names[figure];
}

static bool is_of(const struct row *row, const struct experiment *experiment, const char *part)
{
	return row->experiment == experiment && strcmp(row->part, part) == 0;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

#define REPEATS_MAX 64

double rows_median(const struct session *session, const struct experiment *experiment,
	const char *part, const char *series, double x, enum figure figure)
{
	double values[REPEATS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < session->row_count && count < REPEATS_MAX; i++) {
		const struct row *row = &session->rows[i];

		if (is_of(row, experiment, part) && strcmp(row->series, series) == 0 &&
			row->x == x && !isnan(row->figures[figure]))
			values[count++] = row->figures[figure];
	}
	if (count == 0)
		return NAN;
	qsort(values, count, sizeof(values[0]), by_value);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void add_series(struct extent *extent, const char *series)
{
	for (size_t i = 0; i < extent->series_count; i++)
		if (strcmp(extent->series[i], series) == 0)
			return;
	if (extent->series_count < SERIES_MAX)
		extent->series[extent->series_count++] = series;
}

static void add_x(struct extent *extent, double x, const char *label)
{
	for (size_t i = 0; i < extent->x_count; i++)
		if (extent->x[i] == x)
			return;
	if (extent->x_count < XS_MAX) {
		extent->label[extent->x_count] = label;
		extent->x[extent->x_count++] = x;
	}
}

void rows_extent(const struct session *session, const struct experiment *experiment,
	const char *part, struct extent *extent)
{
	extent->series_count = extent->x_count = 0;
	for (size_t i = 0; i < session->row_count; i++) {
		const struct row *row = &session->rows[i];

		if (!is_of(row, experiment, part))
			continue;
		add_series(extent, row->series);
		add_x(extent, row->x, row->label);
	}
}

bool rows_any(const struct session *session, const struct experiment *experiment)
{
	for (size_t i = 0; i < session->row_count; i++)
		if (session->rows[i].experiment == experiment)
			return true;
	return false;
}

bool chart_has_rows(
	const struct session *session, const struct experiment *experiment, const char *part)
{
	struct extent extent;

	rows_extent(session, experiment, part, &extent);
	return extent.x_count > 0;
}

const char *rows_best(const struct session *session, const struct experiment *experiment,
	const char *part, double x, enum figure figure, bool most, double *value)
{
	const char *best = NULL;
	struct extent extent;

	rows_extent(session, experiment, part, &extent);
	for (size_t i = 0; i < extent.series_count; i++) {
		double one = rows_median(session, experiment, part, extent.series[i], x, figure);

		if (isnan(one) || (best && (most ? one <= *value : one >= *value)))
			continue;
		best = extent.series[i];
		*value = one;
	}
	return best;
}

static void put_count(FILE *file, uint64_t count)
{
	if (count)
		fprintf(file, ",%" PRIu64, count);
	else
		fputc(',', file);
}

/* An empty field is an absent figure. */
static void put_number(FILE *file, double number)
{
	if (isnan(number))
		fputc(',', file);
	else
		fprintf(file, ",%.9g", number);
}

static void put_row(FILE *file, const struct row *row)
{
	fprintf(file, "%s,%s,%s,%s", row->experiment->name, row->part, row->series, row->label);
	put_number(file, row->x);
	fprintf(file, ",%u,%s,%s,%s", row->repeat + 1, row->query, row->policy, row->function);
	put_count(file, row->workers);
	put_count(file, row->batch_rows);
	put_count(file, row->sample_us);
	put_number(file, row->op_delay_us);
	put_number(file, row->offered_per_s);
	for (int i = 0; i < FIGURES; i++)
		put_number(file, row->figures[i]);
	fputc('\n', file);
}

int rows_write(const struct session *session, const struct experiment *experiment)
{
	char path[PATH_MAX];
	FILE *file;
	bool failed;

	snprintf(path, sizeof(path), "%s/%s.csv", session->output, experiment->name);
	file = fopen(path, "we");
	if (!file)
		return say(EXIT_FAILED, "experiments: %s: %s", path, strerror(errno));
	fputs("experiment,part,series,label,x,repeat,query,policy,function,workers,batch_rows,"
	      "sample_us,op_delay_us,offered_per_s",
		file);
	for (int i = 0; i < FIGURES; i++)
		fprintf(file, ",%s", names[i]);
	fputc('\n', file);
	for (size_t i = 0; i < session->row_count; i++)
		if (session->rows[i].experiment == experiment)
			put_row(file, &session->rows[i]);
	errno = 0;
	failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	return failed ? say(EXIT_FAILED, "experiments: %s: %s", path, strerror(errno ? errno : EIO))
		      : 0;
}

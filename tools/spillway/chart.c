/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "tools/spillway/experiment.h"
#include "tools/spillway/gnuplot.h"
#include "tools/spillway/message.h"

/* Charts of experiments, by gnuplot: lines, clusters of bars, boxes of quartiles. */

/* Colours that also differ for the colour-blind (Okabe and Ito). The report's style sheet gives
 * the others its own for dark screens: it knows them by their values. */
static const char head[] =
	"# Made by spillway experiments. Run gnuplot in this folder to draw it again.\n"
	"array colour[8] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', "
	"'#8c6d31', '#666666']\n"
	"set style line 99 lc rgb '#dddddd' lw 0.6\n"
	"set border 3 lc rgb '#888888'\n"
	"set tics nomirror out scale 0.6 textcolor rgb '#333333'\n"
	"set grid ytics ls 99\n"
	"set key top left outside horizontal Left reverse samplen 1.6 textcolor rgb '#333333'\n"
	"set boxwidth 0.9\n";

#define WIDE_FROM 9 /* categories */
/* Clusters of bars and boxes are this wide, of 1. */
#define CLUSTER 0.8

/* A chart with its data. */
struct drawing {
	const struct session *session;
	const struct experiment *experiment;
	const struct chart *chart;
	struct extent extent;
	double min, max; /* of y */
	FILE *file;
};

void chart_path(const struct session *session, const struct experiment *experiment,
	const struct chart *chart, const char *suffix, char *path, size_t path_bytes)
{
	snprintf(path, path_bytes, "%s/%s-%s.%s", session->output, experiment->name, chart->name,
		suffix);
}

static double value(const struct drawing *drawing, size_t series, size_t x, enum figure figure)
{
	return rows_median(drawing->session, drawing->experiment, drawing->chart->part,
		drawing->extent.series[series], drawing->extent.x[x], figure);
}

static void find_range(struct drawing *drawing)
{
	const bool boxes = drawing->chart->kind == CHART_BOXES;
	const enum figure low = boxes ? FIGURE_MIN_MS : drawing->chart->y;
	const enum figure high = boxes ? FIGURE_MAX_MS : drawing->chart->y;

	drawing->min = INFINITY;
	drawing->max = -INFINITY;
	for (size_t i = 0; i < drawing->extent.series_count; i++)
		for (size_t j = 0; j < drawing->extent.x_count; j++) {
			drawing->min = fmin(drawing->min, value(drawing, i, j, low));
			drawing->max = fmax(drawing->max, value(drawing, i, j, high));
		}
}

/* ---- Data ---- */

static void put_value(FILE *file, double number)
{
	if (isnan(number))
		fputs(" NaN", file);
	else
		fprintf(file, " %.9g", number);
}

/* Categories stand at 0, 1, ...; each series beside the others. */
static double place(const struct drawing *drawing, size_t series, size_t x)
{
	const double count = (double)drawing->extent.series_count;

	if (drawing->chart->kind == CHART_LINES)
		return drawing->extent.x[x];
	return (double)x + CLUSTER * (((double)series + 0.5) / count - 0.5);
}

static void put_data(const struct drawing *drawing)
{
	static const enum figure box[] = { FIGURE_P25_MS, FIGURE_MIN_MS, FIGURE_MAX_MS,
		FIGURE_P75_MS, FIGURE_P50_MS };

	for (size_t i = 0; i < drawing->extent.series_count; i++) {
		fprintf(drawing->file, "$s%zu << EOD\n", i);
		for (size_t j = 0; j < drawing->extent.x_count; j++) {
			fprintf(drawing->file, "%.9g", place(drawing, i, j));
			if (drawing->chart->kind != CHART_BOXES)
				put_value(drawing->file, value(drawing, i, j, drawing->chart->y));
			for (size_t k = 0; drawing->chart->kind == CHART_BOXES && k < 5; k++)
				put_value(drawing->file, value(drawing, i, j, box[k]));
			fputc('\n', drawing->file);
		}
		fputs("EOD\n", drawing->file);
	}
}

/* ---- Axes ---- */

static void put_y(const struct drawing *drawing)
{
	FILE *file = drawing->file;

	fprintf(file, "set ylabel \"%s\" textcolor rgb '#333333'\n", drawing->chart->y_title);
	if (drawing->max >= 10000)
		fputs("set format y '%.0s%c'\n", file);
	/* Less than a decade has too few marks on a logarithmic axis. */
	if (drawing->chart->log_y && drawing->min > 0 && drawing->max > 10 * drawing->min)
		fprintf(file, "set logscale y\nset yrange [%.9g:%.9g]\n", drawing->min / 2,
			drawing->max * 1.6);
	else
		fprintf(file, "set yrange [0:%.9g]\n",
			drawing->max > 0 ? drawing->max * 1.08 : 1.0);
}

static void put_categories(const struct drawing *drawing)
{
	FILE *file = drawing->file;

	fprintf(file, "set xrange [-0.6:%zu.6]\nset xtics %sscale 0 (", drawing->extent.x_count - 1,
		drawing->extent.x_count >= WIDE_FROM ? "rotate by 45 right " : "");
	for (size_t i = 0; i < drawing->extent.x_count; i++) {
		if (drawing->extent.label[i][0])
			fprintf(file, "%s'%s' %zu", i ? ", " : "", drawing->extent.label[i], i);
		else
			fprintf(file, "%s'%g' %zu", i ? ", " : "", drawing->extent.x[i], i);
	}
	fputs(")\n", file);
}

static void put_x(const struct drawing *drawing)
{
	const struct extent *extent = &drawing->extent;
	double min = INFINITY, max = 0;
	FILE *file = drawing->file;

	if (drawing->chart->x_title)
		fprintf(file, "set xlabel \"%s\" textcolor rgb '#333333'\n",
			drawing->chart->x_title);
	if (drawing->chart->kind != CHART_LINES) {
		put_categories(drawing);
		return;
	}
	for (size_t i = 0; i < extent->x_count; i++) {
		min = fmin(min, extent->x[i]);
		max = fmax(max, extent->x[i]);
	}
	if (drawing->chart->log_x)
		fprintf(file, "set logscale x\nset xrange [%.9g:%.9g]\n", min / 1.3, max * 1.3);
	else
		fprintf(file, "set xrange [0:%.9g]\n", max * 1.06);
	if (max >= 10000)
		fputs("set format x '%.0s%c'\n", file);
	if (extent->x_count > 8)
		return;
	fputs("set xtics (", file);
	for (size_t i = 0; i < extent->x_count; i++)
		fprintf(file, "%s%.9g", i ? ", " : "", extent->x[i]);
	fputs(")\n", file);
}

/* ---- Series ---- */

static void put_one(const struct drawing *drawing, size_t i)
{
	const double width = CLUSTER / (double)drawing->extent.series_count * 0.9;
	const char *name = drawing->extent.series[i];
	FILE *file = drawing->file;

	switch (drawing->chart->kind) {
	case CHART_LINES:
		fprintf(file,
			"$s%zu using 1:2 with linespoints lw 2.2 pt 7 ps 0.6 lc rgb colour[%zu] "
			"title '%s'",
			i, i + 1, name);
		return;
	case CHART_BARS:
		fprintf(file,
			"$s%zu using 1:2:(%.4f) with boxes fs solid 0.85 lw 0.5 lc rgb colour[%zu] "
			"title '%s'",
			i, width, i + 1, name);
		return;
	default:
		fprintf(file,
			"$s%zu using 1:2:3:4:5 with candlesticks fs solid 0.35 lw 1.2 lc rgb "
			"colour[%zu] title '%s' whiskerbars 0.5, $s%zu using 1:6:6:6:6 with "
			"candlesticks lw 2 lc rgb colour[%zu] notitle",
			i, i + 1, name, i, i + 1);
		return;
	}
}

static void put_chart(const struct drawing *drawing)
{
	const bool categories = drawing->chart->kind != CHART_LINES;
	const bool wide = categories && drawing->extent.x_count >= WIDE_FROM;
	FILE *file = drawing->file;

	fputs(head, file);
	fprintf(file,
		"set terminal svg size %d,340 font 'sans-serif,14' background rgb '#ffffff' "
		"noenhanced\nset output '%s-%s.svg'\n",
		wide ? 980 : 480, drawing->experiment->name, drawing->chart->name);
	if (drawing->chart->kind == CHART_BOXES)
		fprintf(file, "set boxwidth %.4f absolute\n",
			CLUSTER / (double)drawing->extent.series_count * 0.8);
	put_y(drawing);
	put_x(drawing);
	put_data(drawing);
	fputs("plot ", file);
	for (size_t i = 0; i < drawing->extent.series_count; i++) {
		put_one(drawing, i);
		fputs(i + 1 < drawing->extent.series_count ? ", \\\n  " : "\n", file);
	}
}

int chart_make(const struct session *session, const struct chart *chart)
{
	struct drawing drawing = {
		.session = session, .experiment = session->experiment, .chart = chart
	};
	char path[PATH_MAX], script[PATH_MAX];
	bool failed;

	rows_extent(session, drawing.experiment, chart->part, &drawing.extent);
	find_range(&drawing);
	if (drawing.extent.x_count == 0 || isinf(drawing.min))
		return 0;
	chart_path(session, drawing.experiment, chart, "gp", path, sizeof(path));
	drawing.file = fopen(path, "we");
	if (!drawing.file)
		return say(EXIT_FAILED, "plot: %s: %s", path, strerror(errno));
	put_chart(&drawing);
	errno = 0;
	failed = ferror(drawing.file) != 0;
	failed |= fclose(drawing.file) != 0;
	if (failed)
		return say(EXIT_FAILED, "plot: %s: %s", path, strerror(errno ? errno : EIO));
	snprintf(script, sizeof(script), "%s-%s.gp", drawing.experiment->name, chart->name);
	return gnuplot_run(session->output, script);
}

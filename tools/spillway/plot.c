/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tools/spillway/gnuplot.h"
#include "tools/spillway/message.h"
#include "tools/spillway/plot.h"
#include "tools/spillway/text.h"

/* Two colours that also differ for the colour-blind and in grey. */
static const char head[] = "# Made by spillway demo. Run gnuplot in this folder to draw it again.\n"
			   "set datafile separator ','\n"
			   "set datafile missing ''\n"
			   "none_colour = '#d55e00'\n"
			   "spill_colour = '#0072b2'\n"
			   "set style line 1 lc rgb none_colour lw 2.2\n"
			   "set style line 2 lc rgb spill_colour lw 2.2\n"
			   "set style line 3 lc rgb '#555555' lw 1.6 dt (6,4)\n"
			   "set style line 9 lc rgb '#dddddd' lw 0.6\n"
			   "set border 3 lc rgb '#666666'\n"
			   "set tics nomirror out scale 0.6\n"
			   "set grid ytics xtics ls 9\n"
			   "set lmargin at screen 0.115\n"
			   "set rmargin at screen 0.975\n"
			   "set key at screen 0.975,0.925 right top horizontal samplen 2.4 width 1 "
			   "textcolor rgb '#333333'\n";

/* The offered rate, as a line of steps. */
static void put_schedule(FILE *file, const struct plot *plot)
{
	fprintf(file, "$offered << EOD\n0,%g\n%g,%g\n%g,%g\n%g,%g\n%g,%g\n%g,%g\n%g,0\nEOD\n",
		plot->base_per_s, plot->spike_from_s, plot->base_per_s, plot->spike_from_s,
		plot->spike_per_s, plot->spike_to_s, plot->spike_per_s, plot->spike_to_s,
		plot->base_per_s, plot->schedule_s, plot->base_per_s, plot->schedule_s);
}

static void put_panel(FILE *file, int row, const char *title, const char *unit)
{
	double top = 0.885 - 0.215 * row;

	fprintf(file, "set tmargin at screen %.3f\nset bmargin at screen %.3f\n", top, top - 0.155);
	fprintf(file, "set label 2 \"{/:Bold %s}\" at graph 0, graph 1.11 left\n", title);
	fprintf(file, "set ylabel \"%s\" offset 0.5,0\n", unit);
}

static void put_panels(FILE *file, const struct plot *plot)
{
	put_panel(file, 0, "Events taken in", "1,000 events/s");
	fprintf(file, "set label 1 \"spike\" at %g, graph 1.07 center tc rgb '#8a6d00'\n",
		(plot->spike_from_s + plot->spike_to_s) / 2);
	fprintf(file, "set yrange [0:%g]\nset format x ''\n", plot->spike_per_s * 1.4 / 1000);
	fputs("plot $offered using 1:($2/1000) with lines ls 3 title 'offered', \\\n"
	      "  'none.csv' using 1:($3/1000) skip 1 with lines ls 1 title 'without spilling', \\\n"
	      "  'spillway.csv' using 1:($3/1000) skip 1 with lines ls 2 title 'with spilling'\n"
	      "unset label 1\n",
		file);

	put_panel(file, 1, "Fullest ring", "% of its slots");
	fputs("set yrange [0:108]\nset ytics 25\n"
	      "plot 'none.csv' using 1:5 skip 1 with lines ls 1 notitle, \\\n"
	      "  'spillway.csv' using 1:5 skip 1 with lines ls 2 notitle\n",
		file);

	put_panel(file, 2, "Batches that left for a function", "% of all");
	fputs("plot 'spillway.csv' using 1:7 skip 1 with filledcurves y1=0 fc rgb spill_colour "
	      "fs transparent solid 0.25 notitle, \\\n"
	      "  'spillway.csv' using 1:7 skip 1 with lines ls 2 notitle\n",
		file);

	put_panel(file, 3, "Latency from due time to result, 99th percentile", "ms");
	fputs("set xlabel 'seconds since the start' offset 0,0.3\nset format x '%g'\n"
	      "set logscale y\nset yrange [1:*]\nset ytics autofreq\n"
	      "set format y '%.0f'\n"
	      "plot 'none.csv' using 1:11 skip 1 with lines ls 1 notitle, \\\n"
	      "  'spillway.csv' using 1:11 skip 1 with lines ls 2 notitle\n",
		file);
}

static void put_figure(FILE *file, const struct plot *plot, const char *terminal, const char *out)
{
	fprintf(file, "\nreset session\nset terminal %s\nset output '%s'\n", terminal, out);
	put_schedule(file, plot);
	fputs(head, file);
	fprintf(file, "set xrange [0:%g]\n", plot->end_s);
	fprintf(file,
		"set object 1 rectangle from first %g, graph 0 to first %g, graph 1 behind "
		"fc rgb '#fff3c4' fs solid noborder\n",
		plot->spike_from_s, plot->spike_to_s);
	fprintf(file,
		"set multiplot title \"{/:Bold A spike of %.0fx what one worker can take}\\n"
		"{/*0.85 tokenize on one worker, %g us an event: at most %s events/s; "
		"offered: %s, in the spike %s}\"\n",
		plot->spike_per_s / plot->capacity_per_s, plot->op_delay_us,
		text_rate(plot->capacity_per_s).bytes, text_rate(plot->base_per_s).bytes,
		text_rate(plot->spike_per_s).bytes);
	put_panels(file, plot);
	fputs("unset multiplot\nunset output\n", file);
}

static int write_script(const struct plot *plot)
{
	char path[PATH_MAX];
	FILE *file;
	int failed;

	snprintf(path, sizeof(path), "%s/demo.gp", plot->folder);
	file = fopen(path, "we");
	if (!file)
		return say(EXIT_FAILED, "plot: %s: %s", path, strerror(errno));
	put_figure(file, plot,
		"svg size 1000,1050 font 'DejaVu Sans,14' background rgb 'white' enhanced",
		"demo.svg");
	put_figure(
		file, plot, "pngcairo size 1000,1050 font 'DejaVu Sans,11' enhanced", "demo.png");
	errno = 0;
	failed = ferror(file);
	if (fclose(file) != 0 || failed)
		return say(EXIT_FAILED, "plot: %s: %s", path, strerror(errno ? errno : EIO));
	return 0;
}

int plot_make(const struct plot *plot)
{
	int result = write_script(plot);

	return result ? result : gnuplot_run(plot->folder, "demo.gp");
}

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "runtime/api.h"
#include "tools/spillway/nexmark_table.h"
#include "tools/spillway/text.h"

/*
 * The table is the Flink suite's, column by column, so that what reads that one reads this one.
 * Its Total is what the suite's is: the sum of each column, also of Cores and Throughput/Cores.
 */

#define COLUMNS 6
#define WIDTH   19

static const char *const titles[COLUMNS] = { "Nexmark Query", "Events Num", "Cores", "Time(s)",
	"Cores * Time(s)", "Throughput/Cores" };

struct line {
	struct text cells[COLUMNS];
};

const char *nexmark_statistic_name(enum nexmark_statistic statistic)
{
	static const char *const names[] = { "median", "min", "max" };

	return names[statistic];
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double statistic_of(double *values, unsigned count, enum nexmark_statistic statistic)
{
	qsort(values, count, sizeof(*values), compare);
	if (statistic == NEXMARK_MIN)
		return values[0];
	if (statistic == NEXMARK_MAX)
		return values[count - 1];
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

struct nexmark_run nexmark_row_statistic(
	const struct nexmark_row *row, enum nexmark_statistic statistic)
{
	struct nexmark_run result = row->runs[0];
	double wall[NEXMARK_REPETITIONS_MAX], cpu[NEXMARK_REPETITIONS_MAX];

	for (unsigned i = 0; i < row->run_count; i++) {
		wall[i] = row->runs[i].wall_s;
		cpu[i] = row->runs[i].cpu_s;
	}
	result.wall_s = statistic_of(wall, row->run_count, statistic);
	result.cpu_s = statistic_of(cpu, row->run_count, statistic);
	return result;
}

double nexmark_run_rate(const struct nexmark_run *run)
{
	return run->wall_s > 0 ? (double)run->events / run->wall_s : 0;
}

struct text nexmark_rate_text(double per_second)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	unsigned unit = 0;
	struct text text;

	for (; per_second >= (unit ? 999.995 : 999.5) && unit < 4; unit++)
		per_second /= 1000;
	if (unit == 0)
		snprintf(text.bytes, sizeof(text.bytes), "%.0f/s", per_second);
	else
		snprintf(text.bytes, sizeof(text.bytes), "%.2f %s/s", per_second, units[unit]);
	return text;
}

static struct text fixed(double value, int places)
{
	struct text text;

	snprintf(text.bytes, sizeof(text.bytes), "%.*f", places, value);
	return text;
}

static struct text plain(const char *words)
{
	struct text text;

	snprintf(text.bytes, sizeof(text.bytes), "%s", words);
	return text;
}

static struct line title_line(void)
{
	struct line line;

	for (int i = 0; i < COLUMNS; i++)
		line.cells[i] = plain(titles[i]);
	return line;
}

/* Sums of what the lines so far show. */
struct total {
	uint64_t events;
	double cores, wall_s, core_s, rate_per_core;
	unsigned rows;
};

static struct line row_line(const struct nexmark_row *row, struct total *total)
{
	struct nexmark_run run = nexmark_row_statistic(row, NEXMARK_MEDIAN);
	double core_s = run.cores * run.wall_s;
	double rate_per_core = nexmark_run_rate(&run) / run.cores;

	total->events += run.events;
	total->cores += run.cores;
	total->wall_s += run.wall_s;
	total->core_s += core_s;
	total->rate_per_core += rate_per_core;
	total->rows++;
	return (struct line){ { plain(row->query), text_count(run.events), fixed(run.cores, 2),
		fixed(run.wall_s, 3), fixed(core_s, 3), nexmark_rate_text(rate_per_core) } };
}

static struct line failed_line(const struct nexmark_row *row)
{
	return (struct line){ { plain(row->query), plain("failed"), plain("-"), plain("-"),
		plain("-"), plain("-") } };
}

static struct line total_line(const struct total *total)
{
	return (struct line){ { plain("Total"), text_count(total->events), fixed(total->cores, 3),
		fixed(total->wall_s, 3), fixed(total->core_s, 3),
		nexmark_rate_text(total->rate_per_core) } };
}

typedef void (*line_fn)(const struct line *line, FILE *out);

/* Rows that have something to show, and their total. */
static void body(const struct nexmark_results *results, line_fn print, FILE *out)
{
	struct total total = { 0 };
	struct line line;

	for (unsigned i = 0; i < results->row_count; i++) {
		const struct nexmark_row *row = &results->rows[i];

		if (!row->failure[0] && row->run_count == 0)
			continue;
		line = row->failure[0] ? failed_line(row) : row_line(row, &total);
		print(&line, out);
	}
	if (total.rows > 0) {
		line = total_line(&total);
		print(&line, out);
	}
}

static void rule(FILE *out)
{
	for (int i = 0; i < COLUMNS; i++) {
		fputc('+', out);
		for (int dash = 0; dash < WIDTH; dash++)
			fputc('-', out);
	}
	fputs("+\n", out);
}

static void print_titles(FILE *out)
{
	for (int i = 0; i < COLUMNS; i++)
		fprintf(out, "| %-*s", WIDTH - 1, titles[i]);
	fputs("|\n", out);
}

static void print_line(const struct line *line, FILE *out)
{
	for (int i = 0; i < COLUMNS; i++)
		fprintf(out, "|%-*s", WIDTH, line->cells[i].bytes);
	fputs("|\n", out);
}

static void print_markdown_line(const struct line *line, FILE *out)
{
	for (int i = 0; i < COLUMNS; i++)
		fprintf(out, "| %s ", line->cells[i].bytes);
	fputs("|\n", out);
}

/* What did not come to its end: queries that failed, and those that were cut short. */
static void print_missing(const struct nexmark_results *results, const char *bullet, FILE *out)
{
	for (unsigned i = 0; i < results->row_count; i++)
		if (results->rows[i].failure[0])
			fprintf(out, "%s%s failed: %s\n", bullet, results->rows[i].query,
				results->rows[i].failure);
	if (results->complete)
		return;
	fprintf(out, "%sIncomplete: it was interrupted. Missing:", bullet);
	for (unsigned i = 0; i < results->row_count; i++) {
		const struct nexmark_row *row = &results->rows[i];

		if (row->failure[0] || row->run_count == results->repetitions)
			continue;
		if (row->run_count > 0)
			fprintf(out, " %s (%u of %u runs are there)", row->query, row->run_count,
				results->repetitions);
		else
			fprintf(out, " %s", row->query);
	}
	fputc('\n', out);
}

static void print_environment(const struct environment *environment, const char *bullet, FILE *out)
{
	fprintf(out, "%s%s, %u cores, %u %s; %s; %s; spillway %s (%s)\n", bullet,
		environment->cpu[0] ? environment->cpu : "unknown processor", environment->cores,
		environment->nodes, environment->nodes == 1 ? "node" : "nodes", environment->kernel,
		environment->compiler, sw_version(), environment->revision);
}

static void print_how(const struct nexmark_results *results, const char *bullet, FILE *out)
{
	fprintf(out, "%sThroughput/Cores is events / (Cores * Time), Cores those of the workers",
		bullet);
	if (results->repetitions > 1)
		fprintf(out, "; times are medians of %u runs", results->repetitions);
	if (results->warmup > 0)
		fprintf(out, "; %u before %s not counted", results->warmup,
			results->warmup > 1 ? "are" : "is");
	fputs(".\n", out);
	if (results->options->op_delay_us > 0)
		fprintf(out, "%sSimulated: each event of the burstable stage cost %g us more.\n",
			bullet, results->options->op_delay_us);
}

void nexmark_table_print(
	const struct nexmark_results *results, const struct environment *environment, FILE *out)
{
	fputs("-------------------------------- Nexmark Results --------------------------------\n"
	      "\n",
		out);
	rule(out);
	print_titles(out);
	rule(out);
	body(results, print_line, out);
	rule(out);
	fputc('\n', out);
	print_missing(results, "", out);
	print_how(results, "", out);
	print_environment(environment, "", out);
	fprintf(out, "Run it again: %s\n", results->command);
}

void nexmark_markdown_print(
	const struct nexmark_results *results, const struct environment *environment, FILE *out)
{
	struct line line = title_line();

	print_markdown_line(&line, out);
	fputs("|---|---:|---:|---:|---:|---:|\n", out);
	body(results, print_markdown_line, out);
	fputc('\n', out);
	print_missing(results, "- ", out);
	print_how(results, "- ", out);
	print_environment(environment, "- ", out);
	fprintf(out, "- Run it again: `%s`\n", results->command);
}

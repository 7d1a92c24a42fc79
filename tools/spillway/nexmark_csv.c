/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "runtime/api.h"
#include "tools/spillway/nexmark_table.h"

/* Every line says all there is to know about it, so that files can be put one after the other. */

static void put_quoted(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void put_times(const struct nexmark_run *run, FILE *out)
{
	double rate = nexmark_run_rate(run);

	fprintf(out, "%" PRIu64 ",%u,%u,%.9f,%.9f,%.1f,%.1f,%.9f,", run->events, run->workers,
		run->cores, run->wall_s, run->cores * run->wall_s, rate, rate / run->cores,
		run->cpu_s);
}

static void put_run(const struct nexmark_run *run, FILE *out)
{
	put_times(run, out);
	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", run->rows, run->late_rows,
		run->state_bytes);
	if (run->has_checksum)
		fprintf(out, "%016" PRIx64, run->checksum);
	fputc(',', out);
}

static void put_rest(const struct nexmark_results *results, const struct environment *environment,
	const char *failure, FILE *out)
{
	put_quoted(out, failure);
	fprintf(out, ",%g,%u,", results->options->op_delay_us, results->warmup);
	put_quoted(out, environment->cpu);
	fprintf(out, ",%u,%u,", environment->cores, environment->nodes);
	put_quoted(out, environment->kernel);
	fputc(',', out);
	put_quoted(out, environment->compiler);
	fprintf(out, ",%s,%s,", sw_version(), environment->revision);
	put_quoted(out, results->command);
	fputc('\n', out);
}

static void put_row(const struct nexmark_results *results, const struct nexmark_row *row,
	const struct environment *environment, FILE *out)
{
	if (row->failure[0]) {
		fprintf(out, "%s,failed,,,,,,,,,,,,,", row->query);
		put_rest(results, environment, row->failure, out);
		return;
	}
	for (unsigned i = 0; i < row->run_count; i++) {
		fprintf(out, "%s,%u,", row->query, i + 1);
		put_run(&row->runs[i], out);
		put_rest(results, environment, "", out);
	}
	for (int i = 0; row->run_count > 1 && i < NEXMARK_STATISTICS; i++) {
		struct nexmark_run run = nexmark_row_statistic(row, (enum nexmark_statistic)i);

		fprintf(out, "%s,%s,", row->query,
			nexmark_statistic_name((enum nexmark_statistic)i));
		put_times(&run, out);
		fputs(",,,,", out);
		put_rest(results, environment, "", out);
	}
}

void nexmark_csv_print(
	const struct nexmark_results *results, const struct environment *environment, FILE *out)
{
	fputs("query,run,events,workers,cores,time_s,cores_time_s,events_per_s,"
	      "events_per_s_per_core,cpu_s,rows,late_rows,state_bytes,checksum,failure,"
	      "simulated_op_delay_us,warmup,machine_cpu,machine_cores,machine_nodes,kernel,"
	      "compiler,version,revision,command\n",
		out);
	for (unsigned i = 0; i < results->row_count; i++)
		put_row(results, &results->rows[i], environment, out);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/api.h"
#include "tools/spillway/environment.h"
#include "tools/spillway/experiment.h"
#include "tools/spillway/message.h"

/* The report: one HTML page with everything in it. */

static const char style[] =
	":root{--ink:#1c2024;--soft:#5a636b;--paper:#fff;--card:#f6f7f8;--line:#d9dde1;"
	"--grid:#dddddd;--warn:#8a4b00;--warn-paper:#fff4e0;color-scheme:light dark}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#a0a9b2;--paper:#14171a;"
	"--card:#1d2125;--line:#363c42;--grid:#363c42;--warn:#ffc46b;--warn-paper:#33270f}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;max-width:66rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;"
	"color:var(--ink);background:var(--paper)}\n"
	"h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.25rem;margin:0}p{margin:.5rem 0}\n"
	"section{border-top:1px solid var(--line);margin-top:2rem;padding-top:1rem}\n"
	".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr));"
	"gap:.75rem;margin:1rem 0}\n"
	"figure{margin:0;padding:.6rem;background:var(--card);border-radius:.4rem;min-width:0}\n"
	"figure.wide,.wide{grid-column:1/-1}figure svg{display:block;width:100%;height:auto}\n"
	"figcaption{font-weight:600;font-size:.95rem;margin-bottom:.2rem}\n"
	"svg text{fill:var(--ink);font-family:system-ui,sans-serif}\n"
	"svg [fill='#ffffff']{fill:none}\n"
	"svg [stroke='rgb(221, 221, 221)']{stroke:var(--grid)}\n"
	"blockquote{margin:.5rem 0;padding:.1rem .8rem;border-left:3px solid var(--line);"
	"color:var(--soft)}\n"
	".soft,nav,ul.notes{color:var(--soft);font-size:.92rem}ul.notes{padding-left:1.2rem}\n"
	".warn{color:var(--warn);background:var(--warn-paper);padding:.3rem .6rem;"
	"border-radius:.3rem;font-weight:600}\n"
	".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}\n"
	"th,td{padding:.2rem .6rem;text-align:right;white-space:nowrap;"
	"border-bottom:1px solid var(--line)}\n"
	"th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}\n"
	"code,pre{font:.85rem/1.4 ui-monospace,monospace}\n"
	"pre{background:var(--card);padding:.6rem;overflow-x:auto;border-radius:.4rem}\n"
	"a{color:inherit}summary{cursor:pointer}\n"
	"@media print{body{max-width:none;padding:0;font-size:11px}section,figure"
	"{break-inside:avoid}.charts{grid-template-columns:1fr 1fr}nav{display:none}}\n";

static void put_text(FILE *file, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", file);
			break;
		case '>':
			fputs("&gt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		case '"':
			fputs("&quot;", file);
			break;
		default:
			fputc(*text, file);
		}
}

static void put_element(FILE *file, const char *element, const char *text)
{
	fprintf(file, "<%s>", element);
	put_text(file, text);
	fprintf(file, "</%.*s>", (int)strcspn(element, " "), element);
}

/* ---- Charts ---- */

/* The whole file, ended by 0; null: not there. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t bytes = 0;
	ssize_t got;

	if (!file)
		return NULL;
	got = getdelim(&text, &bytes, '\0', file);
	fclose(file);
	if (got > 0)
		return text;
	free(text);
	return NULL;
}

/* What is inside of gnuplot's svg, with a head of our own: without declarations and addresses, and
 * with a title that says what it is. */
static void put_svg(FILE *file, const struct chart *chart, const char *svg)
{
	const char *box = strstr(svg, "viewBox=\"");
	const char *at = box ? strchr(box, '>') : NULL, *title;

	if (!at)
		return;
	box += strlen("viewBox=\"");
	fprintf(file, "<svg role=\"img\" viewBox=\"%.*s\" aria-label=\"", (int)strcspn(box, "\""),
		box);
	put_text(file, chart->title);
	fputs("\">", file);
	at++;
	title = strstr(at, "<title>Gnuplot</title>");
	if (title) {
		fwrite(at, 1, (size_t)(title - at), file);
		at = title + strlen("<title>Gnuplot</title>");
	}
	fputs(at, file);
}

static bool is_wide(const char *svg)
{
	return strstr(svg, "viewBox=\"0 0 980 ") != NULL;
}

static void put_chart(FILE *file, const struct session *session,
	const struct experiment *experiment, const struct chart *chart)
{
	char path[PATH_MAX], *svg;

	chart_path(session, experiment, chart, "svg", path, sizeof(path));
	svg = read_file(path);
	if (!svg)
		return;
	fprintf(file, "<figure id=\"%s-%s\"%s>", experiment->name, chart->name,
		is_wide(svg) ? " class=\"wide\"" : "");
	put_element(file, "figcaption", chart->title);
	put_svg(file, chart, svg);
	fputs("</figure>\n", file);
	free(svg);
}

/* A line for each x, a column for each series. */
static void put_chart_table(FILE *file, const struct session *session,
	const struct experiment *experiment, const struct chart *chart)
{
	struct extent extent;

	rows_extent(session, experiment, chart->part, &extent);
	fputs("<div class=\"scroll wide\"><table>\n<tr><th></th>", file);
	for (size_t i = 0; i < extent.series_count; i++)
		put_element(file, "th", extent.series[i]);
	fputs("</tr>\n", file);
	for (size_t i = 0; i < extent.x_count; i++) {
		fputs("<tr>", file);
		put_element(file, "td", extent.label[i]);
		for (size_t j = 0; j < extent.series_count; j++) {
			double figure = rows_median(session, experiment, chart->part,
				extent.series[j], extent.x[i], chart->y);

			if (isnan(figure))
				fputs("<td></td>", file);
			else
				fprintf(file, "<td>%.3f</td>", figure);
		}
		fputs("</tr>\n", file);
	}
	fputs("</table></div>\n", file);
}

static void put_charts(
	FILE *file, const struct session *session, const struct experiment *experiment)
{
	fputs("<div class=\"charts\">\n", file);
	for (size_t i = 0; i < CHARTS_MAX && experiment->charts[i].name; i++)
		if (chart_has_rows(session, experiment, experiment->charts[i].part))
			put_chart(file, session, experiment, &experiment->charts[i]);
	for (size_t i = 0; i < CHARTS_MAX && experiment->charts[i].name; i++)
		if (experiment->charts[i].has_table &&
			chart_has_rows(session, experiment, experiment->charts[i].part))
			put_chart_table(file, session, experiment, &experiment->charts[i]);
	fputs("</div>\n", file);
}

/* ---- Figures as a table ---- */

static bool is_absent(
	const struct session *session, const struct experiment *experiment, int figure)
{
	for (size_t i = 0; i < session->row_count; i++)
		if (session->rows[i].experiment == experiment &&
			!isnan(session->rows[i].figures[figure]))
			return false;
	return true;
}

static bool is_first(const struct session *session, size_t index)
{
	const struct row *row = &session->rows[index];

	for (size_t i = 0; i < index; i++)
		if (session->rows[i].experiment == row->experiment &&
			session->rows[i].x == row->x &&
			strcmp(session->rows[i].part, row->part) == 0 &&
			strcmp(session->rows[i].series, row->series) == 0)
			return false;
	return true;
}

static void put_row(FILE *file, const struct session *session, const struct row *row,
	const bool absent[FIGURES])
{
	fputs("<tr>", file);
	put_element(file, "td", row->part);
	put_element(file, "td", row->series);
	if (row->label[0])
		put_element(file, "td", row->label);
	else
		fprintf(file, "<td>%g</td>", row->x);
	for (int i = 0; i < FIGURES; i++) {
		double figure = rows_median(
			session, row->experiment, row->part, row->series, row->x, (enum figure)i);

		if (absent[i])
			continue;
		if (isnan(figure))
			fputs("<td></td>", file);
		else
			fprintf(file, "<td>%.*g</td>", figure >= 1e4 || figure == 0 ? 9 : 4,
				figure >= 1e4 ? round(figure) : figure);
	}
	fputs("</tr>\n", file);
}

static void put_table(
	FILE *file, const struct session *session, const struct experiment *experiment)
{
	bool absent[FIGURES];

	fprintf(file,
		"<details><summary>All figures (medians of the repeats; each run is in "
		"<code>%s.csv</code>)</summary><div class=\"scroll\"><table>\n<tr><th>part</th>"
		"<th>series</th><th>x</th>",
		experiment->name);
	for (int i = 0; i < FIGURES; i++) {
		absent[i] = is_absent(session, experiment, i);
		if (!absent[i])
			put_element(file, "th", figure_name((enum figure)i));
	}
	fputs("</tr>\n", file);
	for (size_t i = 0; i < session->row_count; i++)
		if (session->rows[i].experiment == experiment && is_first(session, i))
			put_row(file, session, &session->rows[i], absent);
	fputs("</table></div></details>\n", file);
}

/* ---- An experiment ---- */

static void put_notes(
	FILE *file, const struct session *session, const struct experiment *experiment)
{
	for (size_t i = 0; i < session->note_count; i++) {
		const struct note *note = &session->notes[i];

		if (note->experiment != experiment || note->kind == NOTE_PARAMETER)
			continue;
		fprintf(file, "<p class=\"warn\">%s: ",
			note->kind == NOTE_SKIPPED ? "SKIPPED" : "FAILED");
		put_text(file, note->text);
		fputs("</p>\n", file);
	}
	fputs("<ul class=\"notes\">\n", file);
	for (size_t i = 0; i < session->note_count; i++) {
		const struct note *note = &session->notes[i];

		if (note->experiment == experiment && note->kind == NOTE_PARAMETER) {
			put_element(file, "li", note->text);
			fputc('\n', file);
		}
	}
	fputs("</ul>\n", file);
}

static void put_sentences(FILE *file, struct session *session, const struct experiment *experiment)
{
	const struct experiment *before = session->experiment;
	char *text = NULL, *rest = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return;
	session->experiment = experiment;
	experiment->tell(session, out);
	session->experiment = before;
	fclose(out);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		put_element(file, "p class=\"told\"", line);
		fputc('\n', file);
	}
	free(text);
}

static void put_experiment(FILE *file, struct session *session, const struct experiment *experiment)
{
	fprintf(file, "<section id=\"%s\">\n", experiment->name);
	put_element(file, "h2", experiment->title);
	fputc('\n', file);
	put_element(file, "p class=\"soft\"", experiment->question);
	fputc('\n', file);
	if (!rows_any(session, experiment))
		fputs("<p class=\"warn\">Nothing was measured.</p>\n", file);
	put_sentences(file, session, experiment);
	if (experiment->origin) {
		fputs("<blockquote>The origin, on Apache Flink and AWS: ", file);
		put_text(file, experiment->origin);
		fputs("</blockquote>\n", file);
	}
	put_charts(file, session, experiment);
	put_notes(file, session, experiment);
	if (rows_any(session, experiment))
		put_table(file, session, experiment);
	fputs("</section>\n", file);
}

/* ---- The page ---- */

static void put_state(FILE *file, const struct session *session)
{
	if (session->interrupted)
		fputs("<p class=\"warn\">INTERRUPTED: what was measured until then is here; the "
		      "rest is not.</p>\n",
			file);
	if (session->failures)
		fprintf(file, "<p class=\"warn\">%u runs or charts failed; see below.</p>\n",
			session->failures);
	if (session->is_short)
		fputs("<p class=\"soft\">This is the short form: few cells, each short. It shows "
		      "that everything works, and the direction of things; for figures run it "
		      "without <code>--short</code>.</p>\n",
			file);
}

/* Over all runs with somewhere to spill to. */
static void put_books(FILE *file, const struct session *session)
{
	double sums[FIGURES] = { 0 };
	unsigned runs = 0;

	for (size_t i = 0; i < session->row_count; i++) {
		const double *figures = session->rows[i].figures;

		if (isnan(figures[FIGURE_LOST]))
			continue;
		runs++;
		for (int j = FIGURE_INVOCATIONS; j <= FIGURE_USD; j++)
			sums[j] += figures[j];
	}
	if (runs > 0)
		fprintf(file,
			"<p>%u runs had somewhere to spill to: %.0f invocations, which would "
			"have cost $%.4f; %.0f batches were reclaimed, %.0f lost, %.0f "
			"doubled.</p>\n",
			runs, sums[FIGURE_INVOCATIONS], sums[FIGURE_USD], sums[FIGURE_RECLAIMED],
			sums[FIGURE_LOST], sums[FIGURE_DOUBLED]);
}

static void put_environment(FILE *file, const struct session *session)
{
	struct environment environment;
	char when[64] = "";
	time_t now = time(NULL);
	struct tm utc;

	environment_read(&environment);
	if (gmtime_r(&now, &utc))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &utc);
	fputs("<p class=\"soft\">", file);
	put_text(file, environment.cpu[0] ? environment.cpu : "unknown processor");
	fprintf(file, ", %u cores, %u nodes; ", environment.cores, environment.nodes);
	put_text(file, environment.kernel);
	fputs("; ", file);
	put_text(file, environment.compiler);
	fputs("; spillway ", file);
	put_text(file, sw_version());
	fputs(", revision ", file);
	put_text(file, environment.revision);
	fputs("; libcurl ", file);
	put_text(file, environment.curl);
	fprintf(file,
		"; %s.</p>\n<p>Functions are run by <code>lambda-local</code> on the same "
		"machine. Where a cost is simulated a worker burns it and a function sleeps "
		"it, as if it had a processor of its own.</p>\n<p>Run it again:</p>\n",
		when);
	put_element(file, "pre", session->command);
	fputc('\n', file);
}

static void put_page(FILE *file, struct session *session,
	const struct experiment *const *experiments, size_t count)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<title>Spillway: experiments</title>\n<style>\n",
		file);
	fputs(style, file);
	fputs("</style>\n</head>\n<body>\n<h1>Spillway: experiments</h1>\n", file);
	put_state(file, session);
	put_environment(file, session);
	put_books(file, session);
	fputs("<nav>", file);
	for (size_t i = 0; i < count; i++) {
		fprintf(file, "%s<a href=\"#%s\">", i ? " · " : "", experiments[i]->name);
		put_text(file, experiments[i]->title);
		fputs("</a>", file);
	}
	fputs("</nav>\n", file);
	for (size_t i = 0; i < count; i++)
		put_experiment(file, session, experiments[i]);
	fputs("</body>\n</html>\n", file);
}

int experiment_report_write(
	struct session *session, const struct experiment *const *experiments, size_t count)
{
	char path[PATH_MAX];
	FILE *file;
	bool failed;

	snprintf(path, sizeof(path), "%s/report.html", session->output);
	file = fopen(path, "we");
	if (!file)
		return say(EXIT_FAILED, "report: %s: %s", path, strerror(errno));
	put_page(file, session, experiments, count);
	errno = 0;
	failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	return failed ? say(EXIT_FAILED, "report: %s: %s", path, strerror(errno ? errno : EIO)) : 0;
}

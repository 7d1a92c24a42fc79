/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/spillway/progress.h"
#include "tools/spillway/text.h"

#define LINE_BYTES 256

void progress_init(struct progress *progress, const char *mode, const char *title)
{
	progress->on =
		strcmp(mode, "always") == 0 || (strcmp(mode, "auto") == 0 && isatty(STDERR_FILENO));
	progress->shown = false;
	progress->title = title;
}

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return LINE_BYTES;
}

/* "[######....]" */
static void bar(double share, char text[13])
{
	int full = (int)(share * 10 + 0.5);

	text[0] = '[';
	for (int i = 0; i < 10; i++)
		text[1 + i] = i < full ? '#' : '.';
	strcpy(text + 11, "]");
}

/* By more than 10 ms: a source that makes batches is always a little late. */
static bool is_behind(const struct sample *sample)
{
	return (double)sample->backlog_events * 100 > sample->events_per_s;
}

void progress_sample(void *context, const struct sample *sample)
{
	struct progress *progress = context;
	char line[LINE_BYTES], ring[13];
	size_t length, width = columns();

	if (!progress->on)
		return;
	bar(sample->ring_fill, ring);
	length = (size_t)snprintf(line, sizeof(line), "%s %5.1f s  %s events/s  ring %s",
		progress->title, sample->t_s, text_rate(sample->events_per_s).bytes, ring);
	if (sample->bursts && length < sizeof(line))
		length += (size_t)snprintf(line + length, sizeof(line) - length,
			"  spilled %3.0f %% (%u out)", sample->spilled_share * 100,
			sample->inflight);
	if (sample->latency.count && length < sizeof(line))
		length += (size_t)snprintf(line + length, sizeof(line) - length, "  p99 %s",
			text_time_us(sample->latency.p99).bytes);
	if (is_behind(sample) && length < sizeof(line))
		length += (size_t)snprintf(line + length, sizeof(line) - length, "  behind %s",
			text_count(sample->backlog_events).bytes);
	if (length >= sizeof(line))
		length = sizeof(line) - 1;
	if (length >= width)
		length = width - 1;
	fprintf(stderr, "\r\033[K%.*s", (int)length, line);
	fflush(stderr);
	progress->shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fprintf(stderr, "\r\033[K");
	progress->shown = false;
}

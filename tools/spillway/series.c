/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/spillway/message.h"
#include "tools/spillway/series.h"

void series_sample(void *context, const struct sample *sample)
{
	struct series *series = context;

	if (series->count == series->capacity) {
		size_t capacity = series->capacity ? 2 * series->capacity : 1024;
		struct sample *more = reallocarray(series->samples, capacity, sizeof(*more));

		if (!more) {
			series->short_of_memory = true;
			return;
		}
		series->samples = more;
		series->capacity = capacity;
	}
	series->samples[series->count++] = *sample;
}

void series_fini(struct series *series)
{
	free(series->samples);
	*series = (struct series){ 0 };
}

uint64_t series_backlog_max(const struct series *series)
{
	uint64_t max = 0;

	for (size_t i = 0; i < series->count; i++)
		if (series->samples[i].backlog_events > max)
			max = series->samples[i].backlog_events;
	return max;
}

double series_fill_max(const struct series *series)
{
	double max = 0;

	for (size_t i = 0; i < series->count; i++)
		if (series->samples[i].ring_fill > max)
			max = series->samples[i].ring_fill;
	return max;
}

double series_behind_s(const struct series *series, uint64_t events)
{
	double seconds = 0, before_s = 0;

	for (size_t i = 0; i < series->count; i++) {
		if (series->samples[i].backlog_events > events)
			seconds += series->samples[i].t_s - before_s;
		before_s = series->samples[i].t_s;
	}
	return seconds;
}

double series_rate(const struct series *series, double from_s, double to_s)
{
	const struct sample *first = NULL, *last = NULL;

	for (size_t i = 0; i < series->count; i++) {
		const struct sample *sample = &series->samples[i];

		if (sample->t_s >= from_s && !first)
			first = sample;
		if (sample->t_s <= to_s)
			last = sample;
	}
	if (!first || !last || last->t_s <= first->t_s)
		return 0;
	return (double)(last->events - first->events) / (last->t_s - first->t_s);
}

/* An empty field is an absent figure. */
static void put_latency(FILE *file, const struct latency_us *latency)
{
	if (latency->count)
		fprintf(file, ",%.3f,%.3f,%.3f", latency->p50 / 1e3, latency->p99 / 1e3,
			latency->max / 1e3);
	else
		fputs(",,,", file);
}

int series_write(const struct series *series, const char *path)
{
	FILE *file = fopen(path, "we");
	bool failed;

	if (!file)
		return say(EXIT_FAILED, "series: %s: %s", path, strerror(errno));
	fputs("t_s,events,events_per_s,backlog_events,ring_fill_percent,backpressured_percent,"
	      "spilled_percent,spilled_events_per_s,inflight,latency_p50_ms,latency_p99_ms,"
	      "latency_max_ms\n",
		file);
	for (size_t i = 0; i < series->count; i++) {
		const struct sample *sample = &series->samples[i];

		fprintf(file, "%.3f,%" PRIu64 ",%.0f,%" PRIu64 ",%.1f,%.1f,%.1f,%.0f,%u",
			sample->t_s, sample->events, sample->events_per_s, sample->backlog_events,
			sample->ring_fill * 100, sample->backpressured * 100,
			sample->spilled_share * 100, sample->spilled_events_per_s,
			sample->inflight);
		put_latency(file, &sample->latency);
		fputc('\n', file);
	}
	errno = 0;
	failed = ferror(file) != 0;
	failed |= fclose(file) != 0;
	return failed ? say(EXIT_FAILED, "series: %s: %s", path, strerror(errno ? errno : EIO)) : 0;
}

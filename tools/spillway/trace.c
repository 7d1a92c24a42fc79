/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/spillway/message.h"
#include "tools/spillway/trace.h"

int trace_open(struct trace *trace, const char *path)
{
	*trace = (struct trace){ .path = path };
	if (!path)
		return 0;
	trace->file = fopen(path, "we");
	return trace->file ? 0 : say(EXIT_FAILED, "trace: %s: %s", path, strerror(errno));
}

/* Absent figures are null. */
static void put_latency(FILE *file, const struct latency_us *latency)
{
	if (latency->count)
		fprintf(file,
			"\"latency_us\": {\"count\": %" PRIu64
			", \"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}",
			latency->count, latency->p50, latency->p99, latency->max);
	else
		fputs("\"latency_us\": {\"count\": 0, \"p50\": null, \"p99\": null, "
		      "\"max\": null}",
			file);
}

void trace_sample(void *context, const struct sample *sample)
{
	struct trace *trace = context;
	FILE *file = trace->file;

	if (!file)
		return;
	fprintf(file,
		"{\"t_s\": %.3f, \"events\": %" PRIu64 ", \"events_per_s\": %.0f, "
		"\"backlog_events\": %" PRIu64 ", \"ring_fill\": %.3f, \"backpressured\": %.3f, ",
		sample->t_s, sample->events, sample->events_per_s, sample->backlog_events,
		sample->ring_fill, sample->backpressured);
	put_latency(file, &sample->latency);
	if (sample->bursts)
		fprintf(file,
			", \"batches_spilled\": %" PRIu64
			", \"spilled_share\": %.3f, \"spilled_events_per_s\": %.0f, "
			"\"inflight\": %u}\n",
			sample->batches_spilled, sample->spilled_share,
			sample->spilled_events_per_s, sample->inflight);
	else
		fputs(", \"batches_spilled\": null, \"spilled_share\": null, "
		      "\"spilled_events_per_s\": null, \"inflight\": null}\n",
			file);
	trace->failed |= fflush(file) != 0;
}

int trace_close(struct trace *trace)
{
	bool failed;

	if (!trace->file)
		return 0;
	failed = ferror(trace->file) || trace->failed;
	failed |= fclose(trace->file) != 0;
	trace->file = NULL;
	return failed ? say(EXIT_FAILED, "trace: %s: it could not be written whole (%s)",
				trace->path, strerror(errno ? errno : EIO))
		      : 0;
}

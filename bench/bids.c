/* SPDX-License-Identifier: MIT */

#include "bench/bids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/event.h"
#include "nexmark/generator.h"
#include "nexmark/kernels.h"

#define EVENT_TIME_MS 1700000000000

/* The mask of the bid columns that a schema has. */
static uint32_t bid_mask(const struct sw_schema *wanted)
{
	const struct sw_schema *full = sw_nexmark_full_schema(SW_BID);
	uint32_t mask = 0;

	for (uint32_t i = 0; i < wanted->columns; i++) {
		int column = sw_schema_find(full, wanted->fields[i].name);

		if (column >= 0)
			mask |= 1u << column;
	}
	return mask;
}

static int make_input(struct bench_kernel *bench)
{
	struct sw_nexmark_options options = SW_NEXMARK_OPTIONS_INIT;
	uint32_t mask = bid_mask(bench->kernel->in);
	int result;

	options.num_events = 0;
	options.base_time = EVENT_TIME_MS;
	result = sw_nexmark_generator_create(&options, &bench->generator, NULL);
	if (result)
		return result;
	result = sw_nexmark_generator_schema(bench->generator, SW_BID, mask, &bench->schema);
	if (result)
		return result;
	bench->in = sw_batch_create(&bench->schema, BENCH_EVENTS, 0);
	if (!bench->in)
		return -ENOMEM;
	bench->in->arrival_ms = EVENT_TIME_MS;
	return sw_nexmark_generate(
		bench->generator, SW_BID, mask, 100 * BENCH_EVENTS, BENCH_EVENTS, bench->in);
}

static int make_output(struct bench_kernel *bench)
{
	const struct sw_kernel *kernel = bench->kernel;
	uint32_t rows = bench->in->rows;
	size_t text_bytes = 0;

	for (uint32_t i = 0; i < bench->schema.columns; i++)
		if (bench->in->columns[i].offsets)
			text_bytes += (size_t)bench->in->columns[i].offsets[rows];
	if (kernel->limits)
		kernel->limits(NULL, rows, text_bytes, &rows, &text_bytes);
	bench->out = sw_batch_create(kernel->out, rows, text_bytes);
	return bench->out ? 0 : -ENOMEM;
}

int bench_kernel_open(struct bench_kernel *bench, const char *name)
{
	int result;

	memset(bench, 0, sizeof(*bench));
	bench->kernel = sw_nexmark_kernel(name);
	if (!bench->kernel)
		return -ENOENT;
	result = make_input(bench);
	if (!result && !bench->kernel->in_place)
		result = make_output(bench);
	if (!result && bench->kernel->scratch_bytes) {
		bench->scratch = calloc(1, bench->kernel->scratch_bytes);
		result = bench->scratch ? 0 : -ENOMEM;
	}
	return result;
}

void bench_kernel_close(struct bench_kernel *bench)
{
	sw_batch_destroy(bench->in);
	sw_batch_destroy(bench->out);
	sw_nexmark_generator_destroy(bench->generator);
	free(bench->scratch);
}

void bench_kernel_rewind(struct bench_kernel *bench)
{
	bench->in->selected = NULL;
	bench->in->schema = &bench->schema;
	for (uint32_t i = 0; i < bench->schema.columns; i++)
		bench->in->columns[i].type = bench->schema.fields[i].type;
	if (bench->out)
		sw_batch_reset(bench->out);
}

/* SPDX-License-Identifier: MIT */
#include "tests/nexmark/kernel_fixture.h"

#include "nexmark/kernels.h"
#include "nexmark/queries_private.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <stdlib.h>

#define ROUNDS 300

/* ---- Running one kernel ---- */

void bench_open(struct bench *bench, const char *name)
{
	bench->kernel = sw_nexmark_kernel(name);
	assert_non_null(bench->kernel);
	bench->scratch = calloc(1, bench->kernel->scratch_bytes + 1);
	assert_non_null(bench->scratch);
}

static size_t text_of(const struct sw_batch *batch)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < batch->schema->columns; i++)
		for (uint32_t row = 0; row < batch->rows; row++)
			if (batch->columns[i].type == SW_TEXT)
				bytes += sw_column_text(&batch->columns[i], row).size;
	return bytes;
}

void bench_close(struct bench *bench)
{
	free(bench->scratch);
}

struct sw_batch *bench_run(struct bench *bench, struct sw_batch *in)
{
	const struct sw_kernel *kernel = bench->kernel;
	uint32_t rows = in->rows;
	size_t text = text_of(in);
	struct sw_batch *out;

	if (kernel->limits)
		kernel->limits(NULL, rows, text, &rows, &text);
	out = sw_batch_create(kernel->out, rows ? rows : 1, text ? text : 1);
	assert_non_null(out);
	assert_int_equal(kernel->run(NULL, bench->scratch, in, out), 0);
	return out;
}

/* ---- Random batches ---- */

static int64_t random_time(uint64_t *state, uint32_t spread_ms)
{
	/* Borders of windows come often. */
	int64_t time_ms = 1436918400000 - 20000 + random_below(state, spread_ms);

	return random_below(state, 4) ? time_ms : time_ms - time_ms % WINDOW_MS;
}

static uint32_t random_text(uint64_t *state, char *text, uint32_t most)
{
	static const char letters[] = "abzABZ019_ ,\"\n/?=&.-\xC3\xA7\x80\xFF";
	uint32_t size = random_below(state, most + 1);

	for (uint32_t i = 0; i < size; i++)
		text[i] = letters[random_below(state, sizeof(letters) - 1)];
	return size;
}

struct sw_batch *random_batch(uint64_t *state, const struct sw_schema *schema, uint32_t rows,
	uint32_t spread_ms, uint32_t most_text)
{
	struct sw_batch *batch = sw_batch_create(
		schema, rows ? rows : 1, (size_t)(rows ? rows : 1) * (most_text + 1));
	char text[512];

	assert_non_null(batch);
	for (uint32_t row = 0; row < rows; row++) {
		for (uint32_t i = 0; i < schema->columns; i++) {
			int64_t *values = batch->columns[i].data;

			if (schema->fields[i].type == SW_TEXT)
				assert_true(sw_column_append_text(&batch->columns[i], row, text,
					random_text(state, text, most_text)));
			else if (schema->fields[i].type == SW_TIME_MS)
				values[row] = random_time(state, spread_ms);
			else
				values[row] = (int64_t)random_below(state, 40) - 3;
		}
		batch->rows++;
	}
	return batch;
}

static void select_some(uint64_t *state, struct sw_batch *batch)
{
	batch->selected = batch->selection_space;
	batch->selected_rows = 0;
	for (uint32_t row = 0; row < batch->rows; row++)
		if (random_below(state, 3))
			batch->selected[batch->selected_rows++] = (uint16_t)row;
}

static struct sw_batch *copy_of(const struct sw_batch *batch)
{
	struct sw_batch *copy =
		sw_batch_create(batch->schema, batch->rows ? batch->rows : 1, text_of(batch) + 1);

	assert_non_null(copy);
	for (uint32_t i = 0; i < sw_batch_count(batch); i++)
		assert_true(sw_batch_append_row(copy, batch, sw_batch_row(batch, i)));
	sw_batch_copy_meta(copy, batch);
	return copy;
}

void for_many(const char *name, uint64_t seed, uint32_t most_rows, uint32_t most_text,
	void (*check)(const struct sw_batch *in, const struct sw_batch *out))
{
	uint64_t state = seed;
	struct bench bench;

	bench_open(&bench, name);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t rows = random_below(&state, round % 10 ? 60 : most_rows);
		struct sw_batch *in = random_batch(
			&state, bench.kernel->in, rows, random_below(&state, 60000) + 1, most_text);
		struct sw_batch *before, *out;

		in->arrival_ms = random_time(&state, 60000);
		if (round % 3 == 0)
			select_some(&state, in);
		before = copy_of(in);
		out = bench.kernel->in_place ? in : bench_run(&bench, in);
		if (bench.kernel->in_place)
			assert_int_equal(bench.kernel->run(NULL, bench.scratch, in, in), 0);
		check(before, out);
		if (out != in)
			sw_batch_destroy(out);
		sw_batch_destroy(in);
		sw_batch_destroy(before);
	}
	bench_close(&bench);
}

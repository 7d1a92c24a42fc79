/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_NEXMARK_KERNEL_FIXTURE_H
#define SW_TESTS_NEXMARK_KERNEL_FIXTURE_H

#include "runtime/kernel.h"

/* Kernels on random batches. */

struct bench {
	const struct sw_kernel *kernel;
	void *scratch;
};

/* A kernel by its name; the test fails when there is none. */
void bench_open(struct bench *bench, const char *name);
void bench_close(struct bench *bench);
/* The output, in a batch exactly as large as limits() says; to be destroyed. */
struct sw_batch *bench_run(struct bench *bench, struct sw_batch *in);

/* Numbers -3..36, times around 20 windows' borders, texts of up to most_text bytes of all kinds. */
struct sw_batch *random_batch(uint64_t *state, const struct sw_schema *schema, uint32_t rows,
	uint32_t spread_ms, uint32_t most_text);

/* Calls check for each of many random batches, some with a selection (`in` has only the selected
 * rows), and what the kernel made of it. */
void for_many(const char *name, uint64_t seed, uint32_t most_rows, uint32_t most_text,
	void (*check)(const struct sw_batch *in, const struct sw_batch *out));

/* The value of the i-th row that counts. */
static inline int64_t number(const struct sw_batch *batch, unsigned column, uint32_t i)
{
	return sw_column_int64(&batch->columns[column], sw_batch_row(batch, i));
}

#endif

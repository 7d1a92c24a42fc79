/* SPDX-License-Identifier: MIT */
#ifndef SW_BENCH_BIDS_H
#define SW_BENCH_BIDS_H

#include "runtime/batch.h"
#include "runtime/kernel.h"

struct sw_nexmark_generator;

/* A kernel with generated bids to run on, as a worker or a function has them. */
struct bench_kernel {
	const struct sw_kernel *kernel;
	struct sw_nexmark_generator *generator;
	struct sw_schema schema;   /* of the bids: the kernel's columns */
	struct sw_batch *in, *out; /* out is null when the kernel works in place */
	void *scratch;
};

/* Events that a batch of the sources is made from: of 1024, 942 are bids. */
#define BENCH_EVENTS 1024u

/* By the kernel's name. 0 or -errno; close takes either. */
int bench_kernel_open(struct bench_kernel *bench, const char *name);
void bench_kernel_close(struct bench_kernel *bench);

/* Makes the input what it was before the kernel ran in it, but for its values, and empties the
 * output. */
void bench_kernel_rewind(struct bench_kernel *bench);

#endif

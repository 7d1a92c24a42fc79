/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_KERNEL_H
#define SW_RUNTIME_KERNEL_H

#include "runtime/batch.h"

/*
 * A kernel is a pure function from a batch to a batch: a map, a filter, or the partial of an
 * aggregate. It is what a worker runs inline and what a function runs remotely, so it depends on
 * nothing but its configuration (plain bytes, fixed size) and its input, and gives the same rows
 * wherever it runs.
 */

SW_BEGIN_DECLS

#define SW_KERNEL_CONFIG_MAX 64
#define SW_KERNEL_NAME_MAX   31

struct sw_kernel {
	const char *name; /* unique, at most SW_KERNEL_NAME_MAX characters, e.g. "q12.partial" */
	uint32_t version; /* both ends must agree */
	uint32_t config_bytes;
	/* Columns of its input that it reads, by name and type; the input may have others after
	 * them only if `in_place`. Encoded batches carry exactly the input's columns. */
	const struct sw_schema *in;
	const struct sw_schema *out;
	/* Works in the input batch itself: run() gets out == in. */
	bool in_place;
	/*
	 * The most rows, and bytes in any one text column, that run() can give for an input of
	 * in_rows rows and in_text_bytes bytes of text in all. Null: in_rows, and in a text column
	 * no more than the input's column of that name has (all its text where there is none).
	 */
	void (*limits)(const void *config, uint32_t in_rows, size_t in_text_bytes,
		uint32_t *out_rows, size_t *out_text_bytes);
	/*
	 * Any thread; must not allocate in the steady state (scratch is scratch_bytes, zeroed once,
	 * its content kept between calls of one instance). Meta is copied by the caller. `out` is
	 * empty and has room for limits(). 0, or -errno for an input that breaks the contract.
	 */
	size_t scratch_bytes;
	int (*run)(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out);
	/* Null, or: after run() failed, and left `in` as it was, says what of it and which limit in
	 * `text`, which is empty before and stays so where only the code says more. Any thread. */
	void (*explain)(
		const void *config, const struct sw_batch *in, int code, char *text, size_t bytes);
};

SW_END_DECLS

#endif

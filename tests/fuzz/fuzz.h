/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_FUZZ_H
#define SW_TESTS_FUZZ_H

/* What the fuzz targets share. Each is a file that defines fuzz_target and LLVMFuzzerTestOneInput;
 * mutate.c makes inputs for it, and replay.c runs it where there is no libFuzzer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/runtime/random.h"

struct fuzz_target {
	/* Writes an input that is mostly good, to begin with; returns its bytes, at most max. */
	size_t (*sample)(uint8_t *data, size_t max, uint64_t *random);
	/* Words that mean something to the code under test, ended by null; null: none. */
	const char *const *words;
};

extern const struct fuzz_target fuzz_target;

/* libFuzzer's names. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* In every build, unlike assert. */
#define FUZZ_CHECK(condition)                                                                   \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* An input that is read from its beginning. */
struct fuzz_input {
	const uint8_t *at;
	size_t bytes;
};

/* 0 when there is none left. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
	if (input->bytes == 0)
		return 0;
	input->bytes--;
	return *input->at++;
}

/* Memory that ends where the bytes end, for a sanitizer to see one too many. To be freed. */
static inline void *fuzz_copy(const void *from, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);

	FUZZ_CHECK(copy);
	for (size_t i = 0; i < bytes; i++)
		copy[i] = ((const uint8_t *)from)[i];
	return copy;
}

/* Appends text to a sample. */
static inline size_t fuzz_put(uint8_t *data, size_t used, size_t max, const char *text)
{
	for (; *text && used < max; text++)
		data[used++] = (uint8_t)*text;
	return used;
}

#endif

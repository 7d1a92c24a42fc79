/* SPDX-License-Identifier: MIT */
/* Inputs from inputs: words of the target's language in other places, new samples now and then, and
 * else what libFuzzer (or replay.c) does to bytes. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

/* A word instead of what is there, or before it. */
static size_t put_word(uint8_t *data, size_t size, size_t max, const char *word, uint64_t *random)
{
	const size_t bytes = strlen(word);
	const size_t at = random_below(random, (uint32_t)size + 1);

	if (random_below(random, 2) && at + bytes <= size) {
		memcpy(data + at, word, bytes);
		return size;
	}
	if (size + bytes > max)
		return size;
	memmove(data + at + bytes, data + at, size - at);
	memcpy(data + at, word, bytes);
	return size + bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint64_t random = (uint64_t)seed * 2654435769u + 1;
	uint32_t words = 0;

	random_next(&random);
	if (size < 2 || random_below(&random, 100) == 0)
		return fuzz_target.sample(data, max, &random);
	while (fuzz_target.words && fuzz_target.words[words])
		words++;
	if (words && random_below(&random, 3) == 0)
		return put_word(
			data, size, max, fuzz_target.words[random_below(&random, words)], &random);
	return LLVMFuzzerMutate(data, size, max);
}

/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target without libFuzzer: on files that are named, else on samples and on mutations
 * of them, so many as SW_FUZZ_RUNS says. Blind, but with any compiler and sanitizer. */
#include <string.h>

#include "tests/fuzz/fuzz.h"

enum { INPUT_MAX = 4096, FILE_MAX = 1 << 20, RUNS = 20000, GENERATIONS = 20 };

static uint64_t state;

/* One change: a byte, a bit, a number at an end of its range, bytes left out, bytes twice. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	static const uint8_t numbers[] = { 0, 1, 0x7f, 0x80, 0xff };
	const size_t at = random_below(&state, (uint32_t)size);
	size_t bytes = 1 + random_below(&state, 8);

	if (bytes > size - at)
		bytes = size - at;
	switch (random_below(&state, 5)) {
	case 0:
		data[at] = (uint8_t)random_next(&state);
		return size;
	case 1:
		data[at] ^= (uint8_t)(1 << random_below(&state, 8));
		return size;
	case 2:
		memset(data + at, numbers[random_below(&state, sizeof(numbers))], bytes);
		return size;
	case 3:
		memmove(data + at, data + at + bytes, size - at - bytes);
		return size - bytes;
	default:
		if (size + bytes > max)
			return size;
		memmove(data + at + bytes, data + at, size - at);
		return size + bytes;
	}
}

static void run_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);

	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int run_file(const char *path)
{
	static uint8_t data[FILE_MAX];
	FILE *file = fopen(path, "rbe");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	run_copy(data, size);
	return 0;
}

int main(int argc, char **argv)
{
	const char *given = getenv("SW_FUZZ_RUNS");
	const long runs = given ? strtol(given, NULL, 10) : RUNS;
	uint8_t data[INPUT_MAX];
	size_t size = 0;
	int status = 0;

	for (int i = 1; i < argc; i++)
		status |= run_file(argv[i]);
	if (argc > 1)
		return status;
	state = random_seed();
	run_copy(data, 0);
	for (long run = 0; run < runs; run++) {
		if (run % GENERATIONS == 0)
			size = fuzz_target.sample(data, sizeof(data), &state);
		else
			size = LLVMFuzzerCustomMutator(
				data, size, sizeof(data), (unsigned)random_next(&state));
		run_copy(data, size);
	}
	printf("%ld runs\n", runs);
	return 0;
}

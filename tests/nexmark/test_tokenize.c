/* SPDX-License-Identifier: MIT */

/* The words of random texts, against the plain sentence. */

#include "nexmark/kernels.h"
#include "nexmark/queries_private.h"
#include "nexmark/words_private.h"
#include "operators/csv_text.h"
#include "tests/nexmark/kernel_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <string.h>

static uint64_t seed;

static bool in_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The next word of a text, as the sentence says; null: none. */
static const char *next_word(const char **at, const char *end, uint32_t *size)
{
	const char *word;

	while (*at < end && !in_word(**at))
		(*at)++;
	word = *at;
	while (*at < end && in_word(**at))
		(*at)++;
	*size = (uint32_t)(*at - word);
	return *size ? word : NULL;
}

/* The CSV line of a row from column `first` on. */
static size_t line_of(const struct sw_batch *in, uint32_t row, unsigned first, char *line)
{
	size_t bytes = sw_csv_row(in, row, line), skip = 0;

	while (first-- > 0)
		skip = (size_t)((char *)memchr(line + skip, ',', bytes - skip) - line) + 1;
	memmove(line, line + skip, bytes - skip);
	return bytes - skip;
}

static void check_tokens(const struct sw_batch *in, const struct sw_batch *out)
{
	char line[8192];
	uint32_t given = 0;

	for (uint32_t row = 0; row < in->rows; row++) {
		const char *at = line, *end = line + line_of(in, row, 1, line), *word;
		uint32_t size;

		while ((word = next_word(&at, end, &size))) {
			struct sw_text token;

			assert_true(given < out->rows);
			token = sw_column_text(&out->columns[1], given);
			assert_int_equal(token.size, size);
			assert_memory_equal(token.bytes, word, size);
			assert_int_equal(number(out, 0, given++), number(in, 0, row));
		}
	}
	assert_int_equal(given, out->rows);
}

static int64_t count_of(const struct sw_batch *in, struct sw_text token)
{
	char line[8192];
	int64_t count = 0;

	for (uint32_t row = 0; row < in->rows; row++) {
		const char *at = line, *end = line + line_of(in, row, 0, line), *word;
		uint32_t size;

		while ((word = next_word(&at, end, &size)))
			count += size == token.size && !memcmp(word, token.bytes, size);
	}
	return count;
}

static void check_token_counts(const struct sw_batch *in, const struct sw_batch *out)
{
	int64_t sum = 0, words = 0;
	char line[8192];

	for (uint32_t i = 0; i < out->rows; i++) {
		struct sw_text token = sw_column_text(&out->columns[0], i);

		/* Each is searched in all lines: a few are enough in large batches. */
		if (out->rows < 200 || i % 37 == 0)
			assert_int_equal(number(out, 1, i), count_of(in, token));
		sum += number(out, 1, i);
	}
	for (uint32_t row = 0; row < in->rows; row++) {
		const char *at = line, *end = line + line_of(in, row, 0, line);
		uint32_t size;

		while (next_word(&at, end, &size))
			words++;
	}
	assert_int_equal(sum, words);
}

static void tokenize_splits(void **unused)
{
	(void)unused;
	for_many("tokenize.tokens", seed, 200, 200, check_tokens);
	for_many("tokenize.partial", seed, 200, 200, check_token_counts);
}

/* The most words that texts can have: limits() has to have room for them. */
static void tokenize_fits_its_limits(void **unused)
{
	static const char *const kernels[] = { "tokenize.partial", "tokenize.tokens" };

	(void)unused;
	for (int k = 0; k < 2; k++) {
		struct sw_batch *in, *out;
		struct bench bench;

		bench_open(&bench, kernels[k]);
		in = sw_batch_create(bench.kernel->in, 64, 64 * 256);
		assert_non_null(in);
		for (uint32_t row = 0; row < 64; row++) {
			for (uint32_t i = 0; i < in->schema->columns; i++) {
				char text[256];

				for (int c = 0; c < 255; c++)
					text[c] = c % 2 ? ' ' : (char)('a' + c % 26);
				if (in->columns[i].type == SW_TEXT)
					assert_true(sw_column_append_text(
						&in->columns[i], row, text, 255));
				else
					((int64_t *)in->columns[i].data)[row] =
						INT64_MIN + row * 32 + i;
			}
			in->rows++;
		}
		out = bench_run(&bench, in);
		if (k == 1)
			assert_int_equal(out->rows, 64 * (4 + 3 * 128));
		sw_batch_destroy(out);
		sw_batch_destroy(in);
		bench_close(&bench);
	}
}

static void dictionaries_give_the_same(void **unused)
{
	static const int32_t offsets[] = { 0, 3, 3, 10 };
	static const struct sw_dictionary dictionary = {
		.entries = 3,
		.offsets = offsets,
		.bytes = "a b/c_d?ef",
	};
	struct sw_batch *plain, *coded, *of_plain, *of_coded;
	struct sw_schema schema;
	uint64_t state = seed;
	struct bench bench;

	(void)unused;
	bench_open(&bench, "tokenize.partial");
	schema = *bench.kernel->in;
	schema.fields[3].dictionary = schema.fields[4].dictionary = &dictionary;
	coded = sw_batch_create(&schema, 100, 16384);
	plain = random_batch(&state, bench.kernel->in, 100, 1000, 10);
	assert_non_null(coded);
	for (uint32_t row = 0; row < 100; row++) {
		for (uint32_t i = 0; i < schema.columns; i++) {
			struct sw_column *column = &plain->columns[i];
			struct sw_text text;

			if (i == 3 || i == 4) {
				((int32_t *)coded->columns[i].data)[row] =
					(int32_t)random_below(&state, 3);
				text = sw_column_text(&coded->columns[i], row);
				assert_true(
					sw_column_append_text(column, row, text.bytes, text.size));
			} else if (column->type == SW_TEXT) {
				text = sw_column_text(column, row);
				assert_true(sw_column_append_text(
					&coded->columns[i], row, text.bytes, text.size));
			} else {
				((int64_t *)coded->columns[i].data)[row] =
					((int64_t *)column->data)[row];
			}
		}
		coded->rows++;
	}
	/* plain's two columns were written anew from the first row on. */
	of_plain = bench_run(&bench, plain);
	of_coded = bench_run(&bench, coded);
	check_token_counts(plain, of_plain);
	check_token_counts(coded, of_coded);
	assert_int_equal(of_plain->rows, of_coded->rows);
	sw_batch_destroy(of_plain);
	sw_batch_destroy(of_coded);
	sw_batch_destroy(plain);
	sw_batch_destroy(coded);
	bench_close(&bench);
}

static void classifiers_agree(void **unused)
{
	uint64_t (*best)(const char *bytes) = words_classifier();
	char bytes[64];

	(void)unused;
	for (int first = 0; first < 256; first++) {
		for (int i = 0; i < 64; i++)
			bytes[i] = (char)(first + i);
		assert_true(best(bytes) == words_classify_portable(bytes));
		for (int i = 0; i < 64; i++)
			assert_int_equal(best(bytes) >> i & 1, in_word(bytes[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokenize_splits),
		cmocka_unit_test(tokenize_fits_its_limits),
		cmocka_unit_test(dictionaries_give_the_same),
		cmocka_unit_test(classifiers_agree),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

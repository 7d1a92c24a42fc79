/* SPDX-License-Identifier: MIT */

/*
 * The unbounded join against the plain sentence: random rows of two or three inputs, split over
 * batches in random order, must give each combination with equal keys exactly once, with its texts.
 */

#include "operators/equi_join.h"
#include "tests/operators/join_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 400
#define TEXT_MAX 300

static uint64_t seed;

/* Columns of every input: its row's number, a text, the key, a text of a dictionary, and the number
 * as text. */
enum { NUMBER, TEXT, KEY, CODE, DIGITS, COLUMNS };

#define CODES 3

static const int32_t code_offsets[CODES + 1] = { 0, 3, 3, 10 };
static const struct sw_dictionary codes = { CODES, code_offsets, "oneseventh" };
/* The same texts in the opposite order. */
static const int32_t other_offsets[CODES + 1] = { 0, 7, 7, 10 };
static const struct sw_dictionary other_codes = { CODES, other_offsets, "seventhone" };

static const struct sw_schema schema_in = {
	.columns = COLUMNS,
	.fields = { { .name = "number", .type = SW_INT64 },
		{ .name = "text", .type = SW_TEXT, .text_bytes = TEXT_MAX },
		{ .name = "key", .type = SW_INT64 },
		{ .name = "code", .type = SW_TEXT, .text_bytes = 8, .dictionary = &codes },
		{ .name = "digits", .type = SW_TEXT, .text_bytes = 8 } },
};

struct shape {
	unsigned workers;
	enum sw_state_mode mode;
	uint32_t out_rows; /* of the output's batches */
	bool two_dictionaries;
};

/* A few rows' texts fill the output's batches. */
#define OUT_TEXT_BYTES (3 * TEXT_MAX)
#define ROWS_OF_CODES  (OUT_TEXT_BYTES / sizeof(int32_t)) /* so many codes have room */

struct model {
	unsigned inputs;
	uint32_t rows[JOIN_INPUTS_MAX];
	int64_t keys[JOIN_INPUTS_MAX][ROWS_MAX];
	uint8_t *given; /* per combination of rows */
	uint64_t twice, wrong;
	uint64_t coded, uncoded; /* columns of batches */
};

/* A row's text is made of its input and number. */
static uint32_t text_of(unsigned input, int64_t number, char text[TEXT_MAX])
{
	uint32_t size = (uint32_t)(number * 37 + 11 * (int64_t)input) % TEXT_MAX;

	for (uint32_t i = 0; i < size; i++)
		text[i] = (char)('a' + (number + input + i) % 26);
	return size;
}

static uint32_t digits_of(int64_t number, char digits[24])
{
	return (uint32_t)snprintf(digits, 24, "%lld", (long long)number);
}

static bool has_text(const struct sw_column *column, uint32_t row, const char *bytes, uint32_t size)
{
	struct sw_text text = sw_column_text(column, row);

	return text.size == size && !memcmp(text.bytes, bytes, size);
}

static void take(void *context, const struct sw_batch *batch)
{
	struct model *model = context;
	char text[TEXT_MAX];

	for (unsigned i = 0; i < model->inputs; i++) {
		bool coded = batch->columns[COLUMNS * i + CODE].dictionary;

		*(coded ? &model->coded : &model->uncoded) += 1;
	}
	for (uint32_t row = 0; row < batch->rows; row++) {
		size_t combination = 0;

		for (unsigned i = 0; i < model->inputs; i++) {
			const struct sw_column *columns = &batch->columns[COLUMNS * i];
			char digits[24];
			int64_t number = sw_column_int64(&columns[NUMBER], row);
			uint32_t code = (uint32_t)number % CODES;

			assert_in_range(number, 0, model->rows[i] - 1);
			combination = combination * ROWS_MAX + (size_t)number;
			model->wrong +=
				sw_column_int64(&columns[KEY], row) != model->keys[i][number];
			model->wrong +=
				!has_text(&columns[TEXT], row, text, text_of(i, number, text));
			model->wrong +=
				!has_text(&columns[CODE], row, codes.bytes + code_offsets[code],
					(uint32_t)(code_offsets[code + 1] - code_offsets[code]));
			model->wrong +=
				!has_text(&columns[DIGITS], row, digits, digits_of(number, digits));
		}
		model->twice += model->given[combination]++;
	}
}

static int64_t random_key(uint64_t *state, uint32_t different)
{
	static const int64_t odd[] = { INT64_MIN, -1, 0, INT64_MAX, INT64_C(1) << 40 };
	uint32_t key = random_below(state, different);

	return key < 5 ? odd[key] : 1000 + (int64_t)key;
}

/* Rows start..start + count of an input into a batch. */
static void fill(const struct model *model, unsigned input, uint32_t start, uint32_t count,
	bool other, struct sw_batch *batch)
{
	char text[TEXT_MAX];

	if (batch->columns[CODE].offsets)
		assert_true(sw_batch_adopt_dictionary(batch, CODE, other ? &other_codes : &codes));

	for (uint32_t i = 0; i < count; i++) {
		int64_t number = start + i;
		int32_t code = (int32_t)(number % CODES);
		char digits[24];

		((int64_t *)batch->columns[NUMBER].data)[i] = number;
		((int64_t *)batch->columns[KEY].data)[i] = model->keys[input][number];
		((int32_t *)batch->columns[CODE].data)[i] = other ? CODES - 1 - code : code;
		assert_true(sw_column_append_text(
			&batch->columns[TEXT], i, text, text_of(input, number, text)));
		assert_true(sw_column_append_text(
			&batch->columns[DIGITS], i, digits, digits_of(number, digits)));
	}
	batch->rows = count;
}

/* A batch of at most 64 rows from a random input, until all have given theirs. */
static void push_all(
	struct join_run *run, const struct model *model, bool two_dictionaries, uint64_t *state)
{
	uint32_t next[JOIN_INPUTS_MAX] = { 0 }, left = 0;

	for (unsigned i = 0; i < model->inputs; i++)
		left += model->rows[i];
	while (left > 0) {
		unsigned input = random_below(state, model->inputs);
		uint32_t count = model->rows[input] - next[input];
		struct sw_batch *batch;

		if (count == 0)
			continue;
		count = 1 + random_below(state, count < 64 ? count : 64);
		batch = join_batch(run, input);
		fill(model, input, next[input], count, two_dictionaries && random_below(state, 2),
			batch);
		next[input] += count;
		left -= count;
		join_push(run, input, batch, SW_TIME_MIN + next[input]);
	}
}

static void check(const struct model *model, const struct sw_equi_join_config *config)
{
	uint32_t thirds = model->inputs == 3 ? model->rows[2] : 1;

	assert_int_equal(model->twice, 0);
	assert_int_equal(model->wrong, 0);
	for (uint32_t a = 0; a < model->rows[0]; a++) {
		bool joins = !config->only || a == config->only_value;

		for (uint32_t b = 0; b < model->rows[1]; b++) {
			for (uint32_t c = 0; c < thirds; c++) {
				size_t combination = (size_t)a * ROWS_MAX + b;
				bool equal = joins && model->keys[0][a] == model->keys[1][b];

				if (model->inputs == 3) {
					combination = combination * ROWS_MAX + c;
					equal &= model->keys[0][a] == model->keys[2][c];
				}
				assert_int_equal(model->given[combination], equal);
			}
		}
	}
}

static void make_rows(struct model *model, const struct sw_equi_join_config *config,
	uint32_t different, uint64_t *state)
{
	size_t combinations = 1;

	model->inputs = config->inputs;
	for (unsigned i = 0; i < model->inputs; i++) {
		combinations *= ROWS_MAX;
		model->rows[i] = config->unique >> i & 1 ? different
							 : ROWS_MAX / 2 + random_below(state, 100);
		for (uint32_t row = 0; row < model->rows[i]; row++)
			model->keys[i][row] = random_key(state, different);
		/* A permutation of all keys, but for some that this input never has. */
		for (uint32_t row = 0; config->unique >> i & 1 && row < different; row++)
			model->keys[i][row] = row < 5 ? 990 + row : 1000 + (row * 11) % different;
	}
	model->given = calloc(combinations, 1);
	assert_non_null(model->given);
}

static struct sw_stage_options keeping(const struct sw_equi_join_config *config)
{
	struct sw_stage_options options = SW_STAGE_OPTIONS_INIT;

	options.name = "kept";
	options.op = &sw_equi_join_keep;
	options.config = config;
	options.output_schemas[0] = &sw_equi_join_kept_schema;
	options.output_rows[0] = 10; /* more than a batch for one that comes */
	return options;
}

/* Codes stay codes where they have room, but those of rows that are kept apart. */
static void check_codes(const struct model *model, const struct sw_equi_join_config *config,
	const struct shape *shape)
{
	if (shape->out_rows > ROWS_OF_CODES)
		assert_int_equal(model->coded, 0);
	else if (!shape->two_dictionaries && !config->kept_apart)
		assert_int_equal(model->uncoded, 0);
	else
		assert_true(model->uncoded > 0);
}

static void run_join(struct sw_equi_join_config *config, uint32_t different,
	const struct shape *shape, uint64_t *state)
{
	struct model *model = calloc(1, sizeof(*model));
	struct sw_schema in = schema_in, out = { .columns = COLUMNS * config->inputs };
	struct join_run run = {
		.workers = shape->workers, .inputs = config->inputs, .state = shape->mode
	};

	assert_non_null(model);
	if (shape->two_dictionaries)
		in.fields[CODE].dictionary = NULL;
	config->out = &out;
	for (unsigned i = 0; i < config->inputs; i++) {
		config->key[i] = KEY;
		for (unsigned c = 0; c < COLUMNS; c++) {
			out.fields[COLUMNS * i + c] = in.fields[c];
			out.fields[COLUMNS * i + c].dictionary = NULL;
			config->from[COLUMNS * i + c] =
				(struct sw_equi_join_column){ (uint8_t)i, (uint8_t)c };
		}
		run.schemas[i] = &in;
		run.keys[i] = KEY;
	}
	make_rows(model, config, different, state);
	run.join = (struct sw_stage_options)SW_STAGE_OPTIONS_INIT;
	run.join.name = "join";
	run.join.op = &sw_equi_join;
	run.join.config = config;
	run.join.output_schemas[0] = &out;
	run.join.output_text_bytes[0] = OUT_TEXT_BYTES;
	run.join.output_rows[0] = shape->out_rows;
	if (config->kept_apart)
		run.kept = keeping(config);
	join_start(&run, take, model);
	push_all(&run, model, shape->two_dictionaries, state);
	if (join_end(&run))
		fail_msg("%s", run.error.text);
	check(model, config);
	check_codes(model, config, shape);
	free(model->given);
	free(model);
}

static void in_all_shapes(struct sw_equi_join_config *config, uint32_t different)
{
	static const struct shape shapes[] = {
		{ 1, SW_STATE_AUTO, 64, false },
		{ 2, SW_STATE_DENSE, ROWS_OF_CODES, false },
		{ 3, SW_STATE_HASH, ROWS_OF_CODES + 1, false },
		{ 1, SW_STATE_HASH, 64, true },
		{ 2, SW_STATE_AUTO, ROWS_OF_CODES + 1, true },
	};
	uint64_t state = seed;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		run_join(config, different, &shapes[i], &state);
}

static void two_inputs(void **unused)
{
	struct sw_equi_join_config config = { .inputs = 2 };

	(void)unused;
	in_all_shapes(&config, 60);
}

static void two_inputs_one_unique(void **unused)
{
	struct sw_equi_join_config config = { .inputs = 2, .unique = 1 };

	(void)unused;
	in_all_shapes(&config, 200);
}

static void first_is_kept_apart(void **unused)
{
	struct sw_equi_join_config config = { .inputs = 2, .kept_apart = true };

	(void)unused;
	in_all_shapes(&config, 60);
	config.unique = 1;
	in_all_shapes(&config, 200);
}

/* Only the first's row of one number joins. */
static void only_some_rows_join(void **unused)
{
	struct sw_equi_join_config config = { .inputs = 2,
		.unique = 1,
		.kept_apart = true,
		.only = true,
		.only_column = NUMBER,
		.only_value = 17 };

	(void)unused;
	in_all_shapes(&config, 20);
}

static void three_inputs(void **unused)
{
	struct sw_equi_join_config config = { .inputs = 3 };

	(void)unused;
	in_all_shapes(&config, 70);
}

static void three_inputs_one_unique(void **unused)
{
	struct sw_equi_join_config config = { .inputs = 3, .unique = 1 };

	(void)unused;
	in_all_shapes(&config, 70);
}

/* ---- Memory ---- */

static void count(void *context, const struct sw_batch *batch)
{
	*(uint64_t *)context += batch->rows;
}

static const struct sw_schema schema_pair = {
	.columns = 2,
	.fields = { { .name = "text 0", .type = SW_TEXT }, { .name = "text 1", .type = SW_TEXT } },
};

/* So many rounds are more batches than can be on their way: the first has been worked through. */
#define LAG 100u

static void push_round(struct join_run *run, unsigned input, uint32_t round, uint32_t text_bytes)
{
	struct sw_batch *batch = join_batch(run, input);
	uint32_t rows = input == 1 ? 50 : 1;
	static char text[1024];

	if (!batch)
		return;
	memset(text, 'x', sizeof(text));
	for (uint32_t row = 0; row < rows; row++) {
		((int64_t *)batch->columns[NUMBER].data)[row] = round % 2;
		((int64_t *)batch->columns[KEY].data)[row] = round;
		((int32_t *)batch->columns[CODE].data)[row] = 0;
		assert_true(sw_column_append_text(&batch->columns[TEXT], row, text, text_bytes));
		assert_true(sw_column_append_text(&batch->columns[DIGITS], row, text, 0));
	}
	batch->rows = rows;
	join_push(run, input, batch, round);
}

/* Rows of input 1 for each key and, LAG keys later, the key's only row of input 0. */
static int run_rounds(struct sw_equi_join_config *config, struct join_run *run, uint32_t rounds,
	uint32_t text_bytes, uint64_t *rows)
{
	config->inputs = 2;
	config->key[0] = config->key[1] = KEY;
	config->out = &schema_pair;
	config->from[0] = (struct sw_equi_join_column){ 0, TEXT };
	config->from[1] = (struct sw_equi_join_column){ 1, TEXT };
	run->workers = 1;
	run->inputs = 2;
	run->schemas[0] = run->schemas[1] = &schema_in;
	run->keys[0] = run->keys[1] = KEY;
	run->join.name = "join";
	run->join.op = &sw_equi_join;
	run->join.config = config;
	run->join.output_schemas[0] = &schema_pair;
	if (config->kept_apart)
		run->kept = keeping(config);
	join_start(run, count, rows);
	for (uint32_t i = 0; i < rounds + LAG && !run->ended; i++) {
		if (i < rounds)
			push_round(run, 1, i, text_bytes);
		if (i >= LAG)
			push_round(run, 0, i - LAG, text_bytes);
	}
	return join_end(run);
}

/* What can find no more partners is forgotten. */
static void state_is_bounded(void **unused)
{
	struct sw_equi_join_config config = { .unique = 1,
		.kept_apart = true,
		.only = true,
		.only_column = NUMBER,
		.only_value = 1 };
	struct join_run run = { .join = SW_STAGE_OPTIONS_INIT };
	uint64_t rows = 0;

	(void)unused;
	/* All rows of input 1 would be more than 30 MB. */
	assert_int_equal(run_rounds(&config, &run, 3000, 200, &rows), 0);
	assert_int_equal(rows, 50 * 1500);
	assert_in_range(run.state_bytes_max, 1, 4 << 20);
}

static void limit_ends_the_run(void **unused)
{
	struct sw_equi_join_config config = { 0 };
	struct join_run run = { .max_state_bytes = 1 << 20, .join = SW_STAGE_OPTIONS_INIT };
	uint64_t rows = 0;

	(void)unused;
	assert_int_equal(run_rounds(&config, &run, 3000, 200, &rows), -ENOMEM);
	assert_non_null(strstr(run.error.text, "--max-state-bytes"));
}

/* A text that fits its input's batches but not the output's. */
static void too_long_a_text_is_an_error(void **unused)
{
	struct sw_equi_join_config config = { 0 };
	struct join_run run = { .join = SW_STAGE_OPTIONS_INIT };
	uint64_t rows = 0;

	(void)unused;
	run.join.output_text_bytes[0] = 100;
	assert_int_equal(run_rounds(&config, &run, 1, 200, &rows), -EMSGSIZE);
	assert_non_null(strstr(run.error.text, "join: a row's text does not fit"));
	assert_int_equal(rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_inputs),
		cmocka_unit_test(two_inputs_one_unique),
		cmocka_unit_test(first_is_kept_apart),
		cmocka_unit_test(only_some_rows_join),
		cmocka_unit_test(three_inputs),
		cmocka_unit_test(three_inputs_one_unique),
		cmocka_unit_test(state_is_bounded),
		cmocka_unit_test(limit_ends_the_run),
		cmocka_unit_test(too_long_a_text_is_an_error),
	};

	seed = random_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

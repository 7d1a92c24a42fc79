/* SPDX-License-Identifier: MIT */
/* Workers have dictionaries of their own, and codes mean the same in each. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/graph.h"

#define WORKERS_MAX 4
#define ENTRIES     1000
#define ROWS        100000

struct words {
	struct sw_dictionary dictionary;
	struct sw_schema schema;
	size_t entry_bytes; /* of each: its number's bytes first */
	_Atomic uint64_t next;
	/* Each instance of the last stage writes its own. */
	struct seen {
		_Alignas(SW_CACHE_LINE) const struct sw_dictionary *copy; /* null: none */
		uint64_t rows, changes, bad_texts;
	} seen[WORKERS_MAX];
};

static enum sw_poll words_poll(struct sw_instance *self, void *state)
{
	struct words *words = (struct words *)sw_instance_config(self);
	uint32_t rows = sw_instance_batch_rows(self);
	uint64_t first = atomic_fetch_add(&words->next, rows);
	struct sw_batch *batch;

	(void)state;
	if (first >= ROWS)
		return SW_POLL_DONE;
	batch = sw_batch_new(self, 0);
	if (!batch)
		return SW_POLL_IDLE;
	/* Some batches bring the original, as those do that were made before the start. */
	if (first / rows % 2)
		batch->columns[1].dictionary = &words->dictionary;
	for (uint64_t n = first; n < first + rows && n < ROWS; n++) {
		((int64_t *)batch->columns[0].data)[batch->rows] = (int64_t)n;
		((int32_t *)batch->columns[1].data)[batch->rows++] = (int32_t)(n % ENTRIES);
	}
	sw_emit(self, 0, batch);
	return SW_POLL_MADE;
}

static int watch(struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct words *words = (struct words *)sw_instance_config(self);
	struct seen *seen = &words->seen[sw_instance_index(self)];
	const struct sw_column *column = &batch->columns[1];

	(void)state;
	(void)input;
	/* A batch of its own worker's brings what its source gave it. */
	if (column->dictionary != &words->dictionary) {
		seen->changes += seen->copy && seen->copy != column->dictionary;
		seen->copy = column->dictionary;
	}
	for (uint32_t i = 0; i < sw_batch_count(batch); i++) {
		uint32_t row = sw_batch_row(batch, i);
		int32_t want = (int32_t)(sw_column_int64(&batch->columns[0], row) % ENTRIES);
		struct sw_text text = sw_column_text(column, row);

		seen->rows++;
		if (text.size != words->entry_bytes || memcmp(text.bytes, &want, sizeof(want)))
			seen->bad_texts++;
	}
	sw_release(self, batch);
	return 0;
}

static const struct sw_operator words_source = { .name = "words", .poll = words_poll };
static const struct sw_operator watch_operator = { .name = "watch", .process = watch };

static void make_words(struct words *words, size_t entry_bytes)
{
	int32_t *offsets = malloc((ENTRIES + 1) * sizeof(*offsets));
	char *bytes = calloc(ENTRIES, entry_bytes);

	assert_non_null(offsets);
	assert_non_null(bytes);
	for (int32_t i = 0; i <= ENTRIES; i++) {
		offsets[i] = i * (int32_t)entry_bytes;
		if (i < ENTRIES)
			memcpy(bytes + offsets[i], &i, sizeof(i));
	}
	words->entry_bytes = entry_bytes;
	words->dictionary = (struct sw_dictionary){ ENTRIES, offsets, bytes };
	words->schema = (struct sw_schema){ .columns = 2,
		.fields = {
			{ "n", SW_INT64, 0, NULL }, { "word", SW_TEXT, 0, &words->dictionary } } };
}

static void run_words(struct words *words, unsigned workers)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage_options source = SW_STAGE_OPTIONS_INIT, sink = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *from, *to;
	struct sw_graph *graph;
	struct sw_error error = { 0 };
	uint64_t rows = 0;

	options.workers = workers;
	options.batch_rows = 64;
	assert_int_equal(sw_graph_create(&options, &graph, &error), 0);
	source.name = "words";
	source.op = &words_source;
	source.config = words;
	source.inputs = 0;
	source.output_schemas[0] = &words->schema;
	sink.name = "watch";
	sink.op = &watch_operator;
	sink.config = words;
	sink.outputs = 0;
	from = sw_graph_add_stage(graph, &source, &error);
	to = sw_graph_add_stage(graph, &sink, &error);
	assert_non_null(from);
	assert_non_null(to);
	assert_int_equal(sw_graph_connect(graph, from, 0, to, 0, SW_ROUTE_KEYED, 0, &error), 0);
	if (sw_graph_start(graph, &error) || sw_graph_wait(graph, -1, &error))
		fail_msg("%s", error.text);
	for (unsigned i = 0; i < workers; i++) {
		rows += words->seen[i].rows;
		assert_int_equal(words->seen[i].bad_texts, 0);
	}
	assert_int_equal(rows, ROWS);
	sw_graph_destroy(graph);
}

static void free_words(struct words *words)
{
	free((void *)words->dictionary.offsets);
	free((void *)words->dictionary.bytes);
}

static void test_each_worker_has_its_own(void **state)
{
	static struct words words;

	(void)state;
	memset(&words, 0, sizeof(words));
	make_words(&words, 8);
	run_words(&words, WORKERS_MAX);
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		assert_int_equal(words.seen[i].changes, 0);
		assert_non_null(words.seen[i].copy);
		for (unsigned j = 0; j < i; j++)
			assert_ptr_not_equal(words.seen[i].copy, words.seen[j].copy);
	}
	free_words(&words);
}

static void test_one_worker_needs_none(void **state)
{
	static struct words words;

	(void)state;
	memset(&words, 0, sizeof(words));
	make_words(&words, 8);
	run_words(&words, 1);
	assert_null(words.seen[0].copy);
	free_words(&words);
}

/* More than any core has a cache for. */
static void test_large_ones_are_shared(void **state)
{
	static struct words words;

	(void)state;
	memset(&words, 0, sizeof(words));
	make_words(&words, 9000);
	run_words(&words, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_null(words.seen[i].copy);
	free_words(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_worker_has_its_own),
		cmocka_unit_test(test_one_worker_needs_none),
		cmocka_unit_test(test_large_ones_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

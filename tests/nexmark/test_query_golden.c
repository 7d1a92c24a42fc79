/* SPDX-License-Identifier: MIT */

/*
 * The queries' results on the golden streams: those read from files, whole results; those that are
 * generated, digests of the sorted rows. Each with several numbers of workers and batch sizes.
 */

#include "operators/csv_text.h"
#include "tests/nexmark/query_fixture.h"
#include "tests/runtime/cmocka_all.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN SW_TEST_GOLDEN

static const struct shape {
	unsigned workers;
	uint32_t batch_rows, ring_slots;
} shapes[] = { { 1, 1024, 8 }, { 2, 7, 16 }, { 3, 100, 4 }, { 2, 1, 64 } };

/* Sanitizers look at each query in one of them. */
#define EACH_SHAPE (!SW_ASAN && !SW_TSAN)
#define SHAPES     (unsigned)(sizeof(shapes) / sizeof(shapes[0]))

static void set_shape(struct query_run *run, const struct shape *shape)
{
	run->graph.workers = shape->workers;
	run->graph.batch_rows = shape->batch_rows;
	run->graph.ring_slots = shape->ring_slots;
}

/* q10 writes a folder, which a test of its own reads back: here its rows' checksum has to do. */
static bool writes_folder(const char *query)
{
	return !strcmp(query, "q10");
}

static void check_result(const struct query_run *run, const char *expected)
{
	uint64_t rows, checksum;

	if (run->job.output) {
		check_same_files(run->job.output, expected);
		return;
	}
	assert_int_equal(sw_csv_checksum_file(expected, &rows, &checksum, NULL), 0);
	assert_int_equal(run->result.rows, rows);
	assert_int_equal(run->result.checksum, checksum);
}

static void set_output(struct query_run *run, const char *query)
{
	run->job.checksum = true;
	if (writes_folder(query))
		return;
	run->job.output = scratch_path("out.csv");
	run->job.ordered = true;
}

static void from_files(const char *stream)
{
	char input[512], expected[512];
	struct query_run run;

	for (unsigned q = 0; q < sw_nexmark_query_count(); q++) {
		const char *name = sw_nexmark_query_at(q)->name;

		for (unsigned s = EACH_SHAPE ? 0 : q % SHAPES; s < SHAPES;
			s += EACH_SHAPE ? 1 : SHAPES) {
			snprintf(input, sizeof(input), GOLDEN "/%s/in", stream);
			snprintf(expected, sizeof(expected), GOLDEN "/%s/%s.csv", stream, name);
			query_run_init(&run, name);
			set_shape(&run, &shapes[s]);
			run.job.input_dir = input;
			set_output(&run, name);
			run.job.processing_time_event = !strcmp(name, "q12");
			query_run_well(&run);
			check_result(&run, expected);
			assert_int_equal(run.result.late_rows, 0);
		}
	}
}

static void tiny(void **unused)
{
	(void)unused;
	from_files("tiny");
}

static void edge(void **unused)
{
	(void)unused;
	from_files("edge");
}

static void edge_out_of_order(void **unused)
{
	(void)unused;
	from_files("edgeooo");
}

static void check_digest(const char *path, const json_t *golden)
{
	const char *columns = json_string_value(json_object_get(golden, "columns"));
	unsigned char sum[EVP_MAX_MD_SIZE];
	size_t bytes, header;
	char *text = read_file(path, &bytes), hex[65];
	unsigned sum_bytes;

	header = strlen(columns) + 1;
	assert_true(bytes >= header);
	assert_memory_equal(text, columns, header - 1);
	assert_int_equal(text[header - 1], '\n');
	assert_int_equal(
		EVP_Digest(text + header, bytes - header, sum, &sum_bytes, EVP_sha256(), NULL), 1);
	for (unsigned i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	assert_string_equal(hex, json_string_value(json_object_get(golden, "sha256")));
	free(text);
}

static void run_generated(const json_t *golden, const char *query, unsigned turn)
{
	struct query_run run;
	const char *key;
	json_t *value;

	query_run_init(&run, query);
	set_shape(&run, &shapes[turn % 3]);
	json_object_foreach(json_object_get(golden, "options"), key, value)
	{
		char number[32];
		const char *text = json_string_value(value);

		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		assert_int_equal(sw_nexmark_options_set(
					 &run.generator, key, text ? text : number, &run.error),
			0);
	}
	run.job.replay = turn % 2;
	set_output(&run, query);
	run.job.processing_time_event = !strcmp(query, "q12");
	query_run_well(&run);
	assert_int_equal(run.result.rows, json_integer_value(json_object_get(golden, "rows")));
	assert_int_equal(run.stats.events, run.generator.num_events);
	if (run.job.output)
		check_digest(run.job.output, golden);
}

static void generated(void **unused)
{
	FILE *file = fopen(GOLDEN "/digests.jsonl", "r");
	unsigned runs = 0;
	json_t *golden;

	(void)unused;
	assert_non_null(file);
	while ((golden = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL))) {
		const char *query = json_string_value(json_object_get(golden, "query"));

		if (sw_nexmark_query_find(query))
			run_generated(golden, query, runs++);
		json_decref(golden);
	}
	fclose(file);
	assert_int_equal(runs, 4 * sw_nexmark_query_count());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny),
		cmocka_unit_test(edge),
		cmocka_unit_test(edge_out_of_order),
		cmocka_unit_test(generated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

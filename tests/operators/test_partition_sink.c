/* SPDX-License-Identifier: MIT */

/* The sink that writes folders: what is in them, when one is complete, and what goes wrong. */

#include "operators/csv_text.h"
#include "operators/partition_sink.h"
#include "runtime/graph.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERIOD     1000 /* ms */
#define PARTITIONS 300  /* far more than files may be open */

static uint64_t seed;
static char top[] = "/tmp/spillway-test-XXXXXX";

static const struct sw_schema schema = {
	.columns = 3,
	.fields = { { .name = "id", .type = SW_INT64 }, { .name = "time", .type = SW_TIME_MS },
		{ .name = "text", .type = SW_TEXT } },
};

static void name_partition(int64_t time_ms, char name[SW_PARTITION_NAME_BYTES])
{
	snprintf(name, SW_PARTITION_NAME_BYTES, "s=%lld/x",
		(long long)(time_ms / PERIOD - (time_ms % PERIOD < 0)));
}

/* ---- Running one ---- */

struct sink_run {
	struct sw_graph *graph;
	struct sw_input *input;
	struct sw_partition_sink_config config;
	struct sw_error error;
	int code;
};

static void sink_start(struct sink_run *run, const char *folder)
{
	struct sw_graph_options options = SW_GRAPH_OPTIONS_INIT;
	struct sw_stage_options sink = SW_STAGE_OPTIONS_INIT;
	struct sw_stage *from, *to;

	run->config = (struct sw_partition_sink_config){ .folder = folder,
		.schema = &schema,
		.time_column = 1,
		.period_ms = PERIOD,
		.name = name_partition,
		.totals = sw_sink_totals_create(),
		.checksum = true };
	options.workers = 2;
	options.pin = "none";
	options.batch_rows = 64;
	options.ring_slots = 8;
	sink.name = "sink";
	sink.op = &sw_partition_sink;
	sink.config = &run->config;
	sink.outputs = 0;
	sink.blocking = true;
	assert_int_equal(sw_graph_create(&options, &run->graph, &run->error), 0);
	from = sw_graph_add_input(run->graph, "input", &schema, &run->input, &run->error);
	to = sw_graph_add_stage(run->graph, &sink, &run->error);
	assert_true(from && to);
	assert_int_equal(
		sw_graph_connect(run->graph, from, 0, to, 0, SW_ROUTE_FORWARD, 0, &run->error), 0);
	assert_int_equal(sw_graph_start(run->graph, &run->error), 0);
}

static struct sw_batch *new_batch(struct sink_run *run)
{
	struct sw_batch *batch;

	while (!(batch = sw_input_batch(run->input)))
		usleep(1000);
	return batch;
}

static void put_row(struct sw_batch *batch, int64_t id, int64_t time_ms, const char *text)
{
	uint32_t row = batch->rows;

	((int64_t *)batch->columns[0].data)[row] = id;
	((int64_t *)batch->columns[1].data)[row] = time_ms;
	assert_true(sw_column_append_text(&batch->columns[2], row, text, (uint32_t)strlen(text)));
	batch->rows++;
}

static void push(struct sink_run *run, struct sw_batch *batch, int64_t watermark)
{
	int code;

	while ((code = sw_input_push(run->input, batch, watermark)) == -EAGAIN)
		usleep(1000);
	assert_int_equal(code, 0);
}

/* Waits for the end; run->code and its message, totals. */
static void sink_end(struct sink_run *run, struct sw_sink_counts *counts)
{
	sw_input_finish(run->input);
	run->code = sw_graph_wait(run->graph, -1, &run->error);
	sw_graph_destroy(run->graph);
	sw_sink_totals_get(run->config.totals, counts);
	sw_sink_totals_destroy(run->config.totals);
}

/* ---- Files ---- */

static const char *path_of(const char *folder, int64_t period, const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/s=%lld/x/%s", folder, (long long)period, file);
	return path;
}

static const char *new_folder(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];
	struct sw_error error;

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	assert_int_equal(sw_partition_folder_make(path, &error), 0);
	return path;
}

static bool is_done(const char *folder, int64_t period)
{
	struct stat stat_of;

	if (stat(path_of(folder, period, "_SUCCESS"), &stat_of))
		return false;
	assert_int_equal(stat_of.st_size, 0);
	return true;
}

static void wait_until_done(const char *folder, int64_t period)
{
	for (int i = 0; i < 20000 && !is_done(folder, period); i++)
		usleep(1000);
	assert_true(is_done(folder, period));
}

/* Adds the file's rows and checksum to the sums; its rows. */
static uint64_t add_file(const char *folder, int64_t period, uint64_t *rows, uint64_t *checksum)
{
	struct sw_error error;
	uint64_t of_file, sum;

	if (sw_csv_checksum_file(path_of(folder, period, "part-0.csv"), &of_file, &sum, &error))
		fail_msg("%s", error.text);
	*rows += of_file;
	*checksum += sum;
	return of_file;
}

/* ---- Tests ---- */

/* Rows all over the time that is still open, so that files are closed and opened again. */
static void all_rows_are_there(void **unused)
{
	const char *folder = new_folder("all");
	uint64_t state = seed, expected[PARTITIONS] = { 0 }, pushed = 0, rows = 0, checksum = 0;
	struct sw_sink_counts counts;
	struct sink_run run;

	(void)unused;
	sink_start(&run, folder);
	for (int first = 0; first < PARTITIONS; first += (int)random_below(&state, 4)) {
		struct sw_batch *batch = new_batch(&run);
		uint32_t most = random_below(&state, batch->capacity + 1);

		for (uint32_t i = 0; i < most; i++) {
			int last = first + 150 < PARTITIONS ? first + 150 : PARTITIONS;
			int period = first + (int)random_below(&state, (uint32_t)(last - first));

			put_row(batch, (int64_t)pushed++,
				(int64_t)(period - PARTITIONS / 2) * PERIOD +
					random_below(&state, PERIOD),
				random_below(&state, 3) ? "plain" : "a \"quoted\",\nline");
			expected[period]++;
		}
		push(&run, batch, (int64_t)(first - PARTITIONS / 2) * PERIOD);
	}
	sink_end(&run, &counts);
	assert_int_equal(run.code, 0);
	for (int period = 0; period < PARTITIONS; period++) {
		int64_t number = period - PARTITIONS / 2;

		assert_int_equal(is_done(folder, number), expected[period] > 0);
		if (expected[period])
			assert_int_equal(
				add_file(folder, number, &rows, &checksum), expected[period]);
	}
	assert_int_equal(rows, pushed);
	assert_int_equal(counts.rows, pushed);
	assert_true(counts.checksum == checksum);
}

static void complete_when_over(void **unused)
{
	const char *folder = new_folder("complete");
	struct sw_sink_counts counts;
	struct sink_run run;
	struct sw_batch *batch;
	uint64_t rows = 0, checksum = 0;

	(void)unused;
	sink_start(&run, folder);
	batch = new_batch(&run);
	put_row(batch, 1, 0, "a");
	put_row(batch, 2, PERIOD - 1, "b");
	put_row(batch, 3, 2 * PERIOD - 1, "c");
	put_row(batch, 4, 2 * PERIOD, "d");
	push(&run, batch, 0);
	push(&run, new_batch(&run), 2 * PERIOD - 1);
	wait_until_done(folder, 0);
	assert_int_equal(add_file(folder, 0, &rows, &checksum), 2);
	assert_false(is_done(folder, 1));
	push(&run, new_batch(&run), 2 * PERIOD);
	wait_until_done(folder, 1);
	assert_false(is_done(folder, 2));
	sink_end(&run, &counts);
	assert_int_equal(run.code, 0);
	assert_true(is_done(folder, 2));
}

static void the_ends_of_time(void **unused)
{
	const int64_t last = INT64_MAX / PERIOD, first = INT64_MIN / PERIOD - 1;
	const char *folder = new_folder("ends");
	struct sw_sink_counts counts;
	struct sink_run run;
	struct sw_batch *batch;

	(void)unused;
	sink_start(&run, folder);
	batch = new_batch(&run);
	put_row(batch, 1, INT64_MIN, "first");
	put_row(batch, 2, INT64_MAX, "last");
	put_row(batch, 3, -1, "before");
	push(&run, batch, INT64_MIN);
	push(&run, new_batch(&run), 0);
	wait_until_done(folder, first);
	wait_until_done(folder, -1);
	push(&run, new_batch(&run), INT64_MAX - 1);
	assert_false(is_done(folder, last));
	sink_end(&run, &counts);
	assert_int_equal(run.code, 0);
	assert_true(is_done(folder, last));
	assert_int_equal(counts.rows, 3);
}

/* Whole rows, and nothing that claims to be complete. */
static void cut_short(void **unused)
{
	const char *folder = new_folder("cut");
	uint64_t rows = 0, checksum = 0;
	struct sw_sink_counts counts;
	struct sink_run run;

	(void)unused;
	sink_start(&run, folder);
	for (int64_t id = 0; id < 100; id++) {
		struct sw_batch *batch = new_batch(&run);

		for (int i = 0; i < 50; i++)
			put_row(batch, id, 5, "text");
		push(&run, batch, 0);
	}
	while (access(path_of(folder, 0, "part-0.csv"), F_OK))
		usleep(1000);
	sw_graph_cancel(run.graph);
	sink_end(&run, &counts);
	assert_int_equal(run.code, -ECANCELED);
	assert_false(is_done(folder, 0));
	add_file(folder, 0, &rows, &checksum);
	assert_int_equal(rows, counts.rows);
	assert_true(checksum == counts.checksum);
}

static void fails(const char *folder, int code, const char *message)
{
	struct sw_sink_counts counts;
	struct sink_run run;
	struct sw_batch *batch;

	sink_start(&run, folder);
	batch = new_batch(&run);
	put_row(batch, 1, 1, "text");
	push(&run, batch, 0);
	sink_end(&run, &counts);
	assert_int_equal(run.code, code);
	if (!strstr(run.error.text, message))
		fail_msg("\"%s\" does not say \"%s\"", run.error.text, message);
}

static void failures_name_the_file(void **unused)
{
	const char *full = new_folder("full"), *done = new_folder("done");
	char path[256];

	(void)unused;
	fails("/dev/null", -ENOTDIR, "/dev/null/s=0: Not a directory");
	snprintf(path, sizeof(path), "%s/s=0", full);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/s=0/x", full);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(symlink("/dev/full", path_of(full, 0, "part-0.csv")), 0);
	fails(full, -ENOSPC, "/s=0/x/part-0.csv: No space left on device");
	snprintf(path, sizeof(path), "%s/s=0", done);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/s=0/x", done);
	assert_int_equal(mkdir(path, 0777), 0);
	assert_int_equal(mkdir(path_of(done, 0, "_SUCCESS"), 0777), 0);
	fails(done, -EISDIR, "/s=0/x/_SUCCESS: Is a directory");
}

static void folders(void **unused)
{
	struct sw_error error;
	char path[128];

	(void)unused;
	snprintf(path, sizeof(path), "%s/made", top);
	assert_int_equal(sw_partition_folder_make(path, &error), 0);
	/* It is empty. */
	assert_int_equal(sw_partition_folder_make(path, &error), 0);
	assert_int_equal(sw_partition_folder_make(top, &error), -ENOTEMPTY);
	assert_non_null(strstr(error.text, "the folder is not empty"));
	snprintf(path, sizeof(path), "%s/no/such", top);
	assert_int_equal(sw_partition_folder_make(path, &error), -ENOENT);
	assert_int_equal(sw_partition_folder_make("/dev/null", &error), -ENOTDIR);
	assert_string_equal(error.text, "/dev/null: Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows_are_there),
		cmocka_unit_test(complete_when_over),
		cmocka_unit_test(the_ends_of_time),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(failures_name_the_file),
		cmocka_unit_test(folders),
	};
	char command[64];
	int failed;

	seed = random_seed();
	if (!mkdtemp(top))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command) ? 1 : failed;
}

/* SPDX-License-Identifier: MIT */
#include "tests/nexmark/query_fixture.h"

#include "tests/runtime/cmocka_all.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void query_run_init(struct query_run *run, const char *query)
{
	*run = (struct query_run){
		.graph = SW_GRAPH_OPTIONS_INIT,
		.job = SW_NEXMARK_JOB_OPTIONS_INIT,
		.generator = SW_NEXMARK_OPTIONS_INIT,
	};
	run->graph.workers = 2;
	run->graph.pin = "none";
	run->generator.num_events = 20000;
	run->job.query = query;
	run->job.generator = &run->generator;
}

int query_run(struct query_run *run)
{
	struct sw_nexmark_job *job = NULL;
	struct sw_graph *graph;
	int code = sw_graph_create(&run->graph, &graph, &run->error);

	if (code)
		return code;
	code = sw_nexmark_job_create(graph, &run->job, &job, &run->error);
	if (!code) {
		snprintf(run->reads, sizeof(run->reads), "%s", sw_nexmark_job_reads(job));
		code = sw_graph_start(graph, &run->error);
	}
	while (!code && run->job.on_batch && sw_graph_dispatch(graph, -1))
		continue;
	if (!code) {
		code = sw_graph_wait(graph, -1, &run->error);
		sw_graph_stats(graph, &run->stats);
	}
	sw_graph_destroy(graph);
	if (job)
		sw_nexmark_job_result(job, &run->result);
	sw_nexmark_job_destroy(job);
	return code;
}

void query_run_well(struct query_run *run)
{
	if (query_run(run))
		fail_msg("%s: %s", run->job.query, run->error.text);
	assert_true(run->stats.complete);
}

/* ---- Files ---- */

static char folder[64];

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command))
		fprintf(stderr, "cannot remove %s\n", folder);
}

const char *scratch_path(const char *name)
{
	static char paths[16][512];
	static unsigned next;
	char *path = paths[next++ % 16];

	if (!folder[0]) {
		strcpy(folder, "/tmp/spillway-test-XXXXXX");
		assert_non_null(mkdtemp(folder));
		atexit(remove_folder);
	}
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

char *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	struct stat stat;
	char *text;

	if (!file)
		fail_msg("%s cannot be read", path);
	assert_int_equal(fstat(fileno(file), &stat), 0);
	text = malloc((size_t)stat.st_size + 1);
	assert_non_null(text);
	*bytes = fread(text, 1, (size_t)stat.st_size, file);
	assert_int_equal(*bytes, stat.st_size);
	text[*bytes] = '\0';
	fclose(file);
	return text;
}

void check_same_files(const char *path, const char *expected_path)
{
	size_t bytes, expected_bytes, same = 0;
	char *text = read_file(path, &bytes);
	char *expected = read_file(expected_path, &expected_bytes);

	while (same < bytes && same < expected_bytes && text[same] == expected[same])
		same++;
	if (bytes != expected_bytes || same != bytes)
		fail_msg("%s (%zu bytes) is not %s (%zu bytes) from byte %zu on", path, bytes,
			expected_path, expected_bytes, same);
	free(text);
	free(expected);
}

const char *write_bids(const char *name, const char *rows)
{
	static const char header[] = "seq,auction,bidder,price,channel,url,dateTime,extra\n";
	const char *path = scratch_path(name);
	char file[600], *text = malloc(sizeof(header) + strlen(rows));

	assert_non_null(text);
	if (mkdir(path, 0777))
		assert_int_equal(access(path, W_OK), 0);
	snprintf(file, sizeof(file), "%s/person.csv", path);
	write_file(file, "seq,id,name,emailAddress,creditCard,city,state,dateTime,extra\n");
	snprintf(file, sizeof(file), "%s/auction.csv", path);
	write_file(file, "seq,id,itemName,description,initialBid,reserve,dateTime,expires,seller,"
			 "category,extra\n");
	snprintf(file, sizeof(file), "%s/bid.csv", path);
	strcpy(text, header);
	strcat(text, rows);
	write_file(file, text);
	free(text);
	return path;
}

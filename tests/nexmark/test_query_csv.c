/* SPDX-License-Identifier: MIT */

/* Files as a source: what is accepted, what is refused and how, late rows, and the way back. */

#include "nexmark/generate_files.h"
#include "tests/nexmark/query_fixture.h"
#include "tests/runtime/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs q0 over these rows; the result without its header, to be freed. */
static char *q0_of(const char *rows)
{
	struct query_run run;
	char *text, *lines;
	size_t bytes;

	query_run_init(&run, "q0");
	run.job.input_dir = write_bids("in", rows);
	run.job.output = scratch_path("out.csv");
	run.job.ordered = true;
	query_run_well(&run);
	text = read_file(run.job.output, &bytes);
	lines = strchr(text, '\n');
	assert_non_null(lines);
	lines = strdup(lines + 1);
	free(text);
	return lines;
}

static void takes(const char *rows, const char *expected)
{
	char *lines = q0_of(rows);

	assert_string_equal(lines, expected);
	free(lines);
}

static void refuses(const char *query, const char *rows, const char *message)
{
	struct query_run run;

	query_run_init(&run, query);
	run.job.input_dir = write_bids("in", rows);
	assert_int_not_equal(query_run(&run), 0);
	if (!strstr(run.error.text, message))
		fail_msg("\"%s\" does not say \"%s\"", run.error.text, message);
}

static void good_rows(void **unused)
{
	(void)unused;
	takes("", "");
	takes("0,1,2,3,c,u,5,x\n", "1,2,3,5,x\n");
	takes("0,1,2,3,c,u,5,\n", "1,2,3,5,\n");
	takes("0,1,2,3,c,u,5,\"\"\n", "1,2,3,5,\n");
	takes("0,1,2,3,c,u,5,\"x\"\n", "1,2,3,5,x\n");
	takes("0,1,2,3,\"c,\",\"u\"\"\",5,\"a,b\"\n", "1,2,3,5,\"a,b\"\n");
	takes("0,1,2,3,c,u,5,\"say \"\"so\"\"\"\n", "1,2,3,5,\"say \"\"so\"\"\"\n");
	takes("0,1,2,3,c,u,5,\"two\nlines\"\n1,1,2,3,c,u,6,y\n",
		"1,2,3,5,\"two\nlines\"\n1,2,3,6,y\n");
	takes("0,1,2,3,c,u,5,\"a\r\nb\"\n", "1,2,3,5,\"a\r\nb\"\n");
	/* Lines may end as RFC 4180 has it. */
	takes("0,1,2,3,c,u,5,x\r\n1,1,2,3,c,u,6,\"y\"\r\n", "1,2,3,5,x\n1,2,3,6,y\n");
	takes("0,-1,\"2\",-9223372036854775808,c,u,-5,x\n", "-1,2,-9223372036854775808,-5,x\n");
	takes("7,9223372036854775807,2,3,c,u,5,\xC4\x89\n", "9223372036854775807,2,3,5,\xC4\x89\n");
}

static void bad_rows(void **unused)
{
	static const char good[] = "0,1,2,3,c,u,5,x\n";
	char rows[256];

	(void)unused;
	refuses("q0", "0,1,2,x,c,u,5,x\n", "bid.csv: line 2: price: \"x\" is not a whole number");
	refuses("q0", "0,1,2,,c,u,5,x\n", "bid.csv: line 2: price: \"\" is not a whole number");
	refuses("q0", "0,1,2,-,c,u,5,x\n", "bid.csv: line 2: price: \"-\" is not a whole number");
	refuses("q0", "0,1,2,1.5,c,u,5,x\n", "price: \"1.5\" is not a whole number");
	refuses("q0", "0,1, 2,3,c,u,5,x\n", "bidder: \" 2\" is not a whole number");
	refuses("q0", "0,9223372036854775808,2,3,c,u,5,x\n",
		"auction: \"9223372036854775808\" is out of range");
	refuses("q0", "-1,1,2,3,c,u,5,x\n", "bid.csv: line 2: seq: \"-1\" is out of range");
	refuses("q0", "0,1,2,3,c,u,9007199254740993,x\n", "dateTime: \"9007199254740993\" is out");
	refuses("q0", "0,1,2,3,c,u,5\n", "bid.csv: line 2: too few fields");
	refuses("q0", "0,1,2,3,c,u,5,x,y\n", "bid.csv: line 2: too many fields");
	refuses("q0", "0,1,2,3,c,\"u\",5\n", "bid.csv: line 2: too few fields");
	refuses("q0", "0,1,2,3,c,\"u\",5,x,y\n", "bid.csv: line 2: too many fields");
	refuses("q0", "\n", "bid.csv: line 2: too few fields");
	refuses("q0", "0,1,2,3,c,u,5,x\"y\n", "bid.csv: line 2: a quote inside a field that is");
	refuses("q0", "0,1,2,3,c,u,5,\"x\"y\n", "bid.csv: line 2: text after a closing quote");
	refuses("q0", "0,1,2,3,c,u,5,x\ry\n", "bid.csv: line 2: a carriage return");
	refuses("q0", "0,1,2,3,c,\"u\",5,x\ry\n", "bid.csv: line 2: a carriage return");
	refuses("q0", "0,1,2,3,c,u,5,x", "bid.csv: line 2: the file ends without a line end");
	refuses("q0", "0,1,2,3,c,u,5,\"x\n", "bid.csv: line 2: the file ends inside quotes");
	/* Lines are counted as they stand in the file, quoted ones too. */
	snprintf(rows, sizeof(rows), "%s1,1,2,3,c,\"u\nu\nu\",5,x\n2,1,2,3,c,u,5\n", good);
	refuses("q0", rows, "bid.csv: line 6: too few fields");
	snprintf(rows, sizeof(rows), "%s%s", good, good);
	refuses("q0", rows, "bid.csv: line 3: seq: 0 is not above the row before's (0)");
	/* q1's product has to fit. */
	refuses("q1", "0,1,2,9007199254740992,c,u,5,x\n", "its thousandths are over 64 bits");
}

static void bad_files(void **unused)
{
	struct query_run run;
	const char *in;
	char path[600];

	(void)unused;
	query_run_init(&run, "q0");
	run.job.input_dir = scratch_path("nothing");
	assert_int_equal(query_run(&run), -ENOENT);
	assert_non_null(strstr(run.error.text, "person.csv: No such file"));

	in = write_bids("in", "");
	snprintf(path, sizeof(path), "%s/bid.csv", in);
	write_file(path, "seq,auction,bidder\n");
	query_run_init(&run, "q0");
	run.job.input_dir = in;
	assert_int_equal(query_run(&run), -EBADMSG);
	assert_non_null(strstr(run.error.text,
		"bid.csv: line 1: the header has to be seq,auction,bidder,price,channel"));
	write_file(path, "");
	assert_int_equal(query_run(&run), -EBADMSG);
	assert_non_null(strstr(run.error.text, "bid.csv: line 1: the header has to be"));
}

static void long_fields(void **unused)
{
	char *rows = malloc(400000);
	struct query_run run;
	int used;

	(void)unused;
	assert_non_null(rows);
	/* As long as can be: three of them fill three batches. */
	used = 0;
	for (int i = 0; i < 3; i++)
		used += sprintf(rows + used, "%d,1,2,3,c,u,5,%065536d\n", i, i);
	query_run_init(&run, "q0");
	run.job.input_dir = write_bids("in", rows);
	query_run_well(&run);
	assert_int_equal(run.result.rows, 3);
	sprintf(rows, "0,1,2,3,c,u,5,%065537d\n", 0);
	refuses("q0", rows, "bid.csv: line 2: the texts are too long");
	/* Nothing but words of one character. */
	used = sprintf(rows, "0,1,2,3,c,u,5,");
	for (int i = 0; i < 65536; i++)
		rows[used++] = i % 2 ? ' ' : 'x';
	strcpy(rows + used, "\n");
	query_run_init(&run, "tokenize");
	run.job.input_dir = write_bids("in", rows);
	run.job.tokens = true;
	query_run_well(&run);
	assert_int_equal(run.result.rows, 4 + 2 + 32768);
	free(rows);
}

/* ---- Late rows ---- */

/* Seven bids; with a delay of 4 s the fourth is exactly on the watermark, the fifth below it. */
static const char disorder[] = "1,1,7,10,c,u,100000,a\n"
			       "2,1,7,30,c,u,105000,b\n"
			       "4,1,7,40,c,u,109999,c\n"
			       "5,1,7,90,c,u,106000,d\n"
			       "6,1,7,95,c,u,105999,\"e,\"\n"
			       "7,1,7,20,c,u,110001,f\n"
			       "8,1,7,35,c,u,119000,g\n";

static const char *late_input(void)
{
	const char *in = write_bids("late", disorder);
	char path[600];

	/* An auction raises the watermark as well. */
	snprintf(path, sizeof(path), "%s/auction.csv", in);
	write_file(path, "seq,id,itemName,description,initialBid,reserve,dateTime,expires,seller,"
			 "category,extra\n3,1,n,d,1,1,110000,2,1,10,x\n");
	return in;
}

static void run_late(struct query_run *run, const char *query, int64_t delay_ms)
{
	query_run_init(run, query);
	run->job.input_dir = late_input();
	run->job.watermark_delay_ms = delay_ms;
	run->job.processing_time_event = !strcmp(query, "q12");
	run->job.output = scratch_path("out.csv");
	run->job.late = scratch_path("late.csv");
	run->job.ordered = true;
	unlink(run->job.late);
	query_run_well(run);
}

static void check_text(const char *path, const char *expected)
{
	size_t bytes;
	char *text = read_file(path, &bytes);

	assert_string_equal(text, expected);
	free(text);
}

static void late_rows(void **unused)
{
	static const char header[] = "seq,auction,bidder,price,channel,url,dateTime,extra\n";
	struct query_run run;
	char late[512];

	(void)unused;
	run_late(&run, "q7", 4000);
	assert_int_equal(run.result.late_rows, 1);
	assert_int_equal(run.stats.late_rows, 1);
	check_text(run.job.output,
		"auction,price,bidder,dateTime,extra\n1,35,7,119000,g\n1,90,7,106000,d\n");
	snprintf(late, sizeof(late), "%s6,1,7,95,c,u,105999,\"e,\"\n", header);
	check_text(run.job.late, late);

	run_late(&run, "q7", 4001);
	assert_int_equal(run.result.late_rows, 0);
	check_text(run.job.late, header);
	check_text(run.job.output,
		"auction,price,bidder,dateTime,extra\n1,35,7,119000,g\n1,95,7,105999,\"e,\"\n");

	run_late(&run, "q7", 0);
	assert_int_equal(run.result.late_rows, 3);

	run_late(&run, "q12", 4000);
	assert_int_equal(run.result.late_rows, 1);
	check_text(run.job.output, "bidder,bid_count,starttime,endtime\n"
				   "7,2,110000,120000\n7,4,100000,110000\n");
}

static void queries_without_time_take_late_rows(void **unused)
{
	struct query_run run;

	(void)unused;
	run_late(&run, "q0", 0);
	assert_int_equal(run.result.rows, 7);
	assert_int_equal(run.result.late_rows, 0);
	run_late(&run, "tokenize", 0);
	assert_int_equal(run.result.late_rows, 0);
	/* The file that was asked for is there, without rows. */
	check_text(run.job.late, "seq,auction,bidder,price,channel,url,dateTime,extra\n");
}

/* q8 reads persons and auctions: late rows of both go to one file, behind their kind. */
static void late_rows_of_several_kinds(void **unused)
{
	const char *in = write_bids("late", "5,1,7,10,c,u,1,not read\n");
	struct query_run run;
	char path[600];

	(void)unused;
	snprintf(path, sizeof(path), "%s/person.csv", in);
	write_file(path, "seq,id,name,emailAddress,creditCard,city,state,dateTime,extra\n"
			 "1,1,n,e,c,x,OR,100000,a\n3,2,\"n,\",e,c,x,OR,105999,b\n");
	snprintf(path, sizeof(path), "%s/auction.csv", in);
	write_file(path, "seq,id,itemName,description,initialBid,reserve,dateTime,expires,seller,"
			 "category,extra\n2,1,n,d,1,1,110000,2,1,10,x\n"
			 "4,2,n,d,1,1,105998,2,2,10,\"y\nz\"\n6,3,n,d,1,1,106000,2,1,10,x\n");
	query_run_init(&run, "q8");
	run.job.input_dir = in;
	run.job.output = scratch_path("out.csv");
	run.job.late = scratch_path("late.csv");
	query_run_well(&run);
	assert_int_equal(run.result.late_rows, 2);
	assert_int_equal(run.stats.events, 6);
	check_text(run.job.output, "id,name,starttime\n1,n,100000\n");
	check_text(run.job.late, "event,row\nperson,3,2,\"n,\",e,c,x,OR,105999,b\n"
				 "auction,4,2,n,d,1,1,105998,2,2,10,\"y\nz\"\n");
}

/* ---- There and back ---- */

static void generated_files_give_the_same(void **unused)
{
	struct sw_nexmark_files_options options = SW_NEXMARK_FILES_OPTIONS_INIT;
	struct sw_nexmark_options generator = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_file files[3];
	struct sw_error error;
	struct query_run run;

	(void)unused;
	generator.num_events = 5000;
	generator.out_of_order_group_size = 10;
	options.generator = &generator;
	options.directory = scratch_path("generated");
	assert_int_equal(sw_nexmark_generate_files(&options, files, &error), 0);
	assert_int_equal(files[0].rows + files[1].rows + files[2].rows, 5000);
	for (unsigned q = 0; q < sw_nexmark_query_count(); q++) {
		uint64_t checksum;

		query_run_init(&run, sw_nexmark_query_at(q)->name);
		run.generator = generator;
		run.job.checksum = true;
		run.job.processing_time_event = !strcmp(run.job.query, "q12");
		query_run_well(&run);
		checksum = run.result.checksum;
		assert_int_not_equal(checksum, 0);
		run.job.input_dir = options.directory;
		query_run_well(&run);
		assert_true(run.result.checksum == checksum);
		assert_int_equal(run.stats.events, 5000);
	}
}

static void golden_digests_of_files(void **unused)
{
	struct sw_nexmark_files_options options = SW_NEXMARK_FILES_OPTIONS_INIT;
	struct sw_nexmark_options generator = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_file files[3], again[3];
	struct sw_error error;
	char path[600];

	(void)unused;
	/* The golden stream called tiny. */
	generator.num_events = 1000;
	generator.first_event_rate = generator.next_event_rate = 100;
	options.generator = &generator;
	options.directory = scratch_path("tiny");
	options.digest = true;
	assert_int_equal(sw_nexmark_generate_files(&options, files, &error), 0);
	for (int i = 0; i < 3; i++) {
		char expected[512];

		snprintf(expected, sizeof(expected), SW_TEST_GOLDEN "/tiny/in/%s", files[i].name);
		snprintf(path, sizeof(path), "%s/%s", options.directory, files[i].name);
		check_same_files(path, expected);
		assert_int_equal(strlen(files[i].sha256), 64);
	}
	options.directory = NULL;
	assert_int_equal(sw_nexmark_generate_files(&options, again, &error), 0);
	for (int i = 0; i < 3; i++)
		assert_string_equal(files[i].sha256, again[i].sha256);
}

static bool at_once(void *context)
{
	return ++*(int *)context > 2;
}

static void generating_fails_with_a_reason(void **unused)
{
	struct sw_nexmark_files_options options = SW_NEXMARK_FILES_OPTIONS_INIT;
	struct sw_nexmark_options generator = SW_NEXMARK_OPTIONS_INIT;
	struct sw_nexmark_file files[3];
	struct sw_error error;
	int asked = 0;

	(void)unused;
	options.generator = &generator;
	options.directory = "/dev/null/x";
	assert_int_equal(sw_nexmark_generate_files(&options, files, &error), -ENOTDIR);
	assert_non_null(strstr(error.text, "/dev/null/x"));
	generator.num_events = 0;
	assert_int_equal(sw_nexmark_generate_files(&options, files, &error), -EINVAL);
	generator.num_events = 100000;
	options.directory = scratch_path("stopped");
	options.stopped = at_once;
	options.stopped_context = &asked;
	assert_int_equal(sw_nexmark_generate_files(&options, files, &error), -ECANCELED);
	assert_int_equal(files[0].rows + files[1].rows + files[2].rows, 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_rows),
		cmocka_unit_test(bad_rows),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(long_fields),
		cmocka_unit_test(late_rows),
		cmocka_unit_test(queries_without_time_take_late_rows),
		cmocka_unit_test(late_rows_of_several_kinds),
		cmocka_unit_test(generated_files_give_the_same),
		cmocka_unit_test(golden_digests_of_files),
		cmocka_unit_test(generating_fails_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

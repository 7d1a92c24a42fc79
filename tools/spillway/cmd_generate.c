/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "nexmark/generate_files.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"
#include "tools/spillway/run_options.h"
#include "tools/spillway/signals.h"

struct generate_options {
	const char *output;
	bool digest;
};

#define AT(field) offsetof(struct generate_options, field)

static const struct option_row rows[] = {
	ROW_TEXT("output", output, "DIR", NULL, "write person.csv, auction.csv, bid.csv there"),
	ROW_FLAG("digest", digest, "print name, rows and SHA-256 of each file without its header"),
};

static int help(void)
{
	printf("usage: spillway generate --num-events N --output DIR [options]\n"
	       "       spillway generate --num-events N --digest [options]\n\n");
	options_print(stdout, rows, 2);
	generator_options_print(stdout);
	return EXIT_DONE;
}

static bool stopped(void *context)
{
	(void)context;
	return signals_seen() > 0;
}

static int generate(const struct generate_options *options, const struct sw_nexmark_options *stream)
{
	struct sw_nexmark_files_options files = SW_NEXMARK_FILES_OPTIONS_INIT;
	struct sw_nexmark_file made[3] = { 0 };
	struct sw_error error = { 0 };
	int result;

	files.generator = stream;
	files.directory = options->output;
	files.digest = options->digest;
	files.stopped = stopped;
	signals_install();
	result = sw_nexmark_generate_files(&files, made, &error);
	if (result == -ECANCELED)
		return EXIT_INTERRUPTED;
	if (result)
		return say(EXIT_FAILED, "generate failed: %s",
			error.text[0] ? error.text : strerror(-result));
	for (int i = 0; i < 3 && options->digest; i++)
		printf("%s %" PRIu64 " %s\n", made[i].name, made[i].rows, made[i].sha256);
	return EXIT_DONE;
}

int cmd_generate(int argc, char **argv)
{
	struct sw_nexmark_options stream = SW_NEXMARK_OPTIONS_INIT;
	struct generate_options options = { 0 };
	struct option_set sets[] = {
		{ rows, sizeof(rows) / sizeof(rows[0]), &options, NULL, NULL },
		generator_option_set(&stream),
	};
	struct command_line line = { .command = "generate", .sets = sets, .set_count = 2 };
	struct sw_error error = { 0 };
	int code = options_parse(&line, argc, argv);

	if (code)
		return code;
	if (line.help)
		return help();
	if (!options.output && !options.digest)
		return say(EXIT_USAGE, "bad command line: generate: nothing to make (--output DIR "
				       "writes files, --digest prints their digests)");
	if (stream.num_events == 0)
		return say(EXIT_USAGE, "bad option: --num-events 0: files need an end (1 or more)");
	if (sw_nexmark_options_check(&stream, &error) != 0)
		return say(EXIT_USAGE, "bad option: %s", error.text);
	return generate(&options, &stream);
}

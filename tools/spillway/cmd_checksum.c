/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "operators/csv_text.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"
#include "tools/spillway/options.h"

int cmd_checksum(int argc, char **argv)
{
	const char *path = NULL;
	struct command_line line = { .command = "checksum", .operands = &path, .operands_max = 1 };
	struct sw_error error = { 0 };
	uint64_t rows, checksum;
	int code = options_parse(&line, argc, argv), result;

	if (code)
		return code;
	if (line.help) {
		puts("usage: spillway checksum FILE.csv\n\n"
		     "Prints the checksum that --checksum gives for these rows, in whatever order\n"
		     "they stand. The first line is taken for the header.");
		return EXIT_DONE;
	}
	if (!path)
		return say(EXIT_USAGE, "bad command line: checksum: which file is missing");
	result = sw_csv_checksum_file(path, &rows, &checksum, &error);
	if (result)
		return say(EXIT_FAILED, "checksum failed: %s",
			error.text[0] ? error.text : strerror(-result));
	printf("%016" PRIx64 "\n", checksum);
	return EXIT_DONE;
}

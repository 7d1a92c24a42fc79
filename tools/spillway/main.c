/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/api.h"
#include "tools/spillway/commands.h"
#include "tools/spillway/message.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *help;
};

static const struct command commands[] = {
	{ "run", cmd_run, "QUERY [options]", "run a query over generated or recorded events" },
	{ "generate", cmd_generate, "--output DIR | --digest", "write the event stream as CSV" },
	{ "nexmark", cmd_nexmark, "[all|QUERY,...] [options]", "run queries, print their table" },
	{ "queries", cmd_queries, "", "list the queries" },
	{ "topology", cmd_topology, "[--workers N] [--pin LIST]",
		"show the machine, and what would run where" },
	{ "demo", cmd_demo, "[--output DIR]", "a spike, without and with spilling, side by side" },
	{ "experiments", cmd_experiments, "[NAME...] [--short]",
		"experiments, with CSV, charts and a report" },
	{ "checksum", cmd_checksum, "FILE.csv", "the checksum of a result file" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("spillway: a multicore dataflow runtime that spills to functions under a spike\n\n"
	      "usage: spillway COMMAND [arguments]\n\n",
		out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-11s %-28s %s\n", commands[i].name, commands[i].arguments,
			commands[i].help);
	fputs("\nspillway COMMAND --help lists its options; spillway --version tells the version.\n"
	      "Exit: 0 done, 1 failed, 2 wrong command line, 130 interrupted.\n",
		out);
}

static bool is_plain(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("-_=./:,%@+", *text))
			return false;
	return true;
}

static void put_word(FILE *out, const char *word)
{
	if (is_plain(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}

/* The process's own words, from where the system keeps them. */
char *command_text(void)
{
	FILE *in = fopen("/proc/self/cmdline", "re");
	char *word = NULL, *text = NULL;
	size_t word_bytes = 0, text_bytes;
	bool first = true;
	FILE *out = in ? open_memstream(&text, &text_bytes) : NULL;

	if (out) {
		while (getdelim(&word, &word_bytes, '\0', in) > 0) {
			if (!first)
				fputc(' ', out);
			put_word(out, first && strrchr(word, '/') ? strrchr(word, '/') + 1 : word);
			first = false;
		}
		fclose(out);
	}
	free(word);
	if (in)
		fclose(in);
	return text;
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("spillway %s\n", sw_version());
		return EXIT_DONE;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return say(EXIT_USAGE, "unknown command: %s: not one of those that spillway --help lists",
		argv[1]);
}

int main(int argc, char **argv)
{
	int code = dispatch(argc, argv);

	/* What stood in the buffer may not have found room. */
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE)
		code = say(EXIT_FAILED, "standard output: it cannot be written: %s",
			strerror(errno ? errno : EIO));
	return code;
}

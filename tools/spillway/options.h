/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_OPTIONS_H
#define SW_TOOLS_SPILLWAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Command lines by table: --name value, --name=value, and the same in camel case
 * (--firstEventRate), which is turned into kebab case first. "--" ends the options.
 */

enum option_kind {
	OPTION_HEADING,  /* only text for --help */
	OPTION_FLAG,     /* bool; alone, or =true, =false */
	OPTION_COUNT,    /* uint64_t, minimum..maximum */
	OPTION_BYTES,    /* uint64_t, with K, M, G (of 1024) */
	OPTION_NUMBER,   /* double, minimum..maximum */
	OPTION_TEXT,     /* const char * into argv */
	OPTION_CHOICE,   /* const char * into argv, one of choices */
	OPTION_MAYBE,    /* const char *, "" without =VALUE; a value only after = */
	OPTION_ELSEWHERE /* handed to option_set.other */
};

struct option_row {
	const char *name; /* kebab case; a heading's text */
	enum option_kind kind;
	size_t offset;      /* of the value in the target */
	const char *value;  /* what --help calls the value, with its unit; null: by kind */
	const char *preset; /* the default as --help shows it; null: none */
	const char *help;
	double minimum, maximum; /* OPTION_COUNT, OPTION_NUMBER */
	const char *choices;     /* OPTION_CHOICE: "a|b|c" */
};

/*
 * Rows by kind: the name, the field of the target (whoever writes a table defines AT(field) as its
 * offset), what --help calls the value, the default, help.
 */
#define ROW_HEADING(text)                                         \
	{                                                         \
		text, OPTION_HEADING, 0, "", NULL, "", 0, 0, NULL \
	}
#define ROW_FLAG(name, field, help)                                      \
	{                                                                \
		name, OPTION_FLAG, AT(field), "", NULL, help, 0, 0, NULL \
	}
#define ROW_TEXT(name, field, value, preset, help)                            \
	{                                                                     \
		name, OPTION_TEXT, AT(field), value, preset, help, 0, 0, NULL \
	}
#define ROW_CHOICE(name, field, choices, preset, help)                               \
	{                                                                            \
		name, OPTION_CHOICE, AT(field), choices, preset, help, 0, 0, choices \
	}
#define ROW_COUNT(name, field, value, preset, help, least, most)                      \
	{                                                                             \
		name, OPTION_COUNT, AT(field), value, preset, help, least, most, NULL \
	}
#define ROW_NUMBER(name, field, value, preset, help, least, most)                      \
	{                                                                              \
		name, OPTION_NUMBER, AT(field), value, preset, help, least, most, NULL \
	}
/* Of every command that shows how far it is. */
#define ROW_PROGRESS                                                  \
	ROW_CHOICE("progress", progress, "auto|always|never", "auto", \
		"a live line; auto: on a terminal")

/* One table and what it writes to. */
struct option_set {
	const struct option_row *rows;
	size_t count;
	void *target;
	/* Option `name` (kebab) of another module; value null: there was none on the command line.
	 * 0; -ENOENT: not its; -EINVAL: the text says why. needs_value tells flags apart. */
	int (*other)(
		void *target, const char *name, const char *value, char *why, size_t why_bytes);
	bool (*other_is_flag)(void *target, const char *name);
};

struct command_line {
	const char *command; /* for messages: "run" */
	const struct option_set *sets;
	size_t set_count;
	const char **operands; /* room for operands_max */
	size_t operands_max;
	size_t operand_count; /* out */
	bool help;            /* out: --help was given; nothing else was looked at */
};

/* argv[0] is the command's name. 0, or EXIT_USAGE with the message said. */
int options_parse(struct command_line *line, int argc, char **argv);

/* One line of --help. */
void options_print_row(
	FILE *out, const char *name, const char *value, const char *preset, const char *help);
void options_print(FILE *out, const struct option_row *rows, size_t count);

/* "firstEventRate" -> "first-event-rate"; false when it does not fit. */
bool options_kebab(const char *name, size_t length, char *kebab, size_t kebab_bytes);

/* Whole numbers and bytes as options take them; false: not one. */
bool options_count(const char *text, uint64_t *value);
bool options_bytes(const char *text, uint64_t *value);
bool options_number(const char *text, double *value);

#endif

/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/spillway/message.h"
#include "tools/spillway/options.h"

#define NAME_MAX_BYTES 64

bool options_kebab(const char *name, size_t length, char *kebab, size_t kebab_bytes)
{
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		bool upper = isupper((unsigned char)name[i]);

		if (out + 3 > kebab_bytes)
			return false;
		if (upper && i > 0)
			kebab[out++] = '-';
		kebab[out++] = (char)(upper ? tolower((unsigned char)name[i]) : name[i]);
	}
	kebab[out] = '\0';
	return true;
}

bool options_count(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

bool options_bytes(const char *text, uint64_t *value)
{
	static const char units[] = "KMG";
	unsigned shift = 0;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno)
		return false;
	if (*end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));

		if (!unit || end[1])
			return false;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (*value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

bool options_number(const char *text, double *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return false;
	*value = strtod(text, &end);
	return *end == '\0' && isfinite(*value);
}

static bool choice_is_one(const char *choices, const char *value)
{
	size_t length = strlen(value);

	for (const char *at = choices; length > 0;) {
		const char *end = strchrnul(at, '|');

		if ((size_t)(end - at) == length && strncmp(at, value, length) == 0)
			return true;
		if (!*end)
			break;
		at = end + 1;
	}
	return false;
}

static int bad(const char *name, const char *value, const char *why)
{
	return say(EXIT_USAGE, "bad option: --%s %s: %s", name, value, why);
}

static int out_of_range(const struct option_row *row, const char *value)
{
	if (isinf(row->maximum))
		return say(EXIT_USAGE, "bad option: --%s %s: out of range (at least %.15g)",
			row->name, value, row->minimum);
	return say(EXIT_USAGE, "bad option: --%s %s: out of range (%.15g to %.15g)", row->name,
		value, row->minimum, row->maximum);
}

static int store(const struct option_row *row, void *target, const char *value)
{
	void *place = (char *)target + row->offset;
	double number;

	switch (row->kind) {
	case OPTION_FLAG:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return bad(row->name, value, "not a flag's value (true or false)");
		*(bool *)place = value[0] == 't';
		return 0;
	case OPTION_COUNT:
		if (!options_count(value, place))
			return bad(row->name, value, "not a whole number");
		number = (double)*(uint64_t *)place;
		break;
	case OPTION_BYTES:
		if (!options_bytes(value, place))
			return bad(row->name, value, "not a size in bytes (like 4096, 64K, 2G)");
		return 0;
	case OPTION_NUMBER:
		if (!options_number(value, place))
			return bad(row->name, value, "not a number");
		number = *(double *)place;
		break;
	case OPTION_CHOICE:
		if (!choice_is_one(row->choices, value))
			return say(EXIT_USAGE, "bad option: --%s %s: not one of %s", row->name,
				value, row->choices);
		*(const char **)place = value;
		return 0;
	default:
		*(const char **)place = value;
		return 0;
	}
	return number < row->minimum || number > row->maximum ? out_of_range(row, value) : 0;
}

static const struct option_row *find(const struct option_set *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->rows[i].kind != OPTION_HEADING && strcmp(set->rows[i].name, name) == 0)
			return &set->rows[i];
	return NULL;
}

/* Does this option stand alone unless it has =VALUE? */
static bool stands_alone(
	const struct option_set *set, const struct option_row *row, const char *name)
{
	if (row && row->kind != OPTION_ELSEWHERE)
		return row->kind == OPTION_FLAG || row->kind == OPTION_MAYBE;
	return set->other_is_flag && set->other_is_flag(set->target, name);
}

/* -ENOENT: not this set's. */
static int take(const struct option_set *set, const char *name, const char *value, char ***next)
{
	const struct option_row *row = find(set, name);
	char why[256] = "";
	int result;

	if (!row && !set->other)
		return -ENOENT;
	if (!row && set->other(set->target, name, NULL, why, sizeof(why)) == -ENOENT)
		return -ENOENT;
	if (!value && stands_alone(set, row, name))
		value = row && row->kind == OPTION_MAYBE ? "" : "true";
	if (!value) {
		value = *(*next);
		if (!value || strncmp(value, "--", 2) == 0)
			return say(EXIT_USAGE,
				"bad option: --%s: a value is missing (--%s=VALUE takes any)", name,
				name);
		(*next)++;
	}
	if (row && row->kind != OPTION_ELSEWHERE)
		return store(row, set->target, value);
	result = set->other(set->target, name, value, why, sizeof(why));
	if (result == 0)
		return 0;
	return say(EXIT_USAGE, "bad option: %s", why);
}

static int take_any(struct command_line *line, const char *argument, char ***next)
{
	const char *equals = strchr(argument, '=');
	size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
	char name[NAME_MAX_BYTES];
	int result = -ENOENT;

	if (options_kebab(argument, length, name, sizeof(name)))
		for (size_t i = 0; i < line->set_count && result == -ENOENT; i++)
			result = take(&line->sets[i], name, equals ? equals + 1 : NULL, next);
	if (result == -ENOENT)
		return say(EXIT_USAGE,
			"unknown option: --%.*s: %s has none of this name (see "
			"spillway %s --help)",
			(int)length, argument, line->command, line->command);
	return result;
}

int options_parse(struct command_line *line, int argc, char **argv)
{
	char **next = argv + 1;
	bool options = true;
	int result;

	line->operand_count = 0;
	line->help = false;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			line->help = true;
	if (line->help)
		return 0;
	while (*next) {
		const char *argument = *next++;

		if (options && strcmp(argument, "--") == 0) {
			options = false;
		} else if (options && argument[0] == '-' && argument[1] == '-') {
			result = take_any(line, argument + 2, &next);
			if (result)
				return result;
		} else if (options && argument[0] == '-' && argument[1]) {
			return say(EXIT_USAGE,
				"unknown option: %s: there are no short options "
				"(see spillway %s --help)",
				argument, line->command);
		} else if (line->operand_count == line->operands_max) {
			return say(EXIT_USAGE,
				"bad command line: %s: one word too many (see "
				"spillway %s --help)",
				argument, line->command);
		} else {
			line->operands[line->operand_count++] = argument;
		}
	}
	return 0;
}

static const char *value_of(const struct option_row *row)
{
	if (row->value)
		return row->value;
	switch (row->kind) {
	case OPTION_COUNT:
		return "N";
	case OPTION_BYTES:
		return "BYTES";
	case OPTION_NUMBER:
		return "X";
	case OPTION_CHOICE:
		return row->choices;
	case OPTION_TEXT:
		return "TEXT";
	default:
		return "";
	}
}

void options_print_row(
	FILE *out, const char *name, const char *value, const char *preset, const char *help)
{
	char left[96];

	if (value[0] == '[' || value[0] == '\0')
		snprintf(left, sizeof(left), "  --%s%s", name, value);
	else
		snprintf(left, sizeof(left), "  --%s %s", name, value);
	if (strlen(left) > 38)
		fprintf(out, "%s\n%38s", left, "");
	else
		fprintf(out, "%-38s", left);
	fprintf(out, " %s", help);
	if (preset)
		fprintf(out, " [%s]", preset);
	fputc('\n', out);
}

void options_print(FILE *out, const struct option_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].kind == OPTION_HEADING)
			fprintf(out, "\n%s\n", rows[i].name);
		else
			options_print_row(out, rows[i].name, value_of(&rows[i]), rows[i].preset,
				rows[i].help);
	}
}

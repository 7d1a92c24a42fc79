/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/spillway/message.h"
#include "tools/spillway/options.h"

struct values {
	bool flag;
	uint64_t count, bytes;
	double number;
	const char *text, *choice, *maybe;
	char other[64];
};

#define AT(field) offsetof(struct values, field)

static const struct option_row rows[] = {
	{ "flag", OPTION_FLAG, AT(flag), "", NULL, "", 0, 0, NULL },
	{ "the-count", OPTION_COUNT, AT(count), "N", NULL, "", 1, 100, NULL },
	{ "bytes", OPTION_BYTES, AT(bytes), "N", NULL, "", 0, 0, NULL },
	{ "number", OPTION_NUMBER, AT(number), "N", NULL, "", 0, 1, NULL },
	{ "text", OPTION_TEXT, AT(text), "N", NULL, "", 0, 0, NULL },
	{ "choice", OPTION_CHOICE, AT(choice), "N", NULL, "", 0, 0, "one|two" },
	{ "maybe", OPTION_MAYBE, AT(maybe), "N", NULL, "", 0, 0, NULL },
};

static int other(void *target, const char *name, const char *value, char *why, size_t why_bytes)
{
	struct values *values = target;

	if (strcmp(name, "first-event-rate") != 0)
		return -ENOENT;
	if (!value)
		return 0;
	if (strcmp(value, "bad") == 0) {
		snprintf(why, why_bytes, "first-event-rate bad: not a number");
		return -EINVAL;
	}
	snprintf(values->other, sizeof(values->other), "%s", value);
	return 0;
}

static int parse(struct values *values, const char *operand[2], const char *const *words)
{
	struct option_set sets[] = {
		{ rows, sizeof(rows) / sizeof(rows[0]), values, NULL, NULL },
		{ NULL, 0, values, other, NULL },
	};
	struct command_line line = { .command = "test",
		.sets = sets,
		.set_count = 2,
		.operands = operand,
		.operands_max = 2 };
	const char *argv[16] = { "test" };
	int argc = 1;

	memset(values, 0, sizeof(*values));
	for (; words[argc - 1]; argc++)
		argv[argc] = words[argc - 1];
	return options_parse(&line, argc, (char **)argv);
}

#define PARSE(...) parse(&values, operands, (const char *const[]){ __VA_ARGS__, NULL })

static void takes_every_spelling(void **state)
{
	struct values values;
	const char *operands[2];

	(void)state;
	assert_int_equal(PARSE("q7", "--flag", "--the-count", "7", "--bytes=2K"), 0);
	assert_string_equal(operands[0], "q7");
	assert_true(values.flag);
	assert_int_equal(values.count, 7);
	assert_int_equal(values.bytes, 2048);
	assert_int_equal(
		PARSE("--theCount=8", "--flag=false", "--text=", "--firstEventRate", "9"), 0);
	assert_int_equal(values.count, 8);
	assert_false(values.flag);
	assert_string_equal(values.text, "");
	assert_string_equal(values.other, "9");
	assert_int_equal(PARSE("--maybe", "q1", "--choice", "two", "--number=.5"), 0);
	assert_string_equal(values.maybe, "");
	assert_string_equal(values.choice, "two");
	assert_true(fabs(values.number - 0.5) < 1e-12);
	assert_int_equal(PARSE("--maybe=a=b", "--", "--flag"), 0);
	assert_string_equal(values.maybe, "a=b");
	assert_string_equal(operands[0], "--flag");
	assert_false(values.flag);
	assert_int_equal(PARSE("--text=--looks-like-one"), 0);
	assert_string_equal(values.text, "--looks-like-one");
}

static void refuses_what_is_wrong(void **state)
{
	struct values values;
	const char *operands[2];

	(void)state;
	assert_int_equal(PARSE("--nothing-of-this-name"), EXIT_USAGE);
	assert_int_equal(PARSE("-x"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", "--flag"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", "0"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", "101"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", "-1"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", "7x"), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", ""), EXIT_USAGE);
	assert_int_equal(PARSE("--the-count", "99999999999999999999999"), EXIT_USAGE);
	assert_int_equal(PARSE("--number", "nan"), EXIT_USAGE);
	assert_int_equal(PARSE("--number", "1.5"), EXIT_USAGE);
	assert_int_equal(PARSE("--number", "1e999"), EXIT_USAGE);
	assert_int_equal(PARSE("--bytes", "1T"), EXIT_USAGE);
	assert_int_equal(PARSE("--bytes", "99999999999G"), EXIT_USAGE);
	assert_int_equal(PARSE("--choice", "three"), EXIT_USAGE);
	assert_int_equal(PARSE("--choice", "one|two"), EXIT_USAGE);
	assert_int_equal(PARSE("--choice="), EXIT_USAGE);
	assert_int_equal(PARSE("--flag=maybe"), EXIT_USAGE);
	assert_int_equal(PARSE("--first-event-rate", "bad"), EXIT_USAGE);
	assert_int_equal(PARSE("a", "b", "c"), EXIT_USAGE);
}

static void kebab_is_made_of_camel(void **state)
{
	char kebab[64];

	(void)state;
	assert_true(options_kebab("numInFlightAuctions", 19, kebab, sizeof(kebab)));
	assert_string_equal(kebab, "num-in-flight-auctions");
	assert_true(options_kebab("rate-shape", 10, kebab, sizeof(kebab)));
	assert_string_equal(kebab, "rate-shape");
	assert_false(options_kebab("numInFlightAuctions", 19, kebab, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_spelling),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(kebab_is_made_of_camel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

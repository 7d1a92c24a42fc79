/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "tools/spillway/experiment.h"
#include "tools/spillway/text.h"

/* Closer than this is the same. */
#define SAME 0.05

struct words words_amount(double amount, const char *unit)
{
	struct words words;
	const char *gap = unit[0] ? " " : "";

	if (amount == 0)
		snprintf(words.bytes, sizeof(words.bytes), "0%s%s", gap, unit);
	else if (isnan(amount))
		snprintf(words.bytes, sizeof(words.bytes), "an unknown number of %s", unit);
	else if (strcmp(unit, "ms") == 0)
		snprintf(words.bytes, sizeof(words.bytes), "%s", text_time_us(amount * 1e3).bytes);
	else if (strcmp(unit, "s") == 0)
		snprintf(words.bytes, sizeof(words.bytes), "%s", text_time_us(amount * 1e6).bytes);
	else if (amount >= 1000)
		snprintf(words.bytes, sizeof(words.bytes), "%s%s%s", text_rate(amount).bytes, gap,
			unit);
	else
		snprintf(words.bytes, sizeof(words.bytes), "%.3g%s%s", amount, gap, unit);
	return words;
}

static bool is_same(double a, double b)
{
	return a == b || fabs(a - b) <= SAME * fmax(fabs(a), fabs(b));
}

struct words words_change(double from, double to, const char *unit)
{
	const struct words a = words_amount(from, unit), b = words_amount(to, unit);
	struct words words;

	if (isnan(from) || isnan(to))
		snprintf(words.bytes, sizeof(words.bytes), "was not measured at both ends");
	else if (from == to)
		snprintf(words.bytes, sizeof(words.bytes), "stayed at %.64s", a.bytes);
	else if (is_same(from, to))
		snprintf(words.bytes, sizeof(words.bytes), "stayed at about %.64s", a.bytes);
	else
		snprintf(words.bytes, sizeof(words.bytes), "%s from %.64s to %.64s",
			to < from ? "fell" : "rose", a.bytes, b.bytes);
	return words;
}

/* SPDX-License-Identifier: MIT */
#include "nexmark/days_private.h"

#define DAYS_OF_400_YEARS 146097

/* Rounded down. */
static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days from 1970-01-01 to the first of the year. */
static int64_t first_day(int64_t year)
{
	const int64_t before = year - 1;
	int64_t leap_days = floor_div(before, 4) - floor_div(before, 100) + floor_div(before, 400);

	return 365 * (year - 1970) + leap_days - 477;
}

static char *put_two(char *at, int64_t number)
{
	*at++ = (char)('0' + number / 10);
	*at++ = (char)('0' + number % 10);
	return at;
}

/* At least four digits. */
static char *put_year(char *at, int64_t year)
{
	uint64_t rest = year < 0 ? -(uint64_t)year : (uint64_t)year;
	char digits[20];
	unsigned count = 0;

	if (year < 0)
		*at++ = '-';
	for (; count < 4 || rest > 0; rest /= 10)
		digits[count++] = (char)('0' + rest % 10);
	while (count > 0)
		*at++ = digits[--count];
	return at;
}

struct sw_text day_text(int64_t day, char text[SW_GROUP_TEXT_BYTES])
{
	static const uint16_t months[2][13] = {
		{ 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 },
		{ 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366 },
	};
	int64_t year = 1970 + floor_div(day * 400, DAYS_OF_400_YEARS);
	int64_t start = first_day(year), next, past;
	const uint16_t *starts;
	unsigned month;
	char *at = text;

	/* The guess is off by one near a year's borders. */
	if (start > day)
		start = first_day(--year);
	next = first_day(year + 1);
	if (next <= day) {
		start = next;
		next = first_day(++year + 1);
	}
	past = day - start;
	starts = months[next - start == 366];
	for (month = (unsigned)past / 31; starts[month + 1] <= past; month++)
		continue;
	at = put_year(at, year);
	*at++ = '-';
	at = put_two(at, month + 1);
	*at++ = '-';
	at = put_two(at, past - starts[month] + 1);
	return (struct sw_text){ text, (uint32_t)(at - text) };
}

struct sw_text minute_text(int64_t time_ms, char text[SW_GROUP_TEXT_BYTES])
{
	int64_t past = time_ms % DAY_MS;
	int64_t minute = (past < 0 ? past + DAY_MS : past) / MINUTE_MS;
	char *at = put_two(text, minute / 60);

	*at++ = ':';
	at = put_two(at, minute % 60);
	return (struct sw_text){ text, (uint32_t)(at - text) };
}

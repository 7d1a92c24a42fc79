/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "tools/spillway/text.h"

struct text text_count(uint64_t count)
{
	struct text text;
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t out = 0;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text.bytes[out++] = ',';
		text.bytes[out++] = digits[i];
	}
	text.bytes[out] = '\0';
	return text;
}

struct text text_rate(double per_second)
{
	return text_count(per_second > 0 ? (uint64_t)llround(per_second) : 0);
}

/* Three figures that count. */
static struct text scaled(double value, const char *unit)
{
	struct text text;
	int places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(text.bytes, sizeof(text.bytes), "%.*f %s", places, value, unit);
	return text;
}

struct text text_time_us(double us)
{
	if (us < 999.5)
		return scaled(us, "us");
	return us < 999.5e3 ? scaled(us / 1e3, "ms") : scaled(us / 1e6, "s");
}

struct text text_bytes(uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	unsigned unit = 0;
	struct text text;

	if (bytes < 1000) {
		snprintf(text.bytes, sizeof(text.bytes), "%" PRIu64 " B", bytes);
		return text;
	}
	for (; value >= 999.5 && unit < 4; unit++)
		value /= 1000;
	return scaled(value, units[unit]);
}

struct text text_share(double share)
{
	struct text text;

	snprintf(text.bytes, sizeof(text.bytes), "%.1f %%", share * 100);
	return text;
}

void table_init(struct table *table, unsigned columns)
{
	table->columns = columns;
	table->rows = 0;
}

void table_row(struct table *table, ...)
{
	va_list cells;

	if (table->rows == TABLE_ROWS_MAX)
		return;
	va_start(cells, table);
	for (unsigned i = 0; i < table->columns; i++) {
		const char *cell = va_arg(cells, const char *);

		snprintf(table->cells[table->rows][i].bytes, TEXT_BYTES, "%s", cell);
		if (i == 0 && strcmp(cell, "-") == 0)
			break;
	}
	va_end(cells);
	table->rows++;
}

static bool is_rule(const struct table *table, unsigned row)
{
	return strcmp(table->cells[row][0].bytes, "-") == 0;
}

void table_print(const struct table *table, FILE *out)
{
	int width[TABLE_COLUMNS_MAX] = { 0 };
	int total = 0;

	for (unsigned i = 0; i < table->columns; i++) {
		for (unsigned row = 0; row < table->rows; row++) {
			int length = (int)strlen(table->cells[row][i].bytes);

			if (!is_rule(table, row) && length > width[i])
				width[i] = length;
		}
		total += width[i] + (i ? 3 : 0);
	}
	for (unsigned row = 0; row < table->rows; row++) {
		if (is_rule(table, row)) {
			for (int i = 0; i < total; i++)
				fputc('-', out);
			fputc('\n', out);
			continue;
		}
		fprintf(out, "%-*s", width[0], table->cells[row][0].bytes);
		for (unsigned i = 1; i < table->columns; i++)
			fprintf(out, "   %*s", width[i], table->cells[row][i].bytes);
		fputc('\n', out);
	}
}

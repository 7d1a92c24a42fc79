/* SPDX-License-Identifier: MIT */
#include "operators/csv_text.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324252627282930"
				  "31323334353637383940414243444546474849505152535455565758596061"
				  "62636465666768697071727374757677787980818283848586878889909192"
				  "93949596979899";

static char *put_uint64(char *to, uint64_t value)
{
	char digits[20];
	char *first = digits + sizeof(digits);

	while (value >= 100) {
		first -= 2;
		memcpy(first, digit_pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10) {
		first -= 2;
		memcpy(first, digit_pairs + 2 * value, 2);
	} else {
		*--first = (char)('0' + value);
	}
	size_t bytes = (size_t)(digits + sizeof(digits) - first);
	memcpy(to, first, bytes);
	return to + bytes;
}

char *sw_csv_put_int64(char *to, int64_t value)
{
	uint64_t size = (uint64_t)value;

	if (value < 0) {
		*to++ = '-';
		size = 0 - size;
	}
	return put_uint64(to, size);
}

char *sw_csv_put_decimal3(char *to, int64_t thousandths)
{
	uint64_t size = (uint64_t)thousandths;

	if (thousandths < 0) {
		*to++ = '-';
		size = 0 - size;
	}
	to = put_uint64(to, size / 1000);
	uint32_t places = (uint32_t)(size % 1000);

	*to++ = '.';
	*to++ = (char)('0' + places / 100);
	memcpy(to, digit_pairs + 2 * (places % 100), 2);
	return to + 2;
}

static bool needs_quotes(struct sw_text text)
{
	for (uint32_t i = 0; i < text.size; i++) {
		char c = text.bytes[i];

		if (c == ',' || c == '"' || c == '\n' || c == '\r')
			return true;
	}
	return false;
}

char *sw_csv_put_text(char *to, struct sw_text text)
{
	if (!needs_quotes(text)) {
		if (text.size)
			memcpy(to, text.bytes, text.size);
		return to + text.size;
	}
	*to++ = '"';
	for (uint32_t i = 0; i < text.size; i++) {
		if (text.bytes[i] == '"')
			*to++ = '"';
		*to++ = text.bytes[i];
	}
	*to++ = '"';
	return to;
}

size_t sw_csv_row_bound(const struct sw_batch *batch, uint32_t row)
{
	size_t bytes = 1;

	for (uint32_t i = 0; i < sw_schema_result_columns(batch->schema); i++) {
		const struct sw_column *column = &batch->columns[i];

		if (column->type == SW_TEXT)
			bytes += 2 * (size_t)sw_column_text(column, row).size + 3;
		else
			bytes += SW_CSV_NUMBER_BYTES + 1;
	}
	return bytes;
}

size_t sw_csv_row(const struct sw_batch *batch, uint32_t row, char *to)
{
	char *start = to;

	for (uint32_t i = 0; i < sw_schema_result_columns(batch->schema); i++) {
		const struct sw_column *column = &batch->columns[i];

		if (i > 0)
			*to++ = ',';
		if (column->type == SW_TEXT)
			to = sw_csv_put_text(to, sw_column_text(column, row));
		else if (column->type == SW_DECIMAL3)
			to = sw_csv_put_decimal3(to, sw_column_int64(column, row));
		else
			to = sw_csv_put_int64(to, sw_column_int64(column, row));
	}
	return (size_t)(to - start);
}

size_t sw_csv_header(const struct sw_schema *schema, char *to, size_t capacity)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < sw_schema_result_columns(schema); i++) {
		const char *name = schema->fields[i].name;
		size_t length = strlen(name);

		if (i > 0) {
			if (bytes + 1 < capacity)
				to[bytes] = ',';
			bytes++;
		}
		if (bytes + length < capacity)
			memcpy(to + bytes, name, length);
		bytes += length;
	}
	if (capacity > 0)
		to[bytes < capacity ? bytes : capacity - 1] = '\0';
	return bytes;
}

uint64_t sw_csv_line_hash(const char *line, size_t bytes)
{
	return XXH3_64bits(line, bytes);
}

/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_CSV_TEXT_H
#define SW_OPERATORS_CSV_TEXT_H

#include "runtime/batch.h"

/*
 * Rows as CSV text: times in ms, SW_DECIMAL3 with exactly three places, text quoted as in RFC 4180
 * only where it holds a comma, a quote, CR or LF. A changelog's "change" column is left out. All
 * functions: any thread that owns the batch.
 */

SW_BEGIN_DECLS

/* Most bytes of a 64-bit number, of a decimal with three places. */
#define SW_CSV_NUMBER_BYTES 21

/* Writes the value in decimal and returns the end; needs SW_CSV_NUMBER_BYTES of room. */
SW_API char *sw_csv_put_int64(char *to, int64_t value);
SW_API char *sw_csv_put_decimal3(char *to, int64_t thousandths);
/* Writes the text as one field and returns the end; needs 2 * size + 2 bytes of room. */
SW_API char *sw_csv_put_text(char *to, struct sw_text text);

/* Most bytes of the line of this physical row, with a line end. */
SW_API size_t sw_csv_row_bound(const struct sw_batch *batch, uint32_t row);
/* Writes the line without a line end; returns its bytes. Needs sw_csv_row_bound() of room. */
SW_API size_t sw_csv_row(const struct sw_batch *batch, uint32_t row, char *to);
/* Writes the names by commas without a line end, at most `capacity` bytes with the 0; returns the
 * bytes it needs without the 0. */
SW_API size_t sw_csv_header(const struct sw_schema *schema, char *to, size_t capacity);

/* The hash of a line that is summed up to a result's checksum. */
SW_API uint64_t sw_csv_line_hash(const char *line, size_t bytes);

/*
 * `*rows` and `*checksum` (sum mod 2^64 of sw_csv_line_hash) of the rows of a CSV file with a
 * header; a quoted line end belongs to its row. 0, or -errno with a message that names the file.
 */
SW_API SW_MUST_CHECK int sw_csv_checksum_file(
	const char *path, uint64_t *rows, uint64_t *checksum, struct sw_error *error);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_TEXT_H
#define SW_TOOLS_SPILLWAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Figures as people read them, and tables of them. */

#define TEXT_BYTES 64

struct text {
	char bytes[TEXT_BYTES];
};

struct text text_count(uint64_t count);   /* 1,234,567 */
struct text text_rate(double per_second); /* 1,234,567 */
struct text text_time_us(double us);      /* 12 us, 3.4 ms, 1.23 s */
struct text text_bytes(uint64_t bytes);   /* 12.3 MB */
struct text text_share(double share);     /* 12.3 % */

#define TABLE_COLUMNS_MAX 8
#define TABLE_ROWS_MAX    64

/* Rows of text, first column to the left, others to the right. Too much is left out. */
struct table {
	unsigned columns, rows;
	struct text cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX];
};

void table_init(struct table *table, unsigned columns);
/* One row: `columns` strings. A row whose first string is "-" is a rule. */
void table_row(struct table *table, ...);
void table_print(const struct table *table, FILE *out);

#endif

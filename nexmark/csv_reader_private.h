/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_CSV_READER_PRIVATE_H
#define SW_NEXMARK_CSV_READER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/batch.h"

/* A CSV file with a header, record by record, as RFC 4180 says and no more lenient. One thread. */

#define CSV_FIELDS_MAX 16
/* A fuzz target makes them small. */
#ifndef CSV_RECORD_BYTES
#define CSV_BUFFER_BYTES 262144u     /* to begin with */
#define CSV_RECORD_BYTES (16u << 20) /* longer records are refused */
#endif

struct csv_reader {
	int fd;
	const char *name;               /* in messages: "bid.csv" */
	const struct sw_schema *schema; /* its columns, all of them */
	char *buffer;
	size_t begin, end, capacity; /* unread bytes of the buffer */
	bool ended;                  /* the file has no more bytes */
	char *unquoted;              /* quoted fields of the record, without their quotes */
	size_t unquoted_capacity;
	uint64_t line;      /* of the record, from 1 */
	uint64_t next_line; /* of the one after it */
	/* The record: borrowed until the next one is read. */
	struct sw_text raw; /* as it stands in the file, without its line end */
	struct sw_text fields[CSV_FIELDS_MAX];
};

/* 0, or -errno with a message. name: borrowed until close. */
int csv_reader_open(struct csv_reader *reader, const char *directory, const char *name,
	const struct sw_schema *schema, struct sw_error *error);
/* 1: a record; 0: the end; -EBADMSG or another -errno with a message "name: line N: why". */
int csv_reader_next(struct csv_reader *reader, struct sw_error *error);
void csv_reader_close(struct csv_reader *reader); /* also one that is all zero */

/* The record's field as a whole number between low and high, or -EBADMSG with a message. */
int csv_reader_number(const struct csv_reader *reader, unsigned field, int64_t low, int64_t high,
	int64_t *value, struct sw_error *error);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_PAYLOAD_H
#define SW_LAMBDA_LOCAL_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The real service's cap on a request's and on an answer's payload. */
#define LL_PAYLOAD_BYTES_MAX 6291556u

/* Bytes that grow; all zero: empty. Owned by whoever holds it; moved by plain assignment. */
struct ll_bytes {
	char *data;
	size_t size, capacity;
};

/* Makes room for `more` bytes beyond size. -ENOMEM leaves it as it was. */
int ll_bytes_reserve(struct ll_bytes *bytes, size_t more);
int ll_bytes_append(struct ll_bytes *bytes, const void *data, size_t size);
void ll_bytes_free(struct ll_bytes *bytes); /* and makes it empty */
/* Appends formatted text of at most 1 KiB (longer is cut). */
int ll_bytes_format(struct ll_bytes *bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What the ledger says about the work in a payload. */
struct ll_work {
	bool known; /* the payload held a frame; else the rest means nothing */
	uint64_t job, seq;
	uint32_t edge, attempt, rows;
};

void ll_payload_peek(const struct ll_bytes *payload, struct ll_work *work);

/* Whether it is JSON. `why` gets a reason when not. */
bool ll_payload_valid(const struct ll_bytes *payload, char *why, size_t why_bytes);

/* Puts another base64 digit in the place of one in the middle of the frame in an answer, as bits
 * say. False, and nothing changed, when there is no frame. */
bool ll_payload_corrupt(struct ll_bytes *payload, uint64_t bits);

#endif

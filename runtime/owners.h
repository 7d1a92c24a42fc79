/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_OWNERS_H
#define SW_RUNTIME_OWNERS_H

#include "runtime/batch.h"

/*
 * Whose a row is: rows of one key belong to one of `owners` instances, by a hash of the key that is
 * the same everywhere. Private to the runtime.
 */

SW_BEGIN_DECLS

/* Rows of a batch by owner: order[start[d] .. start[d + 1]) are the physical rows of owner d, in
 * their order. */
struct owned_rows {
	uint16_t *order;
	uint32_t *start;       /* owners + 1 entries */
	uint16_t *destination; /* of the i-th row that counts */
};

/* For batches of up to rows_max rows. 0 or -ENOMEM; fini takes what init has left, zeros too. */
int owned_rows_init(struct owned_rows *rows, uint32_t rows_max, unsigned owners);
void owned_rows_fini(struct owned_rows *rows);

/* One thread for each owned_rows. _all: every row is everybody's, order[start[0] .. start[1]). */
void owned_rows_all(struct owned_rows *rows, const struct sw_batch *batch);
/* hashes: of each entry of the key column's dictionary; null: they are made, row by row. */
void owned_rows_find(struct owned_rows *rows, const struct sw_batch *batch, unsigned key_column,
	const uint32_t *hashes, unsigned owners);

uint32_t owned_text_hash(struct sw_text text);

/* For tests: no wider vectors than these, whatever the processor can do. */
enum owners_vectors { OWNERS_PORTABLE, OWNERS_AVX2, OWNERS_AVX512 };
void owned_rows_limit(enum owners_vectors vectors);

SW_END_DECLS

#endif

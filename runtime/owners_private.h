/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_OWNERS_PRIVATE_H
#define SW_RUNTIME_OWNERS_PRIVATE_H

#include "runtime/owners.h"

/* Rows by owner: the steps that have a form for each kind of vectors. Results are the same. */

SW_BEGIN_DECLS

/* A key's hash is the upper half of the lower 64 bits of its product with this. */
#define OWNERS_KEY_FACTOR 0x9E3779B97F4A7C15u

/* `order` and `destination` have so many entries past the last row: vectors store whole. */
#define OWNERS_SLACK 32u

static inline uint16_t owner_of(uint32_t hash, unsigned owners)
{
	return (uint16_t)(((uint64_t)hash * owners) >> 32);
}

static inline uint16_t owner_of_key(int64_t key, unsigned owners)
{
	return owner_of((uint32_t)(((uint64_t)key * OWNERS_KEY_FACTOR) >> 32), owners);
}

struct owners_path {
	unsigned few; /* up to so many owners, a look at all rows for each is the quicker way */
	/* Each key's owner. */
	void (*find)(uint16_t *destination, const int64_t *keys, uint32_t count, unsigned owners);
	/* Appends owner d's rows to `order` at `at`; where they end. */
	uint32_t (*take)(
		struct owned_rows *rows, const struct sw_batch *batch, uint16_t d, uint32_t at);
};

/* The widest of this processor's up to `limit`; null: none. */
const struct owners_path *owners_path_vectors(enum owners_vectors limit);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_POOL_H
#define SW_RUNTIME_POOL_H

#include "runtime/batch.h"
#include "runtime/memory.h"

/*
 * A fixed number of batches of one schema, owned by one producer thread. Other threads send empty
 * batches home, each through a ring of its own (its *slot*), so nobody locks or allocates.
 */

SW_BEGIN_DECLS

struct sw_pool;

struct sw_pool_options {
	const struct sw_schema *schema; /* borrowed until destroy */
	uint32_t rows_max;              /* rows a batch, 1..SW_BATCH_ROWS_MAX */
	size_t text_bytes; /* capacity of each plain text column; 0: rows_max * field.text_bytes, at
			      least 4096 */
	uint32_t batches;
	uint32_t slots;      /* threads that may put, numbered 0..slots - 1 */
	uint32_t owner_slot; /* the owner's number */
	int node;            /* -1: any */
	enum sw_huge_pages huge_pages;
};

/* Null when memory is out. Destroy only after every batch is home or abandoned. */
SW_API struct sw_pool *sw_pool_create(const struct sw_pool_options *options);
SW_API void sw_pool_destroy(struct sw_pool *pool);

/* Owner. An empty batch (as after sw_batch_reset, schema and columns restored), or null when all
 * are out. */
SW_API struct sw_batch *sw_pool_get(struct sw_pool *pool);

/* The thread numbered slot sends a batch home, whatever was done to its columns and schema. A
 * batch without a pool is destroyed. */
SW_API void sw_pool_put(struct sw_batch *batch, uint32_t slot);

SW_API uint32_t sw_pool_batches(const struct sw_pool *pool);
SW_API size_t sw_pool_bytes(const struct sw_pool *pool);
/* Owner: batches that are home now. The next to be got is the last that came. */
SW_API uint32_t sw_pool_home(struct sw_pool *pool);
/* Owner: is one home? Looks at the rings only where none was known to be. */
SW_API bool sw_pool_ready(struct sw_pool *pool);

SW_END_DECLS

#endif

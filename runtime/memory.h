/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_MEMORY_H
#define SW_RUNTIME_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/* Large blocks, bound to a NUMA node, on huge pages where they can be had. Set-up only. */

SW_BEGIN_DECLS

enum sw_huge_pages { SW_HUGE_PAGES_AUTO, SW_HUGE_PAGES_OFF };

/* Zeroed, at least 4096-byte aligned. node -1: wherever. Null when memory is out; a node that
 * cannot be bound is not an error (memory then comes from elsewhere). */
SW_API void *sw_memory_map(size_t bytes, int node, enum sw_huge_pages huge_pages);
SW_API void sw_memory_unmap(void *block, size_t bytes); /* same bytes as mapped; null is fine */

/*
 * Address space whose pages come zeroed as they are touched: bytes may be more than the machine
 * has. Null when it cannot be had. Released with the same bytes (null is fine).
 */
SW_API void *sw_memory_reserve(size_t bytes, int node, enum sw_huge_pages huge_pages);
SW_API void sw_memory_release(void *block, size_t bytes);

/* Memory that programs here can still have, in bytes: what the machine has free, or what the
 * control group's limit leaves, whichever is less. */
SW_API uint64_t sw_memory_available_bytes(void);

/* Bytes now mapped by sw_memory_map in this process; any thread. */
SW_API size_t sw_memory_mapped_bytes(void);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_MEMORY_H
#define SW_RUNTIME_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/api.h"

/* Large blocks, bound to a NUMA node, on huge pages where they can be had. Set-up only. */

SW_BEGIN_DECLS

enum sw_huge_pages { SW_HUGE_PAGES_AUTO, SW_HUGE_PAGES_OFF };

/* Zeroed, at least 4096-byte aligned. node -1: wherever. Null when memory is out; a node that
 * cannot be bound is not an error (memory then comes from elsewhere). */
SW_API void *sw_memory_map(size_t bytes, int node, enum sw_huge_pages huge_pages);
SW_API void sw_memory_unmap(void *block, size_t bytes); /* same bytes as mapped; null is fine */

/* Bytes now mapped by sw_memory_map in this process; any thread. */
SW_API size_t sw_memory_mapped_bytes(void);

SW_END_DECLS

#endif

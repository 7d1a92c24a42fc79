/* SPDX-License-Identifier: MIT */
#ifndef SW_RUNTIME_RING_PRIVATE_H
#define SW_RUNTIME_RING_PRIVATE_H

#include <stddef.h>

#include "runtime/ring.h"

/* Rings in memory that somebody else owns (a pool keeps all of its rings in its own mapping). */

SW_BEGIN_DECLS

/* Bytes of a ring of that many slots (rounded up like sw_ring_create does), a multiple of
 * SW_CACHE_LINE. 0: impossible number of slots. */
size_t sw_ring_bytes(uint32_t slots);

/* Makes a ring in zeroed memory of sw_ring_bytes(slots) bytes, aligned to SW_CACHE_LINE. It needs
 * no destroying. */
struct sw_ring *sw_ring_init(void *memory, uint32_t slots);

SW_END_DECLS

#endif

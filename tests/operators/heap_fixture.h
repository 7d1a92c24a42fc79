/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_OPERATORS_HEAP_FIXTURE_H
#define SW_TESTS_OPERATORS_HEAP_FIXTURE_H

/* A heap of its own for a test of what state is made of. */

#include "runtime/heap.h"
#include "tests/runtime/cmocka_all.h"

/* Destroyed by the caller; asserts that there is one. */
static inline struct sw_heap *heap_create(size_t reserve_bytes)
{
	struct sw_heap_options options = {
		.reserve_bytes = reserve_bytes, .node = -1, .huge_pages = SW_HUGE_PAGES_OFF
	};
	struct sw_heap *heap = sw_heap_create(&options);

	assert_non_null(heap);
	return heap;
}

#endif

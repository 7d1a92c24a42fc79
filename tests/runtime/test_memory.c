/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <string.h>

#include "runtime/memory.h"

#define HUGE ((size_t)2 << 20)

static void check_block(size_t bytes, int node, enum sw_huge_pages huge_pages)
{
	size_t before = sw_memory_mapped_bytes();
	unsigned char *block = sw_memory_map(bytes, node, huge_pages);

	assert_non_null(block);
	assert_int_equal((uintptr_t)block % 4096, 0);
	assert_true(sw_memory_mapped_bytes() >= before + bytes);
	assert_true(sw_memory_mapped_bytes() < before + bytes + 4096);
	for (size_t i = 0; i < bytes; i += 509)
		assert_int_equal(block[i], 0);
	assert_int_equal(block[bytes - 1], 0);
	memset(block, 0xa5, bytes);
	sw_memory_unmap(block, bytes);
	assert_int_equal(sw_memory_mapped_bytes(), before);
}

static void test_blocks(void **state)
{
	static const size_t sizes[] = { 1, 4096, 4097, HUGE - 1, HUGE, HUGE + 1, 5 * HUGE + 12345 };

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_block(sizes[i], -1, SW_HUGE_PAGES_AUTO);
		check_block(sizes[i], 0, SW_HUGE_PAGES_OFF);
	}
	sw_memory_unmap(NULL, 0);
}

static void test_large_blocks_are_aligned_for_huge_pages(void **state)
{
	void *blocks[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		blocks[i] = sw_memory_map(HUGE + 4096, -1, SW_HUGE_PAGES_AUTO);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % HUGE, 0);
	}
	for (unsigned i = 0; i < 4; i++)
		sw_memory_unmap(blocks[i], HUGE + 4096);
}

/* A node that is not there costs nothing but the wish. */
static void test_absent_node(void **state)
{
	(void)state;
	check_block(10000, 900, SW_HUGE_PAGES_AUTO);
	check_block(10000, 1 << 20, SW_HUGE_PAGES_AUTO);
}

static void test_impossible_sizes(void **state)
{
	size_t before = sw_memory_mapped_bytes();

	(void)state;
	assert_null(sw_memory_map(0, -1, SW_HUGE_PAGES_AUTO));
	assert_null(sw_memory_map(SIZE_MAX, -1, SW_HUGE_PAGES_AUTO));
	assert_null(sw_memory_map(SIZE_MAX - 8192, -1, SW_HUGE_PAGES_AUTO));
	assert_null(sw_memory_map((size_t)1 << 60, -1, SW_HUGE_PAGES_OFF));
	assert_int_equal(sw_memory_mapped_bytes(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_large_blocks_are_aligned_for_huge_pages),
		cmocka_unit_test(test_absent_node),
		cmocka_unit_test(test_impossible_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

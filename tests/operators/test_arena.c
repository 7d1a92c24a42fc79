/* SPDX-License-Identifier: MIT */

/* The arena: pieces of all sizes keep what was put in them until it is cleared, their memory is
 * taken again, and at the heap's limit it says so. */

#include "operators/arena.h"
#include "tests/operators/heap_fixture.h"
#include "tests/runtime/cmocka_all.h"
#include "tests/runtime/random.h"

#include <string.h>

#define PIECES 3000
#define CHUNK  ((size_t)SW_ARENA_UNIT << SW_ARENA_CHUNK_SHIFT)

struct piece {
	uint32_t number;
	size_t bytes;
};

/* Mostly small; about a chunk, and some chunks. */
static size_t random_bytes(uint64_t *random)
{
	switch (random_below(random, 20)) {
	case 0:
		return CHUNK - 16 + random_below(random, 32);
	case 1:
		return 1 + random_below(random, 5 * CHUNK);
	default:
		return 1 + random_below(random, 100);
	}
}

static void pieces_keep_their_bytes(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 30);
	static struct piece pieces[PIECES];
	uint64_t random = random_seed();
	struct sw_arena arena;

	(void)unused;
	sw_arena_init(&arena, heap);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PIECES; i++) {
			struct piece *piece = &pieces[i];
			char *bytes;

			piece->bytes = random_bytes(&random);
			piece->number = sw_arena_take(&arena, piece->bytes);
			assert_true(piece->number > (i ? pieces[i - 1].number : 0));
			bytes = sw_arena_at(&arena, piece->number);
			assert_int_equal((uintptr_t)bytes % SW_ARENA_UNIT, 0);
			memset(bytes, (int)((i + round) % 251), piece->bytes);
		}
		for (unsigned i = 0; i < PIECES; i++) {
			const unsigned char *bytes = sw_arena_at(&arena, pieces[i].number);

			for (size_t k = 0; k < pieces[i].bytes; k++)
				assert_int_equal(bytes[k], (i + round) % 251);
		}
		sw_arena_clear(&arena);
	}
	sw_heap_destroy(heap);
}

static void memory_is_taken_again(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)1 << 30);
	struct sw_arena arena;
	size_t first = 0;

	(void)unused;
	sw_arena_init(&arena, heap);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 10000; i++)
			assert_int_not_equal(sw_arena_take(&arena, i % 100 ? 24 : 3 * CHUNK), 0);
		sw_arena_clear(&arena);
		if (round == 0)
			first = sw_heap_bytes(heap);
	}
	assert_int_equal(sw_heap_bytes(heap), first);
	sw_heap_destroy(heap);
}

/* What was taken before stays good, and a smaller piece may fit yet. */
static void the_limit_is_said(void **unused)
{
	struct sw_heap *heap = heap_create((size_t)64 << 10);
	uint32_t first, number = 1;
	struct sw_arena arena;
	size_t taken = 0;

	(void)unused;
	sw_arena_init(&arena, heap);
	first = sw_arena_take(&arena, 8);
	assert_int_not_equal(first, 0);
	memcpy(sw_arena_at(&arena, first), "is here", 8);
	assert_int_equal(sw_arena_take(&arena, (size_t)64 << 10), 0);
	assert_int_equal(sw_arena_take(&arena, SIZE_MAX / 2), 0);
	while (number) {
		number = sw_arena_take(&arena, 1000);
		taken += number ? 1000 : 0;
		assert_in_range(taken, 0, 64 << 10);
	}
	assert_true(taken > 32 << 10);
	assert_memory_equal(sw_arena_at(&arena, first), "is here", 8);
	sw_arena_clear(&arena);
	assert_int_not_equal(sw_arena_take(&arena, 1000), 0);
	sw_heap_destroy(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_keep_their_bytes),
		cmocka_unit_test(memory_is_taken_again),
		cmocka_unit_test(the_limit_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "tests/runtime/cmocka_all.h"

#include <string.h>

#include "runtime/heap.h"
#include "tests/runtime/random.h"

#define MIB ((size_t)1 << 20)

/* Grants up to a limit, and counts. */
struct owner {
	size_t limit, granted;
	unsigned asked;
};

static int grow(void *context, size_t bytes)
{
	struct owner *owner = context;

	owner->asked++;
	if (bytes > owner->limit - owner->granted)
		return -1;
	owner->granted += bytes;
	return 0;
}

static struct sw_heap *create(size_t reserve_bytes, struct owner *owner)
{
	struct sw_heap_options options = { .reserve_bytes = reserve_bytes,
		.node = -1,
		.huge_pages = SW_HUGE_PAGES_OFF,
		.grow = owner ? grow : NULL,
		.context = owner };
	struct sw_heap *heap = sw_heap_create(&options);

	assert_non_null(heap);
	return heap;
}

static bool all_zero(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i])
			return false;
	return true;
}

static void test_rooms(void **state)
{
	(void)state;
	for (size_t bytes = 1; bytes < 3 * MIB; bytes += 1 + bytes / 97) {
		size_t room = sw_heap_room(bytes);

		assert_true(room >= bytes);
		assert_true(room < bytes + 16 || room - bytes <= bytes / 4);
		assert_int_equal(sw_heap_room(room), room);
		if (bytes > 1)
			assert_true(sw_heap_room(bytes - 1) <= room);
	}
	assert_int_equal(sw_heap_room(1024), 1024);
	assert_int_equal(sw_heap_room(1025), 1280);
	assert_int_equal(sw_heap_room((size_t)1 << 46), (size_t)1 << 46);
}

struct piece {
	unsigned char *at;
	size_t bytes;
	unsigned char fill;
};

static size_t random_size(uint64_t *random)
{
	return 1 + random_below(random, 1u << random_below(random, 17));
}

static void check_piece(const struct piece *piece)
{
	for (size_t i = 0; i < piece->bytes; i++)
		assert_int_equal(piece->at[i], piece->fill);
}

static void take_piece(struct sw_heap *heap, struct piece *piece, uint64_t *random)
{
	bool zero = random_below(random, 2);

	piece->bytes = random_size(random);
	piece->fill = (unsigned char)random_next(random);
	piece->at = zero ? sw_heap_zalloc(heap, piece->bytes) : sw_heap_alloc(heap, piece->bytes);
	assert_non_null(piece->at);
	assert_int_equal((uintptr_t)piece->at % (piece->bytes > 1024 ? 64 : 16), 0);
	if (zero)
		assert_true(all_zero(piece->at, sw_heap_room(piece->bytes)));
	memset(piece->at, piece->fill, piece->bytes);
}

/* Pieces never overlap, keep what is in them, and are used again. */
static void test_pieces(void **state)
{
	struct owner owner = { .limit = 64 * MIB };
	struct sw_heap *heap = create(64 * MIB, &owner);
	struct piece pieces[200] = { 0 };
	uint64_t random = random_seed();
	size_t after_half = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct piece *piece = &pieces[random_below(&random, 200)];

		if (piece->at) {
			check_piece(piece);
			sw_heap_free(heap, piece->at, piece->bytes);
			piece->at = NULL;
		} else {
			take_piece(heap, piece, &random);
		}
		if (i == 10000)
			after_half = sw_heap_bytes(heap);
	}
	assert_true(sw_heap_bytes(heap) < 2 * after_half);
	assert_true(sw_heap_bytes(heap) <= owner.granted);
	assert_true(owner.granted < sw_heap_bytes(heap) + 4096);
	sw_heap_free(heap, NULL, 5);
	sw_heap_destroy(heap);
	sw_heap_destroy(NULL);
}

static void test_what_is_freed_is_used_again(void **state)
{
	struct sw_heap *heap = create(MIB, NULL);
	void *first = sw_heap_alloc(heap, 1500), *second;
	size_t bytes = sw_heap_bytes(heap);

	(void)state;
	memset(first, 1, 1500);
	sw_heap_free(heap, first, 1500);
	second = sw_heap_zalloc(heap, 1300); /* of the same class */
	assert_ptr_equal(first, second);
	assert_true(all_zero(second, 1300));
	assert_int_equal(sw_heap_bytes(heap), bytes);
	sw_heap_destroy(heap);
}

/* A refusal gives null and changes nothing; what is there can still be used. */
static void test_limits(void **state)
{
	struct owner owner = { .limit = 100000 };
	struct sw_heap *heap = create(MIB, &owner);
	void *piece;
	size_t taken = 0, bytes;

	(void)state;
	while ((piece = sw_heap_alloc(heap, 1000)))
		taken++;
	assert_in_range(taken, 90, 100);
	bytes = sw_heap_bytes(heap);
	assert_true(bytes <= owner.granted && owner.granted <= owner.limit);
	assert_null(sw_heap_alloc(heap, 1000));
	assert_null(sw_heap_zalloc(heap, 50000));
	assert_int_equal(sw_heap_bytes(heap), bytes);
	owner.limit = 4 * MIB;
	assert_non_null(sw_heap_alloc(heap, 1000));
	/* The reserve's end. */
	assert_null(sw_heap_alloc(heap, MIB));
	assert_null(sw_heap_alloc(heap, (size_t)1 << 47));
	assert_null(sw_heap_alloc(heap, SIZE_MAX));
	while (sw_heap_alloc(heap, 16))
		continue;
	assert_in_range(sw_heap_bytes(heap), MIB - 16, MIB);
	assert_int_equal(owner.granted, MIB);
	sw_heap_destroy(heap);
}

static void test_reserve_may_exceed_the_machine(void **state)
{
	struct sw_heap *heap = create((size_t)1 << 42, NULL);
	unsigned char *piece = sw_heap_alloc(heap, (size_t)1 << 41);
	struct sw_heap_options options = { .reserve_bytes = SIZE_MAX, .node = -1 };

	(void)state;
	assert_non_null(piece);
	piece[(size_t)1 << 40] = 1;
	assert_int_equal(piece[((size_t)1 << 41) - 1], 0);
	sw_heap_destroy(heap);
	assert_null(sw_heap_create(&options));
	options.reserve_bytes = (size_t)1 << 47;
	assert_null(sw_heap_create(&options));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_what_is_freed_is_used_again),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reserve_may_exceed_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

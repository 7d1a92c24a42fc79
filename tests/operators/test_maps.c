/* SPDX-License-Identifier: MIT */
#include "tests/operators/heap_fixture.h"
#include "tests/runtime/cmocka_all.h"

#include <string.h>

#include "operators/key_map.h"
#include "operators/pair_map.h"
#include "operators/slab.h"
#include "tests/runtime/random.h"

#define MIB ((size_t)1 << 20)

/* ---- A naive map ---- */

#define MODEL_MAX 2000

struct model {
	struct {
		int64_t a, b;
		uint32_t value;
	} entries[MODEL_MAX];
	unsigned count;
};

static unsigned model_find(const struct model *model, int64_t a, int64_t b)
{
	unsigned i = 0;

	while (i < model->count && (model->entries[i].a != a || model->entries[i].b != b))
		i++;
	return i;
}

static uint32_t model_get(const struct model *model, int64_t a, int64_t b)
{
	unsigned i = model_find(model, a, b);

	return i < model->count ? model->entries[i].value : 0;
}

static void model_set(struct model *model, int64_t a, int64_t b, uint32_t value)
{
	unsigned i = model_find(model, a, b);

	assert_true(i < MODEL_MAX);
	if (i == model->count)
		model->count++;
	model->entries[i].a = a;
	model->entries[i].b = b;
	model->entries[i].value = value;
}

static void model_remove(struct model *model, unsigned i)
{
	model->entries[i] = model->entries[--model->count];
}

/* ---- Keys ---- */

enum keys { KEYS_RISING, KEYS_SPARSE, KEYS_EXTREME, KEYS_CLOSE, KEYS_STRIDED, KEYS_MIXED, KEYS };

static int64_t random_key(uint64_t *random, enum keys keys, unsigned step)
{
	switch (keys) {
	case KEYS_RISING:
		return 1000 + 40 * (int64_t)step - (int64_t)random_below(random, 3000);
	case KEYS_SPARSE:
		return (int64_t)random_next(random);
	case KEYS_EXTREME:
		return (int64_t)((uint64_t)(random_below(random, 2) ? INT64_MAX : -700) +
				 random_below(random, 1400));
	case KEYS_CLOSE:
		return (int64_t)random_below(random, 1500) - 700;
	case KEYS_STRIDED:
		return (int64_t)random_below(random, 3000) << 32;
	default:
		return random_key(random, random_below(random, KEYS_MIXED), step);
	}
}

/* ---- Map of keys ---- */

static void check_all(const struct sw_key_map *map, const struct model *model)
{
	for (unsigned i = 0; i < model->count; i++) {
		sw_key_map_prefetch(map, model->entries[i].a);
		assert_int_equal(sw_key_map_get(map, model->entries[i].a), model->entries[i].value);
	}
	assert_int_equal(sw_key_map_count(map), model->count);
}

/* Going through the map gives each key once. */
static void check_each(const struct sw_key_map *map, const struct model *model)
{
	uint64_t at = 0;
	unsigned count = 0;
	int64_t key;
	uint32_t value;

	for (; sw_key_map_next(map, &at, &key, &value); count++)
		assert_int_equal(value, model_get(model, key, 0));
	assert_int_equal(count, model->count);
	assert_false(sw_key_map_next(map, &at, &key, &value));
}

static void put_key(struct sw_key_map *map, struct model *model, int64_t key, uint32_t value)
{
	uint32_t *place = sw_key_map_put(map, key);

	assert_non_null(place);
	assert_int_equal(*place, model_get(model, key, 0));
	*place = value;
	model_set(model, key, 0, value);
}

static void remove_key(struct sw_key_map *map, struct model *model, unsigned entry)
{
	int64_t key = model->entries[entry].a;

	sw_key_map_remove(map, key);
	model_remove(model, entry);
	assert_int_equal(sw_key_map_get(map, key), 0);
}

/* Grows to about `most` keys, shrinks, grows again, empties. */
static void churn_keys(enum sw_state_mode mode, enum keys keys, unsigned most, uint64_t *random)
{
	struct sw_heap *heap = heap_create(2048 * MIB);
	struct model *model = calloc(1, sizeof(*model));
	struct sw_key_map map;

	sw_key_map_init(&map, heap, mode);
	for (unsigned step = 0; step < 4000; step++) {
		bool shrinks = step / 1000 == 1;
		int64_t key = random_key(random, keys, step);

		assert_int_equal(sw_key_map_get(&map, key), model_get(model, key, 0));
		if (model->count > 0 &&
			(model->count >= most || random_below(random, 10) < (shrinks ? 6 : 3)))
			remove_key(&map, model, random_below(random, model->count));
		else
			put_key(&map, model, key, 1 + (uint32_t)(random_next(random) >> 33));
		if (step % 256 == 0)
			check_all(&map, model);
		if (step % 512 == 0)
			check_each(&map, model);
		if (step == 3000) {
			sw_key_map_clear(&map);
			model->count = 0;
			check_each(&map, model);
		}
	}
	check_all(&map, model);
	while (model->count > 0)
		remove_key(&map, model, random_below(random, model->count));
	check_all(&map, model);
	assert_int_equal(map.pages_live, 0);
	assert_int_equal(map.page_count, 0);
	if (mode == SW_STATE_HASH)
		assert_null(map.directory);
	free(model);
	sw_heap_destroy(heap);
}

static void test_key_map(void **state)
{
	uint64_t random = random_seed();

	(void)state;
	for (unsigned mode = SW_STATE_AUTO; mode <= SW_STATE_HASH; mode++)
		for (unsigned keys = 0; keys < KEYS; keys++)
			for (unsigned most = 20; most < MODEL_MAX; most *= 9)
				churn_keys(
					(enum sw_state_mode)mode, (enum keys)keys, most, &random);
}

/* Rising ids of which only the latest stay: pages, and of those a few; the hash stays unused. */
static void test_a_window_that_slides_keeps_its_size(void **state)
{
	(void)state;
	for (unsigned mode = SW_STATE_AUTO; mode <= SW_STATE_HASH; mode++) {
		struct sw_heap *heap = heap_create(MIB);
		struct sw_key_map map;

		sw_key_map_init(&map, heap, (enum sw_state_mode)mode);
		for (int64_t key = 1; key < 300000; key++) {
			uint32_t *place = sw_key_map_put(&map, key);

			assert_non_null(place);
			*place = (uint32_t)key;
			if (key > 3000)
				sw_key_map_remove(&map, key - 3000);
		}
		assert_int_equal(sw_key_map_count(&map), 3000);
		assert_int_equal(map.hash.keys, mode == SW_STATE_HASH ? 3000 : 0);
		assert_true(map.pages_live <= 7);
		assert_true(sw_heap_bytes(heap) < 512 * 1024);
		sw_heap_destroy(heap);
	}
}

/* Every instance of many owns only few keys of a page; alone, sparse ids go to the hash table. */
static void test_auto_takes_pages_only_where_they_pay(void **state)
{
	static const struct {
		int64_t stride;
		bool dense;
	} cases[] = { { 1, true }, { 8, true }, { 512, false }, { 1 << 20, false } };

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sw_heap *heap = heap_create(64 * MIB);
		struct sw_key_map map;

		sw_key_map_init(&map, heap, SW_STATE_AUTO);
		for (int64_t key = 0; key < 20000; key++) {
			uint32_t *place = sw_key_map_put(&map, key * cases[i].stride);

			assert_non_null(place);
			*place = 1;
		}
		if (cases[i].dense)
			assert_int_equal(map.hash.keys, 0);
		else
			assert_true(map.dense_keys < 100);
		sw_heap_destroy(heap);
	}
}

/* Null, and the map is as it was. */
static void test_key_map_without_memory(void **state)
{
	uint64_t random = random_seed();

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct sw_heap *heap = heap_create(1000 + random_below(&random, 60000));
		enum sw_state_mode mode = (enum sw_state_mode)(round % 3);
		struct model *model = calloc(1, sizeof(*model));
		struct sw_key_map map;
		unsigned refused = 0;

		sw_key_map_init(&map, heap, mode);
		for (unsigned step = 0; refused < 100 && model->count < MODEL_MAX; step++) {
			int64_t key = random_key(&random, KEYS_MIXED, step);
			uint32_t *place = sw_key_map_put(&map, key);

			if (place)
				model_set(model, key, 0, *place = step + 1);
			else
				refused++;
			if (!place && model->count > 0 && random_below(&random, 2))
				remove_key(&map, model, random_below(&random, model->count));
		}
		check_all(&map, model);
		while (model->count > 0)
			remove_key(&map, model, model->count - 1);
		free(model);
		sw_heap_destroy(heap);
	}
}

/* ---- Map of pairs ---- */

static void pairs_step(
	struct sw_pair_map *map, struct model *model, unsigned most, bool shrinks, uint64_t *random)
{
	int64_t a = random_key(random, KEYS_EXTREME, 0), b = random_key(random, KEYS_MIXED, 0);
	uint32_t *place;

	if (model->count > 0 && random_below(random, 3) == 0) {
		unsigned i = random_below(random, model->count);

		a = model->entries[i].a; /* one that is there */
		b = random_below(random, 2) ? model->entries[i].b : b;
	}
	assert_int_equal(sw_pair_map_get(map, a, b), model_get(model, a, b));
	if (model->count > 0 &&
		(model->count >= most || random_below(random, 10) < (shrinks ? 6 : 3))) {
		unsigned i = random_below(random, model->count);

		a = model->entries[i].a;
		b = model->entries[i].b;
		sw_pair_map_remove(map, a, b);
		model_remove(model, i);
		assert_int_equal(sw_pair_map_get(map, a, b), 0);
		return;
	}
	place = sw_pair_map_put(map, a, b);
	assert_non_null(place);
	assert_int_equal(*place, model_get(model, a, b));
	*place = 1 + (uint32_t)(random_next(random) >> 33);
	model_set(model, a, b, *place);
}

static void test_pair_map(void **state)
{
	uint64_t random = random_seed();

	(void)state;
	for (unsigned most = 5; most < MODEL_MAX; most *= 7) {
		struct sw_heap *heap = heap_create(8 * MIB);
		struct model *model = calloc(1, sizeof(*model));
		struct sw_pair_map map;

		sw_pair_map_init(&map, heap);
		for (unsigned step = 0; step < 8000; step++) {
			pairs_step(&map, model, most, step / 1000 == 1, &random);
			if (step == 5000) {
				sw_pair_map_clear(&map);
				model->count = 0;
			}
		}
		assert_int_equal(sw_pair_map_count(&map), model->count);
		for (unsigned i = 0; i < model->count; i++)
			assert_int_equal(
				sw_pair_map_get(&map, model->entries[i].a, model->entries[i].b),
				model->entries[i].value);
		free(model);
		sw_heap_destroy(heap);
	}
}

/* As many come as go: the tables stay as large as they are. */
static void test_pairs_that_come_and_go(void **state)
{
	struct sw_heap *heap = heap_create(16 * MIB);
	struct sw_pair_map map;
	size_t bytes = 0;

	(void)state;
	sw_pair_map_init(&map, heap);
	for (int64_t i = 1; i < 200000; i++) {
		uint32_t *place = sw_pair_map_put(&map, i, i ^ 77);

		assert_non_null(place);
		*place = (uint32_t)i;
		if (i > 1000)
			sw_pair_map_remove(&map, i - 1000, (i - 1000) ^ 77);
		if (i == 2000)
			bytes = sw_heap_bytes(heap);
	}
	assert_int_equal(sw_heap_bytes(heap), bytes);
	sw_heap_destroy(heap);
}

static void test_pair_map_without_memory(void **state)
{
	struct sw_heap *heap = heap_create(20000);
	struct sw_pair_map map;
	uint32_t *place;
	int64_t count = 0;

	(void)state;
	sw_pair_map_init(&map, heap);
	while ((place = sw_pair_map_put(&map, count, -count)))
		*place = (uint32_t)++count;
	assert_in_range(count, 100, 1000);
	for (int64_t i = 0; i < count; i++)
		assert_int_equal(sw_pair_map_get(&map, i, -i), i + 1);
	assert_int_equal(sw_pair_map_get(&map, count, -count), 0);
	assert_null(sw_pair_map_put(&map, count, -count));
	sw_heap_destroy(heap);
}

/* ---- Slab ---- */

static void slab_step(struct sw_slab *slab, uint32_t *held, unsigned *count, uint64_t *random)
{
	if (*count > 0 && (*count == MODEL_MAX || random_below(random, 5) < 2)) {
		unsigned i = random_below(random, *count);
		const unsigned char *entry = sw_slab_at(slab, held[i]);

		for (size_t at = 0; at < slab->entry_bytes; at++)
			assert_int_equal(entry[at], (unsigned char)held[i] | 1);
		sw_slab_give(slab, held[i]);
		held[i] = held[--*count];
	} else {
		uint32_t number = sw_slab_take(slab);
		unsigned char *entry;

		assert_true(number > 0);
		entry = sw_slab_at(slab, number);
		for (size_t at = 0; at < slab->entry_bytes; at++)
			assert_int_equal(entry[at], 0);
		memset(entry, (unsigned char)number | 1, slab->entry_bytes);
		held[(*count)++] = number;
	}
	assert_int_equal(slab->live, *count);
}

static void test_slab(void **state)
{
	static const size_t sizes[] = { 4, 8, 20, 64, 100 };
	static uint32_t held[MODEL_MAX];
	uint64_t random = random_seed();

	(void)state;
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sw_heap *heap = heap_create(4 * MIB);
		struct sw_slab slab;
		unsigned count = 0;

		sw_slab_init(&slab, heap, sizes[i]);
		for (unsigned step = 0; step < 12000; step++)
			slab_step(&slab, held, &count, &random);
		assert_true(slab.used <= MODEL_MAX);
		sw_heap_destroy(heap);
	}
}

static void test_slab_without_memory(void **state)
{
	struct sw_heap *heap = heap_create(100000);
	struct sw_slab slab;
	uint32_t count = 0, number;

	(void)state;
	sw_slab_init(&slab, heap, 40);
	while ((number = sw_slab_take(&slab)))
		assert_int_equal(number, ++count);
	assert_in_range(count, 1000, 2500);
	assert_int_equal(sw_slab_take(&slab), 0);
	sw_slab_give(&slab, 7);
	assert_int_equal(sw_slab_take(&slab), 7);
	sw_heap_destroy(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_map),
		cmocka_unit_test(test_a_window_that_slides_keeps_its_size),
		cmocka_unit_test(test_auto_takes_pages_only_where_they_pay),
		cmocka_unit_test(test_key_map_without_memory),
		cmocka_unit_test(test_pair_map),
		cmocka_unit_test(test_pairs_that_come_and_go),
		cmocka_unit_test(test_pair_map_without_memory),
		cmocka_unit_test(test_slab),
		cmocka_unit_test(test_slab_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

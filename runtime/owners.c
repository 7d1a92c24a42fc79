/* SPDX-License-Identifier: MIT */
/*
 * Rows by owner: first each row's owner, then for each owner its rows. With few owners all rows are
 * looked at once for each: where a row goes does not hang on what was stored just before, so that
 * costs less than counting first, and vectors do 32 rows in a step.
 */

#include "runtime/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define VECTORS 1
#define TARGET  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")))
#else
#define VECTORS 0
#endif

#define KEY_FACTOR 0x9E3779B97F4A7C15u

/* Up to so many owners, a look at all rows for each; more when 32 rows are looked at in a step. */
#define FEW_OWNERS         6u
#define FEW_OWNERS_VECTORS 32u

/* Vectors store whole: so many entries past the last row. */
#define SLACK 32u

static bool portable_only;

static bool has_vectors(void)
{
#if VECTORS
	return !portable_only && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vbmi2");
#else
	return false;
#endif
}

void owned_rows_portable(bool only)
{
	portable_only = only;
}

int owned_rows_init(struct owned_rows *rows, uint32_t rows_max, unsigned owners)
{
	rows->order = calloc(rows_max + SLACK, sizeof(*rows->order));
	rows->destination = calloc(rows_max + SLACK, sizeof(*rows->destination));
	rows->start = calloc(owners + 1, sizeof(*rows->start));
	return rows->order && rows->destination && rows->start ? 0 : -ENOMEM;
}

void owned_rows_fini(struct owned_rows *rows)
{
	free(rows->order);
	free(rows->destination);
	free(rows->start);
}

/* ---- Whose each row is ---- */

static uint32_t hash_int64(int64_t key)
{
	return (uint32_t)(((uint64_t)key * KEY_FACTOR) >> 32);
}

/* Eight bytes at a time, each folded in by a multiplication whose halves are mixed. */
uint32_t owned_text_hash(struct sw_text text)
{
	uint64_t hash = text.size * KEY_FACTOR;

	while (text.size) {
		uint64_t word = 0;
		uint32_t size = text.size < 8 ? text.size : 8;

		memcpy(&word, text.bytes, size);
		hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
		hash ^= hash >> 32;
		text.bytes += size;
		text.size -= size;
	}
	return (uint32_t)((hash * KEY_FACTOR) >> 32);
}

static uint16_t owner_of(uint32_t hash, unsigned owners)
{
	return (uint16_t)(((uint64_t)hash * owners) >> 32);
}

#if VECTORS
TARGET static void find_vectors(
	uint16_t *destination, const int64_t *keys, uint32_t count, unsigned owners)
{
	const __m512i factor = _mm512_set1_epi64((long long)KEY_FACTOR);
	const __m512i times = _mm512_set1_epi64((long long)owners);

	for (uint32_t i = 0; i < count; i += 8) {
		__mmask8 lanes = count - i < 8 ? (__mmask8)((1u << (count - i)) - 1) : 0xFF;
		__m512i hash = _mm512_maskz_loadu_epi64(lanes, keys + i);

		hash = _mm512_srli_epi64(_mm512_mullo_epi64(hash, factor), 32);
		hash = _mm512_srli_epi64(_mm512_mul_epu32(hash, times), 32);
		_mm_storeu_si128((__m128i *)(void *)(destination + i), _mm512_cvtepi64_epi16(hash));
	}
}
#endif

static void find_int64(uint16_t *destination, const int64_t *keys, uint32_t count, unsigned owners)
{
#if VECTORS
	if (has_vectors()) {
		find_vectors(destination, keys, count, owners);
		return;
	}
#endif
	for (uint32_t i = 0; i < count; i++)
		destination[i] = owner_of(hash_int64(keys[i]), owners);
}

static void find_texts(uint16_t *destination, const struct sw_batch *batch,
	const struct sw_column *key, const uint32_t *hashes, unsigned owners)
{
	const uint32_t count = sw_batch_count(batch);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = sw_batch_row(batch, i);

		destination[i] = owner_of(hashes ? hashes[((const int32_t *)key->data)[row]]
						 : owned_text_hash(sw_column_text(key, row)),
			owners);
	}
}

static void find_owners(uint16_t *destination, const struct sw_batch *batch,
	const struct sw_column *key, const uint32_t *hashes, unsigned owners)
{
	const uint32_t count = sw_batch_count(batch);

	if (key->type == SW_TEXT) {
		find_texts(destination, batch, key, hashes, owners);
	} else if (key->type == SW_INT32 || batch->selected) {
		for (uint32_t i = 0; i < count; i++)
			destination[i] = owner_of(
				hash_int64(sw_column_int64(key, sw_batch_row(batch, i))), owners);
	} else {
		find_int64(destination, key->data, count, owners);
	}
}

/* ---- Each owner's rows ---- */

/* Appends d's rows at `at`; where they end. */
static uint32_t take_rows(
	struct owned_rows *rows, const struct sw_batch *batch, uint16_t d, uint32_t at)
{
	const uint16_t *destination = rows->destination, *selected = batch->selected;
	const uint32_t count = sw_batch_count(batch);
	uint16_t *order = rows->order;

	for (uint32_t i = 0; i < count; i++) {
		order[at] = selected ? selected[i] : (uint16_t)i;
		at += destination[i] == d;
	}
	return at;
}

#if VECTORS
TARGET static uint32_t take_rows_vectors(
	struct owned_rows *rows, const struct sw_batch *batch, uint16_t d, uint32_t at)
{
	static const uint16_t first[32] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
	const uint32_t count = sw_batch_count(batch);
	const __m512i wanted = _mm512_set1_epi16((short)d), step = _mm512_set1_epi16(32);
	__m512i numbers = _mm512_loadu_si512(first);

	for (uint32_t i = 0; i < count; i += 32) {
		__mmask32 lanes = count - i < 32 ? (1u << (count - i)) - 1 : UINT32_MAX;
		__m512i owners = _mm512_maskz_loadu_epi16(lanes, rows->destination + i);
		__mmask32 mine = _mm512_mask_cmpeq_epi16_mask(lanes, owners, wanted);
		__m512i row = numbers;

		if (batch->selected)
			row = _mm512_maskz_loadu_epi16(lanes, batch->selected + i);
		_mm512_storeu_si512(rows->order + at, _mm512_maskz_compress_epi16(mine, row));
		at += (uint32_t)__builtin_popcount(mine);
		numbers = _mm512_add_epi16(numbers, step);
	}
	return at;
}
#endif

static void sort_by_few(struct owned_rows *rows, const struct sw_batch *batch, unsigned owners)
{
	uint32_t at = 0;

	for (unsigned d = 0; d < owners; d++) {
		rows->start[d] = at;
#if VECTORS
		if (has_vectors()) {
			at = take_rows_vectors(rows, batch, (uint16_t)d, at);
			continue;
		}
#endif
		at = take_rows(rows, batch, (uint16_t)d, at);
	}
	rows->start[owners] = at;
}

static void sort_by_many(struct owned_rows *rows, const struct sw_batch *batch, unsigned owners)
{
	uint32_t count = sw_batch_count(batch);
	uint32_t *start = rows->start;

	memset(start, 0, (owners + 1) * sizeof(*start));
	for (uint32_t i = 0; i < count; i++)
		start[rows->destination[i] + 1]++;
	for (unsigned d = 0; d < owners; d++)
		start[d + 1] += start[d];
	for (uint32_t i = 0; i < count; i++)
		rows->order[start[rows->destination[i]]++] = (uint16_t)sw_batch_row(batch, i);
	for (unsigned d = owners; d > 0; d--)
		start[d] = start[d - 1];
	start[0] = 0;
}

void owned_rows_all(struct owned_rows *rows, const struct sw_batch *batch)
{
	const uint32_t count = sw_batch_count(batch);

	for (uint32_t i = 0; i < count; i++)
		rows->order[i] = (uint16_t)sw_batch_row(batch, i);
	rows->start[0] = 0;
	rows->start[1] = count;
}

void owned_rows_find(struct owned_rows *rows, const struct sw_batch *batch, unsigned key_column,
	const uint32_t *hashes, unsigned owners)
{
	find_owners(rows->destination, batch, &batch->columns[key_column], hashes, owners);
	if (owners <= (has_vectors() ? FEW_OWNERS_VECTORS : FEW_OWNERS))
		sort_by_few(rows, batch, owners);
	else
		sort_by_many(rows, batch, owners);
}

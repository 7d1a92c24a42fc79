/* SPDX-License-Identifier: MIT */
/* Rows by owner with vectors: AVX2 looks at 8 rows in a step, AVX-512 at 32. */

#include "runtime/owners_private.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2   __attribute__((target("avx2,bmi2,popcnt")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")))

/* ---- AVX2 ---- */

/* The owners of four keys, each in the low half of its lane. */
AVX2 static inline __m256i find_4(const int64_t *keys, __m256i owners)
{
	const __m256i factor = _mm256_set1_epi64x((long long)OWNERS_KEY_FACTOR);
	const __m256i factor_high = _mm256_srli_epi64(factor, 32);
	__m256i key = _mm256_loadu_si256((const __m256i *)(const void *)keys);
	__m256i crossed = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(key, 32), factor),
		_mm256_mul_epu32(key, factor_high));
	__m256i low = _mm256_srli_epi64(_mm256_mul_epu32(key, factor), 32);

	/* Of the sum only 32 bits are the hash, and the multiplication takes no more. */
	return _mm256_srli_epi64(_mm256_mul_epu32(_mm256_add_epi64(low, crossed), owners), 32);
}

/* Those of eight keys, as 32 bits each. */
AVX2 static inline __m256i find_8(const int64_t *keys, __m256i owners)
{
	__m256 first = _mm256_castsi256_ps(find_4(keys, owners));
	__m256 second = _mm256_castsi256_ps(find_4(keys + 4, owners));
	__m256i both = _mm256_castps_si256(_mm256_shuffle_ps(first, second, 0x88));

	return _mm256_permute4x64_epi64(both, 0xD8);
}

AVX2 static void find_avx2(
	uint16_t *destination, const int64_t *keys, uint32_t count, unsigned owners)
{
	const __m256i times = _mm256_set1_epi64x((long long)owners);
	uint32_t i = 0;

	for (; i + 16 <= count; i += 16) {
		__m256i packed =
			_mm256_packus_epi32(find_8(keys + i, times), find_8(keys + i + 8, times));

		_mm256_storeu_si256((__m256i *)(void *)(destination + i),
			_mm256_permute4x64_epi64(packed, 0xD8));
	}
	for (; i < count; i++)
		destination[i] = owner_of_key(keys[i], owners);
}

AVX2 static inline __m128i load_8(const uint16_t *numbers)
{
	return _mm_loadu_si128((const __m128i *)(const void *)numbers);
}

/* Stores those of eight row numbers whose bytes of the mask are set, one behind the other. */
AVX2 static inline void store_taken(uint16_t *order, __m128i numbers, uint64_t mask)
{
	/* The numbers of the bytes that are set, then zeros; twice each, for 16-bit lanes. */
	__m128i lanes = _mm_cvtsi64_si128((long long)_pext_u64(0x0706050403020100, mask));
	__m128i bytes =
		_mm_add_epi8(_mm_unpacklo_epi8(lanes, lanes), _mm_unpacklo_epi8(lanes, lanes));

	bytes = _mm_add_epi8(bytes, _mm_set1_epi16(0x0100));
	_mm_storeu_si128((__m128i *)(void *)order, _mm_shuffle_epi8(numbers, bytes));
}

AVX2 static uint32_t take_avx2(
	struct owned_rows *rows, const struct sw_batch *batch, uint16_t d, uint32_t at)
{
	const uint32_t count = sw_batch_count(batch);
	const __m128i wanted = _mm_set1_epi16((short)d), step = _mm_set1_epi16(8);
	__m128i numbers = _mm_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7);
	uint32_t i = 0;

	for (; i + 8 <= count; i += 8) {
		__m128i mine = _mm_cmpeq_epi16(load_8(rows->destination + i), wanted);
		uint64_t mask = (uint64_t)_mm_cvtsi128_si64(_mm_packs_epi16(mine, mine));

		store_taken(rows->order + at,
			batch->selected ? load_8(batch->selected + i) : numbers, mask);
		at += (uint32_t)__builtin_popcountll(mask) / 8;
		numbers = _mm_add_epi16(numbers, step);
	}
	for (; i < count; i++) {
		rows->order[at] = (uint16_t)sw_batch_row(batch, i);
		at += rows->destination[i] == d;
	}
	return at;
}

/* ---- AVX-512 ---- */

AVX512 static void find_avx512(
	uint16_t *destination, const int64_t *keys, uint32_t count, unsigned owners)
{
	const __m512i factor = _mm512_set1_epi64((long long)OWNERS_KEY_FACTOR);
	const __m512i times = _mm512_set1_epi64((long long)owners);

	for (uint32_t i = 0; i < count; i += 8) {
		__mmask8 lanes = count - i < 8 ? (__mmask8)((1u << (count - i)) - 1) : 0xFF;
		__m512i hash = _mm512_maskz_loadu_epi64(lanes, keys + i);

		hash = _mm512_srli_epi64(_mm512_mullo_epi64(hash, factor), 32);
		hash = _mm512_srli_epi64(_mm512_mul_epu32(hash, times), 32);
		_mm_storeu_si128((__m128i *)(void *)(destination + i), _mm512_cvtepi64_epi16(hash));
	}
}

AVX512 static uint32_t take_avx512(
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

/* ---- Which ---- */

static const struct owners_path avx2 = { .few = 12, .find = find_avx2, .take = take_avx2 };
static const struct owners_path avx512 = { .few = 32, .find = find_avx512, .take = take_avx512 };

const struct owners_path *owners_path_vectors(enum owners_vectors limit)
{
	if (limit >= OWNERS_AVX512 && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512vbmi2"))
		return &avx512;
	if (limit >= OWNERS_AVX2 && __builtin_cpu_supports("avx2") &&
		__builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt"))
		return &avx2;
	return NULL;
}

#else

const struct owners_path *owners_path_vectors(enum owners_vectors limit)
{
	(void)limit;
	return NULL;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "nexmark/generator_private.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "nexmark/random_private.h"

#define TARGET \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi,fma")))
#define FN       static inline TARGET __attribute__((always_inline))
#define FN_OUTER static TARGET

#define LANES         8
#define DRAWS         16
#define LETTERS_BLOCK (6 * DRAWS)
/* (n * this >> 32) >> LETTERS_SHIFT is n / 17576 for n <= 2^31 */
#define LETTERS_INVERSE 2001841835
#define LETTERS_SHIFT   13
/* n * this >> 36 is n / 26 for n < 2^31 */
#define WORDS_INVERSE 2643056798

#define UPPER      UINT32_C(0xaaaaaaaa) /* of the 16 bits in each 32 */
#define EVEN_BYTES UINT64_C(0x5555555555555555)

typedef __m512i v;
typedef __m512d d;
typedef __mmask8 m;

#define v_srl(x, n) _mm512_srli_epi64(x, n)

FN v v_set(uint64_t x)
{
	return _mm512_set1_epi64((long long)x);
}

FN v v_load(const uint64_t *at)
{
	return _mm512_loadu_si512(at);
}

FN void v_store(uint64_t *at, v x)
{
	_mm512_storeu_si512(at, x);
}

FN void v_store_part(uint64_t *at, v x, uint32_t lanes)
{
	_mm512_mask_storeu_epi64(at, (__mmask8)((1u << lanes) - 1), x);
}

FN void v_store32(int32_t *at, v x)
{
	_mm256_storeu_si256((__m256i *)at, _mm512_cvtepi64_epi32(x));
}

FN v v_add(v a, v b)
{
	return _mm512_add_epi64(a, b);
}

FN v v_sub(v a, v b)
{
	return _mm512_sub_epi64(a, b);
}

FN v v_and(v a, v b)
{
	return _mm512_and_si512(a, b);
}

FN v v_xor(v a, v b)
{
	return _mm512_xor_si512(a, b);
}

FN v v_srlv(v x, int n)
{
	return _mm512_srl_epi64(x, _mm_cvtsi32_si128(n));
}

FN v v_mul32(v a, v b)
{
	return _mm512_mul_epu32(a, b);
}

FN v v_mul64(v a, uint64_t b)
{
	return _mm512_mullo_epi64(a, v_set(b));
}

/* The low 48 bits of the 52 that this multiplies are the generator's. */
FN v v_lcg(v state, uint64_t a, uint64_t c)
{
	return _mm512_madd52lo_epu64(v_set(c), state, v_set(a));
}

FN m v_gt(v a, v b)
{
	return _mm512_cmpgt_epi64_mask(a, b);
}

FN m v_nonzero(v a)
{
	return _mm512_test_epi64_mask(a, a);
}

/* b where chosen, else a */
FN v v_blend(m chosen, v a, v b)
{
	return _mm512_mask_blend_epi64(chosen, a, b);
}

FN m m_none(void)
{
	return 0;
}

FN m m_or(m a, m b)
{
	return (m)(a | b);
}

FN uint32_t m_bits(m a)
{
	return a;
}

FN d d_set(double x)
{
	return _mm512_set1_pd(x);
}

FN d d_add(d a, d b)
{
	return _mm512_add_pd(a, b);
}

FN d d_sub(d a, d b)
{
	return _mm512_sub_pd(a, b);
}

FN d d_mul(d a, d b)
{
	return _mm512_mul_pd(a, b);
}

FN d d_fma(d a, d b, d c)
{
	return _mm512_fmadd_pd(a, b, c);
}

FN d d_floor(d a)
{
	return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

FN d d_round(d a)
{
	return _mm512_roundscale_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a * 2^whole */
FN d d_scale(d a, d whole)
{
	return _mm512_scalef_pd(a, whole);
}

FN m d_lt(d a, d b)
{
	return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}

FN d v_to_d(v a)
{
	return _mm512_cvtepi64_pd(a);
}

FN v d_to_v(d a)
{
	return _mm512_cvttpd_epi64(a);
}

/* Draws of a block: multipliers and addends of 1, 3, 5, ... and of 2, 4, 6, ... steps. */
static const uint64_t draws_a[2][LANES] = {
	{ UINT64_C(0x5DEECE66D), UINT64_C(0xD498BD0AC4B5), UINT64_C(0x6E00FCF9C03D),
		UINT64_C(0x37BC7ED23B05), UINT64_C(0xA139E068670D), UINT64_C(0x53BCE7B8C655),
		UINT64_C(0x6BE66668AADD), UINT64_C(0xB838E7AB6A5) },
	{ UINT64_C(0xBB20B4600A69), UINT64_C(0x32EB772C5F11), UINT64_C(0x45D73749A7F9),
		UINT64_C(0x75489F259F21), UINT64_C(0x121F9F058E89), UINT64_C(0x199C3838D031),
		UINT64_C(0x7415CDCF4E19), UINT64_C(0x6DC260740241) },
};
static const uint64_t draws_c[2][LANES] = {
	{ UINT64_C(0xB), UINT64_C(0xAA8544E593D), UINT64_C(0x5D5692ACE2BF),
		UINT64_C(0x17A0D1925D11), UINT64_C(0x86D91B38BCB3), UINT64_C(0x3BB194F24A25),
		UINT64_C(0xEE85F453C1E7), UINT64_C(0x8E5C32BB7479) },
	{ UINT64_C(0x40942DE6BA), UINT64_C(0x2D3873C4CD04), UINT64_C(0x17617168255E),
		UINT64_C(0x7CBA449AE648), UINT64_C(0x7455BFB52A42), UINT64_C(0xD4CF89E2CFCC),
		UINT64_C(0x916C5AD31966), UINT64_C(0xD0352014D90) },
};

/* Where each letter is: in the pairs (0..63) or the thirds (64..127). */
static const uint8_t letters_order[128] = { 0, 1, 64, 2, 3, 66, 4, 5, 68, 6, 7, 70, 8, 9, 72, 10,
	11, 74, 12, 13, 76, 14, 15, 78, 16, 17, 80, 18, 19, 82, 20, 21, 84, 22, 23, 86, 24, 25, 88,
	26, 27, 90, 28, 29, 92, 30, 31, 94, 32, 33, 96, 34, 35, 98, 36, 37, 100, 38, 39, 102, 40,
	41, 104, 42, 43, 106, 44, 45, 108, 46, 47, 110, 48, 49, 112, 50, 51, 114, 52, 53, 116, 54,
	55, 118, 56, 57, 120, 58, 59, 122, 60, 61, 124, 62, 63, 126 };

/* Makes LETTERS_BLOCK letters from the DRAWS draws after state. */
FN void letters_block(uint64_t state, char *bytes)
{
	const v s = v_set(state);
	const v odd = _mm512_madd52lo_epu64(v_load(draws_c[0]), s, v_load(draws_a[0]));
	const v even = _mm512_madd52lo_epu64(v_load(draws_c[1]), s, v_load(draws_a[1]));
	/* A draw in each half of a lane: bits 47..16. */
	const v draws =
		_mm512_mask_blend_epi32(0xaaaa, v_srl(odd, 16), _mm512_slli_epi64(even, 16));
	const v sign = _mm512_srai_epi32(draws, 31);
	const v size = _mm512_abs_epi32(draws);
	/* Divided by 26^3 = 17576, three digits of base 26 are left, and once more. */
	const v inverse = v_set(LETTERS_INVERSE);
	const __m512 quotients[2] = { _mm512_castsi512_ps(v_mul32(size, inverse)),
		_mm512_castsi512_ps(v_mul32(v_srl(size, 32), inverse)) };
	const v high = _mm512_srli_epi32(
		_mm512_castps_si512(_mm512_mask_movehdup_ps(quotients[1], 0x5555, quotients[0])),
		LETTERS_SHIFT);
	/* high / 17576 in the upper 16 bits: those of its eighth there, divided by 2197. */
	const v top = _mm512_srli_epi16(
		_mm512_mulhi_epu16(_mm512_slli_epi32(high, 13), _mm512_set1_epi16(15273)), 9);
	/* Both remainders, each in 16 bits. */
	const v three =
		_mm512_sub_epi16(_mm512_mask_blend_epi16(UPPER, size, _mm512_slli_epi32(high, 16)),
			_mm512_mullo_epi16(_mm512_mask_blend_epi16(UPPER, high, top),
				_mm512_set1_epi16(17576)));
	const v base = _mm512_set1_epi16(26); /* bytes: 26, 0 */
	const v two = _mm512_srli_epi16(_mm512_mulhi_epu16(three, _mm512_set1_epi16(10083)), 2);
	const v third = _mm512_mulhi_epu16(two, _mm512_set1_epi16(2521));
	const v second = _mm512_sub_epi16(two, _mm512_maddubs_epi16(third, base));
	/* Less than 26, the first digit is right in 8 bits, and so the product may be, too. */
	v pairs = _mm512_mask_sub_epi8(
		_mm512_slli_epi16(second, 8), EVEN_BYTES, three, _mm512_maddubs_epi16(two, base));
	/* The sign of the draw is the sign of its digits. */
	const v a = _mm512_sub_epi8(_mm512_set1_epi8('a'), sign);
	const v thirds = _mm512_add_epi8(v_xor(third, sign), a);

	pairs = _mm512_add_epi8(v_xor(pairs, sign), a);
	_mm512_storeu_si512(
		bytes, _mm512_permutex2var_epi8(pairs, _mm512_loadu_si512(letters_order), thirds));
	_mm256_storeu_si256(
		(__m256i *)(bytes + 64), _mm512_castsi512_si256(_mm512_permutex2var_epi8(pairs,
						 _mm512_loadu_si512(letters_order + 64), thirds)));
}

/* DRAWS draws after state, as letters at even and at odd positions, and which mean a space. */
FN void words_block(
	uint64_t state, char *evens, char *odds, uint32_t *even, uint32_t *odd, m *again)
{
	char *const to[2] = { evens, odds };
	uint32_t *const spaces[2] = { even, odd };

	for (int i = 0; i < 2; i++) {
		const v s =
			_mm512_madd52lo_epu64(v_load(draws_c[i]), v_set(state), v_load(draws_a[i]));
		const v u = v_and(v_srl(s, 17), v_set(INT32_MAX));
		const v letter =
			v_sub(u, v_mul32(v_srl(v_mul32(u, v_set(WORDS_INVERSE)), 36), v_set(26)));

		/* A multiple of 13 is a space; of the last draws some would be thrown away. */
		*again = m_or(*again, v_gt(u, v_set(INT32_MAX - 26)));
		*spaces[i] = (uint32_t)_mm512_cmpeq_epi64_mask(letter, v_set(0)) |
			     (uint32_t)_mm512_cmpeq_epi64_mask(letter, v_set(13));
		_mm_storel_epi64((__m128i *)to[i], _mm512_cvtepi64_epi8(v_add(letter, v_set('a'))));
	}
}

/* DRAWS steps */
static const struct jump draws_jump = { UINT64_C(0x6DC260740241), UINT64_C(0xD0352014D90) };

#include "nexmark/generator_lanes.inc"

static bool supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi");
}

static const struct generator_path path = {
	.name = "avx512",
	.bids = lanes_bids,
	.times = lanes_times,
	.words = lanes_words,
	.letters = lanes_letters,
};

const struct generator_path *generator_avx512(void)
{
	return supported() ? &path : NULL;
}

#else

const struct generator_path *generator_avx512(void)
{
	return NULL;
}

#endif

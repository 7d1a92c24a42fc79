/* SPDX-License-Identifier: MIT */
#include "nexmark/generator_private.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "nexmark/random_private.h"

#define TARGET   __attribute__((target("avx2,fma")))
#define FN       static inline TARGET __attribute__((always_inline))
#define FN_OUTER static TARGET

#define LANES         4
#define DRAWS         8
#define LETTERS_BLOCK (6 * DRAWS)
/* (n * this >> 32) >> LETTERS_SHIFT is n / 17576 for n <= 2^31 */
#define LETTERS_INVERSE 2001841835
#define LETTERS_SHIFT   13
/* n * this >> 36 is n / 26 for n < 2^31 */
#define WORDS_INVERSE 2643056798

/* Doubles from here on have steps of one: their low bits are the integer. */
#define MAGIC 0x1p52

typedef __m256i v;
typedef __m256d d;
typedef __m256i m;

#define v_srl(x, n) _mm256_srli_epi64(x, n)

FN v v_set(uint64_t x)
{
	return _mm256_set1_epi64x((long long)x);
}

FN v v_load(const uint64_t *at)
{
	return _mm256_loadu_si256((const __m256i *)at);
}

FN void v_store(uint64_t *at, v x)
{
	_mm256_storeu_si256((__m256i *)at, x);
}

FN void v_store_part(uint64_t *at, v x, uint32_t lanes)
{
	const v which = _mm256_set_epi64x(3, 2, 1, 0);

	_mm256_maskstore_epi64((long long *)at, _mm256_cmpgt_epi64(v_set(lanes), which), x);
}

FN void v_store32(int32_t *at, v x)
{
	const v low = _mm256_permutevar8x32_epi32(x, _mm256_set_epi32(0, 0, 0, 0, 6, 4, 2, 0));

	_mm_storeu_si128((__m128i *)at, _mm256_castsi256_si128(low));
}

FN v v_add(v a, v b)
{
	return _mm256_add_epi64(a, b);
}

FN v v_sub(v a, v b)
{
	return _mm256_sub_epi64(a, b);
}

FN v v_and(v a, v b)
{
	return _mm256_and_si256(a, b);
}

FN v v_xor(v a, v b)
{
	return _mm256_xor_si256(a, b);
}

FN v v_srlv(v x, int n)
{
	return _mm256_srl_epi64(x, _mm_cvtsi32_si128(n));
}

FN v v_mul32(v a, v b)
{
	return _mm256_mul_epu32(a, b);
}

/* The low 64 bits of a product, by halves; high is b >> 32. */
FN v v_mul_halves(v a, v b, v high)
{
	const v cross = v_add(v_mul32(v_srl(a, 32), b), v_mul32(a, high));

	return v_add(v_mul32(a, b), _mm256_slli_epi64(cross, 32));
}

FN v v_mul64(v a, uint64_t b)
{
	return v_mul_halves(a, v_set(b), v_set(b >> 32));
}

FN v v_lcg(v state, uint64_t a, uint64_t c)
{
	return v_add(v_mul64(state, a), v_set(c));
}

FN m v_gt(v a, v b)
{
	return _mm256_cmpgt_epi64(a, b);
}

/* Of lanes that are not negative. */
FN m v_nonzero(v a)
{
	return v_gt(a, _mm256_setzero_si256());
}

/* b where chosen, else a */
FN v v_blend(m chosen, v a, v b)
{
	return _mm256_blendv_epi8(a, b, chosen);
}

FN m m_none(void)
{
	return _mm256_setzero_si256();
}

FN m m_or(m a, m b)
{
	return _mm256_or_si256(a, b);
}

FN uint32_t m_bits(m a)
{
	return (uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(a));
}

FN d d_set(double x)
{
	return _mm256_set1_pd(x);
}

FN d d_add(d a, d b)
{
	return _mm256_add_pd(a, b);
}

FN d d_sub(d a, d b)
{
	return _mm256_sub_pd(a, b);
}

FN d d_mul(d a, d b)
{
	return _mm256_mul_pd(a, b);
}

FN d d_fma(d a, d b, d c)
{
	return _mm256_fmadd_pd(a, b, c);
}

FN d d_floor(d a)
{
	return _mm256_floor_pd(a);
}

FN d d_round(d a)
{
	return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a * 2^whole, whole small: its bits are moved to the exponent. */
FN d d_scale(d a, d whole)
{
	const v exponent = _mm256_castpd_si256(d_add(whole, d_set(MAGIC + 1023)));

	return d_mul(a, _mm256_castsi256_pd(_mm256_slli_epi64(exponent, 52)));
}

FN m d_lt(d a, d b)
{
	return _mm256_castpd_si256(_mm256_cmp_pd(a, b, _CMP_LT_OQ));
}

/* Of 0 <= a < 2^52. */
FN d v_to_d(v a)
{
	const d magic = d_set(MAGIC);

	return d_sub(_mm256_or_pd(_mm256_castsi256_pd(a), magic), magic);
}

/* Of whole -2^51 <= a < 2^51: half of MAGIC more keeps negative ones' exponent. */
FN v d_to_v(d a)
{
	const d magic = d_set(MAGIC + MAGIC / 2);

	return v_sub(_mm256_castpd_si256(d_add(a, magic)), _mm256_castpd_si256(magic));
}

/* Draws of a block: multipliers and addends of 1, 3, 5, 7 and of 2, 4, 6, 8 steps. */
static const uint64_t draws_a[2][LANES] = {
	{ UINT64_C(0x5DEECE66D), UINT64_C(0xD498BD0AC4B5), UINT64_C(0x6E00FCF9C03D),
		UINT64_C(0x37BC7ED23B05) },
	{ UINT64_C(0xBB20B4600A69), UINT64_C(0x32EB772C5F11), UINT64_C(0x45D73749A7F9),
		UINT64_C(0x75489F259F21) },
};
static const uint64_t draws_c[2][LANES] = {
	{ UINT64_C(0xB), UINT64_C(0xAA8544E593D), UINT64_C(0x5D5692ACE2BF),
		UINT64_C(0x17A0D1925D11) },
	{ UINT64_C(0x40942DE6BA), UINT64_C(0x2D3873C4CD04), UINT64_C(0x17617168255E),
		UINT64_C(0x7CBA449AE648) },
};

/* Where the 24 letters of four draws are in their pairs and their thirds; -1: in the other. */
static const int8_t letters_pairs[32] = { 0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10, 11,
	-1, 12, 13, -1, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
static const int8_t letters_thirds[32] = { -1, -1, 0, -1, -1, 2, -1, -1, 4, -1, -1, 6, -1, -1, 8,
	-1, -1, 10, -1, -1, 12, -1, -1, 14, -1, -1, -1, -1, -1, -1, -1, -1 };

FN v half_draws(v state, int half)
{
	const v a = v_load(draws_a[half]);

	return v_add(v_mul_halves(state, a, v_srl(a, 32)), v_load(draws_c[half]));
}

/* The letters from `from` on of each half of a register. */
FN v letters_merge(v pairs, v thirds, int from)
{
	const v in_pairs = _mm256_broadcastsi128_si256(
		_mm_loadu_si128((const __m128i *)(letters_pairs + from)));
	const v in_thirds = _mm256_broadcastsi128_si256(
		_mm_loadu_si128((const __m128i *)(letters_thirds + from)));

	return m_or(_mm256_shuffle_epi8(pairs, in_pairs), _mm256_shuffle_epi8(thirds, in_thirds));
}

/* Makes LETTERS_BLOCK letters from the DRAWS draws after state. */
FN void letters_block(uint64_t state, char *bytes)
{
	const v s = v_set(state), odd = half_draws(s, 0), even = half_draws(s, 1);
	/* A draw in each half of a lane: bits 47..16. */
	const v draws = _mm256_blend_epi32(v_srl(odd, 16), _mm256_slli_epi64(even, 16), 0xaa);
	const v sign = _mm256_srai_epi32(draws, 31);
	const v size = _mm256_abs_epi32(draws);
	/* Divided by 26^3 = 17576, three digits of base 26 are left, and once more. */
	const v inverse = v_set(LETTERS_INVERSE);
	const __m256 evens = _mm256_castsi256_ps(v_mul32(size, inverse));
	const v odds = v_mul32(v_srl(size, 32), inverse);
	const v high = _mm256_srli_epi32(
		_mm256_blend_epi32(_mm256_castps_si256(_mm256_movehdup_ps(evens)), odds, 0xaa),
		LETTERS_SHIFT);
	/* high / 17576 in the upper 16 bits: those of its eighth there, divided by 2197. */
	const v top = _mm256_srli_epi16(
		_mm256_mulhi_epu16(_mm256_slli_epi32(high, 13), _mm256_set1_epi16(15273)), 9);
	/* Both remainders, each in 16 bits. */
	const v three = _mm256_sub_epi16(
		_mm256_blend_epi16(size, _mm256_slli_epi32(high, 16), 0xaa),
		_mm256_mullo_epi16(_mm256_blend_epi16(high, top, 0xaa), _mm256_set1_epi16(17576)));
	const v base = _mm256_set1_epi16(26); /* bytes: 26, 0 */
	const v two = _mm256_srli_epi16(_mm256_mulhi_epu16(three, _mm256_set1_epi16(10083)), 2);
	const v third = _mm256_mulhi_epu16(two, _mm256_set1_epi16(2521));
	/* Less than 26, the first digit is right in 8 bits, and so the product may be, too. */
	const v first = v_and(
		_mm256_sub_epi8(three, _mm256_maddubs_epi16(two, base)), _mm256_set1_epi16(0xff));
	const v second = _mm256_sub_epi16(two, _mm256_maddubs_epi16(third, base));
	/* The sign of the draw is the sign of its digits. */
	const v a = _mm256_sub_epi8(_mm256_set1_epi8('a'), sign);
	v pairs = v_xor(first, _mm256_slli_epi16(second, 8)), thirds, front, back;

	pairs = _mm256_add_epi8(v_xor(pairs, sign), a);
	thirds = _mm256_add_epi8(v_xor(third, sign), a);
	front = letters_merge(pairs, thirds, 0);
	back = letters_merge(pairs, thirds, 16);
	_mm_storeu_si128((__m128i *)bytes, _mm256_castsi256_si128(front));
	_mm_storel_epi64((__m128i *)(bytes + 16), _mm256_castsi256_si128(back));
	_mm_storeu_si128((__m128i *)(bytes + 24), _mm256_extracti128_si256(front, 1));
	_mm_storel_epi64((__m128i *)(bytes + 40), _mm256_extracti128_si256(back, 1));
}

/* DRAWS draws after state, as letters at even and at odd positions, and which mean a space. */
FN void words_block(
	uint64_t state, char *evens, char *odds, uint32_t *even, uint32_t *odd, m *again)
{
	char *const to[2] = { evens, odds };
	uint32_t *const spaces[2] = { even, odd };

	for (int i = 0; i < 2; i++) {
		const v u = v_and(v_srl(half_draws(v_set(state), i), 17), v_set(INT32_MAX));
		const v letter =
			v_sub(u, v_mul32(v_srl(v_mul32(u, v_set(WORDS_INVERSE)), 36), v_set(26)));
		/* A lane's low byte to the low half's and the high half's front. */
		const v order = _mm256_set_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 8,
			0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 8, 0);
		const v bytes = _mm256_shuffle_epi8(v_add(letter, v_set('a')), order);
		const __m128i four = _mm_or_si128(
			_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));

		/* A multiple of 13 is a space; of the last draws some would be thrown away. */
		*again = m_or(*again, v_gt(u, v_set(INT32_MAX - 26)));
		*spaces[i] = m_bits(m_or(_mm256_cmpeq_epi64(letter, v_set(0)),
			_mm256_cmpeq_epi64(letter, v_set(13))));
		_mm_storeu_si32(to[i], four);
	}
}

/* DRAWS steps */
static const struct jump draws_jump = { UINT64_C(0x75489F259F21), UINT64_C(0x7CBA449AE648) };

#include "nexmark/generator_lanes.inc"

static const struct generator_path path = {
	.name = "avx2",
	.bids = lanes_bids,
	.times = lanes_times,
	.words = lanes_words,
	.letters = lanes_letters,
};

const struct generator_path *generator_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &path : NULL;
}

#else

const struct generator_path *generator_avx2(void)
{
	return NULL;
}

#endif

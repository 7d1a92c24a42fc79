/* SPDX-License-Identifier: MIT */
#include "nexmark/words_private.h"

#include <stddef.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static inline bool in_word(unsigned char c)
{
	unsigned char letter = c | 0x20;

	return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

uint64_t words_classify_some(const char *bytes, uint32_t count)
{
	uint64_t inside = 0;

	for (uint32_t i = 0; i < count; i++)
		inside |= (uint64_t)in_word((unsigned char)bytes[i]) << i;
	return inside;
}

uint64_t words_classify_portable(const char *bytes)
{
	return words_classify_some(bytes, 64);
}

#if defined(__x86_64__)

/*
 * A byte's upper half picks one of four groups (digits; A-O and a-o; P-Z and _; p-z), its lower
 * half the groups that have such a member: two table look-ups and an AND.
 */
__attribute__((target("avx2"))) static uint32_t classify32(const char *bytes)
{
	const __m256i upper = _mm256_setr_epi8(0, 0, 0, 1, 2, 4, 2, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 1, 2, 4, 2, 8, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i lower = _mm256_setr_epi8(13, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 2, 2, 2,
		2, 6, 13, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 2, 2, 2, 2, 6);
	const __m256i half = _mm256_set1_epi8(0x0F);
	__m256i text = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
	__m256i groups = _mm256_and_si256(
		_mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(text, 4), half)),
		_mm256_shuffle_epi8(lower, _mm256_and_si256(text, half)));

	return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256()));
}

__attribute__((target("avx2"))) static uint64_t classify_avx2(const char *bytes)
{
	return classify32(bytes) | (uint64_t)classify32(bytes + 32) << 32;
}

#endif

uint64_t (*words_classifier(void))(const char *bytes)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return classify_avx2;
#endif
	return words_classify_portable;
}

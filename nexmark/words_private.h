/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_WORDS_PRIVATE_H
#define SW_NEXMARK_WORDS_PRIVATE_H

#include <stdint.h>

#include "runtime/batch.h"

/* Splitting text into its runs of [A-Za-z0-9_], 64 bytes at a time. */

struct word {
	uint32_t begin, end; /* bytes of the text */
};

/* Where a text stands in being split. */
struct words {
	struct sw_text text;
	const char *readable; /* bytes up to here may be read, past the text's end too */
	uint32_t base;        /* bytes whose edges are in `edges` or behind it begin here */
	uint64_t edges;       /* bit i: a word begins or ends before byte base + i */
	uint32_t begin;       /* of the word that is open */
	bool open;
	uint64_t (*classify)(const char *bytes);
};

/* Bit i: byte i of 64 is in a word. */
uint64_t words_classify_portable(const char *bytes);
/* The fastest that this processor has. */
uint64_t (*words_classifier(void))(const char *bytes);
/* The same of fewer than 64 bytes. */
uint64_t words_classify_some(const char *bytes, uint32_t count);

static inline void words_load(struct words *words)
{
	uint32_t left = words->text.size - words->base;
	const char *bytes = words->text.bytes + words->base;
	uint64_t inside;

	if (left >= 64 || words->readable - bytes >= 64) {
		inside = words->classify(bytes);
		if (left < 64)
			inside &= ((uint64_t)1 << left) - 1;
	} else {
		inside = words_classify_some(bytes, left);
	}
	words->edges = inside ^ (inside << 1 | words->open);
}

static inline void words_begin(struct words *words, struct sw_text text, const char *readable,
	uint64_t (*classify)(const char *bytes))
{
	*words = (struct words){ .text = text, .readable = readable, .classify = classify };
	if (text.size > 0)
		words_load(words);
}

/* The next word; false: there is none. */
static inline bool words_next(struct words *words, struct word *word)
{
	for (;;) {
		while (words->edges) {
			uint32_t at = words->base + (uint32_t)__builtin_ctzll(words->edges);

			words->edges &= words->edges - 1;
			words->open = !words->open;
			if (words->open) {
				words->begin = at;
				continue;
			}
			*word = (struct word){ words->begin, at };
			return true;
		}
		if (words->text.size - words->base <= 64)
			break;
		words->base += 64;
		words_load(words);
	}
	if (!words->open)
		return false;
	/* It ends with the text, at a multiple of 64. */
	words->open = false;
	*word = (struct word){ words->begin, words->text.size };
	return true;
}

#endif

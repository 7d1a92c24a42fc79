/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TEXT_TABLE_H
#define SW_OPERATORS_TEXT_TABLE_H

#include "operators/key_map.h"
#include "operators/slab.h"

/*
 * Texts by number, from 1 on, each once. Texts of a dictionary are not copied, for dictionaries
 * outlive the graph. In the caller's memory; one thread; freed with its heap.
 */

SW_BEGIN_DECLS

struct sw_text_entry {
	struct sw_text text;
	uint32_t next; /* with the same hash */
	uint32_t note; /* the owner's; 0 at first */
};

struct sw_text_table {
	struct sw_heap *heap;
	struct sw_slab slab;
	struct sw_key_map hashes; /* the first with each */
	/* The numbers of the last dictionary's entries, 0 where not yet known. */
	const struct sw_dictionary *dictionary;
	uint32_t *codes;
};

SW_API void sw_text_table_init(struct sw_text_table *table, struct sw_heap *heap);
/* The number of a text, which is copied if it is new; 0: the heap's limit is reached. */
SW_API SW_MUST_CHECK uint32_t sw_text_table_number(
	struct sw_text_table *table, struct sw_text text);
/* sw_text_table_of for a row whose number is not at hand. */
SW_API SW_MUST_CHECK uint32_t sw_text_table_find(
	struct sw_text_table *table, const struct sw_column *column, uint32_t row);

static inline struct sw_text_entry *sw_text_table_at(
	const struct sw_text_table *table, uint32_t number)
{
	return (struct sw_text_entry *)sw_slab_at(&table->slab, number);
}

/* The number of a row's text; 0: the heap's limit is reached. */
static inline SW_MUST_CHECK uint32_t sw_text_table_of(
	struct sw_text_table *table, const struct sw_column *column, uint32_t row)
{
	if (column->dictionary && column->dictionary == table->dictionary) {
		uint32_t number = table->codes[((const int32_t *)column->data)[row]];

		if (number)
			return number;
	}
	return sw_text_table_find(table, column, row);
}

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#include "operators/text_table.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void sw_text_table_init(struct sw_text_table *table, struct sw_heap *heap)
{
	*table = (struct sw_text_table){ .heap = heap };
	sw_slab_init(&table->slab, heap, sizeof(struct sw_text_entry));
	sw_key_map_init(&table->hashes, heap, SW_STATE_HASH);
}

static const char *copy_of(struct sw_text_table *table, struct sw_text text)
{
	char *bytes = text.size ? sw_heap_alloc(table->heap, text.size) : "";

	if (bytes && text.size)
		memcpy(bytes, text.bytes, text.size);
	return bytes;
}

/* copy: where the bytes do not outlive the table. */
static uint32_t number_of(struct sw_text_table *table, struct sw_text text, bool copy)
{
	int64_t hash = (int64_t)XXH3_64bits(text.bytes, text.size);
	uint32_t *first = sw_key_map_put(&table->hashes, hash), number;
	struct sw_text_entry *entry;

	if (!first)
		return 0;
	for (number = *first; number; number = entry->next) {
		entry = sw_text_table_at(table, number);
		if (entry->text.size == text.size &&
			!memcmp(entry->text.bytes, text.bytes, text.size))
			return number;
	}
	if (copy)
		text.bytes = copy_of(table, text);
	number = text.bytes ? sw_slab_take(&table->slab) : 0;
	if (!number)
		return 0;
	entry = sw_text_table_at(table, number);
	entry->text = text;
	entry->next = *first;
	*first = number;
	return number;
}

uint32_t sw_text_table_number(struct sw_text_table *table, struct sw_text text)
{
	return number_of(table, text, true);
}

/* Another dictionary than the last. */
static bool know_dictionary(struct sw_text_table *table, const struct sw_dictionary *dictionary)
{
	uint32_t *codes =
		sw_heap_zalloc(table->heap, (dictionary->entries + (size_t)1) * sizeof(*codes));

	if (!codes)
		return false;
	if (table->dictionary)
		sw_heap_free(table->heap, table->codes,
			(table->dictionary->entries + (size_t)1) * sizeof(*codes));
	table->codes = codes;
	table->dictionary = dictionary;
	return true;
}

uint32_t sw_text_table_find(
	struct sw_text_table *table, const struct sw_column *column, uint32_t row)
{
	struct sw_text text = sw_column_text(column, row);

	if (!column->dictionary)
		return number_of(table, text, true);
	if (column->dictionary != table->dictionary && !know_dictionary(table, column->dictionary))
		return 0;
	return table->codes[((const int32_t *)column->data)[row]] = number_of(table, text, false);
}

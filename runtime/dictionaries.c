/* SPDX-License-Identifier: MIT */
/*
 * Each worker's own copies of the dictionaries that its batches' codes point into. On several
 * machines a line that two cores only read leaves their second-level caches early: looking up texts
 * in a shared dictionary of 1 MB took twice as long as in one's own, and from another NUMA node it
 * is further still.
 *
 * Protocol: made before the threads start, never changed, freed after they have ended. A worker's
 * pools hand out batches with its own copies; a batch that comes from another thread is turned to
 * them by the worker that popped it, which owns it then. Which copy a column points at never
 * changes what it means. Beside its texts a copy has their hashes, by which rows find their owners.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/graph_private.h"

/* Larger ones are in no core's own cache, whosever they are. */
#define COPY_BYTES_MAX (8u << 20)

struct dictionary_set {
	const struct sw_dictionary *original;
	size_t bytes; /* of each block, which has the offsets, the hashes, then the texts */
	void *blocks[SW_WORKERS_MAX];
	struct sw_dictionary *copies; /* one for each worker */
	struct dictionary_set *next;
};

static size_t offsets_bytes(const struct sw_dictionary *dictionary)
{
	return (dictionary->entries + (size_t)1) * sizeof(int32_t);
}

static size_t hashes_bytes(const struct sw_dictionary *dictionary)
{
	return dictionary->entries * sizeof(uint32_t);
}

static size_t copy_bytes(const struct sw_dictionary *dictionary)
{
	return offsets_bytes(dictionary) + hashes_bytes(dictionary) +
	       (size_t)dictionary->offsets[dictionary->entries];
}

static struct dictionary_set *find_set(
	const struct sw_graph *graph, const struct sw_dictionary *original)
{
	struct dictionary_set *set = graph->dictionaries;

	while (set && set->original != original)
		set = set->next;
	return set;
}

static uint32_t *hashes_of(const struct dictionary_set *set, unsigned worker)
{
	return (uint32_t *)(void *)((char *)set->blocks[worker] + offsets_bytes(set->original));
}

static void make_hashes(const struct sw_dictionary *dictionary, uint32_t *hashes)
{
	for (uint32_t i = 0; i < dictionary->entries; i++) {
		const int32_t *at = dictionary->offsets + i;

		hashes[i] = owned_text_hash(
			(struct sw_text){ dictionary->bytes + at[0], (uint32_t)(at[1] - at[0]) });
	}
}

static int add_copy(struct sw_graph *graph, struct dictionary_set *set, unsigned worker)
{
	const struct sw_dictionary *original = set->original;
	size_t head = offsets_bytes(original);
	char *block =
		sw_memory_map(set->bytes, graph->places[worker].node, graph->options.huge_pages);
	char *texts;

	if (!block)
		return -ENOMEM;
	set->blocks[worker] = block;
	graph->pool_bytes += set->bytes;
	memcpy(block, original->offsets, head);
	make_hashes(original, hashes_of(set, worker));
	texts = block + head + hashes_bytes(original);
	memcpy(texts, original->bytes, (size_t)original->offsets[original->entries]);
	set->copies[worker] = (struct sw_dictionary){
		.entries = original->entries,
		.offsets = (const int32_t *)(const void *)block,
		.bytes = texts,
	};
	return 0;
}

static int add_set(struct sw_graph *graph, const struct sw_dictionary *original)
{
	struct dictionary_set *set;
	int code = 0;

	if (find_set(graph, original) || copy_bytes(original) > COPY_BYTES_MAX)
		return 0;
	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->next = graph->dictionaries;
	graph->dictionaries = set;
	set->original = original;
	set->bytes = copy_bytes(original);
	set->copies = calloc(graph->workers, sizeof(*set->copies));
	if (!set->copies)
		return -ENOMEM;
	for (unsigned i = 0; i < graph->workers && !code; i++)
		code = add_copy(graph, set, i);
	return code;
}

static bool has_dictionary(const struct sw_schema *schema, uint32_t column)
{
	return schema->fields[column].type == SW_TEXT && schema->fields[column].dictionary;
}

int dictionaries_plan(struct sw_graph *graph)
{
	if (graph->workers == 1)
		return 0; /* it has all to itself */
	for (struct sw_stage *stage = graph->stages; stage; stage = stage->next)
		for (unsigned i = 0; i < stage->outputs; i++)
			for (uint32_t c = 0; c < stage->schemas[i]->columns; c++)
				if (has_dictionary(stage->schemas[i], c) &&
					add_set(graph, stage->schemas[i]->fields[c].dictionary))
					return -ENOMEM;
	return 0;
}

void dictionaries_unplan(struct sw_graph *graph)
{
	while (graph->dictionaries) {
		struct dictionary_set *set = graph->dictionaries;

		graph->dictionaries = set->next;
		for (unsigned i = 0; i < graph->workers; i++)
			sw_memory_unmap(set->blocks[i], set->bytes);
		free(set->copies);
		free(set);
	}
}

int dictionaries_schema(
	const struct runner *runner, const struct sw_schema **schema, struct sw_schema **own)
{
	const struct sw_schema *shared = *schema;

	if (runner->kind != RUNNER_WORKER)
		return 0;
	for (uint32_t c = 0; c < shared->columns; c++) {
		struct dictionary_set *set = NULL;

		if (has_dictionary(shared, c))
			set = find_set(runner->graph, shared->fields[c].dictionary);
		if (!set)
			continue;
		if (!*own) {
			*own = malloc(sizeof(**own));
			if (!*own)
				return -ENOMEM;
			**own = *shared;
		}
		(*own)->fields[c].dictionary = &set->copies[runner->slot];
	}
	if (*own)
		*schema = *own;
	return 0;
}

/* Is it the set's original, or one of its copies? */
static bool is_of(
	const struct dictionary_set *set, const struct sw_dictionary *dictionary, unsigned workers)
{
	return dictionary == set->original ||
	       (dictionary >= set->copies && dictionary < set->copies + workers);
}

const uint32_t *dictionaries_hashes(
	const struct runner *runner, const struct sw_dictionary *dictionary)
{
	const struct dictionary_set *set = runner->graph->dictionaries;

	for (; set && runner->kind == RUNNER_WORKER; set = set->next)
		if (dictionary == &set->copies[runner->slot])
			return hashes_of(set, runner->slot);
	return NULL;
}

void dictionaries_take(const struct runner *runner, struct sw_batch *batch)
{
	const struct sw_graph *graph = runner->graph;

	if (!graph->dictionaries || runner->kind != RUNNER_WORKER)
		return;
	for (uint32_t c = 0; c < batch->schema->columns; c++) {
		const struct sw_dictionary **dictionary = &batch->columns[c].dictionary;
		const struct dictionary_set *set = *dictionary ? graph->dictionaries : NULL;

		while (set && !is_of(set, *dictionary, graph->workers))
			set = set->next;
		if (set)
			*dictionary = &set->copies[runner->slot];
	}
}

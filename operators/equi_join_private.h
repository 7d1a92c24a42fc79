/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_EQUI_JOIN_PRIVATE_H
#define SW_OPERATORS_EQUI_JOIN_PRIVATE_H

#include "operators/equi_join.h"

/*
 * The rows of a join: kept ones, packed to what the output needs of them, and combinations on their
 * way into the output's batches (equi_join_rows.c).
 */

/*
 * A kept row: its numbers, then for each text where its bytes end (or its code in the column's
 * dictionary), then the bytes. The key is not in it.
 */
struct join_row;

/* What an input's rows consist of. */
struct join_layout {
	uint32_t numbers, texts;
	uint8_t number_columns[SW_COLUMNS_MAX], text_columns[SW_COLUMNS_MAX];
	/* Of the text columns that come as codes: the first one met, the only one by which kept
	 * rows are coded. */
	const struct sw_dictionary *dictionaries[SW_COLUMNS_MAX];
};

enum join_source { JOIN_KEY, JOIN_NUMBER, JOIN_TEXT };

/* A column of the output. */
struct join_column {
	enum join_source source;
	uint8_t input;
	uint8_t column; /* of the input */
	uint8_t index;  /* among the numbers or texts of kept rows */
};

/* A row of the output to be: a kept row of each input but the arriving one's, and its row. */
struct join_tuple {
	int64_t key;
	const struct join_row *rows[SW_EQUI_JOIN_INPUTS_MAX];
	uint32_t row;
};

/* Written together, column by column: few enough that what they point at stays in the cache. */
#define JOIN_TUPLES 64

struct join_rows {
	struct join_layout layouts[SW_EQUI_JOIN_INPUTS_MAX];
	struct join_column columns[SW_COLUMNS_MAX];
	uint32_t column_count;
	/* What is being joined: a batch of this input. */
	const struct sw_batch *arriving;
	unsigned arriving_input;
	struct sw_batch *out; /* being filled; null: none */
	uint32_t tuple_count;
	struct join_tuple tuples[JOIN_TUPLES];
};

void join_rows_init(struct join_rows *rows, const struct sw_equi_join_config *config);
/* A packed copy of a physical row of the arriving batch; null: the heap's limit is reached, or the
 * row's texts pass 2^31 bytes. */
struct join_row *join_row_keep(struct join_rows *rows, struct sw_heap *heap, uint32_t row);
void join_row_free(const struct join_layout *layout, struct sw_heap *heap, struct join_row *row);
/* Writes the gathered tuples out. 0; -ECANCELED when the graph is being cancelled; -EMSGSIZE, with
 * the message set. */
int join_rows_flush(struct join_rows *rows, struct sw_instance *self);

#endif

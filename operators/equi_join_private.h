/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_EQUI_JOIN_PRIVATE_H
#define SW_OPERATORS_EQUI_JOIN_PRIVATE_H

#include "operators/equi_join.h"
#include "operators/packed_row_private.h"

/*
 * Combinations of a join's rows on their way into the output's batches (equi_join_rows.c). Of the
 * rows that are kept there is what the output needs, without the key.
 */

enum join_source { JOIN_KEY, JOIN_NUMBER, JOIN_TEXT };

/* A column of the output. */
struct join_column {
	enum join_source source;
	uint8_t input;
	uint8_t column; /* of the input */
	uint8_t index;  /* among the numbers or texts of kept rows */
};

/* A row of the output to be: a kept row of each input but the arriving one's (of that, too, where
 * it is kept apart), and its row. */
struct join_tuple {
	int64_t key;
	const struct packed_row *rows[SW_EQUI_JOIN_INPUTS_MAX];
	uint32_t row;
};

/* Written together, column by column: few enough that what they point at stays in the cache. */
#define JOIN_TUPLES 64

struct join_rows {
	struct packed_layout layouts[SW_EQUI_JOIN_INPUTS_MAX];
	struct join_column columns[SW_COLUMNS_MAX];
	uint32_t column_count;
	/* What is being joined: a batch of this input. */
	const struct sw_batch *arriving;
	unsigned arriving_input;
	/* Of rows kept apart that arrive: their addresses. Null: the batch has the rows. */
	const int64_t *told;
	struct sw_batch *out; /* being filled; null: none */
	uint32_t tuple_count;
	struct join_tuple tuples[JOIN_TUPLES];
};

/* A row that is kept apart as it is told of: its key and its address, 0 for one that joins nothing.
 */
enum { JOIN_KEPT_KEY, JOIN_KEPT_ROW, JOIN_KEPT_COLUMNS };

void join_rows_init(struct join_rows *rows, const struct sw_equi_join_config *config);
/* How rows that are kept apart are kept: all joins of this config read them so. */
void join_kept_layout_init(struct packed_layout *layout, const struct sw_equi_join_config *config);
/* Writes the gathered tuples out. 0; -ECANCELED when the graph is being cancelled; -EMSGSIZE, with
 * the message set. */
int join_rows_flush(struct join_rows *rows, struct sw_instance *self);

#endif

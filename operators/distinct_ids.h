/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_DISTINCT_IDS_H
#define SW_OPERATORS_DISTINCT_IDS_H

#include "runtime/operator.h"

/*
 * Counts distinct ids of two kinds in periods of time, in all and by class: what belongs to a
 * class is said by the rows, in three classes. Input columns: id (the stage is keyed by it), kind
 * (0 or 1), period, and how many there were of each class of this id and period; id and period of
 * 64 bits, the others SW_INT32, for what is exchanged to be small. Output columns: period, and
 * twelve figures: how many there were, in all and of each class; distinct ids of kind 0, in all and
 * of each class; of kind 1 likewise. Rows of kind 0 alone say how many there were. The figures are
 * what has been added since the ones before, given with each watermark; those of all instances make
 * up the period's. Config: struct sw_distinct_ids_config.
 */

SW_BEGIN_DECLS

#define SW_DISTINCT_KINDS   2
#define SW_DISTINCT_CLASSES 3
#define SW_DISTINCT_COUNTS  (1 + SW_DISTINCT_CLASSES) /* in all, of each */
#define SW_DISTINCT_FIGURES ((1 + SW_DISTINCT_KINDS) * SW_DISTINCT_COUNTS)

struct sw_distinct_ids_config {
	/* Not 0: periods have this length, and no row comes for one that the watermark has passed:
	 * its ids are forgotten. */
	int64_t period_ms;
};

extern SW_API const struct sw_operator sw_distinct_ids;

SW_END_DECLS

#endif

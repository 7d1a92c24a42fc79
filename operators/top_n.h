/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TOP_N_H
#define SW_OPERATORS_TOP_N_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

#define SW_TOP_N_MAX         10
#define SW_TOP_N_COLUMNS_MAX 16

struct sw_top_n_config {
	const struct sw_schema *in; /* of the input */
	unsigned keys;              /* 1 or 2 columns, SW_INT64, which make a partition; ... */
	unsigned key[2];
	unsigned order; /* column: the highest come first ... */
	unsigned seq;   /* ... and where it is equal the lowest of this one, no two of which are */
	bool last;      /* or, with `last`, the highest */
	unsigned n;     /* rows kept of a partition: 1..SW_TOP_N_MAX */
	bool rank;      /* the result's last column is the row's rank, from 1 */
	unsigned columns;                    /* of the result before that */
	unsigned from[SW_TOP_N_COLUMNS_MAX]; /* input column of each */
};

/*
 * The first n rows of each partition, as a changelog, consolidated per watermark. Rows come in any
 * order and all of a partition's to one instance. Every partition is remembered for good. Config:
 * struct sw_top_n_config.
 */
SW_API extern const struct sw_operator sw_top_n;

SW_END_DECLS

#endif

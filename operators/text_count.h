/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TEXT_COUNT_H
#define SW_OPERATORS_TEXT_COUNT_H

#include "runtime/operator.h"

SW_BEGIN_DECLS

/*
 * Merges counts per text over the whole stream and gives them at its end. Keyed by its first input
 * column. Its state grows with the number of distinct texts, up to the graph's limit. No config.
 *
 * Input (partials) and output: text SW_TEXT, count SW_INT64.
 */
SW_API extern const struct sw_operator sw_text_count;

SW_END_DECLS

#endif

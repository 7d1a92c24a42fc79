/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_BLACKHOLE_H
#define SW_OPERATORS_BLACKHOLE_H

#include <stdbool.h>

#include "operators/sink_totals.h"
#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_blackhole_config {
	struct sw_sink_totals *totals; /* borrowed until the graph is destroyed */
	bool checksum;                 /* also hash the text of each row */
};

/*
 * A sink that keeps nothing: reads every byte of every column of the rows it is handed, so that no
 * work before it can be left out, and counts rows. One instance per worker. Config:
 * struct sw_blackhole_config.
 */
SW_API extern const struct sw_operator sw_blackhole;

SW_END_DECLS

#endif

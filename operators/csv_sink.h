/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_CSV_SINK_H
#define SW_OPERATORS_CSV_SINK_H

#include <stdbool.h>

#include "operators/csv_file.h"
#include "operators/sink_totals.h"
#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_csv_sink_config {
	struct sw_csv_file *file;       /* borrowed; the sink alone uses it while the graph runs */
	const struct sw_schema *schema; /* of the rows: gives the header */
	struct sw_sink_totals *totals;  /* borrowed until the graph is destroyed */
	bool checksum;
	/* Rows sorted by their bytes, written at the end. All are held in memory, which counts as
	 * state. */
	bool ordered;
};

/* Writes a header and a line per row. A blocking stage. Config: struct sw_csv_sink_config. */
SW_API extern const struct sw_operator sw_csv_sink;

SW_END_DECLS

#endif

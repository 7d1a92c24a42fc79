/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_CSV_SINK_H
#define SW_OPERATORS_CSV_SINK_H

#include <stdbool.h>

#include "operators/csv_file.h"
#include "operators/sink_totals.h"
#include "runtime/operator.h"

SW_BEGIN_DECLS

struct sw_csv_sink_config {
	/* Borrowed; the sink alone uses them while the graph runs. The result, and each change of
	 * it as a line of kind, watermark and row; one of them may be null. */
	struct sw_csv_file *file, *changelog;
	const struct sw_schema *schema; /* of the rows: gives the header */
	struct sw_sink_totals *totals;  /* borrowed until the graph is destroyed */
	bool checksum;
	/* Rows sorted by their bytes, written at the end. All are held in memory, which counts as
	 * state. */
	bool ordered;
};

/*
 * Writes a header and a line per row. Of a changelog the final rows are written, at the end: until
 * then they are held in memory, which counts as state. A blocking stage. Config: struct
 * sw_csv_sink_config.
 */
SW_API extern const struct sw_operator sw_csv_sink;

SW_END_DECLS

#endif

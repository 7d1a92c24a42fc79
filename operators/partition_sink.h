/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_PARTITION_SINK_H
#define SW_OPERATORS_PARTITION_SINK_H

#include <stdbool.h>

#include "operators/sink_totals.h"
#include "runtime/operator.h"

SW_BEGIN_DECLS

#define SW_PARTITION_NAME_BYTES 192

struct sw_partition_sink_config {
	const char *folder; /* of sw_partition_folder_make; borrowed until the graph is destroyed */
	const struct sw_schema *schema; /* of the rows: gives the header */
	unsigned time_column;
	int64_t period_ms; /* a partition's, > 0; periods start at multiples since 1970 */
	/* Writes the name of the partition with this time, below the folder: folders by slashes. */
	void (*name)(int64_t time_ms, char name[SW_PARTITION_NAME_BYTES]);
	struct sw_sink_totals *totals; /* borrowed until the graph is destroyed */
	bool checksum;
};

/*
 * Writes each row into the file part-0.csv of its partition's folder, which has a header. When the
 * watermark reaches the end of a partition's period, its file is closed and an empty file _SUCCESS
 * put beside it. A bounded number of files is open at a time. A blocking stage. Config: struct
 * sw_partition_sink_config.
 */
SW_API extern const struct sw_operator sw_partition_sink;

/* Makes the folder, or takes an empty one. 0, or -errno with a message: -ENOTEMPTY where there is
 * something in it, for old files would pass as part of the result. */
SW_API SW_MUST_CHECK int sw_partition_folder_make(const char *folder, struct sw_error *error);

SW_END_DECLS

#endif

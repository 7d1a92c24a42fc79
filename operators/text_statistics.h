/* SPDX-License-Identifier: MIT */
#ifndef SW_OPERATORS_TEXT_STATISTICS_H
#define SW_OPERATORS_TEXT_STATISTICS_H

#include "operators/groups.h"

/*
 * Per text and period of time: how many rows there are of each of three classes, which a number
 * decides, how many distinct ids of two kinds, in all and in each class, and the latest time. The
 * stage is keyed by the text, and its output is a changelog. Config: struct
 * sw_text_statistics_config.
 */

SW_BEGIN_DECLS

#define SW_STATISTICS_CLASSES 3
#define SW_STATISTICS_KINDS   2

/* A group's figures. */
struct sw_statistics {
	int64_t rows[SW_STATISTICS_CLASSES];
	struct {
		int64_t all, of_class[SW_STATISTICS_CLASSES];
	} ids[SW_STATISTICS_KINDS];
	int64_t latest_ms;
};

/* A text of a number, made in `text`. */
typedef struct sw_text (*sw_statistics_text_fn)(int64_t number, char text[SW_GROUP_TEXT_BYTES]);

struct sw_text_statistics_config {
	/* Columns of the input. */
	unsigned ids[SW_STATISTICS_KINDS], number, text, time;
	int64_t bounds[SW_STATISTICS_CLASSES - 1]; /* the least numbers of the second and third */
	int64_t period_ms;                         /* periods start at multiples of it since 1970 */
	bool passes; /* no row comes for a period that the watermark has passed: forget it */
	/* The text, those of the period and of the latest time; rows in all and of each class; and
	 * for each kind, ids in all and of each class. */
	const struct sw_schema *out;
	sw_statistics_text_fn period_text;
	sw_statistics_text_fn latest_text; /* of a time in ms */
	int64_t latest_step_ms; /* times between multiples of it since 1970 have the same text */
};

extern SW_API const struct sw_operator sw_text_statistics;

SW_END_DECLS

#endif

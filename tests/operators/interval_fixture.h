/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_OPERATORS_INTERVAL_FIXTURE_H
#define SW_TESTS_OPERATORS_INTERVAL_FIXTURE_H

#include "operators/interval_best.h"
#include "runtime/graph.h"

/*
 * An interval join between the program's own intervals and points and a model of it, which keeps
 * everything that goes in, and folds what comes out.
 */

#define GROUPS 4

struct interval {
	int64_t key, from, until, group;
};

struct point {
	int64_t key, time, value;
};

/* A result; interval and point are numbers, their orders. */
struct row {
	bool there;
	int64_t interval, value, point, watermark;
};

struct model {
	enum sw_interval_gives gives;
	/* The result has texts of both inputs, so their rows are kept; else numbers alone, which
	 * the join knows without. At first true. */
	bool labels;
	struct interval *intervals; /* by order */
	struct point *points;       /* by order */
	size_t interval_count, point_count;
	int64_t keys;
	struct row *rows;  /* as folded, by key */
	int64_t watermark; /* pushed so far */
	int64_t sums[GROUPS], counts[GROUPS];
	uint64_t wrong;
};

/* Room for `most` intervals and as many points, of keys from 0 on. */
struct model *model_create(enum sw_interval_gives gives, size_t most, int64_t keys);
void model_destroy(struct model *model);
/* Is what was given in the end what all intervals and points together give? */
void model_check(const struct model *model);

struct interval_run {
	struct sw_graph *graph;
	struct sw_input *inputs[2];
	struct sw_interval_best_config config;
	struct model *model;
};

void interval_start(struct interval_run *run, unsigned workers, struct model *model, bool forgets,
	enum sw_state_mode state);
/* An empty batch for input 0, the intervals, or 1, the points; waits until there is one. */
struct sw_batch *interval_batch(struct interval_run *run, unsigned input);
/* To the batch and the model. */
void interval_add(struct model *model, struct sw_batch *batch, const struct interval *interval);
void interval_add_point(struct model *model, struct sw_batch *batch, const struct point *point);
/* Takes the batch. */
void interval_push(
	struct interval_run *run, unsigned input, struct sw_batch *batch, int64_t watermark);
/* Ends the inputs and waits. The most that the join's state took. */
uint64_t interval_end(struct interval_run *run);

#endif

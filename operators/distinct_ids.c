/* SPDX-License-Identifier: MIT */
/*
 * Of each id the classes seen are a set of bits. Where periods pass, each has maps of its own,
 * which go with it; otherwise, when periods may be many and small, one table of ids and periods has
 * all.
 */

#include "operators/distinct_ids.h"

#include <errno.h>

#include "operators/pair_map.h"
#include "operators/periods.h"
#include "operators/row_writer.h"

enum { IN_ID, IN_KIND, IN_PERIOD, IN_COUNTS };

#define COLUMNS (1 + SW_DISTINCT_FIGURES)

struct period {
	struct sw_period base;
	struct sw_key_map ids[SW_DISTINCT_KINDS]; /* classes seen; with periods that pass */
	bool open;                                /* the maps are there */
	bool changed;
	struct period *next_changed;
	int64_t figures[SW_DISTINCT_FIGURES]; /* to be given */
};

struct distinct {
	struct sw_heap *heap;
	enum sw_state_mode mode;
	struct sw_periods periods;
	struct sw_pair_map pairs[SW_DISTINCT_KINDS]; /* classes seen; where no period passes */
	struct period *changed;
};

static int distinct_open(struct sw_instance *self, void *state, struct sw_error *error)
{
	const struct sw_distinct_ids_config *config = sw_instance_config(self);
	struct distinct *distinct = state;

	distinct->heap = sw_instance_heap(self);
	distinct->mode = sw_instance_state_mode(self);
	if (!distinct->heap)
		return sw_error_set(error, -ENOMEM, "distinct ids: out of address space");
	sw_periods_init(
		&distinct->periods, distinct->heap, sizeof(struct period), config->period_ms);
	for (unsigned kind = 0; kind < SW_DISTINCT_KINDS; kind++)
		sw_pair_map_init(&distinct->pairs[kind], distinct->heap);
	return 0;
}

static struct period *period_of(struct distinct *distinct, int64_t number)
{
	struct period *period = (struct period *)sw_periods_get(&distinct->periods, number);

	if (!period)
		return NULL;
	if (!period->open && distinct->periods.period_ms) {
		for (unsigned kind = 0; kind < SW_DISTINCT_KINDS; kind++)
			sw_key_map_init(&period->ids[kind], distinct->heap, distinct->mode);
		period->open = true;
	}
	if (!period->changed) {
		period->changed = true;
		period->next_changed = distinct->changed;
		distinct->changed = period;
	}
	return period;
}

/* The classes seen of an id; null: the heap's limit is reached. */
static uint32_t *classes_of(
	struct distinct *distinct, struct period *period, unsigned kind, int64_t id)
{
	if (period->open)
		return sw_key_map_put(&period->ids[kind], id);
	return sw_pair_map_put(&distinct->pairs[kind], id, period->base.number);
}

/* Where a batch's columns are. */
struct rows {
	const int64_t *ids, *periods;
	const int32_t *kinds, *counts[SW_DISTINCT_CLASSES];
};

/* What rows of one kind and period add to the period's figures. */
struct added {
	int64_t counts[SW_DISTINCT_CLASSES];
	int64_t ids[SW_DISTINCT_COUNTS];
};

static int add_row(struct distinct *distinct, struct period *period, const struct rows *rows,
	uint32_t row, struct added *added)
{
	uint32_t seen = 0, *place, new;

	for (unsigned c = 0; c < SW_DISTINCT_CLASSES; c++) {
		seen |= (uint32_t)(rows->counts[c][row] > 0) << c;
		added->counts[c] += rows->counts[c][row];
	}
	if (!seen)
		return 0;
	place = classes_of(distinct, period, (unsigned)rows->kinds[row], rows->ids[row]);
	if (!place)
		return -ENOMEM;
	new = seen & ~*place;
	added->ids[0] += *place == 0;
	for (unsigned c = 0; c < SW_DISTINCT_CLASSES; c++)
		added->ids[1 + c] += new >> c & 1;
	*place |= seen;
	return 0;
}

static void add_figures(struct period *period, unsigned kind, const struct added *added)
{
	for (unsigned c = 0; c < SW_DISTINCT_CLASSES && kind == 0; c++) {
		period->figures[0] += added->counts[c];
		period->figures[1 + c] += added->counts[c];
	}
	for (unsigned i = 0; i < SW_DISTINCT_COUNTS; i++)
		period->figures[(1 + kind) * SW_DISTINCT_COUNTS + i] += added->ids[i];
}

/* Adds the i-th row and those after it that are of its kind and period; *i: where they end. */
static int add_rows(struct distinct *distinct, const struct sw_batch *batch,
	const struct rows *rows, uint32_t *i)
{
	const uint32_t count = sw_batch_count(batch);
	uint32_t row = sw_batch_row(batch, *i);
	const int32_t kind = rows->kinds[row];
	struct period *period = period_of(distinct, rows->periods[row]);
	struct added added = { { 0 }, { 0 } };
	int code = 0;

	if (kind < 0 || kind >= SW_DISTINCT_KINDS)
		return -EINVAL;
	if (!period)
		return -ENOMEM;
	for (; *i < count && !code; (*i)++) {
		row = sw_batch_row(batch, *i);
		if (rows->kinds[row] != kind || rows->periods[row] != period->base.number)
			break;
		code = add_row(distinct, period, rows, row, &added);
	}
	add_figures(period, (unsigned)kind, &added);
	return code;
}

static int distinct_process(
	struct sw_instance *self, void *state, unsigned input, struct sw_batch *batch)
{
	struct rows rows = { .ids = batch->columns[IN_ID].data,
		.periods = batch->columns[IN_PERIOD].data,
		.kinds = batch->columns[IN_KIND].data };
	int code = 0;

	(void)input;
	for (unsigned c = 0; c < SW_DISTINCT_CLASSES; c++)
		rows.counts[c] = batch->columns[IN_COUNTS + c].data;
	for (uint32_t i = 0; i < sw_batch_count(batch) && !code;)
		code = add_rows(state, batch, &rows, &i);
	sw_release(self, batch);
	return code;
}

static int give(struct sw_instance *self, struct distinct *distinct, int64_t watermark)
{
	struct sw_row_writer writer;
	struct period *period;
	int code = 0;

	sw_row_writer_begin(&writer, self, 0, watermark);
	while ((period = distinct->changed) && !code) {
		union sw_value row[COLUMNS] = { { .number = period->base.number } };

		for (unsigned i = 0; i < SW_DISTINCT_FIGURES; i++) {
			row[1 + i].number = period->figures[i];
			period->figures[i] = 0;
		}
		code = sw_row_write(&writer, row, SW_CHANGE_INSERT);
		period->changed = false;
		distinct->changed = period->next_changed;
	}
	sw_row_writer_end(&writer);
	return code == -ECANCELED ? 0 : code;
}

static int distinct_advance(struct sw_instance *self, void *state, int64_t watermark)
{
	struct distinct *distinct = state;
	int code = give(self, distinct, watermark);
	struct sw_period *passed, *next;

	if (code || !distinct->periods.period_ms)
		return code;
	for (passed = sw_periods_pass(&distinct->periods, watermark); passed; passed = next) {
		next = sw_period_next(passed);
		for (unsigned kind = 0; kind < SW_DISTINCT_KINDS; kind++)
			sw_key_map_clear(&((struct period *)passed)->ids[kind]);
		sw_periods_drop(&distinct->periods, passed);
	}
	return 0;
}

const struct sw_operator sw_distinct_ids = {
	.name = "distinct ids",
	.state_bytes = sizeof(struct distinct),
	.open = distinct_open,
	.process = distinct_process,
	.advance = distinct_advance,
};

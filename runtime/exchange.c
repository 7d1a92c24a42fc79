/* SPDX-License-Identifier: MIT */
/*
 * Rows to their owners: a batch is split by the hash of its key column (or all of it is
 * everybody's), and what belongs to another instance is gathered into a batch for it, so that small
 * pieces do not travel alone. What is gathered goes when its batch is full, or when the watermark
 * or an idle moment asks for it.
 */

#include <errno.h>
#include <string.h>

#include "runtime/graph_private.h"
#include "runtime/text_copy.h"

/* Appends texts of the given rows; how many fitted. */
static uint32_t gather_text(struct sw_column *to, uint32_t at, const struct sw_column *from,
	const uint16_t *rows, uint32_t count)
{
	int32_t *offsets = to->offsets + at;
	uint32_t end = (uint32_t)offsets[0];

	for (uint32_t i = 0; i < count; i++) {
		struct sw_text text = sw_column_text(from, rows[i]);

		if (text.size > to->text_capacity - end)
			return i;
		/* Columns of pools' batches have slack behind them, a dictionary's texts have none.
		 */
		if (from->dictionary)
			sw_text_copy((char *)to->data + end, text);
		else
			sw_text_copy_loose((char *)to->data + end, text);
		end += text.size;
		offsets[i + 1] = (int32_t)end;
	}
	return count;
}

static void gather_fixed(struct sw_column *to, uint32_t at, const struct sw_column *from,
	const uint16_t *rows, uint32_t count)
{
	if (to->type == SW_INT32) {
		int32_t *out = (int32_t *)to->data + at;
		const int32_t *in = from->data;

		for (uint32_t i = 0; i < count; i++)
			out[i] = in[rows[i]];
	} else {
		int64_t *out = (int64_t *)to->data + at;
		const int64_t *in = from->data;

		for (uint32_t i = 0; i < count; i++)
			out[i] = in[rows[i]];
	}
}

/* A text column that stays codes of the same dictionary. */
static void gather_codes(struct sw_column *to, uint32_t at, const struct sw_column *from,
	const uint16_t *rows, uint32_t count)
{
	int32_t *out = (int32_t *)to->data + at;
	const int32_t *in = from->data;

	for (uint32_t i = 0; i < count; i++)
		out[i] = in[rows[i]];
}

/* Codes travel as codes: an empty batch takes over the encoding of the first rows that come. */
static void adopt_dictionaries(struct sw_batch *to, const struct sw_batch *from)
{
	for (uint32_t c = 0; c < to->schema->columns; c++)
		if (from->columns[c].dictionary)
			sw_batch_adopt_dictionary(to, c, from->columns[c].dictionary);
}

/* Can rows of `from` stand behind those of `to`? Codes need the same dictionary. */
static bool same_encoding(const struct sw_batch *to, const struct sw_batch *from)
{
	for (uint32_t c = 0; c < to->schema->columns; c++)
		if (to->columns[c].dictionary &&
			to->columns[c].dictionary != from->columns[c].dictionary)
			return false;
	return true;
}

/* Appends the given rows of `from` to `to`; how many fitted. */
static uint32_t gather(
	struct sw_batch *to, const struct sw_batch *from, const uint16_t *rows, uint32_t count)
{
	uint32_t room = to->capacity - to->rows, columns = to->schema->columns;

	if (to->rows == 0)
		adopt_dictionaries(to, from);
	else if (!same_encoding(to, from))
		return 0;
	if (count > room)
		count = room;
	for (uint32_t c = 0; c < columns; c++)
		if (to->columns[c].type == SW_TEXT && !to->columns[c].dictionary)
			count = gather_text(
				&to->columns[c], to->rows, &from->columns[c], rows, count);
	for (uint32_t c = 0; c < columns; c++) {
		if (to->columns[c].type != SW_TEXT)
			gather_fixed(&to->columns[c], to->rows, &from->columns[c], rows, count);
		else if (to->columns[c].dictionary)
			gather_codes(&to->columns[c], to->rows, &from->columns[c], rows, count);
	}
	to->rows += count;
	return count;
}

/* What a gathered batch carries for its oldest row, and of its latest arrival. */
static void merge_meta(struct sw_batch *to, const struct sw_batch *from)
{
	if (to->rows == 0) {
		sw_batch_copy_meta(to, from);
		to->events = 0;
		return;
	}
	if (from->intended_ns && (!to->intended_ns || from->intended_ns < to->intended_ns))
		to->intended_ns = from->intended_ns;
	if (from->arrival_ms > to->arrival_ms)
		to->arrival_ms = from->arrival_ms;
	if (from->time_min_ms < to->time_min_ms)
		to->time_min_ms = from->time_min_ms;
	if (from->time_max_ms > to->time_max_ms)
		to->time_max_ms = from->time_max_ms;
}

static void gather_for(struct sw_instance *self, struct output *output, unsigned d,
	const struct sw_batch *batch, const uint16_t *rows, uint32_t count)
{
	while (count) {
		struct sw_batch *to = output->gathering[d];
		uint32_t done;

		if (!to) {
			/* The last that came home is in somebody's cache yet; all of them in
			 * turn would be in nobody's. */
			sw_pool_home(output->pool);
			to = sw_batch_new(self, (unsigned)(output - self->outputs));
			if (!to)
				return; /* cancelled */
			output->gathering[d] = to;
		}
		merge_meta(to, batch);
		done = gather(to, batch, rows, count);
		output->holds = true;
		rows += done;
		count -= done;
		if (!count && to->rows < to->capacity)
			return;
		output->gathering[d] = NULL;
		if (!done && !to->rows) {
			runner_put(self->runner, to);
			instance_failed(
				self, sw_instance_fail(self, -EMSGSIZE,
					      "%s: a row's text does not fit an empty batch",
					      self->stage->name));
			return;
		}
		link_send(self, output->links[d], to);
	}
}

bool exchange_flush(struct sw_instance *self, struct output *output)
{
	if (!output->holds)
		return false;
	output->holds = false;
	for (unsigned d = 0; d < output->link_count; d++) {
		struct sw_batch *batch = output->gathering[d];

		output->gathering[d] = NULL;
		if (batch)
			link_send(self, output->links[d], batch);
	}
	return true;
}

void exchange_emit(struct sw_instance *self, struct output *output, struct sw_batch *batch)
{
	const bool keyed = output->edge->route == SW_ROUTE_KEYED;
	const struct owned_rows *owned = &output->owned;
	unsigned own = output->link_count;
	const uint16_t *rows = NULL;
	uint32_t count = 0;

	if (keyed)
		owned_rows_find(&output->owned, batch, output->edge->key_column,
			dictionaries_hashes(
				self->runner, batch->columns[output->edge->key_column].dictionary),
			output->link_count);
	else
		owned_rows_all(&output->owned, batch);
	for (unsigned d = 0; d < output->link_count; d++) {
		const uint32_t *start = owned->start + (keyed ? d : 0);

		if (output->links[d]->ring) {
			gather_for(self, output, d, batch, owned->order + start[0],
				start[1] - start[0]);
			continue;
		}
		own = d;
		rows = owned->order + start[0];
		count = start[1] - start[0];
	}
	/* What all are told they wait for, and it is little. */
	if (!keyed)
		exchange_flush(self, output);
	/* The runner's own share needs no copy: the batch itself with a selection. */
	if (!count) {
		runner_put(self->runner, batch);
		return;
	}
	batch->selected = batch->selection_space;
	batch->selected_rows = count;
	memcpy(batch->selected, rows, count * sizeof(uint16_t));
	link_send(self, output->links[own], batch);
}

/* SPDX-License-Identifier: MIT */
#include "operators/groups.h"

#include <errno.h>
#include <string.h>

#define CHANGES_FIRST 64u
#define AHEAD         8u /* groups of changes are all over the state; a step of what is fetched */

void sw_groups_init(struct sw_groups *groups, struct sw_heap *heap, unsigned values, unsigned live)
{
	*groups = (struct sw_groups){ .heap = heap, .values = values, .live = live };
	sw_slab_init(&groups->slab, heap, sizeof(struct sw_group) + values * sizeof(int64_t));
}

uint32_t sw_groups_take(struct sw_groups *groups)
{
	return sw_slab_take(&groups->slab);
}

void sw_groups_drop(struct sw_groups *groups, uint32_t number)
{
	sw_slab_give(&groups->slab, number);
}

static size_t values_bytes(const struct sw_groups *groups)
{
	return groups->values * sizeof(int64_t);
}

/* Twice the room for changes. */
static bool grow(struct sw_groups *groups)
{
	uint32_t capacity = groups->capacity ? 2 * groups->capacity : CHANGES_FIRST;
	size_t changed_bytes = capacity * sizeof(*groups->changed);
	size_t before_bytes = capacity * values_bytes(groups);
	uint32_t *changed = sw_heap_alloc(groups->heap, changed_bytes);
	int64_t *before = changed ? sw_heap_alloc(groups->heap, before_bytes) : NULL;

	if (!before) {
		sw_heap_free(groups->heap, changed, changed_bytes);
		return false;
	}
	if (groups->changes > 0) {
		memcpy(changed, groups->changed, changed_bytes / 2);
		memcpy(before, groups->before, before_bytes / 2);
	}
	sw_heap_free(groups->heap, groups->changed, changed_bytes / 2);
	sw_heap_free(groups->heap, groups->before, before_bytes / 2);
	groups->changed = changed;
	groups->before = before;
	groups->capacity = capacity;
	return true;
}

bool sw_groups_remember(struct sw_groups *groups, uint32_t number)
{
	struct sw_group *group = sw_groups_at(groups, number);
	uint32_t place = groups->changes;

	if (place == groups->capacity && !grow(groups))
		return false;
	groups->changed[place] = number;
	memcpy(groups->before + (size_t)place * groups->values, group->values,
		values_bytes(groups));
	groups->changes = group->change = place + 1;
	return true;
}

/* ---- What the changes come to ---- */

static bool same_text(struct sw_text a, struct sw_text b)
{
	return a.size == b.size && (a.bytes == b.bytes || !memcmp(a.bytes, b.bytes, a.size));
}

struct group_row {
	struct sw_row_parts parts;
	union sw_value values[SW_COLUMNS_MAX];
	char text[SW_GROUP_TEXT_BYTES];
};

static uint32_t made_columns(const struct sw_group_rows *rows)
{
	return rows->made ? rows->made : sw_schema_result_columns(rows->schema);
}

static void make_row(const struct sw_group_rows *rows, const struct sw_group *group,
	const int64_t *values, struct group_row *row)
{
	row->parts = (struct sw_row_parts){ row->values, values };
	rows->row(rows->context, group->keys, values, row->values, row->text);
}

static bool same_rows(
	const struct sw_group_rows *rows, const struct group_row *a, const struct group_row *b)
{
	uint32_t columns = sw_schema_result_columns(rows->schema), made = made_columns(rows);

	for (uint32_t i = made; i < columns; i++)
		if (a->parts.numbers[i - made] != b->parts.numbers[i - made])
			return false;
	for (uint32_t i = 0; i < made; i++)
		if (rows->schema->fields[i].type == SW_TEXT
				? !same_text(a->values[i].text, b->values[i].text)
				: a->values[i].number != b->values[i].number)
			return false;
	return true;
}

static int write_row(struct sw_row_writer *writer, const struct sw_group_rows *rows,
	struct group_row *row, enum sw_change change)
{
	uint32_t columns = sw_schema_result_columns(rows->schema), made = made_columns(rows);

	for (uint32_t i = made; i < columns; i++)
		row->values[i].number = row->parts.numbers[i - made];
	return sw_row_write(writer, row->values, change);
}

static int write_update(struct sw_row_writer *writer, const struct sw_group_rows *rows,
	struct group_row *before, struct group_row *after)
{
	int code;

	if (sw_row_try_update(writer, made_columns(rows), before->parts, after->parts))
		return 0;
	code = write_row(writer, rows, before, SW_CHANGE_UPDATE_BEFORE);
	return code ? code : write_row(writer, rows, after, SW_CHANGE_UPDATE_AFTER);
}

/* What became of a group, of which these were the values. */
static int give_change(const struct sw_groups *groups, struct sw_row_writer *writer,
	const struct sw_group_rows *rows, const struct sw_group *group, const int64_t *values)
{
	struct group_row before, after;
	bool was = values[groups->live] > 0, is = group->values[groups->live] > 0;

	if (was)
		make_row(rows, group, values, &before);
	if (is)
		make_row(rows, group, group->values, &after);
	if (!is)
		return was ? write_row(writer, rows, &before, SW_CHANGE_DELETE) : 0;
	if (!was)
		return write_row(writer, rows, &after, SW_CHANGE_INSERT);
	if (same_rows(rows, &before, &after))
		return 0;
	return write_update(writer, rows, &before, &after);
}

int sw_groups_too_large(
	struct sw_instance *self, const struct sw_group_rows *rows, const struct sw_group *group)
{
	char why[SW_GROUP_WHY_BYTES] = "";

	rows->fits(rows->context, group->keys, group->values, why);
	return sw_instance_fail(self, -EOVERFLOW, "%s", why);
}

static bool fits(const struct sw_groups *groups, const struct sw_group_rows *rows,
	const struct sw_group *group)
{
	return !rows->fits || group->values[groups->live] <= 0 ||
	       rows->fits(rows->context, group->keys, group->values, NULL);
}

/* The change of number `place` becomes number `to` of those that are left. */
static void keep_change(struct sw_groups *groups, uint32_t place, uint32_t to)
{
	sw_groups_at(groups, groups->changed[place])->change = to + 1;
	groups->changed[to] = groups->changed[place];
	memmove(groups->before + (size_t)to * groups->values,
		groups->before + (size_t)place * groups->values, values_bytes(groups));
}

/* The change of number `place` is given: fetches what those behind it need. */
static void fetch_ahead(
	const struct sw_groups *groups, const struct sw_group_rows *rows, uint32_t place)
{
	uint32_t left = groups->changes - place;
	const uint32_t *changed = groups->changed + place;

	if (left > 3 * AHEAD)
		sw_groups_prefetch(groups, changed[3 * AHEAD]);
	if (!rows->fetch)
		return;
	if (left > 2 * AHEAD)
		rows->fetch(rows->context, sw_groups_at(groups, changed[2 * AHEAD])->keys, 0);
	if (left > AHEAD)
		rows->fetch(rows->context, sw_groups_at(groups, changed[AHEAD])->keys, 1);
}

int sw_groups_give(struct sw_groups *groups, struct sw_instance *self, int64_t watermark,
	const struct sw_group_rows *rows)
{
	struct sw_row_writer writer;
	uint32_t kept = 0;
	int code = 0;

	sw_row_writer_begin(&writer, self, 0, watermark);
	for (uint32_t i = 0; i < groups->changes && !code; i++) {
		struct sw_group *group = sw_groups_at(groups, groups->changed[i]);

		fetch_ahead(groups, rows, i);
		if (fits(groups, rows, group)) {
			code = give_change(groups, &writer, rows, group,
				groups->before + (size_t)i * groups->values);
			group->change = 0;
		} else if (watermark == SW_TIME_END) {
			code = sw_groups_too_large(self, rows, group);
		} else {
			keep_change(groups, i, kept++);
		}
	}
	groups->changes = kept;
	sw_row_writer_end(&writer);
	return code == -ECANCELED ? 0 : code;
}

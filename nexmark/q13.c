/* SPDX-License-Identifier: MIT */

/*
 * q13, side input: every bid with the value that a table has for its auction's number modulo
 *10,000.
 *
 *	SELECT auction, bidder, price, dateTime, value
 *	FROM bid JOIN side_input ON MOD(auction, 10000) = key
 *
 * Plan: the kernel adds the key; a worker looks it up where the bid is (operators/lookup_join.c),
 *for all of them share the table. Values are codes of the table's dictionary.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nexmark/csv_reader_private.h"
#include "nexmark/queries_private.h"
#include "operators/csv_text.h"
#include "operators/lookup_join.h"

#define KEYS 10000

enum { AUCTION, BIDDER, PRICE, TIME, KEY, VALUE = KEY };

static const struct sw_schema schema_in = {
	.columns = 4,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime") },
};

static const struct sw_schema schema_front = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_ID("key") },
};

static const struct sw_schema schema_result = {
	.columns = 5,
	.fields = { FIELD_ID("auction"), FIELD_ID("bidder"), FIELD_ID("price"),
		FIELD_TIME("dateTime"), FIELD_TEXT("value", 4) },
};

static const struct sw_schema schema_side = {
	.columns = 2,
	.fields = { FIELD_ID("key"), FIELD_TEXT("value", 4) },
};

static int q13_run(const void *config, void *scratch, struct sw_batch *in, struct sw_batch *out)
{
	const int64_t *auctions;
	int64_t *keys = out->columns[KEY].data;

	(void)config;
	(void)scratch;
	sw_batch_compact(in);
	if (in->rows > out->capacity)
		return -EINVAL;
	for (int c = AUCTION; c <= TIME; c++)
		memcpy(out->columns[c].data, in->columns[c].data, in->rows * sizeof(int64_t));
	auctions = in->columns[AUCTION].data;
	for (uint32_t i = 0; i < in->rows; i++)
		keys[i] = auctions[i] % KEYS;
	out->rows = in->rows;
	return 0;
}

const struct sw_kernel kernel_q13 = {
	.name = "q13",
	.version = 1,
	.in = &schema_in,
	.out = &schema_front,
	.run = q13_run,
};

/* ---- The table ---- */

static int add_default_rows(struct sw_side_table *table)
{
	char digits[SW_CSV_NUMBER_BYTES];
	int code = 0;

	for (int64_t key = 0; key < KEYS && !code; key++) {
		const char *end = sw_csv_put_int64(digits, key);

		code = sw_side_table_add(
			table, key, (struct sw_text){ digits, (uint32_t)(end - digits) });
	}
	return code;
}

static int add_record(
	struct sw_side_table *table, const struct csv_reader *reader, struct sw_error *error)
{
	struct sw_text value = reader->fields[1];
	int64_t key;
	int code = csv_reader_number(reader, 0, INT64_MIN, INT64_MAX, &key, error);

	if (code)
		return code;
	if (value.size > CSV_TEXT_BYTES)
		return sw_error_set(error, -E2BIG, "%s: line %llu: value: longer than %u bytes",
			reader->name, (unsigned long long)reader->line, CSV_TEXT_BYTES);
	code = sw_side_table_add(table, key, value);
	if (code == -E2BIG)
		return sw_error_set(error, code,
			"%s: line %llu: the table takes %u rows and %zu bytes of values at most",
			reader->name, (unsigned long long)reader->line, SW_SIDE_ROWS_MAX,
			SW_SIDE_BYTES_MAX);
	return code ? sw_error_set(error, code, "%s: out of memory", reader->name) : 0;
}

static int add_file(struct sw_side_table *table, const char *directory, const char *name,
	struct sw_error *error)
{
	struct csv_reader reader;
	int code = csv_reader_open(&reader, directory, name, &schema_side, error);

	if (code)
		return code;
	while ((code = csv_reader_next(&reader, error)) > 0) {
		code = add_record(table, &reader, error);
		if (code)
			break;
	}
	csv_reader_close(&reader);
	return code;
}

static int add_file_rows(struct sw_side_table *table, const char *path, struct sw_error *error)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	struct sw_error why;
	int code;

	if (!directory)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", path);
	code = add_file(table, directory, slash ? slash + 1 : path, &why);
	free(directory);
	return code ? sw_error_set(error, code, "side input: %s", why.text) : 0;
}

static int make_table(const char *path, struct sw_side_table **result, struct sw_error *error)
{
	struct sw_side_table *table = sw_side_table_create();
	int code = table ? 0 : -ENOMEM;

	/* Already the plan's, which frees it. */
	*result = table;
	if (!code)
		code = path ? add_file_rows(table, path, error) : add_default_rows(table);
	if (!code)
		code = sw_side_table_seal(table);
	if (code == -ENOMEM)
		return sw_error_set(error, code, "side input: out of memory");
	return code;
}

/* ---- The query ---- */

struct join {
	struct sw_lookup_join_config config;
	struct sw_side_table *table;
	struct sw_schema schema; /* of the result, with the table's dictionary */
};

static int q13_plan(const struct sw_nexmark_job_options *options, struct query_plan *plan,
	struct sw_error *error)
{
	struct join *join = plan_config(plan, sizeof(*join));
	int code;

	plan_add_merge(plan, &sw_lookup_join, join, &join->schema)->forward = true;
	code = make_table(options->side_input, &join->table, error);
	if (code)
		return code;
	join->config = (struct sw_lookup_join_config){ join->table, KEY };
	join->schema = schema_result;
	join->schema.fields[VALUE].dictionary = sw_side_table_values(join->table);
	plan->inputs[SW_BID].columns = SW_BID_AUCTION | SW_BID_BIDDER | SW_BID_PRICE | SW_BID_TIME;
	plan->inputs[SW_BID].kernel = &kernel_q13;
	return 0;
}

static void q13_unplan(struct query_plan *plan)
{
	const struct join *join = plan->merges[0].config;

	if (join)
		sw_side_table_destroy(join->table);
}

const struct query query_q13 = {
	.about = {
		.name = "q13",
		.title = "side input",
		.columns = "auction,bidder,price,dateTime,value",
		.reads = "bid.auction,bid.bidder,bid.price,bid.dateTime",
		.keys = "",
		.spills = "rows",
		.state = "the side table",
	},
	.plan = q13_plan,
	.unplan = q13_unplan,
};

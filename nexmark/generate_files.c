/* SPDX-License-Identifier: MIT */
#include "nexmark/generate_files.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nexmark/generator.h"
#include "operators/csv_file.h"
#include "operators/csv_text.h"

#define CHUNK_EVENTS 1024u

/* One of the three files as it is made. */
struct output {
	enum sw_nexmark_event type;
	uint32_t columns;
	struct sw_nexmark_file *summary;
	struct sw_schema schema;
	struct sw_batch *batch;
	struct sw_csv_file *file; /* null: only the digest */
	EVP_MD_CTX *digest;       /* null: not wanted */
	char *line;
	size_t line_capacity;
};

static const uint32_t all_columns[SW_NEXMARK_EVENTS] = { SW_PERSON_ALL, SW_AUCTION_ALL,
	SW_BID_ALL };
static const char *const file_names[SW_NEXMARK_EVENTS] = { "person.csv", "auction.csv", "bid.csv" };

static int open_file(struct output *output, const char *directory, struct sw_error *error)
{
	char header[256], *path = NULL;
	size_t bytes = sw_csv_header(&output->schema, header, sizeof(header));
	int code;

	if (asprintf(&path, "%s/%s", directory, output->summary->name) < 0)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", directory);
	code = sw_csv_file_open(path, &output->file, error);
	free(path);
	return code ? code : sw_csv_file_line(output->file, header, bytes, error);
}

static int open_output(struct output *output, const struct sw_nexmark_generator *generator,
	const struct sw_nexmark_files_options *options, struct sw_error *error)
{
	int code = sw_nexmark_generator_schema(
		generator, output->type, output->columns, &output->schema);

	if (code)
		return sw_error_set(error, code, "%s: %s", output->summary->name, strerror(-code));
	output->batch = sw_batch_create(&output->schema, CHUNK_EVENTS, 0);
	if (!output->batch)
		return sw_error_set(error, -ENOMEM, "%s: out of memory", output->summary->name);
	if (options->digest) {
		output->digest = EVP_MD_CTX_new();
		if (!output->digest || !EVP_DigestInit_ex(output->digest, EVP_sha256(), NULL))
			return sw_error_set(error, -ENOMEM, "%s: SHA-256 is not to be had",
				output->summary->name);
	}
	return options->directory ? open_file(output, options->directory, error) : 0;
}

static void close_output(struct output *output)
{
	sw_batch_destroy(output->batch);
	sw_csv_file_destroy(output->file);
	EVP_MD_CTX_free(output->digest);
	free(output->line);
}

/* Writes the row, with a line end, into output->line; its bytes, or 0 when memory is out. */
static size_t make_line(struct output *output, uint32_t row)
{
	size_t bound = sw_csv_row_bound(output->batch, row), bytes;

	if (bound > output->line_capacity) {
		char *grown = realloc(output->line, 2 * bound);

		if (!grown)
			return 0;
		output->line = grown;
		output->line_capacity = 2 * bound;
	}
	bytes = sw_csv_row(output->batch, row, output->line);
	output->line[bytes] = '\n';
	return bytes + 1;
}

static int put_rows(struct output *output, struct sw_error *error)
{
	for (uint32_t row = 0; row < output->batch->rows; row++) {
		size_t bytes = make_line(output, row);
		int code = 0;

		if (bytes == 0)
			return sw_error_set(
				error, -ENOMEM, "%s: out of memory", output->summary->name);
		if (output->digest && !EVP_DigestUpdate(output->digest, output->line, bytes))
			return sw_error_set(
				error, -EIO, "%s: SHA-256 failed", output->summary->name);
		if (output->file)
			code = sw_csv_file_line(output->file, output->line, bytes - 1, error);
		if (code)
			return code;
		output->summary->rows++;
	}
	return 0;
}

static int put_chunk(struct output *output, const struct sw_nexmark_generator *generator,
	uint64_t first, uint32_t events, struct sw_error *error)
{
	int code;

	sw_batch_reset(output->batch);
	code = sw_nexmark_generate(
		generator, output->type, output->columns, first, events, output->batch);
	if (code)
		return sw_error_set(error, code, "%s: event %llu: %s", output->summary->name,
			(unsigned long long)first, strerror(-code));
	return put_rows(output, error);
}

static int finish_output(struct output *output, struct sw_error *error)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (output->digest) {
		if (!EVP_DigestFinal_ex(output->digest, sum, NULL))
			return sw_error_set(
				error, -EIO, "%s: SHA-256 failed", output->summary->name);
		for (int i = 0; i < 32; i++)
			snprintf(output->summary->sha256 + 2 * i, 3, "%02x", sum[i]);
	}
	return output->file ? sw_csv_file_finish(output->file, error) : 0;
}

/* All events, chunk by chunk. 0, -ECANCELED, or another -errno with a message. */
static int put_events(struct output outputs[SW_NEXMARK_EVENTS],
	const struct sw_nexmark_generator *generator,
	const struct sw_nexmark_files_options *options, struct sw_error *error)
{
	uint64_t total = sw_nexmark_events(generator);

	for (uint64_t first = 0; first < total; first += CHUNK_EVENTS) {
		uint64_t left = total - first;
		uint32_t events = left < CHUNK_EVENTS ? (uint32_t)left : CHUNK_EVENTS;

		if (options->stopped && options->stopped(options->stopped_context))
			return sw_error_set(error, -ECANCELED, "interrupted");
		for (int i = 0; i < SW_NEXMARK_EVENTS; i++) {
			int code = put_chunk(&outputs[i], generator, first, events, error);

			if (code)
				return code;
		}
	}
	return 0;
}

static int make_directory(const char *directory, struct sw_error *error)
{
	if (!directory || !mkdir(directory, 0777) || errno == EEXIST)
		return 0;
	return sw_error_set(error, -errno, "%s: %s", directory, strerror(errno));
}

int sw_nexmark_generate_files(const struct sw_nexmark_files_options *options,
	struct sw_nexmark_file files[3], struct sw_error *error)
{
	const struct sw_nexmark_options defaults = SW_NEXMARK_OPTIONS_INIT;
	const struct sw_nexmark_options *of = options->generator ? options->generator : &defaults;
	struct sw_nexmark_generator *generator = NULL;
	struct output outputs[SW_NEXMARK_EVENTS] = { 0 };
	int code;

	if (options->size != sizeof(*options))
		return sw_error_set(error, -EINVAL, "files options: size is missing");
	if (of->num_events == 0)
		return sw_error_set(error, -EINVAL,
			"generate: the stream has no end (give a number of events)");
	code = sw_nexmark_generator_create(of, &generator, error);
	if (!code)
		code = make_directory(options->directory, error);
	for (int i = 0; i < SW_NEXMARK_EVENTS; i++) {
		files[i] = (struct sw_nexmark_file){ .name = file_names[i] };
		outputs[i].type = (enum sw_nexmark_event)i;
		outputs[i].columns = all_columns[i];
		outputs[i].summary = &files[i];
		if (!code)
			code = open_output(&outputs[i], generator, options, error);
	}
	if (!code)
		code = put_events(outputs, generator, options, error);
	for (int i = 0; i < SW_NEXMARK_EVENTS; i++) {
		if (!code)
			code = finish_output(&outputs[i], error);
		close_output(&outputs[i]);
	}
	sw_nexmark_generator_destroy(generator);
	return code;
}

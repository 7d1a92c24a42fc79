/* SPDX-License-Identifier: MIT */

/*
 * What shipping a batch costs before and after the network: frames out of batches and back, and
 * the Base64 around them. Batches are what the kernels' inputs are. One iteration is a batch;
 * items are its rows, bytes are those of the frame.
 */

#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "bench/bids.h"
#include "burst/base64.h"
#include "burst/wire.h"

struct wire {
	struct bench_kernel bids;
	struct sw_frame_header header;
	struct sw_schema plain; /* as the frame is decoded: no dictionaries */
	struct sw_batch *decoded;
	size_t capacity;
	ptrdiff_t bytes;
	unsigned char *frame;
	char *text;
};

static void wire_close(struct wire *wire)
{
	bench_kernel_close(&wire->bids);
	sw_batch_destroy(wire->decoded);
	free(wire->frame);
	free(wire->text);
}

static bool wire_open(struct wire *wire, const char *kernel)
{
	memset(wire, 0, sizeof(*wire));
	if (bench_kernel_open(&wire->bids, kernel) != 0)
		return false;
	wire->header.kind = SW_FRAME_REQUEST;
	wire->header.attempt = 1;
	wire->header.kernel_version = wire->bids.kernel->version;
	strncpy(wire->header.kernel, kernel, SW_KERNEL_NAME_MAX);
	wire->plain = wire->bids.schema;
	for (uint32_t i = 0; i < wire->plain.columns; i++)
		wire->plain.fields[i].dictionary = NULL;
	wire->decoded = sw_batch_create(&wire->plain, BENCH_EVENTS, 0);
	wire->capacity = sw_frame_bound(wire->bids.in);
	/* Decoding writes whole groups of three bytes. */
	wire->frame = malloc(wire->capacity + 2);
	wire->text = malloc(sw_base64_bytes(wire->capacity));
	if (!wire->decoded || !wire->frame || !wire->text)
		return false;
	wire->bytes = sw_frame_encode(&wire->header, wire->bids.in, wire->frame, wire->capacity);
	return wire->bytes > 0;
}

static bool encode(struct wire *wire)
{
	wire->bytes = sw_frame_encode(&wire->header, wire->bids.in, wire->frame, wire->capacity);
	return wire->bytes > 0;
}

static bool decode(struct wire *wire)
{
	struct sw_frame_header header;

	sw_batch_reset(wire->decoded);
	return sw_frame_decode(wire->frame, (size_t)wire->bytes, &header, wire->decoded, NULL) == 0;
}

static bool encode_base64(struct wire *wire)
{
	return sw_base64_encode(wire->frame, (size_t)wire->bytes, wire->text) > 0;
}

static bool decode_base64(struct wire *wire)
{
	size_t characters = sw_base64_bytes((size_t)wire->bytes);

	return sw_base64_decode(wire->text, characters, wire->frame) >= wire->bytes;
}

static void run_wire(struct bench_run *run, const char *kernel, bool (*step)(struct wire *wire))
{
	struct wire wire;
	bool good = wire_open(&wire, kernel) && encode_base64(&wire);
	uint64_t rows;

	if (!good)
		bench_fail(run, "the batch or its frame cannot be made");
	while (good && bench_more(run, 1)) {
		good = step(&wire);
		bench_keep(wire.frame);
	}
	if (good) {
		rows = bench_done(run) * wire.bids.in->rows;
		bench_items(run, rows);
		bench_bytes(run, bench_done(run) * (uint64_t)wire.bytes);
		bench_counter(run, "bytes_per_row", (double)wire.bytes / wire.bids.in->rows);
	} else {
		bench_fail(run, "the step failed");
	}
	wire_close(&wire);
}

static void encode_q1(struct bench_run *run)
{
	run_wire(run, "q1", encode);
}

static void decode_q1(struct bench_run *run)
{
	run_wire(run, "q1", decode);
}

static void encode_q12(struct bench_run *run)
{
	run_wire(run, "q12.event", encode);
}

static void decode_q12(struct bench_run *run)
{
	run_wire(run, "q12.event", decode);
}

static void encode_tokenize(struct bench_run *run)
{
	run_wire(run, "tokenize.partial", encode);
}

static void decode_tokenize(struct bench_run *run)
{
	run_wire(run, "tokenize.partial", decode);
}

static void to_base64(struct bench_run *run)
{
	run_wire(run, "q12.event", encode_base64);
}

static void from_base64(struct bench_run *run)
{
	run_wire(run, "q12.event", decode_base64);
}

const struct bench_case bench_wire_cases[] = {
	{ .name = "wire/encode_q1", .run = encode_q1 },
	{ .name = "wire/decode_q1", .run = decode_q1 },
	{ .name = "wire/encode_q12", .run = encode_q12 },
	{ .name = "wire/decode_q12", .run = decode_q12 },
	{ .name = "wire/encode_tokenize", .run = encode_tokenize },
	{ .name = "wire/decode_tokenize", .run = decode_tokenize },
	{ .name = "wire/to_base64_q12", .run = to_base64 },
	{ .name = "wire/from_base64_q12", .run = from_base64 },
	{ 0 },
};

/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_WIRE_H
#define SW_BURST_WIRE_H

#include "runtime/batch.h"
#include "runtime/kernel.h"

/*
 * The frame: one batch on its way to a function, or one answer on its way back. Little-endian,
 * versioned, CRC-32 at the end. The layout stands at the head of burst/wire.c. Decoders treat
 * every byte as hostile: any input gives a batch that is whole, or an error that names the field.
 */

SW_BEGIN_DECLS

#define SW_FRAME_VERSION   1
#define SW_FRAME_BYTES_MAX (64u << 20)

enum sw_frame_kind { SW_FRAME_REQUEST = 1, SW_FRAME_ANSWER = 2 };

/* The fixed part of a frame. An answer repeats its request's job, edge, seq and attempt. */
struct sw_frame_header {
	enum sw_frame_kind kind;
	uint32_t kernel_version;
	char kernel[SW_KERNEL_NAME_MAX + 1];
	uint64_t job;  /* random number of the run */
	uint32_t edge; /* number of the spilled edge in the run */
	uint64_t seq;  /* number of the spilled batch on the edge; job/edge/seq is the idempotency
			  key */
	uint32_t attempt;     /* 1, 2, ... */
	uint32_t rows;        /* rows of the batch in the frame */
	uint32_t op_delay_ns; /* simulated cost per event of the request's `events`; 0: none */
	uint32_t deadline_ms; /* the caller waits this long from sending; 0: no limit */
	uint32_t config_bytes;
	uint8_t config[SW_KERNEL_CONFIG_MAX];
	uint64_t number;
	int64_t arrival_ms;
	uint32_t events;
};

/* Most bytes that sw_frame_encode can need for this batch. */
SW_API size_t sw_frame_bound(const struct sw_batch *batch);

/*
 * Writes header and the batch's counted rows (a selection is compacted on the fly) into
 * buffer[0 .. capacity). header->rows, number, arrival_ms and events are taken from the batch.
 * Returns the frame's bytes, or -ENOSPC. Any thread that owns the batch; allocates nothing.
 */
SW_API SW_MUST_CHECK ptrdiff_t sw_frame_encode(const struct sw_frame_header *header,
	const struct sw_batch *batch, void *buffer, size_t capacity);

/* Reads the fixed part only (first SW_FRAME_PEEK_BYTES bytes suffice); does not check the CRC. */
#define SW_FRAME_PEEK_BYTES 256
SW_API SW_MUST_CHECK int sw_frame_peek(
	const void *frame, size_t bytes, struct sw_frame_header *header, struct sw_error *error);

/*
 * Checks the whole frame (CRC first) and appends its rows to `batch` (empty; its schema must match
 * the frame's column types one by one; dictionaries on the wire are resolved: text columns of the
 * batch must be plain). -EBADMSG: the frame is broken; -ENOSPC: its rows or text do not fit the
 * batch; -EPROTO: other version or schema. On failure the batch is empty.
 */
SW_API SW_MUST_CHECK int sw_frame_decode(const void *frame, size_t bytes,
	struct sw_frame_header *header, struct sw_batch *batch, struct sw_error *error);

SW_END_DECLS

#endif

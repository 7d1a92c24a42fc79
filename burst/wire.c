/* SPDX-License-Identifier: MIT */
/*
 * The frame. All numbers little-endian.
 *
 *   0  "SPLW"            32  edge             u32    72  config bytes       u32
 *   4  version      u8   36  kernel version   u32    76  kernel name, zeros behind it, 32 bytes
 *   5  kind         u8   40  rows             u32   108  config, its bytes
 *   6  codec (0)    u8   44  events           u32        columns, one after another
 *   7  columns      u8   48  number           u64        CRC-32 (zlib's) of all before it, u32
 *   8  frame bytes  u32  56  arrival ms       i64
 *  12  attempt      u32  64  simulated ns     u32
 *  16  job          u64  68  deadline ms      u32
 *  24  seq          u64
 *
 * A column: type u8, encoding u8, width u8, zero u8, payload bytes u32, payload:
 *   plain integers:  rows x (4 for int32, else 8) bytes; width says which
 *   narrow integers: base i64, rows x width (0, 1, 2, 4) bytes, value = base + unsigned
 *   plain text:      rows x width (1, 2, 4) bytes of lengths, then the bytes
 *   dictionary text: entries u32, entries x u16 of lengths, rows x width (1, 2) bytes of codes,
 *                    then the entries' bytes
 */
#include <errno.h>

#include <libdeflate.h>

#include "burst/wire_private.h"

static const uint8_t magic[4] = { 'S', 'P', 'L', 'W' };

size_t sw_frame_bound(const struct sw_batch *batch)
{
	size_t bytes = FRAME_FIXED_BYTES + SW_KERNEL_CONFIG_MAX + FRAME_CRC_BYTES;

	for (uint32_t i = 0; i < batch->schema->columns; i++)
		bytes += sw_frame_column_bound(batch, &batch->columns[i]);
	return bytes;
}

static void put_fixed(
	uint8_t *to, const struct sw_frame_header *header, const struct sw_batch *batch)
{
	memset(to, 0, FRAME_FIXED_BYTES);
	memcpy(to, magic, sizeof(magic));
	to[4] = SW_FRAME_VERSION;
	to[5] = (uint8_t)header->kind;
	to[7] = (uint8_t)batch->schema->columns;
	put_u32(to + 12, header->attempt);
	put_u64(to + 16, header->job);
	put_u64(to + 24, header->seq);
	put_u32(to + 32, header->edge);
	put_u32(to + 36, header->kernel_version);
	put_u32(to + 40, sw_batch_count(batch));
	put_u32(to + 44, batch->events);
	put_u64(to + 48, batch->number);
	put_u64(to + 56, (uint64_t)batch->arrival_ms);
	put_u32(to + 64, header->op_delay_ns);
	put_u32(to + 68, header->deadline_ms);
	put_u32(to + 72, header->config_bytes);
	memcpy(to + 76, header->kernel, strnlen(header->kernel, SW_KERNEL_NAME_MAX));
	memcpy(to + FRAME_FIXED_BYTES, header->config, header->config_bytes);
}

ptrdiff_t sw_frame_encode(const struct sw_frame_header *header, const struct sw_batch *batch,
	void *buffer, size_t capacity)
{
	uint8_t *frame = buffer;
	struct frame_writer out;
	size_t bytes;

	if (header->config_bytes > SW_KERNEL_CONFIG_MAX)
		return -EINVAL;
	if (capacity > SW_FRAME_BYTES_MAX)
		capacity = SW_FRAME_BYTES_MAX;
	if (capacity < (size_t)FRAME_FIXED_BYTES + header->config_bytes + FRAME_CRC_BYTES)
		return -ENOSPC;
	put_fixed(frame, header, batch);
	out.at = frame + FRAME_FIXED_BYTES + header->config_bytes;
	out.end = frame + capacity - FRAME_CRC_BYTES;
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		if (!sw_frame_put_column(&out, batch, &batch->columns[i]))
			return -ENOSPC;
	}
	bytes = (size_t)(out.at - frame) + FRAME_CRC_BYTES;
	put_u32(frame + 8, (uint32_t)bytes);
	put_u32(out.at, libdeflate_crc32(0, frame, bytes - FRAME_CRC_BYTES));
	return (ptrdiff_t)bytes;
}

void sw_frame_set_attempt(void *frame, size_t bytes, uint32_t attempt)
{
	uint8_t *at = frame;

	put_u32(at + 12, attempt);
	put_u32(at + bytes - FRAME_CRC_BYTES, libdeflate_crc32(0, frame, bytes - FRAME_CRC_BYTES));
}

int sw_frame_peek(
	const void *frame, size_t bytes, struct sw_frame_header *header, struct sw_error *error)
{
	const uint8_t *at = frame;

	memset(header, 0, sizeof(*header));
	if (bytes < FRAME_FIXED_BYTES)
		return sw_error_set(
			error, -EBADMSG, "frame: ends in its header (%zu bytes)", bytes);
	if (memcmp(at, magic, sizeof(magic)) != 0)
		return sw_error_set(error, -EBADMSG, "frame: does not begin with SPLW");
	if (at[4] != SW_FRAME_VERSION)
		return sw_error_set(error, -EPROTO, "frame: version %u: only %u is understood",
			at[4], SW_FRAME_VERSION);
	if (at[5] != SW_FRAME_REQUEST && at[5] != SW_FRAME_ANSWER)
		return sw_error_set(error, -EBADMSG, "frame: kind %u: 1 or 2", at[5]);
	if (at[6] != 0)
		return sw_error_set(error, -EPROTO, "frame: codec %u: only 0 is understood", at[6]);
	header->config_bytes = get_u32(at + 72);
	if (header->config_bytes > SW_KERNEL_CONFIG_MAX ||
		header->config_bytes > bytes - FRAME_FIXED_BYTES)
		return sw_error_set(error, -EBADMSG, "frame: config of %u bytes: at most %d",
			header->config_bytes, SW_KERNEL_CONFIG_MAX);
	if (at[76 + SW_KERNEL_NAME_MAX] != 0)
		return sw_error_set(
			error, -EBADMSG, "frame: kernel name: longer than %d", SW_KERNEL_NAME_MAX);
	header->kind = (enum sw_frame_kind)at[5];
	header->attempt = get_u32(at + 12);
	header->job = get_u64(at + 16);
	header->seq = get_u64(at + 24);
	header->edge = get_u32(at + 32);
	header->kernel_version = get_u32(at + 36);
	header->rows = get_u32(at + 40);
	header->events = get_u32(at + 44);
	header->number = get_u64(at + 48);
	header->arrival_ms = (int64_t)get_u64(at + 56);
	header->op_delay_ns = get_u32(at + 64);
	header->deadline_ms = get_u32(at + 68);
	memcpy(header->kernel, at + 76, strnlen((const char *)at + 76, SW_KERNEL_NAME_MAX));
	memcpy(header->config, at + FRAME_FIXED_BYTES, header->config_bytes);
	if (header->rows > SW_BATCH_ROWS_MAX)
		return sw_error_set(error, -EBADMSG, "frame: rows %u: at most %d", header->rows,
			SW_BATCH_ROWS_MAX);
	return 0;
}

/* The whole frame is there and unbroken. */
static int check_whole(const uint8_t *frame, size_t bytes, struct sw_error *error)
{
	uint32_t sum;

	if (bytes < FRAME_FIXED_BYTES + FRAME_CRC_BYTES || bytes > SW_FRAME_BYTES_MAX)
		return sw_error_set(error, -EBADMSG, "frame: %zu bytes: cannot be one", bytes);
	if (get_u32(frame + 8) != bytes)
		return sw_error_set(error, -EBADMSG, "frame: says it has %u bytes: has %zu",
			get_u32(frame + 8), bytes);
	sum = libdeflate_crc32(0, frame, bytes - FRAME_CRC_BYTES);
	if (get_u32(frame + bytes - FRAME_CRC_BYTES) != sum)
		return sw_error_set(error, -EBADMSG, "frame: CRC-32 is %08x: the bytes give %08x",
			get_u32(frame + bytes - FRAME_CRC_BYTES), sum);
	return 0;
}

static int get_columns(const uint8_t *frame, size_t bytes, const struct sw_frame_header *header,
	struct sw_batch *batch, struct sw_error *error)
{
	struct frame_reader in;

	if (frame[7] != batch->schema->columns)
		return sw_error_set(error, -EPROTO, "frame: %u columns: %u are expected", frame[7],
			batch->schema->columns);
	if (header->rows > batch->capacity)
		return sw_error_set(error, -ENOSPC, "frame: %u rows: the batch holds %u",
			header->rows, batch->capacity);
	in.at = frame + FRAME_FIXED_BYTES + header->config_bytes;
	in.end = frame + bytes - FRAME_CRC_BYTES;
	if (in.at > in.end)
		return sw_error_set(error, -EBADMSG, "frame: ends in its config");
	for (uint32_t i = 0; i < batch->schema->columns; i++) {
		int rc = sw_frame_get_column(&in, &batch->columns[i], header->rows, error);

		if (rc)
			return rc;
	}
	if (in.at != in.end)
		return sw_error_set(error, -EBADMSG, "frame: %zu bytes behind the last column",
			(size_t)(in.end - in.at));
	return 0;
}

int sw_frame_decode(const void *frame, size_t bytes, struct sw_frame_header *header,
	struct sw_batch *batch, struct sw_error *error)
{
	int rc = check_whole(frame, bytes, error);

	if (!rc)
		rc = sw_frame_peek(frame, bytes, header, error);
	if (!rc)
		rc = get_columns(frame, bytes, header, batch, error);
	if (rc) {
		sw_batch_reset(batch);
		return rc;
	}
	batch->rows = header->rows;
	batch->number = header->number;
	batch->arrival_ms = header->arrival_ms;
	batch->events = header->events;
	return 0;
}

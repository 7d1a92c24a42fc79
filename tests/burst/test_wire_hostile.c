/* SPDX-License-Identifier: MIT */
/* Frames whose CRC is right and whose contents are made to do harm, one way at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <libdeflate.h>

#include "burst/wire_private.h"
#include "tests/runtime/cmocka_all.h"

enum { ROWS = 40, TEXT_BYTES = 1000, FRAME_MAX = 1 << 18 };

/* A frame that is being written, and what it is decoded into. */
struct hostile {
	struct sw_batch *batch;
	uint8_t *frame;
	size_t bytes;
};

static const struct sw_schema text_schema = {
	.columns = 1,
	.fields = { { .name = "t", .type = SW_TEXT } },
};
static const struct sw_schema int64_schema = {
	.columns = 1,
	.fields = { { .name = "n", .type = SW_INT64 } },
};
static const struct sw_schema int32_schema = {
	.columns = 1,
	.fields = { { .name = "n", .type = SW_INT32 } },
};

static void put(struct hostile *hostile, const void *from, size_t bytes)
{
	assert_true(hostile->bytes + bytes <= FRAME_MAX);
	memcpy(hostile->frame + hostile->bytes, from, bytes);
	hostile->bytes += bytes;
}

/* Everything up to the payload of the only column. */
static void begin(struct hostile *hostile, const struct sw_schema *schema, uint32_t rows,
	enum frame_encoding encoding, uint8_t width, uint32_t payload)
{
	uint8_t head[FRAME_FIXED_BYTES + FRAME_COLUMN_BYTES] = "SPLW";

	head[4] = SW_FRAME_VERSION;
	head[5] = SW_FRAME_REQUEST;
	head[7] = 1;
	put_u32(head + 40, rows);
	strcpy((char *)head + 76, "k");
	head[FRAME_FIXED_BYTES] = (uint8_t)schema->fields[0].type;
	head[FRAME_FIXED_BYTES + 1] = (uint8_t)encoding;
	head[FRAME_FIXED_BYTES + 2] = width;
	put_u32(head + FRAME_FIXED_BYTES + 4, payload);
	hostile->batch = sw_batch_create(schema, ROWS, TEXT_BYTES);
	hostile->frame = malloc(FRAME_MAX);
	assert_true(hostile->batch && hostile->frame);
	hostile->bytes = 0;
	put(hostile, head, sizeof(head));
}

static void seal(struct hostile *hostile)
{
	uint8_t *end = hostile->frame + hostile->bytes - FRAME_CRC_BYTES;

	put_u32(hostile->frame + 8, (uint32_t)hostile->bytes);
	put_u32(end, libdeflate_crc32(0, hostile->frame, hostile->bytes - FRAME_CRC_BYTES));
}

/* Decodes it from memory that ends where the frame does. */
static int decode(struct hostile *hostile, struct sw_error *error)
{
	struct sw_frame_header header;
	uint8_t *copy = malloc(hostile->bytes);
	int rc;

	assert_non_null(copy);
	memcpy(copy, hostile->frame, hostile->bytes);
	rc = sw_frame_decode(copy, hostile->bytes, &header, hostile->batch, error);
	free(copy);
	return rc;
}

static void end(struct hostile *hostile, int code, const char *why)
{
	static const uint8_t crc[FRAME_CRC_BYTES] = { 0 };
	struct sw_error error = { .text = "" };

	put(hostile, crc, sizeof(crc));
	seal(hostile);
	assert_int_equal(decode(hostile, &error), code);
	if (code) {
		assert_int_equal(hostile->batch->rows, 0);
		assert_non_null(strstr(error.text, why));
	}
	sw_batch_destroy(hostile->batch);
	free(hostile->frame);
}

static void rows_without_number(void **unused)
{
	struct hostile hostile;

	(void)unused;
	begin(&hostile, &int64_schema, UINT32_MAX, FRAME_NARROW, 0, 8);
	put(&hostile, "\0\0\0\0\0\0\0", 8);
	end(&hostile, -EBADMSG, "rows 4294967295: at most 65536");
	begin(&hostile, &int64_schema, SW_BATCH_ROWS_MAX, FRAME_NARROW, 0, 8);
	put(&hostile, "\0\0\0\0\0\0\0", 8);
	end(&hostile, -ENOSPC, "65536 rows: the batch holds 40");
	/* Eight bytes are any number of rows: as many as the batch holds are none too many. */
	begin(&hostile, &int64_schema, ROWS, FRAME_NARROW, 0, 8);
	put(&hostile, "\0\0\0\0\0\0\0", 8);
	end(&hostile, 0, "");
}

/* Sums of lengths that come round to what is there. */
static void lengths_that_overflow(void **unused)
{
	static const uint8_t round[] = { 0xff, 0xff, 0xff, 0xff, 4, 0, 0, 0, 'a', 'b', 'c' };
	static const uint8_t shrinking[] = { 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 'a', 'b', 'c' };
	struct hostile hostile;

	(void)unused;
	begin(&hostile, &text_schema, 2, FRAME_PLAIN, 4, sizeof(round));
	put(&hostile, round, sizeof(round));
	end(&hostile, -EBADMSG, "row 0: too long");
	/* As decreasing offsets would. */
	begin(&hostile, &text_schema, 2, FRAME_PLAIN, 4, sizeof(shrinking));
	put(&hostile, shrinking, sizeof(shrinking));
	end(&hostile, -EBADMSG, "row 1: too long");
	begin(&hostile, &text_schema, 2, FRAME_PLAIN, 1, 5);
	put(&hostile, "\1\1abc", 5);
	end(&hostile, -EBADMSG, "bytes behind the rows");
	begin(&hostile, &text_schema, 20, FRAME_PLAIN, 4, 8);
	put(&hostile, "\0\0\0\0\0\0\0", 8);
	end(&hostile, -EBADMSG, "ends in its lengths");
	begin(&hostile, &text_schema, 1, FRAME_PLAIN, 1, UINT32_MAX);
	put(&hostile, "\1a", 2);
	end(&hostile, -EBADMSG, "ends in a column");
}

static void codes_out_of_range(void **unused)
{
	static const uint8_t narrow[] = { 2, 0, 0, 0, 1, 0, 1, 0, 0, 1, 2, 'a', 'b' };
	static const uint8_t wide[] = { 1, 0, 0, 0, 1, 0, 0xff, 0xff, 'a' };
	static const uint8_t none[] = { 0, 0, 0, 0, 0 };
	static const uint8_t entries[] = { 0xff, 0xff, 0xff, 0xff, 0, 0 };
	static const uint8_t longer[] = { 1, 0, 0, 0, 9, 0, 0, 'a' };
	struct hostile hostile;

	(void)unused;
	begin(&hostile, &text_schema, 3, FRAME_DICTIONARY, 1, sizeof(narrow));
	put(&hostile, narrow, sizeof(narrow));
	end(&hostile, -EBADMSG, "code 2 of 2");
	begin(&hostile, &text_schema, 1, FRAME_DICTIONARY, 2, sizeof(wide));
	put(&hostile, wide, sizeof(wide));
	end(&hostile, -EBADMSG, "code 65535 of 1");
	begin(&hostile, &text_schema, 1, FRAME_DICTIONARY, 1, sizeof(none));
	put(&hostile, none, sizeof(none));
	end(&hostile, -EBADMSG, "code 0 of 0");
	begin(&hostile, &text_schema, 1, FRAME_DICTIONARY, 1, sizeof(entries));
	put(&hostile, entries, sizeof(entries));
	end(&hostile, -EBADMSG, "4294967295 entries: at most 16384");
	begin(&hostile, &text_schema, 1, FRAME_DICTIONARY, 1, sizeof(longer));
	put(&hostile, longer, sizeof(longer));
	end(&hostile, -EBADMSG, "entries of 9 bytes in 1");
}

static size_t peak_rss_bytes(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return (size_t)usage.ru_maxrss * 1024;
}

/* A dictionary of one entry, which each of the rows is. */
static void same_texts(uint32_t rows, uint16_t entry_bytes, int code, const char *why)
{
	const size_t bytes = 4 + 2 + (size_t)rows + entry_bytes;
	uint8_t *payload = calloc(1, bytes);
	struct hostile hostile;

	assert_non_null(payload);
	put_u32(payload, 1);
	put_u16(payload + 4, entry_bytes);
	begin(&hostile, &text_schema, rows, FRAME_DICTIONARY, 1, (uint32_t)bytes);
	put(&hostile, payload, bytes);
	end(&hostile, code, why);
	free(payload);
}

/* Few bytes that would become many: as much memory as the batch has, and no more. */
static void bombs_do_not_go_off(void **unused)
{
	const size_t before = peak_rss_bytes();
	struct hostile hostile;

	(void)unused;
	/* Forty rows of 64 KiB; 4 GiB. */
	same_texts(ROWS, UINT16_MAX, -ENOSPC, "the batch holds 1000 bytes");
	same_texts(SW_BATCH_ROWS_MAX, UINT16_MAX, -ENOSPC, "65536 rows: the batch holds 40");
	/* The most rows, of the fewest bits. */
	for (uint32_t rows = SW_BATCH_ROWS_MAX - 1; rows <= SW_BATCH_ROWS_MAX; rows++) {
		begin(&hostile, &int64_schema, rows, FRAME_NARROW, 0, 8);
		put(&hostile, "\0\0\0\0\0\0\0", 8);
		end(&hostile, -ENOSPC, "rows: the batch holds 40");
	}
	begin(&hostile, &int64_schema, SW_BATCH_ROWS_MAX + 1, FRAME_NARROW, 0, 8);
	put(&hostile, "\0\0\0\0\0\0\0", 8);
	end(&hostile, -EBADMSG, "rows 65537: at most 65536");
	/* Lengths that are told, of what is not there: plain text, a dictionary's entries. */
	begin(&hostile, &text_schema, 1, FRAME_PLAIN, 4, UINT32_MAX);
	put(&hostile, "\xff\xff\xff\xff", 4);
	end(&hostile, -EBADMSG, "ends in a column");
	begin(&hostile, &text_schema, 1, FRAME_PLAIN, 4, 4);
	put(&hostile, "\xff\xff\xff\x7f", 4);
	end(&hostile, -EBADMSG, "row 0: too long");
	begin(&hostile, &text_schema, 1, FRAME_DICTIONARY, 2, 6);
	put(&hostile, "\0\x40\0\0\0\0", 6);
	end(&hostile, -EBADMSG, "ends in its codes");
	assert_true(peak_rss_bytes() - before < 16 << 20);
}

/* One less than the batch holds, as much, and one more: of bytes of text in either form, of rows.
 */
static void batches_hold_so_much(void **unused)
{
	struct hostile hostile;
	uint8_t payload[4 + TEXT_BYTES + 1];

	(void)unused;
	memset(payload, 'x', sizeof(payload));
	for (uint32_t bytes = TEXT_BYTES - 1; bytes <= TEXT_BYTES + 1; bytes++) {
		put_u32(payload, bytes);
		begin(&hostile, &text_schema, 1, FRAME_PLAIN, 4, 4 + bytes);
		put(&hostile, payload, 4 + bytes);
		end(&hostile, bytes > TEXT_BYTES ? -ENOSPC : 0, "the batch holds 1000 bytes");
	}
	same_texts(3, TEXT_BYTES / 3, 0, "");
	same_texts(4, TEXT_BYTES / 4, 0, "");
	same_texts(7, (TEXT_BYTES + 1) / 7, -ENOSPC, "the batch holds 1000 bytes");
	for (uint32_t rows = ROWS - 1; rows <= ROWS + 1; rows++) {
		begin(&hostile, &int64_schema, rows, FRAME_NARROW, 0, 8);
		put(&hostile, "\0\0\0\0\0\0\0", 8);
		end(&hostile, rows > ROWS ? -ENOSPC : 0, "41 rows: the batch holds 40");
	}
}

/* What is longer is not looked at, whatever its sum. */
static void frames_have_a_limit(void **unused)
{
	static const uint8_t head[] = { 'S', 'P', 'L', 'W', SW_FRAME_VERSION, SW_FRAME_REQUEST };

	(void)unused;
	for (size_t bytes = SW_FRAME_BYTES_MAX - 1; bytes <= SW_FRAME_BYTES_MAX + 1; bytes++) {
		struct sw_batch *batch = sw_batch_create(&int64_schema, ROWS, 0);
		uint8_t *frame = calloc(1, bytes);
		struct sw_frame_header header;
		struct sw_error error = { .text = "" };

		assert_true(batch && frame);
		memcpy(frame, head, sizeof(head));
		put_u32(frame + 8, (uint32_t)bytes);
		assert_int_equal(sw_frame_decode(frame, bytes, &header, batch, &error), -EBADMSG);
		assert_non_null(strstr(error.text, bytes > SW_FRAME_BYTES_MAX
							   ? "67108865 bytes: cannot be one"
							   : "CRC-32 is 00000000"));
		free(frame);
		sw_batch_destroy(batch);
	}
}

static void narrow_integer(
	const struct sw_schema *schema, int64_t base, uint8_t width, uint32_t value, int code)
{
	struct hostile hostile;
	uint8_t payload[12];

	put_u64(payload, (uint64_t)base);
	put_u32(payload + 8, value);
	begin(&hostile, schema, 1, FRAME_NARROW, width, 8 + (uint32_t)width);
	put(&hostile, payload, 8 + (size_t)width);
	end(&hostile, code, "a value is out of range");
}

/* They would come out as others. */
static void integers_out_of_range(void **unused)
{
	(void)unused;
	narrow_integer(&int32_schema, (int64_t)INT32_MAX + 1, 0, 0, -EBADMSG);
	narrow_integer(&int32_schema, (int64_t)INT32_MIN - 1, 4, 1, -EBADMSG);
	narrow_integer(&int32_schema, INT32_MAX, 0, 0, 0);
	narrow_integer(&int32_schema, INT32_MIN, 4, UINT32_MAX, 0);
	for (uint8_t width = 1; width <= 4; width *= 2) {
		narrow_integer(&int32_schema, INT32_MAX - 7, width, 7, 0);
		narrow_integer(&int32_schema, INT32_MAX - 7, width, 8, -EBADMSG);
		narrow_integer(&int64_schema, INT64_MAX - 7, width, 7, 0);
		narrow_integer(&int64_schema, INT64_MAX - 7, width, 8, -EBADMSG);
	}
	narrow_integer(&int64_schema, INT64_MIN, 4, UINT32_MAX, 0);
}

/* One field of a good frame's head is changed. */
static void change(size_t at, uint8_t value, int code, const char *why)
{
	struct hostile hostile;

	begin(&hostile, &int64_schema, 1, FRAME_NARROW, 0, 8);
	put(&hostile, "\0\0\0\0\0\0\0", 8);
	hostile.frame[at] = value;
	end(&hostile, code, why);
}

static void heads_are_checked(void **unused)
{
	(void)unused;
	change(0, 'S', 0, "");
	change(0, 'X', -EBADMSG, "does not begin with SPLW");
	change(4, 2, -EPROTO, "version 2");
	change(5, 3, -EBADMSG, "kind 3");
	change(6, 9, -EPROTO, "codec 9");
	change(7, 2, -EPROTO, "2 columns: 1 are expected");
	change(7, 0, -EPROTO, "0 columns");
	change(72, 65, -EBADMSG, "config of 65 bytes");
	change(75, 0xff, -EBADMSG, "config of 4278190080 bytes");
	change(107, 'x', -EBADMSG, "kernel name");
	change(FRAME_FIXED_BYTES, SW_TEXT, -EPROTO, "column of type 4: 0 is expected");
	change(FRAME_FIXED_BYTES + 1, FRAME_DICTIONARY, -EBADMSG, "encoding 2");
	change(FRAME_FIXED_BYTES + 2, 3, -EBADMSG, "narrow column: wrong size");
	change(FRAME_FIXED_BYTES + 4, 7, -EBADMSG, "narrow column: wrong size");
	/* The config takes what was the column's. */
	change(72, 16, -EBADMSG, "ends in a column's head");
}

/* What is behind the name's end is not part of it. */
static void names_end(void **unused)
{
	struct sw_frame_header header;
	struct hostile hostile;

	(void)unused;
	begin(&hostile, &int64_schema, 1, FRAME_NARROW, 0, 8);
	hostile.frame[90] = 'x';
	assert_int_equal(sw_frame_peek(hostile.frame, hostile.bytes, &header, NULL), 0);
	for (size_t i = 1; i < sizeof(header.kernel); i++)
		assert_int_equal(header.kernel[i], 0);
	sw_batch_destroy(hostile.batch);
	free(hostile.frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_without_number),
		cmocka_unit_test(lengths_that_overflow),
		cmocka_unit_test(codes_out_of_range),
		cmocka_unit_test(bombs_do_not_go_off),
		cmocka_unit_test(batches_hold_so_much),
		cmocka_unit_test(frames_have_a_limit),
		cmocka_unit_test(integers_out_of_range),
		cmocka_unit_test(heads_are_checked),
		cmocka_unit_test(names_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

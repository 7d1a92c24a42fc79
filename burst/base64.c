/* SPDX-License-Identifier: MIT */
#include "burst/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* High bit set: not a digit, so that one test covers four characters. */
#define BAD 0xff

static const uint8_t values[256] = {
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	0x3e,
	BAD,
	BAD,
	BAD,
	0x3f,
	0x34,
	0x35,
	0x36,
	0x37,
	0x38,
	0x39,
	0x3a,
	0x3b,
	0x3c,
	0x3d,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	0x00,
	0x01,
	0x02,
	0x03,
	0x04,
	0x05,
	0x06,
	0x07,
	0x08,
	0x09,
	0x0a,
	0x0b,
	0x0c,
	0x0d,
	0x0e,
	0x0f,
	0x10,
	0x11,
	0x12,
	0x13,
	0x14,
	0x15,
	0x16,
	0x17,
	0x18,
	0x19,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	0x1a,
	0x1b,
	0x1c,
	0x1d,
	0x1e,
	0x1f,
	0x20,
	0x21,
	0x22,
	0x23,
	0x24,
	0x25,
	0x26,
	0x27,
	0x28,
	0x29,
	0x2a,
	0x2b,
	0x2c,
	0x2d,
	0x2e,
	0x2f,
	0x30,
	0x31,
	0x32,
	0x33,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
	BAD,
};

size_t sw_base64_encode(const void *from, size_t bytes, char *to)
{
	const uint8_t *in = from;
	char *out = to;

	for (; bytes >= 3; bytes -= 3, in += 3, out += 4) {
		const uint32_t three = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

		out[0] = digits[three >> 18];
		out[1] = digits[three >> 12 & 63];
		out[2] = digits[three >> 6 & 63];
		out[3] = digits[three & 63];
	}
	if (bytes > 0) {
		const uint32_t three =
			(uint32_t)in[0] << 16 | (bytes > 1 ? (uint32_t)in[1] << 8 : 0);

		out[0] = digits[three >> 18];
		out[1] = digits[three >> 12 & 63];
		out[2] = bytes > 1 ? digits[three >> 6 & 63] : '=';
		out[3] = '=';
		out += 4;
	}
	return (size_t)(out - to);
}

/* The last four characters: one or two may be padding, whose unused bits are zero. */
static int decode_last(const uint8_t *in, uint8_t *out)
{
	const bool one = in[2] == '=' && in[3] == '=';
	const bool two = !one && in[3] == '=';
	const uint8_t a = values[in[0]], b = values[in[1]];
	const uint8_t c = one ? 0 : values[in[2]], d = one || two ? 0 : values[in[3]];

	if ((a | b | c | d) & 0x80)
		return -EBADMSG;
	if ((one && (b & 15)) || (two && (c & 3)))
		return -EBADMSG;
	out[0] = (uint8_t)(a << 2 | b >> 4);
	if (!one)
		out[1] = (uint8_t)(b << 4 | c >> 2);
	if (!one && !two)
		out[2] = (uint8_t)(c << 6 | d);
	return one ? 1 : two ? 2 : 3;
}

ptrdiff_t sw_base64_decode(const char *from, size_t characters, void *to)
{
	const uint8_t *in = (const uint8_t *)from;
	uint8_t *out = to;
	uint8_t last[3];
	int tail;

	if (characters == 0)
		return 0;
	if (characters % 4 != 0)
		return -EBADMSG;
	for (; characters > 4; characters -= 4, in += 4, out += 3) {
		const uint8_t a = values[in[0]], b = values[in[1]];
		const uint8_t c = values[in[2]], d = values[in[3]];

		if ((a | b | c | d) & 0x80)
			return -EBADMSG;
		out[0] = (uint8_t)(a << 2 | b >> 4);
		out[1] = (uint8_t)(b << 4 | c >> 2);
		out[2] = (uint8_t)(c << 6 | d);
	}
	tail = decode_last(in, last);
	if (tail < 0)
		return -EBADMSG;
	for (int i = 0; i < tail; i++)
		*out++ = last[i];
	return out - (uint8_t *)to;
}

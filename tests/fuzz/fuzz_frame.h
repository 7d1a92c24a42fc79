/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_FUZZ_FRAME_H
#define SW_TESTS_FUZZ_FRAME_H

/* Shared by the parts of the target "frame": fuzz_frame.c (decoder), fuzz_frame_event.c (the
 * function's side of a request), fuzz_frame_answer.c (the I/O thread's side of an answer).
 *
 * An input is a byte that says what it is for, a byte with details, and a frame. */

#include "burst/wire_private.h"
#include "tests/fuzz/fuzz.h"

enum {
	FUZZ_SEALED = 0x80, /* of the first byte: leave length, CRC and ids as they are */
	FUZZ_TEXT_BYTES = 300,
	FUZZ_SCHEMAS = 4,
};

extern const struct sw_schema fuzz_schemas[FUZZ_SCHEMAS];
/* "text", "numbers" and "double", which makes every row two. */
extern const struct sw_kernel fuzz_kernels[3];

/* Makes length and CRC right; frames too short to have any stay as they are. */
void fuzz_seal(uint8_t *frame, size_t bytes);

/* {"frame": "..."} in one of eight ways. *bytes is its size; to be freed. */
char *fuzz_envelope(const uint8_t *frame, size_t frame_bytes, uint8_t way, size_t *bytes);

void fuzz_event(uint8_t details, uint8_t *frame, size_t bytes);
void fuzz_answer(uint8_t details, uint8_t *frame, size_t bytes, bool as_it_is);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_FUZZ_HTTP_H
#define SW_TESTS_FUZZ_HTTP_H

/* Shared by the parts of the target "http": fuzz_http.c (answers, and what their bodies are),
 * fuzz_http_request.c (what lambda-local reads), fuzz_http_keys.c (signatures and credentials).
 *
 * An input is a byte that says what it is for, a byte with details, and text. */

#include "tests/fuzz/fuzz.h"

void fuzz_request(uint8_t details, struct fuzz_input input);
void fuzz_signature(uint8_t details, struct fuzz_input input);
void fuzz_credentials_json(struct fuzz_input input);
void fuzz_credentials_file(struct fuzz_input input);

/* Write the rest of a sample from data[used] on; return where it ends. */
size_t fuzz_signature_sample(uint8_t *data, size_t used, size_t max);

/* As a string. To be freed. */
char *fuzz_text(struct fuzz_input input);

#endif

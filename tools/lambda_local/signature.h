/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_SIGNATURE_H
#define SW_LAMBDA_LOCAL_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "runtime/api.h"

/* Checks requests' signatures (AWS Signature Version 4, in the Authorization header) as the real
 * service does, against keys from a file like ~/.aws/credentials. */

struct ll_signatures;

/* -EINVAL: the file's form, or there are no keys in it; -errno of the file. */
int ll_signatures_open(struct ll_signatures **signatures, const char *path, struct sw_error *error);
void ll_signatures_close(struct ll_signatures *signatures);

/* As it came in; borrowed. */
struct ll_signed_request {
	const char *method, *target, *authority;
	const char *service; /* that it must be signed for */
	const char *headers; /* NAME\0VALUE\0 again and again, names in lower case */
	size_t headers_bytes;
	const void *body;
	size_t body_bytes;
};

struct ll_refusal {
	const char *type;  /* the error's name, static */
	char message[640]; /* fit to be put into a JSON text */
};

/* True: it is well signed. */
bool ll_signature_check(const struct ll_signatures *signatures,
	const struct ll_signed_request *request, time_t now, struct ll_refusal *refusal);

#endif

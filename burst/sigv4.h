/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_SIGV4_H
#define SW_BURST_SIGV4_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "runtime/api.h"

/*
 * AWS Signature Version 4 in the Authorization header, for requests to any service but S3 (which
 * reads paths differently). Pure: any thread. Source: AWS's Reference, "Signature Version 4 signing
 * process".
 */

enum {
	SW_SIGV4_HEADERS_MAX = 64,
	SW_SIGV4_PARAMETERS_MAX = 64, /* of the query */
	SW_SIGV4_TARGET_MAX = 4096,   /* bytes of path and query */
	SW_SIGV4_REGION_BYTES = 64,
	SW_SIGV4_SERVICE_BYTES = 32,
	SW_SIGV4_TIME_BYTES = 17,      /* 20150830T123600Z and its zero */
	SW_SIGV4_SIGNATURE_BYTES = 65, /* in hexadecimal, and its zero */
};

/* A secret narrowed to a day, a region and a service; itself a secret. */
struct sw_sigv4_key {
	char date[9]; /* 20150830 */
	char region[SW_SIGV4_REGION_BYTES], service[SW_SIGV4_SERVICE_BYTES];
	unsigned char bytes[32];
};

struct sw_sigv4_header {
	const char *name, *value;
};

/* Borrowed while a call lasts. */
struct sw_sigv4_request {
	const char *method;
	const char *target; /* path and query, percent-encoded as they are sent */
	/* Those to sign: host and x-amz-date at least. In any order; names in any case. */
	const struct sw_sigv4_header *headers;
	uint32_t header_count;
	const void *body;
	size_t body_bytes;
};

void sw_sigv4_time(time_t at, char text[SW_SIGV4_TIME_BYTES]);
/* -EINVAL: not such a time. */
SW_MUST_CHECK int sw_sigv4_time_parse(const char *text, time_t *at);

/* Of the day that `time` is in. -ENAMETOOLONG: region or service; -EIO: OpenSSL fails. */
SW_MUST_CHECK int sw_sigv4_derive(struct sw_sigv4_key *key, const char *secret, const char *time,
	const char *region, const char *service);

/* -E2BIG: more than the maxima above; -EINVAL: the query's percent-encoding; -ENOMEM; -EIO. */
SW_MUST_CHECK int sw_sigv4_signature(const struct sw_sigv4_key *key,
	const struct sw_sigv4_request *request, const char *time,
	char signature[SW_SIGV4_SIGNATURE_BYTES]);

/* The value of the Authorization header. As sw_sigv4_signature; -ENOSPC: it does not fit. */
SW_MUST_CHECK int sw_sigv4_authorization(const struct sw_sigv4_key *key, const char *access_key,
	const struct sw_sigv4_request *request, const char *time, char *text, size_t text_bytes);

#endif

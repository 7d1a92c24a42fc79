/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_AWS_HOST_H
#define SW_BURST_AWS_HOST_H

#include <stdbool.h>

#include "burst/sigv4.h"

/* What a host's name at AWS tells: "lambda.eu-west-1.amazonaws.com", "ID.lambda-url.REGION.on.aws",
 * "ID.execute-api.REGION.amazonaws.com", endpoints of a VPC, FIPS and dual-stack ones. */
struct aws_host {
	bool is_aws;
	bool takes_http; /* a Function URL or an API: its path is the caller's, not a service's */
	char service[SW_SIGV4_SERVICE_BYTES]; /* "lambda" where it tells none */
	char region[SW_SIGV4_REGION_BYTES];   /* empty: it tells none */
};

void aws_host_parse(const char *host, struct aws_host *parsed);

#endif

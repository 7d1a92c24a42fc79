/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_RUNTIME_API_H
#define SW_LAMBDA_LOCAL_RUNTIME_API_H

#include "tools/lambda_local/environment.h"

/*
 * The Lambda Runtime API, version 2018-06-01, as a function's process sees it: HTTP/1.1 on
 * loopback, keep-alive, bodies with a length or chunked.
 */

/* Listens on a free port of loopback for the environment's process. */
int ll_api_listen(struct ll_environment *environment);

/* Sends the environment's invocation to the connection that waits for it. */
void ll_api_deliver(struct ll_environment *environment);

/* Closes the environment's connections. */
void ll_api_close(struct ll_environment *environment);

#endif

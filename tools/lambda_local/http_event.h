/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_HTTP_EVENT_H
#define SW_LAMBDA_LOCAL_HTTP_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/lambda_local/payload.h"

/* Functions that are called by plain HTTP: requests as events of format 2.0, and answers back. */

/* Whose rules a call goes by. */
enum ll_kind {
	LL_INVOKE,  /* the Invoke API */
	LL_URL,     /* a Function URL: /url/NAME stands for its host */
	LL_GATEWAY, /* an HTTP API: /api stands for its host, and /NAME is a route */
};

struct ll_http_path {
	enum ll_kind kind;
	char function[65];
	char path[640];    /* as the function is told */
	const char *query; /* borrowed; empty: none */
};

/* False: neither /url/NAME nor /api/NAME, with more behind it or not. */
bool ll_http_path_parse(struct ll_http_path *parsed, const char *path);
/* Whether it begins like one. */
bool ll_http_path_is(const char *path);

/* All borrowed. */
struct ll_http_request {
	const struct ll_http_path *path;
	const char *method, *authority, *source_ip;
	const struct ll_bytes *headers; /* NAME\0VALUE\0 again and again, names in lower case */
	const struct ll_bytes *body;
};

/* Appends the event to one that is empty. -ENOMEM; -EINVAL: what comes as text is none. */
int ll_http_event(struct ll_bytes *event, const struct ll_http_request *request, const char *id);

/*
 * From what a function has answered to the body that the caller gets, in place; *headers, empty,
 * gets its headers like those of a request. -EINVAL: the function has answered badly.
 */
int ll_http_answer(struct ll_bytes *answer, int *status, struct ll_bytes *headers);

#endif

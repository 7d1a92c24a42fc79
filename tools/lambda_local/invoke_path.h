/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_INVOKE_PATH_H
#define SW_LAMBDA_LOCAL_INVOKE_PATH_H

#include <stdbool.h>

/* The path of the Invoke API, /2015-03-31/functions/NAME/invocations?Qualifier=Q, taken apart. NAME
 * may be an ARN, a part of one, and may end in :Q. */
struct ll_invoke_path {
	char function[171], qualifier[129]; /* of harmless characters only; empty: none */
};

enum ll_path { LL_PATH_INVOKE, LL_PATH_UNKNOWN, LL_PATH_BAD_NAME };

enum ll_path ll_invoke_path_parse(struct ll_invoke_path *parsed, const char *path);

#endif

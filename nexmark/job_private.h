/* SPDX-License-Identifier: MIT */
#ifndef SW_NEXMARK_JOB_PRIVATE_H
#define SW_NEXMARK_JOB_PRIVATE_H

#include "nexmark/query_private.h"

/* query.c */

const struct query *query_find(const char *name); /* null: unknown */
/* Do the options go together? 0, or -EINVAL with a message. */
int query_check(const struct sw_nexmark_job_options *options, struct sw_error *error);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_SERVER_H
#define SW_LAMBDA_LOCAL_SERVER_H

#include "tools/lambda_local/environment.h"
#include "tools/lambda_local/ledger.h"
#include "tools/lambda_local/loop.h"
#include "tools/lambda_local/options.h"

struct ll_signatures;

/* The whole program; everything points back at it, all of it on the one thread. */
struct ll_server {
	struct ll_options options;
	struct ll_loop loop;
	struct ll_ledger ledger;
	struct ll_function functions[LL_FUNCTIONS_MAX];
	uint32_t function_count;
	struct ll_signatures *signatures;    /* null: they are not looked at */
	struct ll_environment *environments; /* all, until they are collected */
	uint32_t environments_made;          /* numbers them */
	uint64_t invocations; /* that may get a fault, so far: the next one's number */
	uint64_t ids;         /* of requests: counter and random start */
	uint64_t id_key;
	/* Payload bytes held for requests and answers; refused beyond LL_HELD_BYTES_MAX. */
	uint64_t held_bytes;
};

#define LL_HELD_BYTES_MAX (1ull << 30)

#endif

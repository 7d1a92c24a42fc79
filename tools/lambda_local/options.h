/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_OPTIONS_H
#define SW_LAMBDA_LOCAL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "runtime/api.h"
#include "tools/lambda_local/faults.h"

#define LL_FUNCTIONS_MAX   16
#define LL_CONCURRENCY_MAX 1000

struct ll_options {
	char host[256];
	char port[6];
	const char *ca_out; /* null: written nowhere */
	const char *ledger; /* null: none */
	const char *keys;   /* null: requests need no signature */
	bool check;         /* nothing but look at them */
	uint32_t functions;
	struct {
		char name[65];
		const char *command;
	} function[LL_FUNCTIONS_MAX];
	uint32_t concurrency; /* environments of each function */
	uint32_t cold_start_ms;
	uint32_t rtt_ms;
	uint32_t timeout_ms;
	uint32_t api_timeout_ms; /* of an HTTP API's caller */
	uint64_t seed;
	struct ll_fault_plan faults;
};

/*
 * Reads the command line; strings are borrowed from argv. 0; 1 when --help was printed, or they are
 * good and --check was all; -EINVAL with the message in *error.
 */
int ll_options_parse(
	struct ll_options *options, int argc, char **argv, FILE *help, struct sw_error *error);

#endif

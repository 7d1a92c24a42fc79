/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_LAMBDA_PROCESS_H
#define SW_TOOLS_SPILLWAY_LAMBDA_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/api.h"

/* A lambda-local of this run's own: started for it, ended with it. */

#define LAMBDA_FUNCTION "spillway"

struct lambda_process {
	pid_t pid; /* 0: none */
	int output;
	char url[160];   /* of the Invoke API, or the function's own */
	char folder[64]; /* temporary, holds the CA's certificate */
	char ca[96];
};

/* Would it take these options? -EINVAL, -E2BIG: no, and why. Only what keeps it from looking at
 * them is left to lambda_process_start. */
int lambda_process_check(const char *options, struct sw_error *error);

/*
 * Starts the lambda-local that lies beside this program, with the C function, and waits until it
 * listens. options: more of its options: either as on its own command line, by blanks
 * ("--concurrency 8 --rtt-ms 5"), or by commas without the dashes ("concurrency=8,rtt-ms=5"), where
 * a part without "=" goes on with the one before ("faults=error:0.1,kill:0.05"). function_url:
 * the URL is to be the function's own. 0 or -errno with the reason.
 */
int lambda_process_start(struct lambda_process *process, const char *options, bool function_url,
	struct sw_error *error);

/* Ends it and waits for that; its ledger is complete afterwards. Nothing when it does not run. */
void lambda_process_end(struct lambda_process *process);

#endif

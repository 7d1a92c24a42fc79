/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_LEDGER_H
#define SW_LAMBDA_LOCAL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/api.h"
#include "tools/lambda_local/loop.h"
#include "tools/lambda_local/payload.h"

enum ll_outcome {
	LL_OK,
	LL_ERROR,
	LL_TIMEOUT,
	LL_KILLED,
	LL_RESET,
	LL_CORRUPT,
};

/* One execution of a function, as the ledger tells it. */
struct ll_execution {
	struct ll_work work;
	const char *function;
	uint32_t environment;
	uint64_t start_us, end_us; /* since 1970 */
	bool cold;
	enum ll_outcome outcome;
};

/* Lines are gathered and written together within 50 ms. */
struct ll_ledger {
	struct ll_loop *loop;
	struct ll_timer timer;
	const char *path;
	int fd;     /* -1: there is no ledger */
	int failed; /* -errno of the first failed write; later lines are dropped */
	uint32_t used;
	char lines[64 << 10];
};

/* path null: none. */
int ll_ledger_open(
	struct ll_ledger *ledger, struct ll_loop *loop, const char *path, struct sw_error *error);
void ll_ledger_add(struct ll_ledger *ledger, const struct ll_execution *execution);
/* Writes what is left. Returns the first failure of any write. */
int ll_ledger_close(struct ll_ledger *ledger, struct sw_error *error);

#endif

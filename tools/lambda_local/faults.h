/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_FAULTS_H
#define SW_LAMBDA_LOCAL_FAULTS_H

#include <stdint.h>

#include "runtime/api.h"

/* What can be made to go wrong with an invocation. */
enum ll_fault {
	LL_FAULT_NONE,
	LL_FAULT_ERROR,    /* the function runs, and its answer becomes an error */
	LL_FAULT_TIMEOUT,  /* the function runs, its answer is lost; the stream is reset later */
	LL_FAULT_TRUNCATE, /* the answer ends before its content-length */
	LL_FAULT_CORRUPT,  /* one character of the frame in the answer is another */
	LL_FAULT_KILL,     /* the function's process is killed once it has the event */
	LL_FAULT_RESET,    /* the function runs, and the connection is reset instead of an answer */
	LL_FAULT_THROTTLE, /* 429 without running */
	LL_FAULT_DUPLICATE, /* the function runs once more after it has answered */
	LL_FAULT_SLOW,      /* takes ten times as long, and at least 500 ms more */
	LL_FAULTS
};

/* Which share of invocations gets which fault. */
struct ll_fault_plan {
	uint64_t below[LL_FAULTS]; /* fault f when below[f - 1] <= draw < below[f], of 2^63 */
};

/* Reads "kind:share,..." where the shares add up to at most 1. -EINVAL with a message. */
int ll_faults_parse(struct ll_fault_plan *plan, const char *spec, struct sw_error *error);

/* The fault of the number-th invocation (from 0): the same for the same seed and number. */
enum ll_fault ll_faults_draw(const struct ll_fault_plan *plan, uint64_t seed, uint64_t number);

/* Repeatable bits for an invocation, e.g. where to flip a character. */
uint64_t ll_faults_bits(uint64_t seed, uint64_t number);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_NUMA_GUEST_H
#define SW_TESTS_NUMA_GUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Counts and prints a check: "ok: what" or "not ok: what". Any thread. */
void check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Is every page of [start, start + bytes) that is there on this node? Says how many are elsewhere.
 */
bool memory_is_on(const void *start, size_t bytes, int node);

/* A graph on `workers` workers: places, state and batches are where its plan says. */
void check_graph(unsigned workers);

#endif

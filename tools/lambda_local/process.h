/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_PROCESS_H
#define SW_LAMBDA_LOCAL_PROCESS_H

struct ll_environment;

/*
 * Starts the environment's function command (a program's path, or a shell command) in a process
 * group of its own, with the real service's environment variables. Its standard output goes to
 * standard error (lambda-local's own carries the URL alone); it dies with lambda-local. Returns its
 * pid, or -errno.
 */
int ll_process_start(const struct ll_environment *environment);

#endif

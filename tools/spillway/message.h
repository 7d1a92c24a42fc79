/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_SPILLWAY_MESSAGE_H
#define SW_TOOLS_SPILLWAY_MESSAGE_H

/* What the command tells people, and with which code it ends. */

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,       /* the run failed */
	EXIT_USAGE = 2,        /* the command line was wrong; nothing was started or written */
	EXIT_INTERRUPTED = 130 /* what is there so far is whole */
};

/* "spillway: what: which thing: why (limit or hint)" to standard error; returns code. */
int say(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A log callback of the libraries: a warning. */
void say_warning(void *context, const char *text);

#endif

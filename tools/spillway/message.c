/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/spillway/message.h"

/* One write per message, so that threads' messages and the progress line do not mix. A terminal's
 * current line is cleared first: the progress line may stand there. */
static void put(const char *text)
{
	fprintf(stderr, "%sspillway: %s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
	fflush(stderr);
}

int say(int code, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(text);
	return code;
}

void say_warning(void *context, const char *text)
{
	char line[1024];

	(void)context;
	snprintf(line, sizeof(line), "warning: %s", text);
	put(line);
}

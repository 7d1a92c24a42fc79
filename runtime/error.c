/* SPDX-License-Identifier: MIT */
/* Error details and the library's version. */

#include "runtime/api.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* The build gives the project's version; a compiler run by hand needs some. */
#ifndef SW_VERSION
#define SW_VERSION "0.1.0"
#endif

int sw_error_set(struct sw_error *error, int code, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	if (!error)
		return code;
	error->code = code;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	errno = saved;
	return code;
}

const char *sw_version(void)
{
	return SW_VERSION;
}

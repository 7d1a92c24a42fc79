/* SPDX-License-Identifier: MIT */
#ifndef SW_TOOLS_CHECK_ANALYZER_H
#define SW_TOOLS_CHECK_ANALYZER_H

/*
 * Included before everything else when clang-tidy looks: it sees one file at a time, and would not
 * know that these return the code that they are given.
 */

#include "runtime/operator.h"

#define sw_error_set(error, code, ...)    ((void)(error), (code))
#define sw_instance_fail(self, code, ...) ((void)(self), (code))

#endif

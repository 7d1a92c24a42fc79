# SPDX-License-Identifier: MIT

# A script: writes OUTPUT for SOURCE, COMPILER and FLAGS. Outside a checkout, or without git, the revision is unknown.

find_program(git git)
set(revision "unknown")
if(git)
	execute_process(
		COMMAND ${git} -c safe.directory=* -C ${SOURCE} rev-parse --show-toplevel
		OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
	# A copy unpacked inside somebody else's checkout has no revision of its own.
	if(top STREQUAL SOURCE)
		execute_process(
			COMMAND ${git} -c safe.directory=* -C ${SOURCE} describe --always --dirty --abbrev=12
			RESULT_VARIABLE failed OUTPUT_VARIABLE described
			OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
		if(NOT failed)
			set(revision "${described}")
		endif()
	endif()
endif()

string(CONFIGURE [=[
/* SPDX-License-Identifier: MIT */
/* Made by cmake/write_revision.cmake. */
#ifndef SW_REVISION_H
#define SW_REVISION_H

#define SW_REVISION "@revision@"
#define SW_COMPILER "@COMPILER@"
#define SW_FLAGS    "@FLAGS@"

#endif
]=] text @ONLY)
set(old "")
if(EXISTS ${OUTPUT})
	file(READ ${OUTPUT} old)
endif()
if(NOT text STREQUAL old)
	file(WRITE ${OUTPUT} "${text}")
endif()

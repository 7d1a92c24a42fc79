/* SPDX-License-Identifier: MIT */
#ifndef SW_TESTS_FUZZ_FILE_H
#define SW_TESTS_FUZZ_FILE_H

#include "tests/fuzz/fuzz.h"

/* A file that is an input: whatever is opened below this folder. sw_fuzz_file (CMakeLists.txt) puts
 * it in the place of open, read and close. */

#define FUZZ_FOLDER "/a folder that is not there"

struct fuzz_file {
	struct fuzz_input input; /* what has not been read yet */
	uint8_t step;            /* bytes that a read gives at most; 0: all that are left */
};

extern struct fuzz_file fuzz_file;

#endif

/* SPDX-License-Identifier: MIT */
#include "burst/secret.h"

#include <string.h>
#include <sys/mman.h>

void *sw_secret_alloc(size_t bytes)
{
	void *secret =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED)
		return NULL;
	/* A kernel that cannot leave it out has it in its dumps. */
	(void)madvise(secret, bytes, MADV_DONTDUMP);
	return secret;
}

void sw_secret_free(void *secret, size_t bytes)
{
	if (!secret)
		return;
	explicit_bzero(secret, bytes);
	munmap(secret, bytes);
}

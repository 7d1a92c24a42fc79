/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_SECRET_H
#define SW_BURST_SECRET_H

#include <stddef.h>

/*
 * Memory for secrets: pages of their own, zero, left out of core dumps, wiped when they are freed.
 * What libraries copy on their way (libcurl's buffers) is not covered.
 */

void *sw_secret_alloc(size_t bytes); /* null: memory is out */
/* As many bytes as were asked for. Null is fine. */
void sw_secret_free(void *secret, size_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_FUNCTIONS_DIALBACK_LINK_H
#define SW_FUNCTIONS_DIALBACK_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/api.h"

/* A TLS connection to whoever has a certificate, by its fingerprint. Blocking, one thread. */

#define DIALBACK_PRINT_BYTES 32 /* SHA-256 */

struct dialback_link;

/* timeout_ms: of connecting, and later of each read or write that was begun. */
SW_MUST_CHECK int dialback_link_open(const char *host, const char *port,
	const uint8_t print[DIALBACK_PRINT_BYTES], int timeout_ms, struct dialback_link **link,
	struct sw_error *error);
void dialback_link_close(struct dialback_link *link); /* null is fine */

/* All of it; 0 or -errno, -ECONNRESET where the other side has gone. */
SW_MUST_CHECK int dialback_link_write(struct dialback_link *link, const void *from, size_t bytes);
SW_MUST_CHECK int dialback_link_read(struct dialback_link *link, void *to, size_t bytes);
/* 1: something can be read; 0: nothing came within timeout_ms; or -errno. */
SW_MUST_CHECK int dialback_link_wait(struct dialback_link *link, int timeout_ms);

#endif

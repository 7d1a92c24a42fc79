/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_BASE64_H
#define SW_BURST_BASE64_H

#include <stddef.h>

#include "runtime/api.h"

SW_BEGIN_DECLS

/* Base64 with padding (RFC 4648, section 4), for frames inside JSON. Any thread. */

static inline size_t sw_base64_bytes(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

/* Writes sw_base64_bytes(bytes) characters, no end mark; returns how many. */
SW_API size_t sw_base64_encode(const void *from, size_t bytes, char *to);

/*
 * Decodes `characters` characters. `to` has room for characters / 4 * 3 bytes, and may be the place
 * of the text itself. Returns the bytes, or -EBADMSG for anything but whole, padded Base64.
 */
SW_API SW_MUST_CHECK ptrdiff_t sw_base64_decode(const char *from, size_t characters, void *to);

SW_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
#ifndef SW_LAMBDA_LOCAL_TLS_H
#define SW_LAMBDA_LOCAL_TLS_H

#include <openssl/ssl.h>

#include "runtime/api.h"

/*
 * A server context with a certificate for localhost, 127.0.0.1, ::1 and `host`, signed by a
 * certificate authority that is made here and whose key is forgotten at once. The authority's
 * certificate is written to ca_out (PEM; null: nowhere). TLS 1.2 or newer, ALPN h2 required.
 * Returns 0, or -errno with a message.
 */
int ll_tls_create(SSL_CTX **context, const char *host, const char *ca_out, struct sw_error *error);

#endif

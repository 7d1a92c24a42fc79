/* SPDX-License-Identifier: MIT */
#ifndef SW_BURST_ENDPOINT_H
#define SW_BURST_ENDPOINT_H

#include <stddef.h>

#include "burst/burst.h"
#include "runtime/api.h"

/* What an endpoint's URL tells: how batches are put to it, and how large they may be. */
struct endpoint {
	enum sw_burst_contract contract; /* never AUTO */
	size_t root_bytes;               /* of the URL, "https://HOST[:PORT]" */
	size_t url_bytes;                /* for INVOKE without the slashes at its end */
	size_t request_max;              /* bytes of a request's body; 0: no limit is known */
};

/* -EINVAL: no https:// address, or one that does not go with the contract. */
SW_MUST_CHECK int endpoint_parse(const char *url, enum sw_burst_contract contract,
	struct endpoint *endpoint, struct sw_error *error);

/* "invoke" or "http". */
const char *endpoint_contract_name(const struct endpoint *endpoint);

#endif
